/* The time loop forward, whatever the cell. */
#ifndef LC_FORWARD_H
#define LC_FORWARD_H
#include "cells/cells.h"
#include "pack.h"
#include "product.h"

enum { OWN_WORDS = 4096 };

/* What one thread owns of a step, and where the step's operands stand. */
typedef struct forward_part {
    int64_t b0, b1;                       /* rows */
    int64_t e0, e1;                       /* the step's entries in own rows */
    int id, n;                            /* of the threads */
    real *words;                          /* OWN_WORDS of its own, for operands in words */
    int64_t u0[LC_STAGES], u1[LC_STAGES]; /* of each stage: blocks of units */
    cell_args cells[LC_STAGES];
    view z[LC_STAGES]; /* the sums, then the gates: entry e0's, or of all entries of the chunk's first step */
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
    return !(w->spec->flags & (LC_TRAIN | LC_MASKED)) && w->in->y && w->lay.s == w->lay.h;
}

/* The row of z that entry e of step t has, e0 the step's first own entry: on the tape entries follow each other; at
 * inference, where threads are at different steps at one time, the rows of a chunk's step are those of the batch. */
INLINE int64_t forward_row(const lc_pass *w, const forward_part *part, int64_t t, int64_t t0, int64_t e, int64_t e0) {
    if (w->spec->flags & LC_TRAIN) return w->list.first ? e : t * w->spec->batch + e;
    return (t - t0) * w->spec->batch + part->b0 + e - e0;
}

/* What training keeps on the tape and inference in work. */
static real *kept(const lc_pass *w, int64_t at) { return (real *)(w->spec->flags & LC_TRAIN ? w->tape : w->work) + at; }

/* Where own entries of step t have their rows of a stage's z, `row` the first of them. A thread that owns rows may use
 * one block of z again and again: it stays in L1. But a single row or gate is made several blocks at a time. */
static view forward_z(const lc_pass *w, const forward_part *part, const lc_stage *st, int64_t row) {
    const int train = (w->spec->flags & LC_TRAIN) != 0;
    const int apart =
        train || w->plan.by_units || w->plan.project || w->lay.stages > 1 || part->e1 - part->e0 == 1 || st->ng == 1;
    return (view){kept(w, st->z + row * st->row), st->row, VL, apart ? st->block : 0};
}

/* Points a stage's kernel at its own: h and all that goes with it is the last stage's. */
static void point_at_stage(const lc_pass *w, forward_part *part, int s, int64_t row) {
    const lc_stage *st = &w->lay.stage[s];
    cell_args *k = &part->cells[s];
    k->stage = st, k->h_stride = st->units;
    part->z[s] = forward_z(w, part, st, row);
    k->z = part->z[s].p, k->z_block = part->z[s].panel;
    part->z[s].p += st->at * VL;
    if (st->makes) k->q = kept(w, st->q + row * st->units);
    if (s + 1 < w->lay.stages) k->y = k->hs = NULL, k->keep_h = NULL;
}

/* Points `part` at step t of the chunk that begins with step t0. */
static void point_at_step(const lc_pass *w, forward_part *part, int64_t t, int64_t t0) {
    const lc_spec *spec = w->spec;
    const lc_layout *lay = &w->lay;
    const lc_schedule *list = &w->list;
    const int64_t B = spec->batch, BS = B * lay->s, train = spec->flags & LC_TRAIN;
    cell_args *k = &part->cells[0];
    lc_entries(w, t, part->b0, part->b1, &part->e0, &part->e1);
    const int64_t e = part->e0, row = forward_row(w, part, t, t0, e, e);
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
    k->y = y && !state_in_y(w) ? y + t * B * lay->h : NULL;
    k->hs = w->in->noise.h_scale ? (real *)w->work + lay->work_hs + (~t & 1) * BS : NULL;
    k->keep_h = w->in->noise.keep_h ? (const real *)w->in->noise.keep_h + t * B * lay->h : NULL;
    if (w->in->noise.keep_c) k->keep_c = (const real *)w->in->noise.keep_c + t * B * spec->units;
    if (lay->fresh) {
        k->fresh = kept(w, lay->fresh_at + row * VL);
        k->fresh_block = (train ? spec->steps : lay->chunk) * B * VL;
    }
    if (train && lay->norm.gates) k->statistics = kept(w, lay->tape_statistics + row * LC_NORMS * 2);
    k->q = NULL;
    for (int s = lay->stages - 1; s >= 0; s--) {
        part->cells[s] = *k;
        point_at_stage(w, part, s, row);
    }
}

