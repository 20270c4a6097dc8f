/* What a cell's kernel gets: rows of blocks of units at one step; and what all cells have in common.
 *
 * Forward makes gates (kept in z where `save_gates` says so) and the new state of the sums in z. Backward makes of the
 * gates the gradients of the sums, in place. Entry e has z at z + e*row and reads and writes the state's slots from[e]
 * and to[e], whose reals are state_stride (h) or VL (c) apart; y, masks and gradients go by row[e], the row of the
 * batch. All pointers are those of unit block 0; to_block moves them on.
 *
 * A cell's header has the loop over rows, name_forward_rows and name_backward_rows, of one block; BLOCKS makes the
 * kernel of it. That works on a copy of its own: with the caller's, each store might change what the next row needs. */
#ifndef LC_CELL_H
#define LC_CELL_H
#include "../pack.h"

INLINE void to_block(cell_args *k, int64_t u) {
    const int64_t at = u * VL;
    k->lanes = lanes_of(k->h_stride, u);
    k->z += u * k->z_block;
    k->c0 += u * k->c_block, k->c1 += u * k->c_block;
    k->h0 += at, k->h1 += at;
    k->dh += u * k->dh_block, k->dc += u * k->dh_block;
    k->vectors += u * k->lay->vectors * VL;
    if (k->fresh) k->fresh += u * k->fresh_block;
    if (k->q) k->q += at;
    if (k->dz) k->dz += u * k->dz_block, k->dn += u * k->dn_block;
    if (k->dq) k->dq += u * k->dh_block;
    if (k->y) k->y += at;
    if (k->hs) k->hs += at;
    if (k->h_scale) k->h_scale += at;
    if (k->keep_h) k->keep_h += at;
    if (k->keep_c) k->keep_c += at;
    if (k->dy) k->dy += at;
}

/* The entries' rows rise and are rows of the batch; slots are those of a tape at most. */
INLINE void check_entries(const cell_args *k, int64_t u0, int64_t u1) {
    LC_ASSERT(0 <= u0 && u0 <= u1 && u1 <= k->stage->ub && k->n >= 0);
    for (int64_t e = 0; LC_CHECKS && e < k->n; e++) {
        LC_ASSERT(0 <= k->row[e] && k->row[e] < k->spec->batch && (e == 0 || k->row[e - 1] < k->row[e]));
        LC_ASSERT(0 <= k->from[e] && k->from[e] < (k->spec->steps + 1) * k->spec->batch);
        LC_ASSERT(0 <= k->to[e] && k->to[e] < (k->spec->steps + 1) * k->spec->batch);
    }
    (void)k, (void)u0, (void)u1;
}

/* The kernel of a cell, on blocks [u0, u1), of its loop over rows. */
#define BLOCKS(kernel)                                                                                                 \
    static void kernel(const cell_args *given, int64_t u0, int64_t u1) {                                               \
        check_entries(given, u0, u1);                                                                                  \
        for (int64_t u = u0; u < u1; u++) {                                                                            \
            cell_args k = *given;                                                                                      \
            to_block(&k, u);                                                                                           \
            kernel##_rows(&k);                                                                                         \
        }                                                                                                              \
    }

/* The first `lanes` reals, and zeros. */
INLINE vec load_lanes(const real *p, int lanes) { return lanes == VL ? load(p) : load_n(p, lanes); }
INLINE void store_lanes(real *p, vec x, int lanes) {
    if (lanes == VL) store(p, x);
    else store_n(p, x, lanes);
}

/* The new h goes wherever it is wanted, or is what the next stage multiplies. */
INLINE void put_h(const cell_args *k, int64_t e, vec h) {
    if (k->q) {
        store_lanes(k->q + e * k->h_stride, h, k->lanes);
        return;
    }
    store_lanes(k->h1 + k->to[e] * k->state_stride, h, k->lanes);
    if (k->y) store_lanes(k->y + k->row[e] * k->h_stride, h, k->lanes);
    if (k->hs) {
        vec scale = load_lanes(k->h_scale + k->row[e] * k->h_stride, k->lanes);
        store_lanes(k->hs + k->row[e] * k->state_stride, h * scale, k->lanes);
    }
}

