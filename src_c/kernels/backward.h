/* The time loop backward, whatever the cell, and the gradients of its weights.
 *
 *     chunks of time from the end:
 *         for t down: cell backward: gates -> dz (in place);  dh <- dz R'
 *         while the chunk's dz is in cache:  dp += [1 x h]' dz,  dx <- dz W'
 */
#ifndef LC_BACKWARD_H
#define LC_BACKWARD_H
#include "forward.h"

/* What one thread owns, and the entries of the step. */
typedef struct backward_part {
    int64_t b0, b1, j0, j1, u0, u1; /* rows; panels of dh; blocks of units */
    int64_t e0, e1;
    int n; /* threads */
} backward_part;

/* The row of z (a block's) that entry e of step t has. */
INLINE int64_t z_row(const lc_pass *w, int64_t t, int64_t e) { return w->list.first ? e : t * w->spec->batch + e; }

/* Steps that the mask leaves out hand the gradient of their output, the state before, on. */
static void pass_masked_gradients(const lc_pass *w, const backward_part *part, int64_t t) {
    const lc_sequence *dy = &w->back->dy;
    const int64_t B = w->spec->batch;
    if (!w->list.first || !dy->p || w->spec->flags & LC_ZERO_MASKED) return;
    for (int64_t b = part->b0, e = part->e0; b < part->b1; b++) {
        if (e < part->e1 && w->list.row[e] == b) {
            e++;
            continue;
        }
        for (int64_t u = part->u0; u < part->u1; u++) {
            const real *from = (const real *)dy->p + t * dy->step + b * dy->row + u * VL;
            real *dh = (real *)w->work + (u * B + b) * VL;
            store(dh, load(dh) + load_n(from, lanes_of(w->spec->units, u)));
        }
    }
}

/* The cell backward on own rows and blocks of units at step t. */
static void backward_cells(const lc_pass *w, const backward_part *part, int64_t t, cell_fn *cell) {
    const lc_spec *spec = w->spec;
    const lc_layout *lay = &w->lay;
    const lc_schedule *list = &w->list;
    const lc_sequence *dy = &w->back->dy;
    const lc_noise *noise = &w->back->noise;
    const int64_t B = spec->batch, T = spec->steps, H = spec->units, e = part->e0;
    const int64_t slot = list->first ? 0 : t * B, next = list->first ? 0 : slot + B;
    cell_args k = {.spec = spec,
                   .lay = lay,
                   .n = part->e1 - e,
                   .row = list->row + e,
                   .from = list->from + e,
                   .to = list->to + e,
                   .c_from = list->from + e,
                   .c_to = list->to + e,
                   .state_stride = lay->s,
                   .h_stride = H,
                   .dy_row = dy->row,
                   .gate_block = lay->ub * B * VL,
                   .z_block = T * B * lay->pw,
                   .c_block = (T + 1) * B * VL,
                   .dh_block = B * VL};
    real *c = (real *)w->tape + lay->tape_c, *z = (real *)w->tape + lay->tape_z;
    k.h0 = (real *)w->tape + slot * lay->s;
    k.c0 = c + slot * VL, k.c1 = c + next * VL;
    k.z = z + z_row(w, t, e) * lay->pw;
    k.peep = (const real *)w->packed + lay->peeps;
    k.dh = w->work, k.dc = (real *)w->work + lay->work_dc;
    k.h_scale = noise->h_scale;
    if (dy->p) k.dy = (const real *)dy->p + t * dy->step;
    if (noise->keep_h) k.keep_h = (const real *)noise->keep_h + t * B * H;
    if (noise->keep_c) k.keep_c = (const real *)noise->keep_c + t * B * H;
    cell(&k, part->u0, part->u1);
}

/* dz as the A of a product: a row's blocks of units follow each other as ops; of the last one only units count. The
 * first row is row q of z. b is the first panel of the packed weights, `width` its width. */
