/* Products of any size, made of tiles: rows are cut into tiles, k into stretches that stay in cache. */
#ifndef LC_PRODUCT_H
#define LC_PRODUCT_H
#include "tile.h"
#include "tuning.h"

static const kernel_parts parts; /* kernels.h fills it */

/* What makes products of weights that are stored so: the dot product, or the instruction set's own. */
INLINE const product_parts *stored_parts(const lc_storage *s) {
    return s->parts ? s->parts : &parts.product[s->format];
}

INLINE const product_parts *made_by(const product_args *args) { return args->by ? args->by : &parts.product[LC_REALS]; }

/* All row tiles of one stretch of k. Tiles differ by at most one row: no thin one is left at the end. Each tile has
 * its part of the stretch that follows in memory fetched. */
static void tile_stretch(const product_args *args, operand *op, int ops, const_view from) {
    LC_ASSERT(args->n >= 1 && 1 <= args->nv && args->nv <= 4 && 1 <= ops && ops <= 2);
    const product_parts *by = made_by(args);
    const int group = format_group(by->format);
    ptrdiff_t tiles = (args->n + MR - 1) / MR, steps = 0;
    const operand *last = op + ops - 1;
    const char *next = (const char *)(last->b + (last->reps - 1) * last->b_rep + lc_ceil(last->n, group) * last->b_row);
    const ptrdiff_t share = (4 * VB + tiles - 1) / tiles, pace = share < LINE ? share : LINE;
    const int32_t *lists[2];
    int32_t here[MR];
    for (int j = 0; j < ops; j++) {
        LC_ASSERT(op[j].n >= 1 && op[j].reps >= 1);
        lists[j] = op[j].rows;
        op[j].ahead = next + steps * pace, op[j].pace = pace;
        steps += lc_ceil(op[j].n, group) * op[j].reps;
    }
    for (ptrdiff_t i = 0, r = 0; i < tiles; i++) {
        const int m = (int)((args->n * (i + 1)) / tiles - (args->n * i) / tiles);
        LC_ASSERT(1 <= m && m <= MR);
        for (int j = 0; j < m; j++) here[j] = (int32_t)(r + j);
        for (int j = 0; j < ops; j++) op[j].rows = lists[j] ? lists[j] + r : here;
        tile_fn *tile_of = op->b_vec ? by->beside[m - 1] : by->tile[m - 1][args->nv - 1];
        tile_of(op, ops, args->rows ? args->rows + r : here, from, args->to);
        for (int j = 0; j < ops; j++) op[j].ahead += steps * pace;
        r += m;
    }
}

/* Moves up to `room` steps of k, in whole words, from the front of an operand to `piece`: whole repeats, at least one,
 * of many. */
static ptrdiff_t split_front(operand *op, operand *piece, ptrdiff_t room, int group) {
    LC_ASSERT(room >= 1 && op->n >= 1 && op->reps >= 1);
    room = lc_ceil(room, group) * group;
    *piece = *op;
    if (op->reps == 1) {
        piece->n = op->n < room ? op->n : room;
        op->a += piece->n * op->col, op->b += lc_ceil(piece->n, group) * op->b_row;
        op->n -= piece->n;
        return piece->n;
    }
    const ptrdiff_t reps = room > op->n ? room / op->n : 1;
    piece->reps = op->reps < reps ? op->reps : reps;
    op->a += piece->reps * op->a_rep, op->b += piece->reps * op->b_rep;
    op->reps -= piece->reps;
    return piece->reps * op->n;
}

/* One panel: k is cut into stretches of about LC_KC, so that a stretch of the panel stays in cache while all rows of A
 * pass by. */
static void product_panel(const product_args *args, ptrdiff_t u, const_view from) {
    operand left[2], piece[2];
    product_args here = *args;
    here.to.p += u * args->to.panel;
    ptrdiff_t total = 0;
    for (int i = 0; i < args->ops; i++) {
        left[i] = args->op[i];
        left[i].b += u * args->b_panel;
        total += left[i].n * left[i].reps;
    }
    if (format_scaled(made_by(args)->format)) { /* what is scaled has to be complete: operand by operand, uncut */
        for (int i = 0; i < args->ops; i++, from = to_read(here.to)) tile_stretch(&here, &left[i], 1, from);
        return;
    }
    ptrdiff_t stretches = args->n <= MR ? 1 : (total + LC_KC / 2) / LC_KC;
    if (stretches <= 1) {
        tile_stretch(&here, left, args->ops, from);
        return;
    }
    const ptrdiff_t size = (total + stretches - 1) / stretches;
    for (int i = 0; i < args->ops; from = to_read(here.to)) {
        ptrdiff_t room = size;
        int pieces = 0;
        while (i < args->ops && room > 0) {
            room -= split_front(&left[i], &piece[pieces++], room, format_group(made_by(args)->format));
            if (left[i].n == 0 || left[i].reps == 0) i++;
            else break;
        }
        tile_stretch(&here, piece, pieces, from);
    }
}

/* Panels of one register, which have too few chains for the tile alone: four of them at a time. */
static void panels_beside(const product_args *args, ptrdiff_t u0, ptrdiff_t u1) {
    operand op[2];
    product_args four = *args;
    four.op = op, four.nv = 4, four.to.vec = args->to.panel, four.from.vec = args->from.panel;
    for (int i = 0; i < args->ops; i++) op[i] = args->op[i], op[i].b_vec = args->b_panel;
    for (ptrdiff_t u = u0, n; u < u1; u += n) {
        n = u1 - u < 4 ? 1 : 4;
        const product_args *some = n == 4 ? &four : args;
        const_view from = some->from;
        from.p += u * from.panel;
        product_panel(some, u, from);
    }
}

/* A single row, NP panels at a time. */
static void single_row(const product_args *args, ptrdiff_t u0, ptrdiff_t u1) {
    const product_parts *by = made_by(args);
    const ptrdiff_t row = args->rows ? args->rows[0] : 0;
    operand part[2];
    for (ptrdiff_t u = u0, wide; u < u1; u += wide ? NP : 1) {
        wide = u1 - u >= NP;
        const_view from = args->from;
        view to = args->to;
        from.p += row * from.row + u * from.panel, to.p += row * to.row + u * to.panel;
        for (int i = 0; i < args->ops; i++) {
            part[i] = args->op[i], part[i].b += u * args->b_panel;
            if (part[i].rows) part[i].a += part[i].rows[0] * part[i].row;
        }
        row_fn *row_of = wide ? by->row_np : by->row_1;
        const int at_once = format_scaled(by->format) ? 1 : args->ops;
        for (int i = 0; i < args->ops; i += at_once, from = to_read(to))
            row_of(part + i, at_once, args->b_panel, from, to);
    }
}

/* C[:, u0:u1 panels] = from + A B. `from` may be C itself, or a bias with row = 0. */
static void product(const product_args *args, ptrdiff_t u0, ptrdiff_t u1) {
    LC_ASSERT(0 <= u0 && u0 <= u1);
    const product_parts *by = made_by(args);
    if (by->product) {
        by->product(args, u0, u1);
        return;
    }
    if (args->n == 1 && args->nv == 4) {
        single_row(args, u0, u1);
        return;
    }
    if (args->nv == 1) {
        panels_beside(args, u0, u1);
        return;
    }
    for (ptrdiff_t u = u0; u < u1; u++) {
        const_view from = args->from;
        from.p += u * from.panel;
        product_panel(args, u, from);
    }
}

#endif