/* The gradient of h: what comes from the steps after it and what comes from its output; or from the next stage. */
INLINE vec take_dh(const cell_args *k, int64_t e) {
    if (k->dq) return load(k->dq + k->row[e] * VL);
    vec dh = load(k->dh + k->row[e] * VL);
    return k->dy ? dh + load_lanes(k->dy + k->row[e] * k->dy_row, k->lanes) : dh;
}

/* An activation of a spec, its numbers in our type. */
typedef struct activator {
    int kind;
    real slope, shift; /* of the hard sigmoid: its value is 1/2 + shift at 0 */
} activator;

INLINE activator activator_of(int32_t kind, int usual, lc_ramp ramp) {
    const lc_ramp line = lc_line(ramp);
    return (activator){kind == LC_DEFAULT ? usual : kind, (real)line.slope, (real)(line.offset - 0.5)};
}
INLINE activator gate_activator(const lc_spec *spec) {
    return activator_of(spec->gate_activation, LC_SIGMOID, spec->gate_ramp);
}
INLINE activator value_activator(const lc_spec *spec) { return activator_of(spec->activation, LC_TANH, spec->ramp); }

INLINE vec activate(activator a, vec x) {
    vec y = x;
    switch (a.kind) {
    case LC_TANH: return vec_tanh(x);
    case LC_SIGMOID: squash(1, &y, 0); return y;
    case LC_HARD_SIGMOID: /* about 1/2, so that its ends are 0 and 1 exactly, as the derivative needs them */
        return clamp(x * a.slope + a.shift, (real)0.5) + (real)0.5;
    case LC_RELU: return where(x < 0, set(0), x);
    case LC_SOFTSIGN: return x / (1 + where(x < 0, -x, x));
    case LC_ELU: /* e^x - 1 = 2 t / (1 - t), t = tanh(x/2): no digits are lost near 0 */
        y = vec_tanh(x * (real)0.5);
        return where(x > 0, x, 2 * y / (1 - y));
    default: return x;
    }
}

/* The derivative of an activation where it has the value y. */
INLINE vec slope(activator a, vec y) {
    const vec one = set(1), zero = {0};
    switch (a.kind) {
    case LC_TANH: return madd(-y, y, one);
    case LC_SIGMOID: return y * (1 - y);
    case LC_HARD_SIGMOID: return where((y > 0) & (y < 1), set(a.slope), zero);
    case LC_RELU: return where(y > 0, one, zero);
    case LC_SOFTSIGN: {
        const vec left = 1 - where(y < 0, -y, y);
        return left * left;
    }
    case LC_ELU: return where(y > 0, one, 1 + y);
    default: return one;
    }
}

/* a + keep (b - a), exactly a or b: keep is 0 or 1. */
INLINE vec zone(vec fresh, vec old, vec keep) { return (1 - keep) * fresh + keep * old; }

INLINE vec load_keep_h(const cell_args *k, int64_t e) {
    return load_lanes(k->keep_h + k->row[e] * k->h_stride, k->lanes);
}

/* The new h, or the old one where zoneout keeps it. */
INLINE vec zone_h(const cell_args *k, int64_t e, vec h) {
    if (!k->keep_h) return h;
    return zone(h, load_lanes(k->h0 + k->from[e] * k->state_stride, k->lanes), load_keep_h(k, e));
}

/* The gradient of h without the part that zoneout hands on, which goes round the products where there may be one. */
INLINE vec take_zoned_dh(const cell_args *k, int64_t e) {
    const vec dh = take_dh(k, e);
    if (!k->direct) return dh;
    const vec keep = k->keep_h ? load_keep_h(k, e) : (vec){0};
    store(k->dh + k->row[e] * VL, keep * dh);
    return dh * (1 - keep);
}

#endif