static int dz_operands(const lc_pass *w, int64_t q, const real *b, ptrdiff_t width, operand op[2]) {
    const lc_layout *lay = &w->lay;
    const int64_t H = w->spec->units, whole = H / VL, tail = H % VL;
    const int64_t block = w->spec->steps * w->spec->batch * lay->pw;
    const operand start = {
        .a = (const real *)w->tape + lay->tape_z + q * lay->pw, .row = lay->pw, .col = 1, .b = b, .b_row = width};
    int ops = 0;
    if (whole) {
        op[ops] = start;
        op[ops].a_rep = block, op[ops].b_rep = lay->pw * width;
        op[ops].n = lay->pw, op[ops++].reps = whole;
    }
    if (tail) {
        op[ops] = start;
        op[ops].a += whole * block, op[ops].b += whole * lay->pw * width;
        op[ops].a_rep = VL, op[ops].b_rep = tail * width;
        op[ops].n = tail, op[ops++].reps = lay->ng;
    }
    return ops;
}

/* dh += what `ds` has, times the dropout factors of h. */
static void backward_scale(const lc_pass *w, const backward_part *part, int64_t k) {
    const lc_layout *lay = &w->lay;
    const int64_t B = w->spec->batch, H = w->spec->units;
    const real *scales = w->back->noise.h_scale, *ds = (const real *)w->work + lay->work_ds;
    for (int64_t u = part->u0; u < part->u1; u++)
        for (int64_t e = part->e0; e < part->e1; e++) {
            const int64_t b = w->list.row[e], at = ((k * lay->ub + u) * B + b) * VL;
            real *dh = (real *)w->work + at;
            vec d = load(ds + at);
            if (k == 0) d *= load_n(scales + b * H + u * VL, lanes_of(H, u));
            store(dh, lay->direct ? load(dh) + d : d);
        }
}

/* dh <- dz[t] R' in part k, for own rows and panels of four blocks of units; the last panel may be narrower. */
static void backward_dh(const lc_pass *w, const backward_part *part, int64_t t, int64_t k) {
    static const real zero[4 * VL];
    const lc_layout *lay = &w->lay;
    const int64_t B = w->spec->batch, panel = lay->kb * 4 * VL, at = k * lay->ub * B * VL;
    const int scaled = w->back->noise.h_scale != NULL;
    const real *panels = (const real *)w->packed + lay->dh + k * lay->ub * lay->kb * VL;
    const const_view none = {zero, 0, VL, 0};
    const view dh = {(real *)w->work + (scaled ? lay->work_ds : 0) + at, VL, B * VL, 4 * B * VL};
    for (int64_t j = part->j0, stop; j < part->j1; j = stop) {
        const int64_t blocks = lay->ub - 4 * j;
        const int nv = blocks < 4 ? (int)blocks : 4;
        stop = nv < 4 ? part->j1 : part->j1 < lay->ub / 4 ? part->j1 : lay->ub / 4;
        operand op[2];
        const int ops = dz_operands(w, z_row(w, t, part->e0), panels, nv * VL, op);
        product_args args = {op,
                             ops,
                             nv,
                             panel,
                             part->e1 - part->e0,
                             w->list.row + part->e0,
                             lay->direct && !scaled ? to_read(dh) : none,
                             dh};
        product(&args, j, stop);
    }
    if (scaled) backward_scale(w, part, k);
}

/* Step t for own rows and units. */
static void backward_step(lc_pass *w, backward_part *part, int64_t t) {
    const lc_layout *lay = &w->lay;
    lc_entries(w, t, part->b0, part->b1, &part->e0, &part->e1);
    pass_masked_gradients(w, part, t);
    if (part->e0 == part->e1) return;
    backward_cells(w, part, t, parts.backward[lay->kernel]);
    if (w->plan.by_units) lc_wait(&w->barrier, part->n);
    if (lay->second) {
        backward_dh(w, part, t, 1);
        backward_cells(w, part, t, parts.backward_second);
        if (w->plan.by_units) lc_wait(&w->barrier, part->n);
    }
    for (int64_t k = 0; k < lay->parts - lay->second; k++) backward_dh(w, part, t, k);
}

