/* The tile: MR rows by NV registers of C stay in registers while k runs. Every product in lstmcore is made of it.
 *
 * B is packed in panels: NV registers wide, k running down, zero padded, so that one row of a panel is what one
 * step of the tile loads. For an LSTM the four gates of a block of VL units lie side by side:
 *
 *                one panel: VL units, NV = 4 gates              A, any two strides
 *            +--- i ---+--- f ---+--- g ---+--- o ---+
 *     k = 0  | VL reals|         |         |         |        row r: a[r*row + k*col]
 *     k = 1  |         |         |         |         |
 *      ...   |         |         |         |         |        a step: MR broadcasts, NV loads, MR*NV FMAs
 *
 * Each element of C is one chain over k in rising order that starts from what stands in C (or a bias): so however
 * rows are grouped and k is cut, the result is the same to the last bit.
 *
 * The contract, for 1 <= m <= MR rows and 1 <= nv <= 4 registers:
 *
 *     to[m x nv VL] := from[m x nv VL] + sum over the operands of A[m x k] B[k x nv VL]
 *
 * A and C have any strides and a list of rows each. `from` may be C, or a bias with row = 0. B's rows are nv whole
 * registers: whoever packs it pads its columns with zeros. C's rows are nv whole registers, too, read and written:
 * where an array ends earlier the caller goes by way of a scratch block (gemm_tail, backward_dx). Of A just the m x k
 * elements are read, of B nothing behind the last row; `ahead` is a prefetch, which may point anywhere.
 *
 * Throughput, NV = 4. A step of k is MR + 4 loads (a broadcast from memory is a load) and 4 MR FMAs. An x86 core since
 * Haswell has two ports for each: (MR + 4)/2 cycles of loads against 2 MR of FMAs, so from MR = 2 on the FMAs bind, and
 * the tile is at the peak as long as there are chains enough: two ports times a latency of 4 (Haswell: 5) cycles ask
 * for 8 to 10 accumulators, and it has 4 MR. What remains is room for 4 MR accumulators, MR broadcasts, one register of
 * B:
 *
 *               registers   MR   loads   FMAs   cycles   chains    registers used
 *     AVX2         16        3     7      12       6       12      12 + 3 + 1 = 16
 *     AVX-512      32        6    10      24      12       24      24 + 6 + 1 = 31
 *     NEON         32        5     9      20      10       20      20 + 5 + 2 = 27; gcc loads the panel in pairs, and
 *                                                                  with MR = 6 it spills two (24 + 6 + 2 = 32)
 *
 * A single row has one panel's 4 chains, half of what the ports need; so it takes NP panels at once: 4 NP chains, 1 + 4
 * NP loads, which bind. That KEEP holds broadcasts and B in registers is what the count of loads rests on: gcc would
 * fold the load of B into each of the MR FMAs. tests/core/test_object_code.py reads the machine code; `make kernels
 * BENCH=--bench` says the cycles (of the time stamp counter, whose clock is not the core's). */
#ifndef LC_TILE_H
#define LC_TILE_H
#include "simd.h"
#include "tuning.h"

static const kernel_parts parts; /* kernels.h fills it */

#define LINE 64 /* bytes of a cache line */

/* m rows of one panel; rows[] are C's. Both m and nv are constants where this is inlined. */
INLINE void tile(const int m, const int nv, const operand *op, int ops, const int32_t *rows, const_view from, view to) {
    vec acc[MR][4];
    UNROLL for (int r = 0; r < m; r++) UNROLL for (int j = 0; j < nv; j++) acc[r][j] =
        load(from.p + rows[r] * from.row + j * from.vec);
    for (; ops--; op++) {
        for (ptrdiff_t rep = 0; rep < op->reps; rep++) {
            const real *a[MR], *b = op->b + rep * op->b_rep;
            UNROLL for (int r = 0; r < m; r++) a[r] = op->a + op->rows[r] * op->row + rep * op->a_rep;
            ptrdiff_t k = 0, col = op->col, b_row = op->b_row;
            const ptrdiff_t pace = op->pace;
            const char *ahead = op->ahead + rep * op->n * pace;
            for (ptrdiff_t n = op->n; n > 0; n--, k += col, b += b_row, ahead += pace) {
                vec x[MR]; /* MR rows held and one register of the panel at a time: 4 MR + MR + 1 fit */
                __builtin_prefetch(ahead, 0, 2);
                UNROLL for (int r = 0; r < m; r++) {
                    x[r] = set(a[r][k]);
                    KEEP(x[r]);
                }
                UNROLL for (int j = 0; j < nv; j++) {
                    vec w = load(b + j * VL);
                    KEEP(w);
                    UNROLL for (int r = 0; r < m; r++) acc[r][j] += x[r] * w;
                }
            }
        }
    }
    UNROLL for (int r = 0; r < m; r++) UNROLL for (int j = 0; j < nv; j++)
        store(to.p + rows[r] * to.row + j * to.vec, acc[r][j]);
}