/* What makes the products of this call. */
INLINE const product_parts *product_maker(const lc_pass *w) { return stored_parts(&w->lay.storage); }

/* The rows of a stage's panels that multiply x, the state or what the stage before has made, as B of an operand. */
static operand stage_operand(const lc_pass *w, const lc_stage *st, int from) {
    const lc_run *run = &st->run[from];
    return (operand){.col = 1,
                     .b = (const real *)w->packed + st->panels + run->at * st->pw,
                     .b_row = st->pw,
                     .n = w->lay.storage.parts ? run->words : run->n,
                     .reps = 1};
}

/* Where row r of them stands in words. */
static real *words_at(const lc_pass *w, const lc_stage *st, int from, int64_t r) {
    return (real *)w->work + st->words[from] + r * st->run[from].a_row;
}

/* Turns the operands of own entries into words, for a CPU that has dot products. Threads that share units share many
 * rows, too: 1, they have to wait for each other then. Of few rows each has words of its own. */
static int operands_to_words(const lc_pass *w, const forward_part *part, int s, operand *op) {
    const lc_stage *st = &w->lay.stage[s];
    const int64_t n = part->cells[s].n;
    int64_t lo = 0, hi = n, needed = 0;
    for (int i = 0; i < LC_FROM_COUNT; i++) needed += n * st->run[i].a_row;
    const int shared = w->plan.by_units && needed > OWN_WORDS;
    if (shared) lc_share(n, part->id, part->n, &lo, &hi);
    real *own = part->words;
    for (int i = 0; i < LC_FROM_COUNT; i++) {
        const lc_run *run = &st->run[i];
        if (!run->n || (i == LC_FROM_X && w->plan.project)) continue;
        real *to = w->plan.by_units && !shared ? own : words_at(w, st, i, part->b0);
        for (int64_t e = lo; e < hi; e++)
            w->lay.storage.parts->to_words(op->a + (op->rows ? op->rows[e] : e) * op->row, 1, run->n,
                                           to + e * run->a_row);
        op->a = to, op->rows = NULL, op->row = run->a_row;
        own += n * run->a_row, op++;
    }
    return shared;
}

/* The inputs of steps [t0, t1) that are projected, in words: row b's begin at row b * chunk and follow each other. */
static void inputs_to_words(lc_pass *w, const forward_part *part, int64_t t0, int64_t t1) {
    const lc_sequence *x = &w->in->x;
    for (int64_t b = part->b0; b < part->b1; b++)
        for (int64_t t = t0, n = 0; t < t1; t++) {
            int64_t e, end;
            lc_entries(w, t, b, b + 1, &e, &end);
            if (e == end) continue;
            if (!w->plan.by_units || n % part->n == part->id)
                w->lay.storage.parts->to_words((const real *)x->p + t * x->step + b * x->row, 1, w->spec->inputs,
                                               words_at(w, w->lay.stage, LC_FROM_X, b * w->lay.chunk + n));
            n++;
        }
    if (w->plan.by_units) lc_wait(&w->barrier, part->n);
}