/* Entries of the chunk's steps by and by: which step and row of the batch, and from which slot of the state. */
typedef struct entry {
    int64_t t, b, slot;
} entry;
INLINE entry entry_of(const lc_pass *w, int64_t t, int64_t q) {
    const lc_schedule *l = &w->list;
    const int64_t B = w->spec->batch;
    if (!l->first) return (entry){q / B, q % B, q};
    while (l->first[t + 1] <= q) t++;
    return (entry){t, l->row[q], l->from[q]};
}

/* dx <- dz W' for rows [q0, q1) of z, the first of which is of step t or later, by way of a scratch block that has the
 * tile's padding. */
static void backward_dx(const lc_pass *w, int64_t t, int64_t q0, int64_t q1) {
    static const real zero[4 * VL];
    real scratch[LC_SCRATCH_ROWS * 4 * VL];
    const lc_layout *lay = &w->lay;
    const int64_t I = w->spec->inputs, B = w->spec->batch;
    const real *scales = w->back->noise.x_scale;
    for (int64_t q = q0; q < q1; q += LC_SCRATCH_ROWS) {
        const int64_t rows = q1 - q < LC_SCRATCH_ROWS ? q1 - q : LC_SCRATCH_ROWS;
        for (int64_t j = 0; j < lay->xb; j++) {
            const int64_t columns = I - j * 4 * VL < 4 * VL ? I - j * 4 * VL : 4 * VL;
            const int nv = (int)lc_ceil(columns, VL);
            operand op[2];
            const real *panel = (const real *)w->packed + lay->dx + j * lay->kb * 4 * VL;
            const int ops = dz_operands(w, q, panel, nv * VL, op);
            product_args args = {op, ops, nv, 0, rows, NULL, {zero, 0, VL, 0}, {scratch, 4 * VL, VL, 0}};
            product(&args, 0, 1);
            entry at = {t, 0, 0};
            for (int64_t r = 0; r < rows; r++) {
                at = entry_of(w, at.t, q + r);
                real *dx = (real *)w->back->dx + (at.t * B + at.b) * I + j * 4 * VL;
                if (scales) multiply(dx, scratch + r * 4 * VL, scales + at.b * I + j * 4 * VL, columns);
                else __builtin_memcpy(dx, scratch + r * 4 * VL, (size_t)columns * sizeof(real));
            }
        }
    }
}

/* The A of the weight gradients: columns [1 x h], h before the step, of rows [q0, q1) of z, in tiles of MR columns as
 * the tile reads them: [tiles][rows][MR]. The chunk has `rows` rows from row `first` on and begins with step t. */
static void backward_columns(const lc_pass *w, int64_t t, int64_t first, int64_t rows, int64_t q0, int64_t q1,
                             real *columns) {
    const int64_t I = w->spec->inputs, H = w->spec->units, S = w->lay.s, apart = rows * MR;
    const lc_sequence *x = &w->back->x;
    const real *x_scale = w->back->noise.x_scale, *h_scale = w->back->noise.h_scale, one = 1;
    entry at = {t, 0, 0};
    for (int64_t q = q0; q < q1; q++) {
        at = entry_of(w, at.t, q);
        real *to = columns + (q - first) * MR;
        const real *from = (const real *)x->p + at.t * x->step + at.b * x->row;
        const real *h = (const real *)w->tape + at.slot * S;
        pack_columns(to, apart, 0, &one, 1);
        pack_scaled_columns(to, apart, 1, from, x_scale ? x_scale + at.b * I : NULL, I);
        pack_scaled_columns(to, apart, 1 + I, h, h_scale ? h_scale + at.b * H : NULL, H);
        if (S > H) pack_columns(to, apart, 1 + I + H, h + H, S - H);
        if (w->lay.second) pack_columns(to, apart, 1 + I + H, (const real *)w->tape + w->lay.tape_q + q * H, H);
    }
}