/* One row of np panels at once: a single panel has too few chains to hide the latency of an FMA. */
INLINE void tile_row(const int np, const operand *op, int ops, ptrdiff_t b_panel, const_view from, view to) {
    vec acc[NP][4];
    UNROLL for (int u = 0; u < np; u++) UNROLL for (int j = 0; j < 4; j++) acc[u][j] =
        load(from.p + j * from.vec + u * from.panel);
    for (; ops--; op++) {
        for (ptrdiff_t rep = 0; rep < op->reps; rep++) {
            const real *a = op->a + rep * op->a_rep;
            const real *b = op->b + rep * op->b_rep;
            ptrdiff_t col = op->col, b_row = op->b_row;
            for (ptrdiff_t n = op->n; n > 0; n--, a += col, b += b_row) {
                vec x = set(*a);
                KEEP(x);
                UNROLL for (int u = 0; u < np; u++) UNROLL for (int j = 0; j < 4; j++) acc[u][j] +=
                    x * load(b + u * b_panel + j * VL);
            }
        }
    }
    UNROLL for (int u = 0; u < np; u++) UNROLL for (int j = 0; j < 4; j++)
        store(to.p + j * to.vec + u * to.panel, acc[u][j]);
}

/* The constants m and nv become functions. */
#define TILE(m, nv)                                                                                                    \
    static void tile_##m##_##nv(const operand *op, int ops, const int32_t *rows, const_view from, view to) {           \
        tile(m, nv, op, ops, rows, from, to);                                                                          \
    }
#define TILES(m) TILE(m, 1) TILE(m, 2) TILE(m, 3) TILE(m, 4)
TILES(1)
TILES(2)
TILES(3)
#if MR > 3
TILES(4)
TILES(5)
#endif
#if MR > 5
TILES(6)
#endif
static void row_1(const operand *op, int ops, ptrdiff_t bp, const_view from, view to) {
    tile_row(1, op, ops, bp, from, to);
}
static void row_np(const operand *op, int ops, ptrdiff_t bp, const_view from, view to) {
    tile_row(NP, op, ops, bp, from, to);
}

/* What product() needs to know besides the operands. */
typedef struct product_args {
    const operand *op;
    int ops, nv;
    ptrdiff_t b_panel;   /* from one panel of B to the next */
    ptrdiff_t n;         /* rows of A and C */
    const int32_t *rows; /* C's; NULL: 0, 1, 2 ... */
    const_view from;
    view to;
} product_args;

/* All row tiles of one stretch of k. Tiles differ by at most one row: no thin one is left at the end. Each tile has
 * its part of the stretch that follows in memory fetched. */
static void tile_stretch(const product_args *args, operand *op, int ops, const_view from) {
    LC_ASSERT(args->n >= 1 && 1 <= args->nv && args->nv <= 4 && 1 <= ops && ops <= 2);
    ptrdiff_t tiles = (args->n + MR - 1) / MR, steps = 0;
    const operand *last = op + ops - 1;
    const char *next = (const char *)(last->b + (last->reps - 1) * last->b_rep + last->n * last->b_row);
    const ptrdiff_t share = (4 * VB + tiles - 1) / tiles, pace = share < LINE ? share : LINE;
    const int32_t *lists[2];
    int32_t here[MR];
    for (int j = 0; j < ops; j++) {
        LC_ASSERT(op[j].n >= 1 && op[j].reps >= 1);
        lists[j] = op[j].rows;
        op[j].ahead = next + steps * pace, op[j].pace = pace;
        steps += op[j].n * op[j].reps;
    }
    for (ptrdiff_t i = 0, r = 0; i < tiles; i++) {
        const int m = (int)((args->n * (i + 1)) / tiles - (args->n * i) / tiles);
        LC_ASSERT(1 <= m && m <= MR);
        for (int j = 0; j < m; j++) here[j] = (int32_t)(r + j);
        for (int j = 0; j < ops; j++) op[j].rows = lists[j] ? lists[j] + r : here;
        parts.tile[m - 1][args->nv - 1](op, ops, args->rows ? args->rows + r : here, from, args->to);
        for (int j = 0; j < ops; j++) op[j].ahead += steps * pace;
        r += m;
    }
}

/* Moves up to `room` steps of k from the front of an operand to `piece`: whole repeats, at least one, of many. */
static ptrdiff_t split_front(operand *op, operand *piece, ptrdiff_t room) {
    LC_ASSERT(room >= 1 && op->n >= 1 && op->reps >= 1);
    *piece = *op;
    if (op->reps == 1) {
        piece->n = op->n < room ? op->n : room;
        op->a += piece->n * op->col, op->b += piece->n * op->b_row;
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
            room -= split_front(&left[i], &piece[pieces++], room);
            if (left[i].n == 0 || left[i].reps == 0) i++;
            else break;
        }
        tile_stretch(&here, piece, pieces, from);
    }
}

/* C[:, u0:u1 panels] = from + A B. `from` may be C itself, or a bias with row = 0. */
static void product(const product_args *args, ptrdiff_t u0, ptrdiff_t u1) {
    LC_ASSERT(0 <= u0 && u0 <= u1);
    if (args->n == 1 && args->nv == 4) {
        operand part[2];
        for (ptrdiff_t u = u0; u < u1;) {
            int wide = u1 - u >= NP;
            const_view from = args->from;
            view to = args->to;
            const ptrdiff_t row = args->rows ? args->rows[0] : 0;
            from.p += row * from.row + u * from.panel, to.p += row * to.row + u * to.panel;
            for (int i = 0; i < args->ops; i++) {
                part[i] = args->op[i], part[i].b += u * args->b_panel;
                if (part[i].rows) part[i].a += part[i].rows[0] * part[i].row;
            }
            (wide ? parts.row_np : parts.row_1)(part, args->ops, args->b_panel, from, to);
            u += wide ? NP : 1;
        }
        return;
    }
    for (ptrdiff_t u = u0; u < u1; u++) {
        const_view from = args->from;
        from.p += u * from.panel;
        product_panel(args, u, from);
    }
}

#endif