/* z <- x W + b for own rows and units of steps [t0, t1): a row's steps are the rows of the product. */
static void project(lc_pass *w, forward_part *part, int64_t t0, int64_t t1) {
    const lc_stage *st = w->lay.stage;
    const lc_sequence *x = &w->in->x;
    point_at_step(w, part, t0, t0);
    const view to = part->z[0];
    const const_view bias = {(const real *)w->packed + st->bias, 0, VL, st->pw};
    const int64_t first = forward_row(w, part, t0, t0, part->e0, part->e0);
    int32_t steps[LC_SCRATCH_ROWS], rows[LC_SCRATCH_ROWS];
    if (w->lay.storage.parts) inputs_to_words(w, part, t0, t1);
    for (int64_t b = part->b0; b < part->b1; b++) {
        for (int64_t t = t0, n = 0, done = 0; t < t1; t++) {
            int64_t own, e, end;
            lc_entries(w, t, part->b0, b, &own, &e);
            lc_entries(w, t, b, b + 1, &e, &end);
            if (e < end) {
                steps[n] = (int32_t)(t - t0);
                rows[n++] = (int32_t)(forward_row(w, part, t, t0, e, own) - first);
            }
            if (n == 0 || (n < LC_SCRATCH_ROWS && t + 1 < t1)) continue;
            operand op = stage_operand(w, st, LC_FROM_X);
            op.a = (const real *)x->p + t0 * x->step + b * x->row, op.rows = steps, op.row = x->step;
            if (w->lay.storage.parts) {
                op.a = words_at(w, st, LC_FROM_X, b * w->lay.chunk + done);
                op.rows = NULL, op.row = st->run[LC_FROM_X].a_row;
            }
            product_args args = {&op, 1, st->ng, st->kp * st->pw, n, rows, bias, to, product_maker(w)};
            product(&args, part->u0[0], part->u1[0]);
            done += n, n = 0;
        }
    }
}

/* The operands of stage s at step t: x, unless x W is there already, the state, what the stage before has made. */
static int stage_operands(const lc_pass *w, const forward_part *part, int s, int64_t t, operand op[2]) {
    const lc_layout *lay = &w->lay;
    const lc_stage *st = &lay->stage[s];
    const lc_sequence *x = &w->in->x;
    const cell_args *k = &part->cells[s];
    const int64_t I = w->spec->inputs, BS = w->spec->batch * lay->s;
    const real *work = w->work;
    int ops = 0;
    if (st->rows[LC_FROM_X] && !w->plan.project) {
        operand *o = &op[ops++];
        *o = stage_operand(w, st, LC_FROM_X);
        o->a = (const real *)x->p + t * x->step, o->rows = k->row, o->row = x->row;
        if (w->in->noise.x_scale) o->a = work + lay->work_xs + (t & 1) * w->spec->batch * I, o->row = I;
    }
    if (st->rows[LC_FROM_STATE]) {
        operand *o = &op[ops++];
        *o = stage_operand(w, st, LC_FROM_STATE);
        o->a = k->h0, o->rows = k->from, o->row = lay->s;
        if (w->in->noise.h_scale) o->a = work + lay->work_hs + (t & 1) * BS, o->rows = k->row;
    }
    if (st->rows[LC_FROM_STAGE]) {
        operand *o = &op[ops++];
        *o = stage_operand(w, st, LC_FROM_STAGE);
        o->a = part->cells[s - 1].q, o->row = st->rows[LC_FROM_STAGE];
    }
    return ops;
}

/* One stage of a step: z <- [start] + A B, and what the cell makes of it. Where there is no product it needs what the
 * stage before has made of all units; else a panel's kernel follows its product, while z is in cache. */
