/* The gradients of vectors: what a unit has one number of, each the sum of a register of z times what it has seen. */
#ifndef LC_VECTORS_H
#define LC_VECTORS_H
#include "backward_words.h"
#include "cells/lstm_norm.h"

enum { VECTOR_ROWS = 64 };

/* The cell that vector v of block u has seen at row q of z: the one before the step or the new one. */
INLINE const real *seen_cell(const lc_pass *w, const lc_vector *v, int64_t u, int64_t q) {
    const lc_layout *lay = &w->lay;
    const int64_t B = w->spec->batch, T = w->spec->steps;
    const int old = v->sees == LC_SEES_OLD_CELL, listed = w->list.first != NULL;
    if (!old && lay->fresh) return (const real *)w->tape + lay->fresh_at + (u * T * B + q) * VL;
    const int64_t slot = old ? (listed ? w->list.from[q] : q) : (listed ? w->list.to[q] : q + B);
    return (const real *)w->tape + lay->tape_c + (u * (T + 1) * B + slot) * VL;
}

/* The gradients of what the output's activation of a normalized cell gets, of block 0 from row q of z on. */
INLINE int64_t norm_dn_block(const lc_pass *w) { return w->lay.chunk * w->spec->batch * VL; }
INLINE real *norm_dn(const lc_pass *w, chunk_place chunk, int64_t q) {
    return (real *)w->work + w->lay.work_dn + chunk.turn * w->lay.ub * norm_dn_block(w) + (q - chunk.first) * VL;
}

/* The gradient of peephole v of block u over n rows of the chunk, added to `sum`. */
static vec peephole_gradient(const lc_pass *w, const lc_vector *v, int64_t u, chunk_place chunk, int64_t n, vec sum) {
    const view dz = dz_from(w, w->lay.stage, chunk, chunk.first);
    const real *d = dz.p + u * dz.panel + v->gate * VL;
    for (int64_t r = 0; r < n; r++) sum += load(d + r * dz.row) * load(seen_cell(w, v, u, chunk.first + r));
    return sum;
}

/* The sums of the gradients of block u's vectors. */
INLINE real *block_vectors(const lc_pass *w, int64_t u) {
    return (real *)w->work + w->lay.work_dv + u * w->lay.vectors * VL;
}

/* Those of what belongs to the normalized sums of gate g, over rows [q, q + n) of z: a bias, and a gain for each of the
 * `products` that are normalized. */
INLINE void add_gate_gradients(const int products, const lc_pass *w, int64_t u, int g, int64_t q, int64_t n) {
    const lc_layout *lay = &w->lay;
    const lc_stage *st = lay->stage;
    const real *z = (const real *)w->tape + st->z + u * st->block + q * st->row;
    const real *norm = (const real *)w->tape + lay->tape_statistics + q * 2 * LC_NORMS + (products > 1 ? 0 : 2 * g);
    real *bias = block_vectors(w, u) + (lay->norm.bias + g) * VL,
         *gain = block_vectors(w, u) + (lay->norm.gain + g) * VL;
    vec sums[3] = {load(bias), load(gain), products > 1 ? load(gain + st->ng * VL) : (vec){0}};
    for (int64_t r = 0; r < n; r++, z += st->row, norm += 2 * LC_NORMS) {
        const vec d = load(z + (lay->norm.gates + g) * VL);
        sums[0] += d;
        UNROLL for (int j = 0; j < products; j++) sums[1 + j] +=
            d * normalized(z + (j * st->ng + g) * VL, norm + 2 * j);
    }
    store(bias, sums[0]), store(gain, sums[1]);
    if (products > 1) store(gain + st->ng * VL, sums[2]);
}

/* Those of gain and offset of the normalized cell, over n rows of the chunk from row r on. */
static void add_cell_gradients(const lc_pass *w, int64_t u, chunk_place chunk, int64_t r, int64_t n) {
    const lc_layout *lay = &w->lay;
    const lc_vector *v = &lay->vector[lay->norm.state];
    const real *d = norm_dn(w, chunk, chunk.first + r) + u * norm_dn_block(w);
    const real *norm = (const real *)w->tape + lay->tape_statistics + (chunk.first + r) * 2 * LC_NORMS + 4;
    real *gain = block_vectors(w, u) + lay->norm.state * VL;
    vec sums[2] = {load(gain), load(gain + VL)};
    for (int64_t i = 0; i < n; i++, d += VL, norm += 2 * LC_NORMS) {
        sums[0] += load(d) * normalized(seen_cell(w, v, u, chunk.first + r + i), norm);
        sums[1] += load(d);
    }
    store(gain, sums[0]), store(gain + VL, sums[1]);
}

/* Those of all vectors of block u over the n rows of a chunk; some rows at a time, which stay in L1. */
static void backward_vectors(const lc_pass *w, int64_t u, chunk_place chunk, int64_t n) {
    const lc_layout *lay = &w->lay;
    const int both = w->spec->layer_norm == LC_NORM_BOTH;
    for (int j = 0; j < lay->vectors; j++) {
        const lc_vector *v = &lay->vector[j];
        real *sum = block_vectors(w, u) + j * VL;
        if (v->row >= 0 && v->sees != LC_SEES_NORMALIZED) store(sum, peephole_gradient(w, v, u, chunk, n, load(sum)));
    }
    for (int64_t r = 0, some; lay->norm.gates && r < n; r += some) {
        some = n - r < VECTOR_ROWS ? n - r : VECTOR_ROWS;
        for (int g = 0; g < lay->stage[0].ng; g++) {
            if (both) add_gate_gradients(2, w, u, g, chunk.first + r, some);
            else add_gate_gradients(1, w, u, g, chunk.first + r, some);
        }
        if (both) add_cell_gradients(w, u, chunk, r, some);
    }
}

/* Adds the gradients of block u's vectors. */
static void unpack_unit_vectors(const lc_spec *spec, const lc_layout *lay, const real *dv, const lc_backward_io *io,
                                int64_t u) {
    for (const lc_vector *v = lay->vector; v < lay->vector + lay->vectors; v++, dv += VL) {
        real *to = gradient_array(io, v->weight);
        if (to && v->row >= 0) add_n(to + v->row * spec->units + u * VL, dv, lanes_of(spec->units, u));
    }
}

#endif
