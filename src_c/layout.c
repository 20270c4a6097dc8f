/* Sizes and offsets of every buffer. Nothing else knows them. */
#include "internal.h"

#define LIMIT (INT64_C(1) << 31) /* of each dimension: row indices are 32 bits wide */

/* Products and sums that remember whether they overflowed. Offsets stay multiples of 16 reals: 64-byte aligned. */
typedef struct checked {
    int64_t at;
    int bad;
} checked;

static int64_t times(checked *c, int64_t a, int64_t b) {
    int64_t r = 0;
    c->bad |= __builtin_mul_overflow(a, b, &r);
    return r;
}

/* Reserves n reals; their offset. */
static int64_t reserve(checked *c, int64_t n) {
    int64_t at = c->at;
    c->bad |= __builtin_add_overflow(at, n, &c->at) || __builtin_add_overflow(c->at, 15, &c->at);
    c->at &= ~INT64_C(15);
    return at;
}

/* From one block of units to the next, of n reals each, where a row is read in all blocks at once. */
static int64_t apart(checked *c, int64_t n) {
    c->bad |= n > INT64_MAX / 2;
    return c->bad ? 0 : lc_odd_lines(n);
}

static int64_t clip(int64_t x, int64_t lo, int64_t hi) { return x < lo ? lo : x > hi ? hi : x; }

/* Sizes of a stage's panels, forward and backward. */
static void measure_stage(const lc_kernels *kernels, int64_t made, lc_layout *l, lc_stage *st, checked *c) {
    const int64_t state = st->rows[LC_FROM_STATE], lanes = kernels->lanes;
    st->ub = lc_ceil(st->units, lanes), st->pw = st->ng * lanes;
    st->to = st->rows[LC_FROM_STAGE] ? made : l->h;
    st->parts = st->rows[LC_FROM_STAGE] ? 1 : state / l->h;
    st->tb = lc_ceil(st->to, lanes), st->jb = lc_ceil(st->tb, 4), st->kb = st->ng * st->units;
    st->back = lc_make_run(&l->storage, st->pw, 0);
    st->kbp = l->words ? st->ub * st->back.words : st->kb;
    st->tile = l->tiles, st->tiles = lc_ceil((st->biases > 0) + st->k, l->tile_rows);
    for (int i = 0; i < LC_FROM_COUNT; i++) {
        if (!st->rows[i]) continue;
        st->run[i] = lc_make_run(&l->storage, st->rows[i], st->kp);
        st->kp += st->run[i].rows;
    }
    l->tiles += st->tiles;
    c->bad |= __builtin_add_overflow(l->weights, times(c, st->k, st->kb), &l->weights);
}

static void lay_out_packed(const lc_spec *spec, int lanes, lc_layout *l, checked *c) {
    const int64_t quad = 4 * lanes;
    for (lc_stage *st = l->stage; st < l->stage + l->stages; st++) {
        st->bias = reserve(c, times(c, st->ub, st->pw));
        st->panels = reserve(c, times(c, times(c, st->ub, st->kp), st->pw));
    }
    l->packed_v = reserve(c, times(c, l->ub, l->vectors * lanes));
    l->packed = c->at;
    for (lc_stage *st = l->stage; st < l->stage + l->stages; st++)
        st->dh = reserve(c, times(c, st->kbp, times(c, st->parts * st->tb, lanes)));
    l->dx = reserve(c, times(c, l->stage[0].kbp, times(c, lc_ceil(spec->inputs, lanes), lanes)));
    l->packed_both = c->at;
    l->xb = lc_ceil(spec->inputs, quad);
}

/* The lists of a schedule, as so many reals: an int32_t is none too large for one. */
static int64_t lists(const lc_spec *spec, checked *c) {
    const int64_t T = spec->steps, B = spec->batch, slots = times(c, T + 1, B);
    if (!(spec->flags & LC_MASKED)) return B;
    c->bad |= slots >= LIMIT;
    return 3 * slots + T + 1;
}