static void forward_stage(lc_pass *w, const forward_part *part, int s, int64_t t) {
    const lc_stage *st = &w->lay.stage[s];
    const int64_t u0 = part->u0[s], u1 = part->u1[s];
    if (w->plan.by_units && (!st->k || st->rows[LC_FROM_STAGE])) lc_wait(&w->barrier, part->n);
    if (!st->k) {
        parts.forward[st->kernel](&part->cells[s], u0, u1);
        return;
    }
    operand op[2];
    const int ops = stage_operands(w, part, s, t, op), ahead = s == 0 && w->plan.project;
    const const_view bias = {(const real *)w->packed + st->bias, 0, VL, st->pw};
    if (w->lay.storage.parts && operands_to_words(w, part, s, op)) lc_wait(&w->barrier, part->n);
    product_args args = {op,
                         ops,
                         st->ng,
                         st->kp * st->pw,
                         part->cells[s].n,
                         NULL,
                         st->adds || ahead ? to_read(part->z[s]) : bias,
                         part->z[s],
                         product_maker(w)};
    const int64_t group = args.nv == 1 ? 4 : args.n == 1 && args.nv == 4 ? NP : 1, groups = lc_ceil(u1 - u0, group);
    for (int64_t i = 0; i < groups; i++) {
        /* to and fro: the panels that were read last are still in cache */
        const int64_t u = u0 + group * (t & 1 ? groups - 1 - i : i), end = u + group < u1 ? u + group : u1;
        if (ops) product(&args, u, end);
        parts.forward[st->kernel](&part->cells[s], u, end);
    }
}

/* Row b, which the mask leaves out at step t, for own units: its output is that of the step before, or 0. */
static void carry_masked_row(const lc_pass *w, const forward_part *part, int64_t t, int64_t b) {
    const int64_t B = w->spec->batch, H = w->lay.h, S = w->lay.s, train = w->spec->flags & LC_TRAIN;
    const int64_t u0 = part->u0[w->lay.stages - 1], u1 = part->u1[w->lay.stages - 1];
    const int64_t row = train ? S : H, at = u0 * VL, end = u1 * VL < H ? u1 * VL : H;
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
    const lc_layout *lay = &w->lay;
    const int by_units = w->plan.by_units;
    real own_words[OWN_WORDS];
    forward_part part = {.b1 = spec->batch, .id = id, .n = n, .words = own_words};
    part.cells[0] = (cell_args){.spec = spec,
                                .lay = lay,
                                .save_gates = (spec->flags & LC_TRAIN) != 0,
                                .state_stride = lay->s,
                                .h_scale = w->in->noise.h_scale,
                                .vectors = (const real *)w->packed + lay->packed_v};
    int64_t lo, hi;
    for (int s = 0; s < lay->stages; s++)
        lc_share(lay->stage[s].ub, by_units ? id : 0, by_units ? n : 1, &part.u0[s], &part.u1[s]);
    if (!by_units) lc_own_rows(w, id, n, &part.b0, &part.b1);
    if (part.b0 == part.b1) return;
    const product_parts *by = product_maker(w);
    lc_share(spec->batch, id, n, &lo, &hi);
    if (!by_units) lo = part.b0, hi = part.b1;
    for (int64_t t0 = 0; t0 < spec->steps; t0 += lay->chunk) {
        const int64_t t1 = t0 + lay->chunk < spec->steps ? t0 + lay->chunk : spec->steps;
        if (w->plan.project) project(w, &part, t0, t1);
        for (int64_t t = t0; t < t1; t++) {
            point_at_step(w, &part, t, t0);
            for (int s = 0; s < lay->stages && part.e0 < part.e1; s++) forward_stage(w, &part, s, t);
            carry_masked_rows(w, &part, t);
            scale_inputs(w, t + 1, lo, hi);
            if (by_units) lc_wait(&w->barrier, n);
        }
    }
    if (by->thread_end) by->thread_end();
}

/* The initial state: h, and G reals behind it. */
static void forward_begin(lc_pass *w) {
    const lc_spec *spec = w->spec;
    const lc_layout *lay = &w->lay;
    const lc_forward_io *in = w->in;
    const int64_t B = spec->batch, H = lay->h, G = lay->s - H;
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
        to_blocks(c, c_block, in->c0, spec->units, B, spec->units);
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
    const int64_t B = spec->batch, H = w->lay.h, T = spec->steps, S = w->lay.s;
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
    from_blocks(in->cT, spec->units, c, c_block, train ? w->list.last : NULL, B, spec->units);
}

#endif