/* The gradients of block u's peepholes over rows [q0, q1) of z: i and f saw the cell before the step, o the new one. */
static void backward_peepholes(const lc_pass *w, int64_t u, int64_t q0, int64_t q1) {
    const lc_layout *lay = &w->lay;
    const int64_t B = w->spec->batch, T = w->spec->steps;
    const real *c = (const real *)w->tape + lay->tape_c + u * (T + 1) * B * VL;
    const real *z = (const real *)w->tape + lay->tape_z + u * T * B * lay->pw;
    real *sums = (real *)w->work + lay->work_dpeep + u * LC_PEEPS * VL;
    int at = 0;
    for (int j = 0; j < LC_PEEPS; j++) {
        if (!lay->peep[j]) continue;
        const int32_t *slot = j < 2 ? w->list.from : w->list.to;
        const int64_t ahead = j < 2 ? 0 : B, g = j < 2 ? at++ : lay->ng - 1;
        const int kept = j == 2 && w->spec->flags & LC_ZONED;
        const real *seen = kept ? (const real *)w->tape + lay->tape_fresh + u * T * B * VL : c;
        vec sum = load(sums + j * VL);
        for (int64_t q = q0; q < q1; q++) {
            const int64_t s = kept ? q : w->list.first ? slot[q] : q + ahead;
            sum += load(z + q * lay->pw + g * VL) * load(seen + s * VL);
        }
        store(sums + j * VL, sum);
    }
}

/* dp += [1 x h]' dz over rows [q0, q1) of z, or dp added to what the caller wants: for own tiles of own panels. */
static void backward_weights(const lc_pass *w, int id, int n, int64_t q0, int64_t q1, const real *columns) {
    const lc_layout *lay = &w->lay;
    const int64_t all = w->spec->steps * w->spec->batch;
    int64_t at, end;
    lc_share(lay->ub * lay->tiles, id, n, &at, &end);
    for (; at < end; at++) {
        const int64_t u = at / lay->tiles, k = at % lay->tiles * MR, left = 1 + lay->kf - k;
        real *dp = (real *)w->work + lay->work_dp + (u * (1 + lay->kf) + k) * lay->pw;
        const real *dpeep = (const real *)w->work + lay->work_dpeep + u * LC_PEEPS * VL;
        if (!columns) {
            unpack_add(w->spec, lay, dp, w->back, u, k, left < MR ? k + left : k + MR);
            if (k == 0 && lay->peepholes) unpack_peepholes(w->spec, lay, dpeep, w->back->dP, u);
            continue;
        }
        operand op = {.a = columns + k * (q1 - q0),
                      .row = 1,
                      .col = MR,
                      .n = q1 - q0,
                      .reps = 1,
                      .b_row = lay->pw,
                      .b = (const real *)w->tape + lay->tape_z + (u * all + q0) * lay->pw};
        view place = {dp, lay->pw, VL, 0};
        product_args args = {&op, 1, lay->ng, 0, left < MR ? left : MR, NULL, to_read(place), place};
        product(&args, 0, 1);
        if (k == 0 && lay->peepholes) backward_peepholes(w, u, q0, q1);
    }
}

