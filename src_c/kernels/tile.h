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
#include "formats.h"

#define LINE 64 /* bytes of a cache line */

/* What is summed up for a row and a register: with int8 the sums of whole numbers, as they stand until they are scaled.
 * DOT is what a file with a dot product of its own has for the multiply-add: of words, not of reals. */
#ifdef DOT
INLINE vec multiply_add(vec sum, vec x, vec w) { return DOT(sum, x, w); }
#else
INLINE vec multiply_add(vec sum, vec x, vec w) { return sum + x * w; }
#endif

/* Step g of a word: m rows of A, held, times nv registers of the panel, one at a time, so that 4 MR + MR + 1 registers
 * are in use. */
INLINE void tile_step(const int format, const int m, const int nv, vec (*acc)[4], const real *const *a, ptrdiff_t k,
                      const real *b, ptrdiff_t b_vec, int g) {
    vec x[MR];
    UNROLL for (int r = 0; r < m; r++) {
        x[r] = set(a[r][k]);
        KEEP(x[r]);
    }
    UNROLL for (int j = 0; j < nv; j++) {
        vec w = widen(format, b + j * b_vec, g);
        KEEP(w);
        UNROLL for (int r = 0; r < m; r++) acc[r][j] = multiply_add(acc[r][j], x[r], w);
    }
}

/* m rows of one panel; rows[] are C's. format, m and nv are constants where this is inlined. KEEP holds sums that are
 * scaled behind the loop over k: else gcc, which wants registers for the scales there, stores the sums at each step. */
INLINE void tile(const int format, const int m, const int nv, const int beside, const operand *op, int ops,
                 const int32_t *rows, const_view from, view to) {
    const int group = format_group(format), scaled = format_scaled(format);
    LC_ASSERT(!scaled || (ops == 1 && op->reps == 1));
    vec acc[MR][4];
    UNROLL for (int r = 0; r < m; r++) UNROLL for (int j = 0; j < nv; j++) acc[r][j] =
        scaled ? (vec){0} : load(from.p + rows[r] * from.row + j * from.vec);
    for (; ops--; op++) {
        for (ptrdiff_t rep = 0; rep < op->reps; rep++) {
            const real *a[MR], *b = op->b + rep * op->b_rep;
            UNROLL for (int r = 0; r < m; r++) a[r] = op->a + op->rows[r] * op->row + rep * op->a_rep;
            ptrdiff_t n = op->n, k = 0, col = op->col, b_row = op->b_row;
            const ptrdiff_t b_vec = beside ? op->b_vec : VL;
            const ptrdiff_t pace = op->pace;
            const char *ahead = op->ahead + rep * n * pace;
            for (; n >= group; n -= group, b += b_row, ahead += pace) {
                __builtin_prefetch(ahead, 0, 2);
                UNROLL for (int g = 0; g < group; g++, k += col) tile_step(format, m, nv, acc, a, k, b, b_vec, g);
            }
            UNROLL for (int g = 0; g < group - 1; g++, k += col) { /* the last word may have fewer */
                if (g < n) tile_step(format, m, nv, acc, a, k, b, b_vec, g);
            }
            if (!scaled) continue;
            UNROLL for (int r = 0; r < m; r++) UNROLL for (int j = 0; j < nv; j++) KEEP(acc[r][j]);
            b += (n > 0 ? 2 : 1) * b_row;
            UNROLL for (int r = 0; r < m; r++) UNROLL for (int j = 0; j < nv; j++) acc[r][j] =
                load(from.p + rows[r] * from.row + j * from.vec) +
                scale_sum(format, acc[r][j], a[r] + op->n * col, b + j * b_vec, b_row);
        }
    }
    UNROLL for (int r = 0; r < m; r++) UNROLL for (int j = 0; j < nv; j++)
        store(to.p + rows[r] * to.row + j * to.vec, acc[r][j]);
}

/* Steps g and g + 1 of a word, the last of which may be none of the n that are left: one row of np panels. A register
 * of words is widened for both, so that 4 NP sums, two broadcasts and what is on its way fit 16 registers. */
INLINE void row_steps(const int format, const int np, vec (*acc)[4], const real *a, ptrdiff_t col, const real *b,
                      ptrdiff_t b_panel, const int g, ptrdiff_t n) {
    const int steps = format_group(format) - g < n ? format_group(format) - g : (int)n;
    vec x0 = set(*a), x1 = set(steps > 1 ? a[col] : 0);
    KEEP(x0);
    if (steps > 1) KEEP(x1);
    UNROLL for (int u = 0; u < np; u++) UNROLL for (int j = 0; j < 4; j++) {
        const real *word = b + u * b_panel + j * VL;
        acc[u][j] = multiply_add(acc[u][j], x0, widen(format, word, g));
        if (steps > 1) acc[u][j] = multiply_add(acc[u][j], x1, widen(format, word, g + 1));
    }
}

