/* The gradients of vectors: what a unit has one number of, each the sum of a register of z times what it has seen. */
#ifndef LC_VECTORS_H
#define LC_VECTORS_H
#include "cells/lstm_norm.h"

/* The cell that vector v of block u has seen at row q of z: the one before the step or the new one. */
INLINE const real *seen_cell(const lc_pass *w, const lc_vector *v, int64_t u, int64_t q) {
    const lc_layout *lay = &w->lay;
    const int64_t B = w->spec->batch, T = w->spec->steps;
    const int old = v->sees == LC_SEES_OLD_CELL, listed = w->list.first != NULL;
    if (!old && lay->fresh) return (const real *)w->tape + lay->fresh_at + (u * T * B + q) * VL;
    const int64_t slot = old ? (listed ? w->list.from[q] : q) : (listed ? w->list.to[q] : q + B);
    return (const real *)w->tape + lay->tape_c + (u * (T + 1) * B + slot) * VL;
}

/* The gradient of vector v of block u over rows [q0, q1) of z, added to `sum`. */
static vec vector_gradient(const lc_pass *w, const lc_vector *v, int64_t u, int64_t q0, int64_t q1, vec sum) {
    const lc_layout *lay = &w->lay;
    const int64_t row = lay->stage[0].row;
    const real *z = (const real *)w->tape + lay->stage[0].z + u * w->spec->steps * w->spec->batch * row;
    const real *d = z + v->gate * VL, *sums = z + v->sums * VL;
    const real *norm = (const real *)w->tape + lay->tape_statistics + 2 * v->norm;
    switch (v->sees) {
    case LC_SEES_ONE:
        for (int64_t q = q0; q < q1; q++) sum += load(d + q * row);
        return sum;
    case LC_SEES_SUMS:
        for (int64_t q = q0; q < q1; q++)
            sum += load(d + q * row) * normalized(sums + q * row, norm + q * 2 * LC_NORMS);
        return sum;
    case LC_SEES_NORMALIZED_CELL:
        for (int64_t q = q0; q < q1; q++)
            sum += load(d + q * row) * normalized(seen_cell(w, v, u, q), norm + q * 2 * LC_NORMS);
        return sum;
    default:
        for (int64_t q = q0; q < q1; q++) sum += load(d + q * row) * load(seen_cell(w, v, u, q));
        return sum;
    }
}

/* The sums of the gradients of block u's vectors. */
INLINE real *block_vectors(const lc_pass *w, int64_t u) {
    return (real *)w->work + w->lay.work_dv + u * w->lay.vectors * VL;
}

/* Those of all vectors of block u. */
static void backward_vectors(const lc_pass *w, int64_t u, int64_t q0, int64_t q1) {
    const lc_layout *lay = &w->lay;
    real *sums = block_vectors(w, u);
    for (int j = 0; j < lay->vectors; j++)
        if (lay->vector[j].row >= 0)
            store(sums + j * VL, vector_gradient(w, &lay->vector[j], u, q0, q1, load(sums + j * VL)));
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