/* Zeroes own shares of the sums, and of dx where a mask leaves holes in it. */
static void backward_clear(const lc_pass *w, int id, int n) {
    const lc_layout *lay = &w->lay;
    real *dp = (real *)w->work + lay->work_dp, *dpeep = (real *)w->work + lay->work_dpeep;
    int64_t lo, hi;
    lc_share(lay->ub * (1 + lay->kf) * lay->pw, id, n, &lo, &hi);
    __builtin_memset(dp + lo, 0, (size_t)(hi - lo) * sizeof(real));
    lc_share(lay->peepholes ? lay->ub * LC_PEEPS * VL : 0, id, n, &lo, &hi);
    __builtin_memset(dpeep + lo, 0, (size_t)(hi - lo) * sizeof(real));
    if (!w->back->dx || !w->list.first) return;
    lc_share(w->spec->steps * w->spec->batch * w->spec->inputs, id, n, &lo, &hi);
    __builtin_memset((real *)w->back->dx + lo, 0, (size_t)(hi - lo) * sizeof(real));
}

static void backward_thread(void *arg, int id, int n) {
    lc_pass *w = arg;
    LC_ASSERT(w->lay.chunk >= 1 && 0 <= id && id < n);
    const lc_layout *lay = &w->lay;
    const int64_t B = w->spec->batch, T = w->spec->steps;
    real *columns = (real *)w->work + lay->work_columns;
    backward_part part = {.b1 = B, .j1 = lay->jb, .n = n};
    if (w->plan.by_units) lc_share(lay->jb, id, n, &part.j0, &part.j1);
    else lc_own_rows(w, id, n, &part.b0, &part.b1);
    part.u0 = 4 * part.j0, part.u1 = 4 * part.j1 < lay->ub ? 4 * part.j1 : lay->ub;
    backward_clear(w, id, n);
    for (int64_t t1 = T, i = 0; t1 > 0; t1 -= lay->chunk, i++) {
        const int64_t t0 = t1 > lay->chunk ? t1 - lay->chunk : 0;
        for (int64_t t = t1 - 1; t >= t0; t--) backward_step(w, &part, t);
        /* Two buffers take turns: a thread that is done with this chunk may fill the next one's. */
        real *turn = columns + (i & 1) * lay->chunk * B * lay->tiles * MR;
        const int64_t first = z_row(w, t0, w->list.first ? w->list.first[t0] : 0), rows = lc_counted(w, t0, t1);
        int64_t lo, hi;
        lc_share(rows, id, n, &lo, &hi);
        backward_columns(w, t0, first, rows, first + lo, first + hi, turn);
        lc_wait(&w->barrier, n);
        if (rows) backward_weights(w, id, n, first, first + rows, turn);
        if (w->back->dx) backward_dx(w, t0, first + lo, first + hi);
    }
    backward_weights(w, id, n, 0, 0, NULL);
}

static void backward_begin(lc_pass *w) {
    const lc_backward_io *back = w->back;
    const int64_t B = w->spec->batch, H = w->spec->units, part = w->lay.ub * B * VL;
    real *dh = w->work;
    lc_find_schedule(w, (real *)w->tape + w->lay.tape_list);
    lc_plan_backward(w);
    to_blocks(dh, B * VL, back->dhT, H, B, H);
    if (w->lay.states > 1) to_blocks(dh + w->lay.work_dc, B * VL, back->dcT, H, B, H);
    for (int64_t i = 0; (i + 1) * H < w->lay.s; i++)
        to_blocks(dh + (i + 1) * part, B * VL, back->dgT ? (const real *)back->dgT + i * H : NULL, 3 * H, B, H);
}

static void backward_end(lc_pass *w) {
    const lc_backward_io *back = w->back;
    const int64_t B = w->spec->batch, H = w->spec->units, part = w->lay.ub * B * VL;
    const real *dh = w->work;
    if (back->dh0) from_blocks(back->dh0, H, dh, B * VL, NULL, B, H);
    if (back->dc0 && w->lay.states > 1) from_blocks(back->dc0, H, dh + w->lay.work_dc, B * VL, NULL, B, H);
    if (back->dg0 && w->lay.s > H)
        for (int64_t i = 0; i < LC_PEEPS; i++)
            from_blocks((real *)back->dg0 + i * H, 3 * H, dh + (i + 1) * part, B * VL, NULL, B, H);
}

#endif
