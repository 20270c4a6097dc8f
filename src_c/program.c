/* Streams: a chain of layers that is fed step by step, its states kept from call to call.
 *
 * A program is what streams share, and nobody writes to it. A stream is a batch of rows and their states, one array
 * [batch][width] after the other:
 *
 *     layer 1: h [batch][H1] c [batch][H1]   layer 2: h [batch][H2] ...
 *
 * A call goes through its steps in chunks; each chunk goes through all layers. What one layer gives the next stands in
 * two arrays that take turns, at the beginning of `work`; behind them is the layers' own work. */
#include "internal.h"
#include <string.h>

enum { AT_ONCE = 64, BETWEEN = 1 << 20 }; /* steps of a chunk, reals of it between two layers: whichever is fewer */

static size_t real_size(const lc_program *p) { return lc_real_bytes(p->type); }

/* Reals of state for each row of the batch, of array `which` of a layer. */
static int64_t state_width(const lc_op *op, int which) {
    return which == 0 ? lc_width(&op->spec) : which == 1 ? op->spec.units : 3 * op->spec.units;
}
static int state_arrays(const lc_op *op) { return op->kind == LC_OP_RECURRENT ? lc_state_count(&op->spec) : 0; }

/* ---- programs ---- */

static lc_spec recurrent(const lc_op *op, int64_t batch, int64_t steps) {
    lc_spec spec = op->spec;
    spec.batch = batch, spec.steps = steps, spec.flags = op->sequences ? LC_SEQUENCES : 0;
    return spec;
}

static lc_product dense(const lc_op *op, int64_t rows) {
    const lc_spec *s = &op->spec;
    return (lc_product){.type = s->type,
                        .isa = s->isa,
                        .threads = s->threads,
                        .m = rows,
                        .n = s->units,
                        .k = s->inputs,
                        .packed = op->packed,
                        .weights = s->weights,
                        .dot = s->dot};
}

static lc_status check_op(const lc_op *op, int place) {
    const lc_spec *s = &op->spec;
    lc_sizes sizes;
    size_t bytes;
    if (!op->packed) return LC_NULL;
    if (op->kind == LC_OP_RECURRENT) {
        const lc_spec one = recurrent(op, 1, 1);
        return lc_measure(&one, &sizes);
    }
    if (op->kind == LC_OP_DENSE) {
        const lc_product p = dense(op, 1);
        if (s->activation < LC_DEFAULT || s->activation > LC_SOFTMAX) return LC_BAD_SPEC;
        if (s->activation == LC_HARD_SIGMOID && !lc_is_ramp(s->ramp)) return LC_BAD_SPEC;
        return lc_gemm_packed(&p, &bytes);
    }
    if (op->kind != LC_OP_EMBEDDING || place || s->inputs < 1 || s->units < 1) return LC_BAD_SPEC;
    return s->units < INT32_MAX ? LC_OK : LC_TOO_LARGE;
}

/* Puts one more layer, the one at `place`, behind those that were measured. */
lc_status lc_program_add(lc_program *p, const lc_op *op, int place) {
    if (!place) {
        if (op->spec.type != LC_F32 && op->spec.type != LC_F64) return LC_BAD_SPEC;
        p->type = op->spec.type, p->inputs = p->outputs = op->spec.inputs, p->sequences = 1, p->width = 0;
    }
    if (op->spec.type != p->type || op->spec.inputs != p->outputs) return LC_BAD_SPEC;
    lc_status status = check_op(op, place);
    if (status) return status;
    for (int j = 0; j < state_arrays(op); j++)
        if (__builtin_add_overflow(p->width, state_width(op, j), &p->width)) return LC_TOO_LARGE;
    p->outputs = lc_width(&op->spec);
    p->sequences = p->sequences && (op->kind != LC_OP_RECURRENT || op->sequences);
    return LC_OK;
}

lc_status lc_program_measure(lc_program *p) {
    if (p->count < 1) return LC_BAD_SPEC;
    if (!p->ops) return LC_NULL;
    lc_status status = LC_OK;
    for (int i = 0; i < p->count && !status; i++) status = lc_program_add(p, &p->ops[i], i);
    return status;
}

lc_status lc_program_state(const lc_program *p, int op, int which, int64_t *offset, int64_t *width) {
    if (op < 0 || op >= p->count || which < 0 || which >= state_arrays(&p->ops[op])) return LC_OUT_OF_RANGE;
    int64_t at = 0;
    for (int i = 0; i < op; i++)
        for (int j = 0; j < state_arrays(&p->ops[i]); j++) at += state_width(&p->ops[i], j);
    for (int j = 0; j < which; j++) at += state_width(&p->ops[op], j);
    *offset = at, *width = state_width(&p->ops[op], which);
    return LC_OK;
}

