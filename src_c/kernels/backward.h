/* The time loop backward, whatever the cell, and the gradients of its weights.
 *
 *     chunks of time from the end:
 *         for t down: cell backward: gates -> dz (in place);  dh <- dz R'
 *         while the chunk's dz is in cache:  dp += [1 x h]' dz,  dx <- dz W'
 */
#ifndef LC_BACKWARD_H
#define LC_BACKWARD_H
#include "backward_words.h"
#include "vectors.h"

/* What one thread owns, and the entries of the step. */
typedef struct backward_part {
    int64_t b0, b1; /* rows */
    int64_t e0, e1;
    int id, n; /* of the threads */
    chunk_place chunk;
    int64_t u0[LC_STAGES], u1[LC_STAGES]; /* of each stage: blocks of units, */
    int64_t j0[LC_STAGES], j1[LC_STAGES]; /* panels of a part of what its product makes */
} backward_part;

/* The row of z (a block's) that entry e of step t has. */
INLINE int64_t z_row(const lc_pass *w, int64_t t, int64_t e) { return w->list.first ? e : t * w->spec->batch + e; }

/* Steps that the mask leaves out hand the gradient of their output, the state before, on. */
static void pass_masked_gradients(const lc_pass *w, const backward_part *part, int64_t t) {
    const lc_sequence *dy = &w->back->dy;
    const int64_t B = w->spec->batch;
    const int last = w->lay.stages - 1;
    if (!w->list.first || !dy->p || w->spec->flags & LC_ZERO_MASKED) return;
    for (int64_t b = part->b0, e = part->e0; b < part->b1; b++) {
        if (e < part->e1 && w->list.row[e] == b) {
            e++;
            continue;
        }
        for (int64_t u = part->u0[last]; u < part->u1[last]; u++) {
            const real *from = (const real *)dy->p + t * dy->step + b * dy->row + u * VL;
            real *dh = (real *)w->work + (u * B + b) * VL;
            store(dh, load(dh) + load_n(from, lanes_of(w->lay.h, u)));
        }
    }
}

/* Points the kernels of a normalized cell at row q of what they alone have. */
static void point_at_norms(const lc_pass *w, chunk_place chunk, const lc_stage *st, int64_t q, cell_args *k) {
    const lc_layout *lay = &w->lay;
    const view dz = dz_from(w, st->apart ? st : lay->stage, chunk, q);
    k->statistics = (real *)w->tape + lay->tape_statistics + q * LC_NORMS * 2;
    k->dz = dz.p, k->dz_block = dz.panel;
    k->dn = norm_dn(w, chunk, q), k->dn_block = norm_dn_block(w);
}

/* Stage s of the cell backward on own rows and blocks of units at step t. dy is of what the last stage made. */
static void backward_cells(const lc_pass *w, const backward_part *part, int64_t t, int s) {
    const lc_spec *spec = w->spec;
    const lc_layout *lay = &w->lay;
    const lc_stage *st = &lay->stage[s];
    const lc_schedule *list = &w->list;
    const lc_sequence *dy = &w->back->dy;
    const lc_noise *noise = &w->back->noise;
    const int64_t B = spec->batch, T = spec->steps, e = part->e0;
    const int64_t slot = list->first ? 0 : t * B, next = list->first ? 0 : slot + B;
    cell_args k = {.spec = spec,
                   .lay = lay,
                   .stage = st,
                   .n = part->e1 - e,
                   .row = list->row + e,
                   .from = list->from + e,
                   .to = list->to + e,
                   .c_from = list->from + e,
                   .c_to = list->to + e,
                   .state_stride = lay->s,
                   .h_stride = st->units,
                   .dy_row = dy->row,
                   .gate_block = lc_ceil(lay->h, VL) * B * VL,
                   .z_block = st->block,
                   .c_block = (T + 1) * B * VL,
                   .dh_block = B * VL};
    real *c = (real *)w->tape + lay->tape_c, *z = (real *)w->tape + st->z;
    k.h0 = (real *)w->tape + slot * lay->s;
    k.c0 = c + slot * VL, k.c1 = c + next * VL;
    k.z = z + z_row(w, t, e) * st->row;
    k.vectors = (const real *)w->packed + lay->packed_v;
    k.dh = w->work, k.dc = (real *)w->work + lay->work_dc;
    if (lay->fresh) k.fresh = (real *)w->tape + lay->fresh_at + z_row(w, t, e) * VL, k.fresh_block = T * B * VL;
    if (lay->norm.gates) point_at_norms(w, part->chunk, st, z_row(w, t, e), &k);
    if (st->makes) k.dq = (const real *)w->work + st->dq;
    k.h_scale = noise->h_scale;
    if (s == lay->stages - 1) {
        k.direct = lay->direct;
        if (dy->p) k.dy = (const real *)dy->p + t * dy->step;
        if (noise->keep_h) k.keep_h = (const real *)noise->keep_h + t * B * lay->h;
    }
    if (noise->keep_c) k.keep_c = (const real *)noise->keep_c + t * B * spec->units;
    parts.backward[st->kernel](&k, part->u0[s], part->u1[s]);
}