/* Room for z and q of all stages, and for the cells before zoneout, for so many rows. */
static void lay_out_sums(int64_t rows, int lanes, lc_layout *l, checked *c) {
    for (lc_stage *st = l->stage; st < l->stage + l->stages; st++) {
        if (st->wide) {
            st->row = st->wide * lanes;
            st->block = times(c, rows, st->row);
            if (l->norm.gates) st->block = apart(c, st->block);
            st->z = reserve(c, times(c, st->ub, st->block));
        } else st->row = st[-1].row, st->block = st[-1].block, st->z = st[-1].z;
        if (st->makes) st->q = reserve(c, times(c, rows, st->units));
    }
    l->fresh_at = reserve(c, l->fresh ? times(c, times(c, rows, l->ub), lanes) : 0);
}

static void lay_out_tape(const lc_spec *spec, int lanes, lc_layout *l, checked *c) {
    const int64_t slots = times(c, spec->steps + 1, spec->batch);
    c->at = 0;
    reserve(c, times(c, slots, l->s));
    l->tape_c = reserve(c, l->states > 1 ? times(c, times(c, slots, l->ub), lanes) : 0);
    lay_out_sums(times(c, spec->steps, spec->batch), lanes, l, c);
    l->tape_statistics = reserve(c, l->norm.gates ? times(c, slots, 2 * LC_NORMS) : 0);
    l->tape_list = reserve(c, lists(spec, c));
    l->tape = c->at;
}

static void lay_out_backward(const lc_spec *spec, const lc_kernels *kernels, int64_t step_bytes, lc_layout *l,
                             checked *c) {
    const int lanes = kernels->lanes;
    const int64_t T = spec->steps, blocks = times(c, lanes, spec->batch), columns = l->tiles * l->tile_rows;
    const int64_t state = times(c, l->parts * lc_ceil(l->h, lanes), blocks);
    /* dz of a chunk stays in L2 while the weight gradients are taken; enough rows to repay a pass over dp, which with
     * dot products is soon over; rows of a normalized cell are two or three times as wide */
    const int64_t least = l->words ? 1024 : l->norm.gates ? 256 : 512;
    l->chunk = clip(clip(lc_cache_bytes() / 2 / step_bytes, lc_ceil(least, spec->batch), T), 1, T);
    const int64_t rows = times(c, l->chunk, spec->batch), pairs = lc_make_run(&l->storage, rows, 0).words;
    reserve(c, state);
    l->work_dc = reserve(c, times(c, l->ub, blocks));
    l->work_ds = reserve(c, spec->flags & LC_SCALED ? state : 0);
    for (lc_stage *st = l->stage; st < l->stage + l->stages; st++) {
        st->dq = reserve(c, st->makes ? times(c, st->ub, blocks) : 0);
        st->own_dz = reserve(c, st->apart ? times(c, 2 * st->ub, apart(c, times(c, rows, st->pw))) : 0);
        st->dp = reserve(c, times(c, times(c, st->ub, (st->biases > 0) + st->k), st->pw));
        if (!l->words) continue;
        st->dz_words = reserve(c, times(c, 2 * rows, st->kbp));
        st->dz_pairs = reserve(c, times(c, times(c, st->ub, pairs), st->pw));
    }
    l->work_dn = reserve(c, l->norm.gates ? times(c, times(c, 2 * rows, l->ub), lanes) : 0);
    l->work_dv = reserve(c, times(c, l->ub, l->vectors * lanes));
    l->work_columns = reserve(c, times(c, 2 * columns, l->words ? pairs + 16 : rows));
}