/* One row of np panels at once: a single panel has too few chains to hide the latency of an FMA. */
INLINE void tile_row(const int format, const int np, const operand *op, int ops, ptrdiff_t b_panel, const_view from,
                     view to) {
    const int group = format_group(format), scaled = format_scaled(format);
    LC_ASSERT(!scaled || (ops == 1 && op->reps == 1));
    vec acc[NP][4];
    UNROLL for (int u = 0; u < np; u++) UNROLL for (int j = 0; j < 4; j++) acc[u][j] =
        scaled ? (vec){0} : load(from.p + j * from.vec + u * from.panel);
    for (; ops--; op++) {
        for (ptrdiff_t rep = 0; rep < op->reps; rep++) {
            const real *a = op->a + rep * op->a_rep;
            const real *b = op->b + rep * op->b_rep;
            ptrdiff_t n = op->n, col = op->col, b_row = op->b_row;
            for (; n >= group; n -= group, b += b_row, a += group * col)
                UNROLL for (int g = 0; g < group; g += 2)
                    row_steps(format, np, acc, a + g * col, col, b, b_panel, g, group);
            UNROLL for (int g = 0; g < group - 1; g += 2) { /* the last word may have fewer */
                if (g < n) row_steps(format, np, acc, a + g * col, col, b, b_panel, g, n - g);
            }
            a += n * col, b += n > 0 ? b_row : 0;
            if (!scaled) continue;
            UNROLL for (int u = 0; u < np; u++) UNROLL for (int j = 0; j < 4; j++) KEEP(acc[u][j]);
            UNROLL for (int u = 0; u < np; u++) UNROLL for (int j = 0; j < 4; j++) acc[u][j] =
                load(from.p + j * from.vec + u * from.panel) +
                scale_sum(format, acc[u][j], a, b + b_row + u * b_panel + j * VL, b_row);
        }
    }
    UNROLL for (int u = 0; u < np; u++) UNROLL for (int j = 0; j < 4; j++)
        store(to.p + j * to.vec + u * to.panel, acc[u][j]);
}

/* The constants format, m and nv become functions, and these the parts that make products in one format. */
#define TILE(name, format, m, nv, beside)                                                                              \
    static void name##_##m##_##nv(const operand *op, int ops, const int32_t *rows, const_view from, view to) {         \
        tile(format, m, nv, beside, op, ops, rows, from, to);                                                          \
    }
#define TILES_OF(name, format, m)                                                                                      \
    TILE(name, format, m, 1, 0)                                                                                        \
    TILE(name, format, m, 2, 0)                                                                                        \
    TILE(name, format, m, 3, 0) TILE(name, format, m, 4, 0) TILE(name##_beside, format, m, 4, 1)
#define TILES_3(name, format) TILES_OF(name, format, 1) TILES_OF(name, format, 2) TILES_OF(name, format, 3)
#if MR == 3
#define ALL_TILES(name, format) TILES_3(name, format)
#define TILE_TABLE(row, name) {row(name, 1), row(name, 2), row(name, 3)}
#elif MR == 5
#define ALL_TILES(name, format) TILES_3(name, format) TILES_OF(name, format, 4) TILES_OF(name, format, 5)
#define TILE_TABLE(row, name) {row(name, 1), row(name, 2), row(name, 3), row(name, 4), row(name, 5)}
#else
#define TILES_6(name, format) TILES_OF(name, format, 4) TILES_OF(name, format, 5) TILES_OF(name, format, 6)
#define ALL_TILES(name, format) TILES_3(name, format) TILES_6(name, format)
#define TILE_TABLE(row, name) {row(name, 1), row(name, 2), row(name, 3), row(name, 4), row(name, 5), row(name, 6)}
#endif
#define TILE_ROW(name, m) {name##_##m##_1, name##_##m##_2, name##_##m##_3, name##_##m##_4}
#define BESIDE(name, m) name##_beside_##m##_4
#define TILES(name, format)                                                                                            \
    ALL_TILES(name, format)                                                                                            \
    static void name##_row_1(const operand *op, int ops, ptrdiff_t bp, const_view from, view to) {                     \
        tile_row(format, 1, op, ops, bp, from, to);                                                                    \
    }                                                                                                                  \
    static void name##_row_np(const operand *op, int ops, ptrdiff_t bp, const_view from, view to) {                    \
        tile_row(format, NP, op, ops, bp, from, to);                                                                   \
    }
#define PRODUCT_PARTS(name)                                                                                            \
    .row_panels = NP, .tile = TILE_TABLE(TILE_ROW, name), .beside = TILE_TABLE(BESIDE, name), .row_1 = name##_row_1,   \
    .row_np = name##_row_np

#endif
