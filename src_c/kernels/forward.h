/* The time loop forward, whatever the cell. */
#ifndef LC_FORWARD_H
#define LC_FORWARD_H
#include "cells/cells.h"
#include "pack.h"
#include "tile.h"

/* What one thread owns of a step, and where the step's operands stand. */
typedef struct forward_part {
    int64_t b0, b1, u0, u1; /* rows and blocks of units */
    int64_t e0, e1;         /* the step's entries in own rows */
    int n;                  /* threads */
    cell_args cells;
    view z; /* the sums, then the gates: entry e0's, or of all entries of the chunk's first step */
} forward_part;

/* The buffers that training and inference have in different places. */
static real *states(const lc_pass *w) { return w->spec->flags & LC_TRAIN ? w->tape : w->work; }
static real *cell_states(const lc_pass *w, int64_t *block) {
    const int train = (w->spec->flags & LC_TRAIN) != 0;
    *block = (train ? w->spec->steps + 1 : 1) * w->spec->batch * VL;
    return train ? (real *)w->tape + w->lay.tape_c : (real *)w->work + w->lay.work_c;
}

/* Without a mask h itself goes to y at inference, and is read from there in the next step. */
static int state_in_y(const lc_pass *w) {
    return !(w->spec->flags & (LC_TRAIN | LC_MASKED)) && w->in->y && w->lay.s == w->spec->units;
}

/* The row of z that entry e of step t has, e0 the step's first own entry: on the tape entries follow each other; at
 * inference, where threads are at different steps at one time, the rows of a chunk's step are those of the batch. */
INLINE int64_t forward_row(const lc_pass *w, const forward_part *part, int64_t t, int64_t t0, int64_t e, int64_t e0) {
    if (w->spec->flags & LC_TRAIN) return w->list.first ? e : t * w->spec->batch + e;
    return (t - t0) * w->spec->batch + part->b0 + e - e0;
}

/* Where own entries of step t have their rows of z, in a chunk that begins with step t0. A thread that owns rows may
 * use one block of z again and again: it stays in L1. But a single row is made several blocks at a time. */
static view forward_z(const lc_pass *w, const forward_part *part, int64_t t, int64_t t0) {
    const lc_layout *lay = &w->lay;
    const int64_t B = w->spec->batch, T = w->spec->steps, e = part->e0;
    const int64_t at = forward_row(w, part, t, t0, e, e) * lay->pw;
    if (w->spec->flags & LC_TRAIN) return (view){(real *)w->tape + lay->tape_z + at, lay->pw, VL, T * B * lay->pw};
    const int64_t blocks_apart = w->plan.by_units || w->plan.project || lay->second || part->e1 - e == 1;
    return (view){(real *)w->work + lay->work_z + at, lay->pw, VL, blocks_apart ? lay->chunk * B * lay->pw : 0};
}

/* Points `part` at step t of the chunk that begins with step t0. */
static void point_at_step(const lc_pass *w, forward_part *part, int64_t t, int64_t t0) {
    const lc_spec *spec = w->spec;
    const lc_layout *lay = &w->lay;
    const lc_schedule *list = &w->list;
    const int64_t B = spec->batch, H = spec->units, BS = B * lay->s, train = spec->flags & LC_TRAIN;
    cell_args *k = &part->cells;
    lc_entries(w, t, part->b0, part->b1, &part->e0, &part->e1);
    const int64_t e = part->e0;
    k->n = part->e1 - e;
    k->row = list->row + e, k->from = list->from + e, k->to = list->to + e;
    real *h = states(w), *c = cell_states(w, &k->c_block), *y = w->in->y;
    k->h0 = k->h1 = h, k->c0 = k->c1 = c;
    k->c_from = train ? k->from : k->row, k->c_to = train ? k->to : k->row;
    if (!list->first && train) {
        k->h0 += t * BS, k->h1 += (t + 1) * BS;
        k->c0 += t * B * VL, k->c1 += (t + 1) * B * VL;
    } else if (!list->first) {
        const int in_y = state_in_y(w);
        k->h0 = t && in_y ? y + (t - 1) * BS : h + (t & 1) * BS;
        k->h1 = in_y ? y + t * BS : h + (~t & 1) * BS;
    }
    k->y = y && !state_in_y(w) ? y + t * B * H : NULL;
    if (w->in->noise.h_scale) k->hs = (real *)w->work + lay->work_hs + (~t & 1) * BS;
    if (w->in->noise.keep_h) k->keep_h = (const real *)w->in->noise.keep_h + t * B * H;
    if (w->in->noise.keep_c) k->keep_c = (const real *)w->in->noise.keep_c + t * B * H;
    part->z = forward_z(w, part, t, t0);
    k->z = part->z.p, k->z_block = part->z.panel;
    if (lay->second)
        k->q = (train ? (real *)w->tape + lay->tape_q : (real *)w->work + lay->work_q) +
               forward_row(w, part, t, t0, e, e) * H;
    if (train && lay->peep[2] && spec->flags & LC_ZONED)
        k->fresh = (real *)w->tape + lay->tape_fresh + forward_row(w, part, t, t0, e, e) * VL;
}