/* A's rows in words. A thread's begin where its rows of the batch do. */
static void lay_out_words(const lc_spec *spec, lc_layout *l, checked *c) {
    for (lc_stage *st = l->stage; st < l->stage + l->stages; st++)
        for (int i = 0; i < LC_FROM_COUNT; i++) {
            const int64_t steps = i == LC_FROM_X && lc_projects(spec) ? l->chunk : 1;
            st->words[i] = reserve(c, times(c, times(c, steps, spec->batch), st->run[i].a_row));
        }
}

/* Bytes of all z of a step. */
static int64_t step_size(const lc_spec *spec, const lc_layout *l, int lanes, checked *c) {
    int64_t n = 0;
    for (const lc_stage *st = l->stage; st < l->stage + l->stages; st++)
        n += times(c, times(c, st->ub, st->wide * lanes), spec->batch);
    return times(c, n, (int64_t)lc_real_bytes(spec->type));
}

static void lay_out_work(const lc_spec *spec, const lc_kernels *kernels, lc_layout *l, checked *c) {
    const int64_t step_bytes = step_size(spec, l, kernels->lanes, c), train = spec->flags & LC_TRAIN, T = spec->steps;
    c->at = 0;
    if (c->bad) return;
    if (train) lay_out_backward(spec, kernels, step_bytes, l, c);
    else {
        l->chunk = lc_projects(spec) ? clip(lc_cache_bytes() / 4 / step_bytes, 1, T) : 1;
        reserve(c, times(c, 2 * spec->batch, l->s));
        l->work_c = reserve(c, times(c, times(c, l->ub, kernels->lanes), spec->batch));
        lay_out_sums(times(c, l->chunk, spec->batch), kernels->lanes, l, c);
        l->work_list = reserve(c, lists(spec, c));
    }
    if (train) l->work = c->at, c->at = 0; /* what is of forward only may lie over what backward uses */
    if (l->storage.parts) lay_out_words(spec, l, c);
    if (spec->flags & LC_SCALED) {
        l->work_hs = reserve(c, times(c, 2 * spec->batch, l->s));
        l->work_xs = reserve(c, times(c, 2 * spec->batch, spec->inputs));
    }
    if (c->at > l->work) l->work = c->at;
}

lc_status lc_lay_out(const lc_spec *spec, const lc_kernels *kernels, const lc_storage *storage, lc_layout *l) {
    const int64_t dims[] = {spec->steps, spec->batch, spec->inputs, spec->units, lc_width(spec)};
    for (int i = 0; i < 5; i++)
        if (dims[i] < 1) return LC_BAD_SPEC;
    for (int i = 0; i < 5; i++)
        if (dims[i] >= LIMIT) return LC_TOO_LARGE;
    *l = (lc_layout){.storage = *storage};
    lc_status status = lc_describe(spec, l);
    if (status) return status;
    checked c = {0, 0};
    l->words = storage->parts && storage->format == LC_BFLOAT16;
    l->tile_rows = storage->dot == LC_DOT_TILES ? 16 : kernels->tile_rows;
    if (spec->flags & LC_TRAIN && storage->format != LC_REALS && !l->words) return LC_BAD_SPEC;
    l->ub = lc_ceil(spec->units, kernels->lanes), l->parts = l->s / l->h;
    for (int i = 0; i < l->stages; i++) measure_stage(kernels, i ? l->stage[i - 1].units : 0, l, &l->stage[i], &c);
    lay_out_packed(spec, kernels->lanes, l, &c);
    lay_out_tape(spec, kernels->lanes, l, &c);
    lay_out_work(spec, kernels, l, &c);
    const int64_t most = INT64_MAX / 16;
    if (c.bad || l->packed_both > most || l->tape > most || l->work > most) return LC_TOO_LARGE;
    LC_ASSERT(l->chunk >= 1 && l->chunk <= spec->steps && 1 <= l->stages && l->stages <= LC_STAGES);
    for (int i = 0; i < l->stages; i++) LC_ASSERT((1 <= l->stage[i].ng || !l->stage[i].k) && l->stage[i].ng <= LC_WIDE);
    return LC_OK;
}
