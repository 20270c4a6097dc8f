/* The gated recurrent unit with its reset gate before the product, as Cho et al. 2014 have it:
 *
 *     z = s(zz)   r = s(zr)   q = r h   n = a(zn + q Rn)   h' = z h + (1 - z) n
 *
 * Two stages: the gates with q, and the candidate. */
#ifndef LC_GRU_BEFORE_H
#define LC_GRU_BEFORE_H
#include "cell.h"

INLINE void gru_before_forward_rows(const cell_args *k) {
    const activator s = gate_activator(k->spec);
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 3 * VL;
        const vec h0 = load_lanes(k->h0 + k->from[e] * k->state_stride, k->lanes);
        vec gate[2] = {load(at), load(at + VL)};
        if (s.kind == LC_SIGMOID) squash(2, gate, 0);
        else gate[0] = activate(s, gate[0]), gate[1] = activate(s, gate[1]);
        vec q = gate[1] * h0;
        if (k->h_scale) q *= load_lanes(k->h_scale + k->row[e] * k->h_stride, k->lanes);
        store(at, gate[0]);
        store(at + VL, gate[1]);
        store_lanes(k->q + e * k->h_stride, q, k->lanes);
    }
}

INLINE void gru_candidate_forward_rows(const cell_args *k) {
    const activator a = value_activator(k->spec);
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 3 * VL;
        const vec h0 = load_lanes(k->h0 + k->from[e] * k->state_stride, k->lanes), z = load(at);
        const vec n = activate(a, load(at + 2 * VL));
        vec h = madd(z, h0, (1 - z) * n);
        if (k->keep_h) h = zone(h, h0, load_lanes(k->keep_h + k->row[e] * k->h_stride, k->lanes));
        put_h(k, e, h);
        if (k->save_gates) store(at + 2 * VL, n);
    }
}

/* Leaves r: its gradient needs that of q, which the product behind this makes. */
INLINE void gru_candidate_backward_rows(const cell_args *k) {
    const activator a = value_activator(k->spec), s = gate_activator(k->spec);
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 3 * VL;
        const vec z = load(at), n = load(at + 2 * VL);
        const vec h0 = load_lanes(k->h0 + k->from[e] * k->state_stride, k->lanes);
        vec dh = take_dh(k, e), old = {0};
        if (k->keep_h) {
            const vec keep = load_lanes(k->keep_h + k->row[e] * k->h_stride, k->lanes);
            old = keep * dh, dh *= 1 - keep;
        }
        store(at, dh * (h0 - n) * slope(s, z));
        store(at + 2 * VL, dh * (1 - z) * slope(a, n));
        store(k->dh + k->row[e] * VL, madd(dh, z, old));
    }
}

INLINE void gru_before_backward_rows(const cell_args *k) {
    const activator s = gate_activator(k->spec);
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 3 * VL, *dh_at = k->dh + k->row[e] * VL;
        const vec r = load(at + VL), h0 = load_lanes(k->h0 + k->from[e] * k->state_stride, k->lanes);
        vec dq = load(k->dq + k->row[e] * VL);
        if (k->h_scale) dq *= load_lanes(k->h_scale + k->row[e] * k->h_stride, k->lanes);
        store(at + VL, dq * h0 * slope(s, r));
        store(dh_at, load(dh_at) + dq * r);
    }
}
BLOCKS(gru_before_forward)
BLOCKS(gru_before_backward)
BLOCKS(gru_candidate_forward)
BLOCKS(gru_candidate_backward)

#endif