/* A stage's dz as the A of a product: a row's blocks of units follow each other as ops; of the last one only units
 * count. The first row is row q of z. b is the first panel of the packed weights, `width` its width. */
static int dz_operands(const lc_pass *w, const backward_part *part, const lc_stage *st, int64_t q, const real *b,
                       ptrdiff_t width, operand op[2]) {
    const int64_t whole = st->units / VL, tail = st->units % VL;
    const view dz = dz_from(w, st, part->chunk, q);
    const operand start = {.a = dz.p, .row = dz.row, .col = 1, .b = b, .b_row = width};
    int ops = 0;
    if (w->lay.words) {
        op[0] = (operand){.row = st->kbp, .col = 1, .n = st->kbp, .reps = 1, .b = b, .b_row = width};
        op[0].a = dz_words(w, st, part->chunk.turn, q - part->chunk.first);
        return 1;
    }
    if (whole) {
        op[ops] = start;
        op[ops].a_rep = dz.panel, op[ops].b_rep = st->pw * width;
        op[ops].n = st->pw, op[ops++].reps = whole;
    }
    if (tail) {
        op[ops] = start;
        op[ops].a += whole * dz.panel, op[ops].b += whole * st->pw * width;
        op[ops].a_rep = VL, op[ops].b_rep = tail * width;
        op[ops].n = tail, op[ops++].reps = st->ng;
    }
    return ops;
}

/* dh += what `ds` has, times the dropout factors of h. */
static void backward_scale(const lc_pass *w, const backward_part *part, const lc_stage *st, int64_t k) {
    const lc_layout *lay = &w->lay;
    const int64_t B = w->spec->batch, s = st - lay->stage;
    const real *scales = w->back->noise.h_scale, *ds = (const real *)w->work + lay->work_ds;
    const int64_t u1 = 4 * part->j1[s] < st->tb ? 4 * part->j1[s] : st->tb;
    for (int64_t u = 4 * part->j0[s]; u < u1; u++)
        for (int64_t e = part->e0; e < part->e1; e++) {
            const int64_t b = w->list.row[e], at = ((k * st->tb + u) * B + b) * VL;
            real *dh = (real *)w->work + at;
            vec d = load(ds + at);
            if (k == 0) d *= load_n(scales + b * lay->h + u * VL, lanes_of(lay->h, u));
            store(dh, lay->direct ? load(dh) + d : d);
        }
}

/* What stage s was given gets its gradient, dz[t] times the transposed weights: part k of the state in dh, or what the
 * stage before made in dq; for own rows and panels of four blocks of units; the last panel may be narrower. */