/* z <- x W + b for own rows and units of steps [t0, t1): a row's steps are the rows of the product. */
static void project(const lc_pass *w, forward_part *part, int64_t t0, int64_t t1) {
    const lc_layout *lay = &w->lay;
    const lc_sequence *x = &w->in->x;
    point_at_step(w, part, t0, t0);
    const view to = part->z;
    const const_view bias = {w->packed, 0, VL, lay->pw};
    const int64_t first = forward_row(w, part, t0, t0, part->e0, part->e0);
    int32_t steps[LC_SCRATCH_ROWS], rows[LC_SCRATCH_ROWS];
    for (int64_t b = part->b0; b < part->b1; b++) {
        for (int64_t t = t0, n = 0; t < t1; t++) {
            int64_t own, e, end;
            lc_entries(w, t, part->b0, b, &own, &e);
            lc_entries(w, t, b, b + 1, &e, &end);
            if (e < end) {
                steps[n] = (int32_t)(t - t0);
                rows[n++] = (int32_t)(forward_row(w, part, t, t0, e, own) - first);
            }
            if (n == 0 || (n < LC_SCRATCH_ROWS && t + 1 < t1)) continue;
            operand op = {.a = (const real *)x->p + t0 * x->step + b * x->row,
                          .rows = steps,
                          .row = x->step,
                          .col = 1,
                          .b = (const real *)w->packed + lay->forward,
                          .b_row = lay->pw,
                          .n = w->spec->inputs,
                          .reps = 1};
            product_args args = {&op, 1, lay->ng, lay->kf * lay->pw, n, rows, bias, to};
            product(&args, part->u0, part->u1);
            n = 0;
        }
    }
}

/* The second product of a step, z <- z + q R in its last register, and what the cell makes of it. */
static void forward_second(lc_pass *w, const forward_part *part) {
    const lc_layout *lay = &w->lay;
    const int64_t H = w->spec->units, last = (lay->ng - 1) * VL;
    const real *panels = (const real *)w->packed + lay->forward + (w->spec->inputs + H) * lay->pw;
    operand op = {.a = part->cells.q, .row = H, .col = 1, .n = H, .reps = 1, .b = panels + last, .b_row = lay->pw};
    view z = part->z;
    z.p += last;
    product_args args = {&op, 1, 1, lay->kf * lay->pw, part->cells.n, NULL, to_read(z), z};
    if (w->plan.by_units) lc_wait(&w->barrier, part->n);
    for (int64_t u = part->u0; u < part->u1; u++) {
        product(&args, u, u + 1);
        parts.forward_second(&part->cells, u, u + 1);
    }
}

