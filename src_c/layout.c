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

static int64_t clip(int64_t x, int64_t lo, int64_t hi) { return x < lo ? lo : x > hi ? hi : x; }

static void lay_out_packed(const lc_spec *spec, int lanes, lc_layout *l, checked *c) {
    const int64_t quad = 4 * lanes;
    reserve(c, times(c, l->ub, l->pw));
    l->peeps = reserve(c, times(c, l->ub, l->peepholes ? LC_PEEPS * lanes : 0));
    l->forward = reserve(c, times(c, times(c, l->ub, l->kf), l->pw));
    l->packed = l->dh = c->at;
    reserve(c, times(c, l->kb, times(c, l->parts * l->ub, lanes)));
    l->dx = c->at;
    reserve(c, times(c, l->kb, times(c, lc_ceil(spec->inputs, lanes), lanes)));
    l->packed_both = c->at;
    l->jb = lc_ceil(l->ub, 4), l->xb = lc_ceil(spec->inputs, quad);
}

/* The lists of a schedule, as so many reals: an int32_t is none too large for one. */
static int64_t lists(const lc_spec *spec, checked *c) {
    const int64_t T = spec->steps, B = spec->batch, slots = times(c, T + 1, B);
    if (!(spec->flags & LC_MASKED)) return B;
    c->bad |= slots >= LIMIT;
    return 3 * slots + T + 1;
}

static void lay_out_tape(const lc_spec *spec, int lanes, lc_layout *l, checked *c) {
    const int64_t slots = times(c, spec->steps + 1, spec->batch);
    c->at = 0;
    reserve(c, times(c, slots, l->s));
    l->tape_c = reserve(c, l->states > 1 ? times(c, times(c, slots, l->ub), lanes) : 0);
    l->tape_z = reserve(c, times(c, times(c, slots, l->ub), l->pw));
    l->tape_q = reserve(c, l->second ? times(c, slots, spec->units) : 0);
    const int fresh = l->peep[2] && spec->flags & LC_ZONED;
    l->tape_fresh = reserve(c, fresh ? times(c, times(c, slots, l->ub), lanes) : 0);
    l->tape_list = reserve(c, lists(spec, c));
    l->tape = c->at;
}

static void lay_out_backward(const lc_spec *spec, const lc_kernels *kernels, int64_t step_bytes, lc_layout *l,
                             checked *c) {
    const int lanes = kernels->lanes;
    const int64_t T = spec->steps, blocks = times(c, lanes, spec->batch), columns = l->tiles * kernels->tile_rows;
    /* dz of a chunk stays in L2 while the weight gradients are taken; enough rows to repay a pass over dp */
    l->chunk = clip(clip(lc_cache_bytes() / 2 / step_bytes, lc_ceil(512, spec->batch), T), 1, T);
    reserve(c, times(c, l->parts * l->ub, blocks));
    l->work_dc = reserve(c, times(c, l->ub, blocks));
    l->work_ds = reserve(c, spec->flags & LC_SCALED ? times(c, l->parts * l->ub, blocks) : 0);
    l->work_dp = reserve(c, times(c, times(c, l->ub, 1 + l->kf), l->pw));
    l->work_dpeep = reserve(c, l->peepholes ? times(c, l->ub, LC_PEEPS * lanes) : 0);
    l->work_columns = reserve(c, times(c, 2 * columns, times(c, l->chunk, spec->batch)));
}

static void lay_out_work(const lc_spec *spec, const lc_kernels *kernels, size_t real_size, lc_layout *l, checked *c) {
    const int64_t step = times(c, times(c, l->ub, l->pw), spec->batch), T = spec->steps;
    const int64_t step_bytes = times(c, step, (int64_t)real_size), train = spec->flags & LC_TRAIN;
    c->at = 0;
    if (c->bad) return;
    if (train) lay_out_backward(spec, kernels, step_bytes, l, c);
    else {
        l->chunk = lc_projects(spec) ? clip(lc_cache_bytes() / 4 / step_bytes, 1, T) : 1;
        reserve(c, times(c, 2 * spec->batch, l->s));
        l->work_c = reserve(c, times(c, times(c, l->ub, kernels->lanes), spec->batch));
        l->work_z = reserve(c, times(c, l->chunk, step));
        l->work_q = reserve(c, l->second ? times(c, times(c, l->chunk, spec->batch), spec->units) : 0);
        l->work_list = reserve(c, lists(spec, c));
    }
    if (spec->flags & LC_SCALED) { /* of forward only, so it may lie over what backward uses */
        if (train) l->work = c->at, c->at = 0;
        l->work_hs = reserve(c, times(c, 2 * spec->batch, l->s));
        l->work_xs = reserve(c, times(c, 2 * spec->batch, spec->inputs));
    }
    if (c->at > l->work) l->work = c->at;
}

lc_status lc_lay_out(const lc_spec *spec, const lc_kernels *kernels, lc_layout *l) {
    const int64_t dims[] = {spec->steps, spec->batch, spec->inputs, spec->units};
    for (int i = 0; i < 4; i++)
        if (dims[i] < 1) return LC_BAD_SPEC;
    for (int i = 0; i < 4; i++)
        if (dims[i] >= LIMIT) return LC_TOO_LARGE;
    *l = (lc_layout){0};
    lc_status status = lc_describe(spec, l);
    if (status) return status;
    checked c = {0, 0};
    const size_t real_size = lc_real_bytes(spec->type);
    const int lanes = kernels->lanes;
    l->ub = lc_ceil(spec->units, lanes), l->pw = (int64_t)l->ng * lanes;
    l->parts = l->s / spec->units + l->second;
    l->kf = spec->inputs + l->parts * spec->units, l->kb = l->ng * spec->units;
    l->tiles = lc_ceil(1 + l->kf, kernels->tile_rows);
    lay_out_packed(spec, lanes, l, &c);
    lay_out_tape(spec, lanes, l, &c);
    lay_out_work(spec, kernels, real_size, l, &c);
    const int64_t most = INT64_MAX / 16;
    if (c.bad || l->packed_both > most || l->tape > most || l->work > most) return LC_TOO_LARGE;
    LC_ASSERT(l->chunk >= 1 && l->chunk <= spec->steps && 1 <= l->ng && l->ng <= LC_WIDE && l->parts <= LC_WIDE);
    return LC_OK;
}