static void backward_dh(const lc_pass *w, const backward_part *part, int64_t t, int s, int64_t k) {
    static const real zero[4 * VL];
    const lc_layout *lay = &w->lay;
    const lc_stage *st = &lay->stage[s];
    const int64_t B = w->spec->batch, panel = st->kbp * 4 * VL, at = k * st->tb * B * VL;
    const int state = st->rows[LC_FROM_STATE] > 0, scaled = state && w->back->noise.h_scale;
    const real *panels = (const real *)w->packed + st->dh + k * st->tb * st->kbp * VL;
    const const_view none = {zero, 0, VL, 0};
    real *into = (real *)w->work + (!state ? lay->stage[s - 1].dq : scaled ? lay->work_ds : 0) + at;
    const view dh = {into, VL, B * VL, 4 * B * VL};
    for (int64_t j = part->j0[s], stop; j < part->j1[s]; j = stop) {
        const int64_t blocks = st->tb - 4 * j;
        const int nv = blocks < 4 ? (int)blocks : 4;
        stop = nv < 4 ? part->j1[s] : part->j1[s] < st->tb / 4 ? part->j1[s] : st->tb / 4;
        operand op[2];
        const int ops = dz_operands(w, part, st, z_row(w, t, part->e0), panels, nv * VL, op);
        product_args args = {op,
                             ops,
                             nv,
                             panel,
                             part->e1 - part->e0,
                             w->list.row + part->e0,
                             state && lay->direct && !scaled ? to_read(dh) : none,
                             dh,
                             product_maker(w)};
        product(&args, j, stop);
    }
    if (scaled) backward_scale(w, part, st, k);
}

/* A stage's dz of a step in words: who shares units shares the rows, too. */
static void step_to_words(lc_pass *w, const backward_part *part, int64_t t, int s) {
    const lc_stage *st = &w->lay.stage[s];
    int64_t lo = 0, hi = part->e1 - part->e0;
    if (w->plan.by_units) lc_share(hi, part->id, part->n, &lo, &hi);
    const int64_t q = z_row(w, t, part->e0);
    dz_to_words(w, st, dz_from(w, st, part->chunk, q + lo), hi - lo,
                dz_words(w, st, part->chunk.turn, q + lo - part->chunk.first));
    if (w->plan.by_units) lc_wait(&w->barrier, part->n);
}