/* One step: z <- [b + x W] + h R, the cell. */
static void forward_step(lc_pass *w, const forward_part *part, int64_t t) {
    const lc_layout *lay = &w->lay;
    const int64_t I = w->spec->inputs, BS = w->spec->batch * lay->s;
    const lc_sequence *x = &w->in->x;
    const real *panels = (const real *)w->packed + lay->forward, *work = w->work;
    const cell_args *k = &part->cells;
    operand op[2] = {{.a = (const real *)x->p + t * x->step,
                      .rows = k->row,
                      .row = x->row,
                      .col = 1,
                      .n = I,
                      .reps = 1,
                      .b = panels,
                      .b_row = lay->pw},
                     {.a = k->h0,
                      .rows = k->from,
                      .row = lay->s,
                      .col = 1,
                      .n = lay->s,
                      .reps = 1,
                      .b = panels + I * lay->pw,
                      .b_row = lay->pw}};
    if (w->in->noise.x_scale) op[0].a = work + lay->work_xs + (t & 1) * w->spec->batch * I, op[0].row = I;
    if (w->in->noise.h_scale) op[1].a = work + lay->work_hs + (t & 1) * BS, op[1].rows = k->row;
    const const_view bias = {w->packed, 0, VL, lay->pw};
    const int fused = !w->plan.project;
    product_args args = {
        op + !fused, 1 + fused, lay->ng, lay->kf * lay->pw, k->n, NULL, fused ? bias : to_read(part->z), part->z};
    const int64_t group = args.n == 1 && args.nv == 4 ? NP : 1, groups = lc_ceil(part->u1 - part->u0, group);
    for (int64_t i = 0; i < groups; i++) {
        /* to and fro: the panels that were read last are still in cache */
        const int64_t u = part->u0 + group * (t & 1 ? groups - 1 - i : i);
        const int64_t end = u + group < part->u1 ? u + group : part->u1;
        product(&args, u, end);
        parts.forward[lay->kernel](&part->cells, u, end);
    }
    if (lay->second) forward_second(w, part);
}

/* Row b, which the mask leaves out at step t, for own units: its output is that of the step before, or 0. */
static void carry_masked_row(const lc_pass *w, const forward_part *part, int64_t t, int64_t b) {
    const int64_t B = w->spec->batch, H = w->spec->units, S = w->lay.s, train = w->spec->flags & LC_TRAIN;
    const int64_t row = train ? S : H, at = part->u0 * VL, end = part->u1 * VL < H ? part->u1 * VL : H;
    const size_t bytes = (size_t)(end - at) * sizeof(real);
    real *y = train ? (real *)w->tape + B * S : w->in->y, *hs = (real *)w->work + w->lay.work_hs;
    if (y) {
        /* before the first step: the initial state, in slots 0 to B */
        const real *before = t ? y + ((t - 1) * B + b) * row : states(w) + b * S;
        if (w->spec->flags & LC_ZERO_MASKED) __builtin_memset(y + (t * B + b) * row + at, 0, bytes);
        else __builtin_memcpy(y + (t * B + b) * row + at, before + at, bytes);
    }
    if (!w->in->noise.h_scale) return;
    for (int64_t part_at = at; part_at < S; part_at += H) /* h and what stands behind it */
        __builtin_memcpy(hs + ((~t & 1) * B + b) * S + part_at, hs + ((t & 1) * B + b) * S + part_at, bytes);
}

static void carry_masked_rows(const lc_pass *w, const forward_part *part, int64_t t) {
    if (!w->list.first) return;
    for (int64_t b = part->b0, e = part->e0; b < part->b1; b++) {
        if (e < part->e1 && w->list.row[e] == b) e++;
        else carry_masked_row(w, part, t, b);
    }
}

/* Puts x times its dropout factors in place for step t. */
static void scale_inputs(const lc_pass *w, int64_t t, int64_t b0, int64_t b1) {
    const lc_sequence *x = &w->in->x;
    const int64_t I = w->spec->inputs;
    real *to = (real *)w->work + w->lay.work_xs + (t & 1) * w->spec->batch * I;
    if (!w->in->noise.x_scale || t >= w->spec->steps) return;
    for (int64_t b = b0; b < b1; b++)
        multiply(to + b * I, (const real *)x->p + t * x->step + b * x->row, (const real *)w->in->noise.x_scale + b * I,
                 I);
}