/* ---- streams ---- */

/* Bytes of work of a layer for so many steps. */
static lc_status measure_op(const lc_op *op, int64_t batch, int64_t steps, size_t *work) {
    lc_sizes sizes;
    if (op->kind == LC_OP_DENSE) {
        const lc_product p = dense(op, batch * steps);
        return lc_gemm_work(&p, work);
    }
    if (op->kind != LC_OP_RECURRENT) return LC_OK;
    const lc_spec spec = recurrent(op, batch, steps);
    lc_status status = lc_measure(&spec, &sizes);
    *work = sizes.work;
    return status;
}

lc_status lc_room_add(lc_room *room, const lc_op *op, int64_t batch, int64_t steps) {
    int64_t reals;
    size_t work = 0;
    if (__builtin_mul_overflow(lc_width(&op->spec) * steps, batch, &reals)) return LC_TOO_LARGE;
    lc_status status = measure_op(op, batch, steps, &work);
    if (reals > room->reals) room->reals = reals;
    if (work > room->work) room->work = work;
    return status;
}

lc_status lc_room_measure(const lc_room *room, int type, int64_t *between, size_t *work) {
    int64_t bytes;
    *between = lc_ceil(room->reals, 16) * 16;
    if (__builtin_mul_overflow(*between, 2 * (int64_t)lc_real_bytes(type), &bytes)) return LC_TOO_LARGE;
    return __builtin_add_overflow((size_t)bytes, room->work, work) ? LC_TOO_LARGE : LC_OK;
}

/* For so many steps at once: reals of each of the two arrays between layers, and bytes of all the work. */
static lc_status measure(const lc_stream *s, int64_t steps, int64_t *between, size_t *work) {
    lc_room room = {0};
    for (int i = 0; i < s->program->count; i++) {
        lc_status status = lc_room_add(&room, &s->program->ops[i], s->batch, steps);
        if (status) return status;
    }
    return lc_room_measure(&room, s->program->type, between, work);
}

lc_status lc_stream_prepare(lc_stream *s) {
    const lc_program *p = s->program;
    int64_t reals;
    if (!p || !p->ops) return LC_NULL;
    if (s->batch < 1 || p->count < 1 || p->outputs < 1) return LC_BAD_SPEC;
    if (s->batch > INT32_MAX || __builtin_mul_overflow(p->width, s->batch, &reals)) return LC_TOO_LARGE;
    if (__builtin_mul_overflow((size_t)reals, real_size(p), &s->state_bytes)) return LC_TOO_LARGE;
    lc_status status = measure(s, 1, &s->between[0], &s->step_work);
    if (status) return status;
    const int64_t fit = BETWEEN / s->between[0];
    s->at_once = fit < 1 ? 1 : fit < AT_ONCE ? fit : AT_ONCE;
    status = measure(s, s->at_once, &s->between[1], &s->work);
    if (s->work < s->step_work) s->work = s->step_work;
    return status;
}

/* `states` are those of the layer. */
static lc_status run_recurrent(const lc_op *op, const lc_stream *s, char *states, lc_sequence x, int64_t steps, void *y,
                               void *work) {
    const lc_spec spec = recurrent(op, s->batch, steps);
    const size_t rows = (size_t)s->batch * real_size(s->program);
    const int arrays = lc_state_count(&spec);
    lc_forward_io io = {.x = x, .y = y, .h0 = states, .hT = states};
    if (arrays > 1) io.c0 = io.cT = states += (size_t)state_width(op, 0) * rows;
    if (arrays > 2) io.g0 = io.gT = states += (size_t)state_width(op, 1) * rows;
    return lc_forward(&spec, op->packed, &io, NULL, work);
}

static lc_status run_dense(const lc_op *op, const lc_stream *s, lc_sequence x, int64_t steps, char *y, void *work) {
    const int64_t batch = s->batch, rows = batch * steps;
    const size_t size = real_size(s->program);
    lc_product p = dense(op, rows);
    lc_status status = LC_OK;
    p.a = (lc_matrix){x.p, batch == 1 ? x.step : x.row, 1}, p.c = y;
    if (batch == 1 || steps == 1 || x.step == batch * x.row) status = lc_gemm(&p, work);
    else {
        p.m = batch;
        for (int64_t t = 0; t < steps && !status; t++) {
            p.a.p = (const char *)x.p + t * x.step * (int64_t)size;
            p.c = y + (size_t)(t * batch * p.n) * size;
            status = lc_gemm(&p, work);
        }
    }
    if (status || op->spec.activation == LC_DEFAULT) return status;
    if (op->spec.activation == LC_HARD_SIGMOID) return lc_hard_sigmoid(p.type, p.isa, op->spec.ramp, rows, p.n, y);
    return lc_activate(p.type, p.isa, op->spec.activation, rows, p.n, y);
}