/* Step t for own rows and units. */
static void backward_step(lc_pass *w, backward_part *part, int64_t t) {
    lc_entries(w, t, part->b0, part->b1, &part->e0, &part->e1);
    pass_masked_gradients(w, part, t);
    if (part->e0 == part->e1) return;
    for (int s = w->lay.stages - 1; s >= 0; s--) {
        if (!w->lay.stage[s].later) {
            backward_cells(w, part, t, s);
            if (w->plan.by_units) lc_wait(&w->barrier, part->n);
        }
        if (w->lay.words) step_to_words(w, part, t, s);
        for (int64_t k = 0; k < w->lay.stage[s].parts; k++) backward_dh(w, part, t, s, k);
    }
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
static void backward_dx(const lc_pass *w, const backward_part *part, int64_t t, int64_t q0, int64_t q1) {
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
            const real *panel = (const real *)w->packed + lay->dx + j * lay->stage[0].kbp * 4 * VL;
            const int ops = dz_operands(w, part, lay->stage, q, panel, nv * VL, op);
            product_args args = {
                op, ops, nv, 0, rows, NULL, {zero, 0, VL, 0}, {scratch, 4 * VL, VL, 0}, product_maker(w)};
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

enum { LC_PIECES = 5 };

/* The columns [1 x h] of one stage for row q of z, which is entry `at`, piece by piece; how many pieces. */
static int stage_columns(const lc_pass *w, int s, int64_t q, entry at, column_piece piece[LC_PIECES]) {
    static const real one = 1;
    const lc_layout *lay = &w->lay;
    const lc_stage *st = &lay->stage[s];
    const int64_t I = w->spec->inputs, H = lay->h, S = lay->s, made = st->rows[LC_FROM_STAGE];
    const lc_sequence *x = &w->back->x;
    const real *x_scale = w->back->noise.x_scale, *h_scale = w->back->noise.h_scale;
    const real *h = (const real *)w->tape + at.slot * S;
    int n = 0;
    if (st->biases) piece[n++] = (column_piece){&one, NULL, 1};
    if (st->rows[LC_FROM_X])
        piece[n++] =
            (column_piece){(const real *)x->p + at.t * x->step + at.b * x->row, x_scale ? x_scale + at.b * I : NULL, I};
    if (st->rows[LC_FROM_STATE]) piece[n++] = (column_piece){h, h_scale ? h_scale + at.b * H : NULL, H};
    if (st->rows[LC_FROM_STATE] && S > H) piece[n++] = (column_piece){h + H, NULL, S - H};
    if (made) piece[n++] = (column_piece){(const real *)w->tape + lay->stage[s - 1].q + q * made, NULL, made};
    return n;
}

/* The A of the weight gradients: columns [1 x h], h before the step, of rows [q0, q1) of z, in tiles of MR columns as
 * the tile reads them: [tiles][rows][MR]. The chunk has `rows` rows from row `first` on and begins with step t. */
static void backward_columns(const lc_pass *w, int64_t t, int64_t first, int64_t rows, int64_t q0, int64_t q1,
                             real *columns) {
    const int64_t apart = rows * MR;
    entry at = {t, 0, 0};
    for (int64_t q = q0; q < q1; q++) {
        at = entry_of(w, at.t, q);
        for (int s = 0; s < w->lay.stages; s++) {
            column_piece piece[LC_PIECES];
            real *to = columns + (q - first) * MR + w->lay.stage[s].tile * apart;
            const int pieces = stage_columns(w, s, q, at, piece);
            for (int64_t i = 0, c = 0; i < pieces; c += piece[i++].n)
                pack_scaled_columns(to, apart, c, piece[i].p, piece[i].scale, piece[i].n);
        }
    }
}

/* The same in words of two rows, [tiles][TR][words and some]: own words of all columns. */
static void pair_all_columns(const lc_pass *w, int id, int n, int64_t t, int64_t first, int64_t rows, real *columns) {
    const int64_t apart = columns_apart(w, rows), words = row_pairs(w, rows);
    int64_t lo, hi;
    entry at = {t, 0, 0}, next;
    lc_share(words, id, n, &lo, &hi);
    for (int64_t i = lo; i < hi; i++) {
        const int64_t q = first + 2 * i, there = q < first + rows, two = q + 1 < first + rows;
        if (there) at = next = entry_of(w, at.t, q);
        if (two) next = entry_of(w, at.t, q + 1);
        for (int s = 0; s < w->lay.stages; s++) {
            const lc_stage *st = &w->lay.stage[s];
            column_piece a[LC_PIECES], b[LC_PIECES];
            real *to = columns + st->tile * w->lay.tile_rows * apart + i;
            const int pieces = there ? stage_columns(w, s, q, at, a) : 0;
            if (two) stage_columns(w, s, q + 1, next, b);
            for (int64_t p = 0; p < pieces; to += a[p++].n * apart) pair_columns(to, apart, &a[p], two ? &b[p] : NULL);
            for (int64_t c = 0; !there && c < (st->biases > 0) + st->k; c++) to[c * apart] = 0;
        }
    }
}

/* Own blocks' dz in words of two rows. */
static void pair_all_dz(const lc_pass *w, int id, int n, chunk_place chunk, int64_t rows) {
    int64_t lo, hi;
    for (const lc_stage *st = w->lay.stage; st < w->lay.stage + w->lay.stages; st++) {
        lc_share(st->ub, id, n, &lo, &hi);
        for (int64_t u = lo; u < hi; u++) dz_to_pairs(w, st, u, chunk, rows);
    }
}

/* How many panels of a stage are multiplied at a time: those of one register have too few chains alone. */
INLINE int64_t panels_at_once(const lc_stage *st) { return st->ng == 1 ? 4 : 1; }

/* Tile k of panels [u, end) of a stage: dp += [1 x h]' dz over the n rows of a chunk, or dp added to what the caller
 * wants. */
static void backward_tile(const lc_pass *w, const lc_stage *st, int64_t u, int64_t end, int64_t k, chunk_place chunk,
                          int64_t n, const real *columns) {
    const int64_t rows = (st->biases > 0) + st->k, TR = w->lay.tile_rows;
    const int64_t first = k * TR, m = rows - first < TR ? rows - first : TR;
    const int64_t apart = rows * st->pw;
    real *dp = (real *)w->work + st->dp + u * apart + first * st->pw;
    if (!columns) {
        for (; u < end; u++, dp += apart) unpack_add(st, dp, w->back, u, first, first + m);
        return;
    }
    view dz = dz_from(w, st, chunk, chunk.first);
    operand op = {.a = columns + (st->tile + k) * MR * n,
                  .row = 1,
                  .col = MR,
                  .n = n,
                  .reps = 1,
                  .b_row = dz.row,
                  .b = dz.p + u * dz.panel};
    if (w->lay.words) {
        const int64_t column = columns_apart(w, n);
        op.a = columns + (st->tile + k) * TR * column, op.row = column, op.col = 1, op.n = row_pairs(w, n);
        dz.panel = row_pairs(w, w->lay.chunk * w->spec->batch) * st->pw;
        op.b = (const real *)w->work + st->dz_pairs + u * dz.panel;
        op.b_row = st->pw;
    }
    view place = {dp, st->pw, VL, apart};
    product_args args = {&op, 1, st->ng, dz.panel, m, NULL, to_read(place), place, product_maker(w)};
    product(&args, 0, end - u);
}

INLINE int64_t stage_tiles(const lc_stage *st) { return lc_ceil(st->ub, panels_at_once(st)) * st->tiles; }

/* The same for own tiles of own panels of all stages, and for the vectors of own blocks of units. */
static void backward_weights(const lc_pass *w, int id, int n, chunk_place chunk, int64_t rows, const real *columns) {
    const lc_layout *lay = &w->lay;
    int64_t all = 0, at, end;
    for (int s = 0; s < lay->stages; s++) all += stage_tiles(&lay->stage[s]);
    lc_share(all, id, n, &at, &end);
    for (; at < end; at++) {
        const lc_stage *st = lay->stage;
        int64_t i = at;
        for (; i >= stage_tiles(st); st++) i -= stage_tiles(st);
        const int64_t k = i % st->tiles, u0 = i / st->tiles * panels_at_once(st), most = u0 + panels_at_once(st);
        const int64_t u1 = most < st->ub ? most : st->ub;
        backward_tile(w, st, u0, u1, k, chunk, rows, columns);
        if (st > lay->stage || k || !lay->vectors) continue;
        for (int64_t u = u0; u < u1; u++) {
            if (columns) backward_vectors(w, u, chunk, rows);
            else unpack_unit_vectors(w->spec, lay, block_vectors(w, u), w->back, u);
        }
    }
}

/* Zeroes own shares of the sums, and of dx where a mask leaves holes in it. */
static void backward_clear(const lc_pass *w, int id, int n) {
    const lc_layout *lay = &w->lay;
    int64_t lo, hi;
    for (const lc_stage *st = lay->stage; st < lay->stage + lay->stages; st++) {
        lc_share(st->ub * ((st->biases > 0) + st->k) * st->pw, id, n, &lo, &hi);
        __builtin_memset((real *)w->work + st->dp + lo, 0, (size_t)(hi - lo) * sizeof(real));
    }
    lc_share(lay->ub * lay->vectors * VL, id, n, &lo, &hi);
    __builtin_memset((real *)w->work + lay->work_dv + lo, 0, (size_t)(hi - lo) * sizeof(real));
    if (!w->back->dx || !w->list.first) return;
    lc_share(w->spec->steps * w->spec->batch * w->spec->inputs, id, n, &lo, &hi);
    __builtin_memset((real *)w->back->dx + lo, 0, (size_t)(hi - lo) * sizeof(real));
}

/* Own blocks of each stage, and own panels of what it makes: of one number of units the same share. */
static void share_units(const lc_layout *lay, int id, int n, backward_part *part) {
    for (int s = 0; s < lay->stages; s++) {
        const lc_stage *st = &lay->stage[s];
        int64_t lo, hi;
        lc_share(lc_ceil(st->ub, 4), id, n, &lo, &hi);
        part->u0[s] = 4 * lo, part->u1[s] = 4 * hi < st->ub ? 4 * hi : st->ub;
        lc_share(st->jb, id, n, &part->j0[s], &part->j1[s]);
    }
}

static void backward_thread(void *arg, int id, int n) {
    lc_pass *w = arg;
    LC_ASSERT(w->lay.chunk >= 1 && 0 <= id && id < n);
    const lc_layout *lay = &w->lay;
    const int64_t B = w->spec->batch, T = w->spec->steps;
    real *columns = (real *)w->work + lay->work_columns;
    backward_part part = {.b1 = B, .id = id, .n = n};
    const product_parts *by = product_maker(w);
    share_units(lay, w->plan.by_units ? id : 0, w->plan.by_units ? n : 1, &part);
    if (!w->plan.by_units) lc_own_rows(w, id, n, &part.b0, &part.b1);
    backward_clear(w, id, n);
    for (int64_t t1 = T, i = 0; t1 > 0; t1 -= lay->chunk, i++) {
        const int64_t t0 = t1 > lay->chunk ? t1 - lay->chunk : 0;
        const int64_t first = z_row(w, t0, w->list.first ? w->list.first[t0] : 0), rows = lc_counted(w, t0, t1);
        part.chunk = (chunk_place){i & 1, first};
        for (int64_t t = t1 - 1; t >= t0; t--) backward_step(w, &part, t);
        /* Two buffers take turns: a thread that is done with this chunk may fill the next one's. */
        const int64_t most = lay->chunk * B, apart = lay->words ? columns_apart(w, most) : most;
        real *turn = columns + part.chunk.turn * apart * lay->tiles * lay->tile_rows;
        int64_t lo, hi;
        if (lay->words) pair_all_columns(w, id, n, t0, first, rows, turn);
        lc_share(rows, id, n, &lo, &hi);
        if (!lay->words) backward_columns(w, t0, first, rows, first + lo, first + hi, turn);
        lc_wait(&w->barrier, n);
        if (lay->words) {
            pair_all_dz(w, id, n, part.chunk, rows);
            lc_wait(&w->barrier, n);
        }
        if (rows) backward_weights(w, id, n, part.chunk, rows, turn);
        if (w->back->dx) backward_dx(w, &part, t0, first + lo, first + hi);
    }
    if (by->thread_end) by->thread_end();
    backward_weights(w, id, n, (chunk_place){0, 0}, 0, NULL);
}

static void backward_begin(lc_pass *w) {
    const lc_backward_io *back = w->back;
    const lc_layout *lay = &w->lay;
    const int64_t B = w->spec->batch, H = w->spec->units, part = lc_ceil(lay->h, VL) * B * VL;
    real *dh = w->work;
    lc_find_schedule(w, (real *)w->tape + lay->tape_list);
    lc_plan_backward(w);
    to_blocks(dh, B * VL, back->dhT, lay->h, B, lay->h);
    if (lay->states > 1) to_blocks(dh + lay->work_dc, B * VL, back->dcT, H, B, H);
    for (int64_t i = 0; i + 1 < lay->parts; i++)
        to_blocks(dh + (i + 1) * part, B * VL, back->dgT ? (const real *)back->dgT + i * H : NULL, 3 * H, B, H);
}

static void backward_end(lc_pass *w) {
    const lc_backward_io *back = w->back;
    const lc_layout *lay = &w->lay;
    const int64_t B = w->spec->batch, H = w->spec->units, part = lc_ceil(lay->h, VL) * B * VL;
    const real *dh = w->work;
    if (back->dh0) from_blocks(back->dh0, lay->h, dh, B * VL, NULL, B, lay->h);
    if (back->dc0 && lay->states > 1) from_blocks(back->dc0, H, dh + lay->work_dc, B * VL, NULL, B, H);
    for (int64_t i = 0; back->dg0 && i + 1 < lay->parts; i++)
        from_blocks((real *)back->dg0 + i * H, 3 * H, dh + (i + 1) * part, B * VL, NULL, B, H);
}

#endif