static void forward_thread(void *arg, int id, int n) {
    lc_pass *w = arg;
    LC_ASSERT(w->lay.chunk >= 1 && 0 <= id && id < n);
    const lc_spec *spec = w->spec;
    const int by_units = w->plan.by_units;
    forward_part part = {.b1 = spec->batch, .u1 = w->lay.ub, .n = n};
    part.cells = (cell_args){.spec = spec,
                             .lay = &w->lay,
                             .save_gates = (spec->flags & LC_TRAIN) != 0,
                             .state_stride = w->lay.s,
                             .h_stride = spec->units,
                             .h_scale = w->in->noise.h_scale,
                             .peep = (const real *)w->packed + w->lay.peeps};
    int64_t lo, hi;
    if (by_units) lc_share(part.u1, id, n, &part.u0, &part.u1);
    else lc_own_rows(w, id, n, &part.b0, &part.b1);
    if (part.b0 == part.b1) return;
    lc_share(spec->batch, id, n, &lo, &hi);
    if (!by_units) lo = part.b0, hi = part.b1;
    for (int64_t t0 = 0; t0 < spec->steps; t0 += w->lay.chunk) {
        const int64_t t1 = t0 + w->lay.chunk < spec->steps ? t0 + w->lay.chunk : spec->steps;
        if (w->plan.project) project(w, &part, t0, t1);
        for (int64_t t = t0; t < t1; t++) {
            point_at_step(w, &part, t, t0);
            if (part.e0 < part.e1) forward_step(w, &part, t);
            carry_masked_rows(w, &part, t);
            scale_inputs(w, t + 1, lo, hi);
            if (by_units) lc_wait(&w->barrier, n);
        }
    }
}

/* The initial state: h, and G reals behind it. */
static void forward_begin(lc_pass *w) {
    const lc_spec *spec = w->spec;
    const lc_layout *lay = &w->lay;
    const lc_forward_io *in = w->in;
    const int64_t B = spec->batch, H = spec->units, G = lay->s - H;
    const int train = (spec->flags & LC_TRAIN) != 0;
    real *h = states(w);
    int64_t c_block;
    lc_make_schedule(w, train ? (real *)w->tape + lay->tape_list : (real *)w->work + lay->work_list, &in->mask, !train);
    lc_plan_forward(w);
    for (int64_t b = 0; b < B; b++) {
        const real *given[] = {in->h0, in->g0};
        for (int i = 0; i < 1 + (G > 0); i++) {
            const int64_t n = i ? G : H;
            real *to = h + b * lay->s + i * H;
            if (given[i]) __builtin_memcpy(to, given[i] + b * n, (size_t)n * sizeof(real));
            else __builtin_memset(to, 0, (size_t)n * sizeof(real));
        }
    }
    if (lay->states > 1) {
        real *c = cell_states(w, &c_block);
        to_blocks(c, c_block, in->c0, H, B, H);
    }
    scale_inputs(w, 0, 0, B);
    if (in->noise.h_scale) {
        real *hs = (real *)w->work + lay->work_hs;
        for (int64_t b = 0; b < B; b++) {
            __builtin_memcpy(hs + b * lay->s, h + b * lay->s, (size_t)lay->s * sizeof(real));
            multiply(hs + b * lay->s, h + b * lay->s, (const real *)in->noise.h_scale + b * H, H);
        }
    }
}

static void forward_end(lc_pass *w) {
    const lc_spec *spec = w->spec;
    const lc_forward_io *in = w->in;
    const int64_t B = spec->batch, H = spec->units, T = spec->steps, S = w->lay.s;
    const int train = (spec->flags & LC_TRAIN) != 0;
    int64_t c_block;
    const real *h = states(w);
    if (!w->list.first && train) h += T * B * S;
    else if (!w->list.first) h = state_in_y(w) ? (real *)in->y + (T - 1) * B * H : h + (T & 1) * B * S;
    for (int64_t b = 0; b < B; b++) {
        const real *at = h + w->list.last[b] * S;
        if (in->hT) __builtin_memcpy((real *)in->hT + b * H, at, (size_t)H * sizeof(real));
        if (in->gT && S > H) __builtin_memcpy((real *)in->gT + b * (S - H), at + H, (size_t)(S - H) * sizeof(real));
    }
    if (!in->cT || w->lay.states < 2) return;
    const real *c = cell_states(w, &c_block);
    if (train && !w->list.first) c += T * B * VL;
    from_blocks(in->cT, H, c, c_block, train ? w->list.last : NULL, B, H);
}

#endif