static lc_status run_embedding(const lc_op *op, const lc_stream *s, lc_sequence x, int64_t steps, char *y) {
    const size_t row = (size_t)op->spec.units * real_size(s->program);
    for (int64_t t = 0; t < steps; t++)
        for (int64_t b = 0; b < s->batch; b++, y += row) {
            const int64_t token = ((const int64_t *)x.p)[t * x.step + b * x.row];
            if (token < 0 || token >= op->spec.inputs) return LC_OUT_OF_RANGE;
            memcpy(y, (const char *)op->packed + (size_t)token * row, row);
        }
    return LC_OK;
}

/* A chunk of `steps` through all layers; `last`: the call's last one. The arrays between layers are `apart` bytes. */
static lc_status run_chunk(const lc_stream *s, lc_sequence x, int64_t steps, int last, char *y, size_t apart,
                           char *work) {
    const lc_program *p = s->program;
    const size_t size = real_size(p);
    char *states = s->states;
    lc_status status = LC_OK;
    for (int i = 0; i < p->count && !status; i++) {
        const lc_op *op = &p->ops[i];
        char *to = i + 1 == p->count ? y : work + (size_t)(i & 1) * apart;
        if (op->kind == LC_OP_DENSE) status = run_dense(op, s, x, steps, to, work + 2 * apart);
        else if (op->kind == LC_OP_EMBEDDING) status = run_embedding(op, s, x, steps, to);
        else {
            status = run_recurrent(op, s, states, x, steps, to, work + 2 * apart);
            if (!op->sequences) {
                if (!last) return status; /* what comes after it sees only the last step */
                memcpy(to, states, (size_t)(state_width(op, 0) * s->batch) * size);
                steps = 1;
            }
            for (int j = 0; j < state_arrays(op); j++) states += (size_t)(state_width(op, j) * s->batch) * size;
        }
        const int64_t width = lc_width(&op->spec);
        x = (lc_sequence){to, s->batch * width, width};
    }
    return status;
}

lc_status lc_stream_run(const lc_stream *s, lc_sequence x, int64_t steps, void *y, void *work) {
    const lc_program *p = s->program;
    if (!p || !p->ops || !x.p || !y || !work || (p->width && !s->states)) return LC_NULL;
    if (steps < 1 || s->at_once < 1) return LC_BAD_SPEC;
    const size_t size = real_size(p), item = p->ops[0].kind == LC_OP_EMBEDDING ? sizeof(int64_t) : size;
    const size_t out = p->sequences ? (size_t)(s->batch * p->outputs) * size : 0; /* of a step */
    const size_t apart = (size_t)s->between[steps > 1] * size;
    lc_status status = LC_OK;
    char *to = y;
    for (int64_t t = 0, n; t < steps && !status; t += n) {
        n = steps - t < s->at_once ? steps - t : s->at_once;
        const lc_sequence at = {(const char *)x.p + t * x.step * (int64_t)item, x.step, x.row};
        status = run_chunk(s, at, n, t + n == steps, to + (size_t)t * out, apart, work);
    }
    return status;
}

lc_status lc_stream_copy_rows(const lc_stream *from, int64_t start, const lc_stream *to, int64_t row, int64_t count) {
    const lc_program *p = from->program;
    if (!p || (p->width && (!from->states || !to->states))) return LC_NULL;
    if (to->program != p) return LC_BAD_SPEC;
    if (start < 0 || row < 0 || count < 0 || count > from->batch || count > to->batch) return LC_OUT_OF_RANGE;
    if (start > from->batch - count || row > to->batch - count) return LC_OUT_OF_RANGE;
    int64_t offset = 0;
    const size_t size = real_size(p);
    for (int i = 0; i < p->count; i++)
        for (int j = 0; j < state_arrays(&p->ops[i]); j++) {
            const int64_t width = state_width(&p->ops[i], j);
            memmove((char *)to->states + (size_t)(offset * to->batch + row * width) * size,
                    (const char *)from->states + (size_t)(offset * from->batch + start * width) * size,
                    (size_t)(count * width) * size);
            offset += width;
        }
    return LC_OK;
}
