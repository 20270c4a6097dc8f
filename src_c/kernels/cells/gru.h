/* The gated recurrent unit (Cho et al. 2014), its reset gate behind the product as in Keras's reset_after:
 *
 *     z = s(zz)   r = s(zr)   n = a(zx + r zh)   h' = z h + (1 - z) n
 *
 * zx has what the inputs give the candidate, zh what the units do, each with its bias. */
#ifndef LC_GRU_H
#define LC_GRU_H
#include "cell.h"

INLINE void gru_forward_rows(const cell_args *k) {
    const activator a = value_activator(k->spec), s = gate_activator(k->spec);
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 4 * VL;
        const vec h0 = load_lanes(k->h0 + k->from[e] * k->state_stride, k->lanes), zh = load(at + 3 * VL);
        vec gate[2] = {load(at), load(at + VL)};
        if (s.kind == LC_SIGMOID) squash(2, gate, 0);
        else gate[0] = activate(s, gate[0]), gate[1] = activate(s, gate[1]);
        const vec n = activate(a, load(at + 2 * VL) + gate[1] * zh);
        vec h = madd(gate[0], h0, (1 - gate[0]) * n);
        if (k->keep_h) h = zone(h, h0, load_lanes(k->keep_h + k->row[e] * k->h_stride, k->lanes));
        put_h(k, e, h);
        if (!k->save_gates) continue;
        store(at, gate[0]);
        store(at + VL, gate[1]);
        store(at + 2 * VL, n);
    }
}

INLINE void gru_backward_rows(const cell_args *k) {
    const activator a = value_activator(k->spec), s = gate_activator(k->spec);
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 4 * VL;
        const vec z = load(at), r = load(at + VL), n = load(at + 2 * VL), zh = load(at + 3 * VL);
        const vec h0 = load_lanes(k->h0 + k->from[e] * k->state_stride, k->lanes);
        vec dh = take_dh(k, e), old = {0};
        if (k->keep_h) {
            const vec keep = load_lanes(k->keep_h + k->row[e] * k->h_stride, k->lanes);
            old = keep * dh, dh *= 1 - keep;
        }
        const vec dn = dh * (1 - z) * slope(a, n);
        store(at, dh * (h0 - n) * slope(s, z));
        store(at + VL, dn * zh * slope(s, r));
        store(at + 2 * VL, dn);
        store(at + 3 * VL, dn * r);
        store(k->dh + k->row[e] * VL, madd(dh, z, old));
    }
}
BLOCKS(gru_forward)
BLOCKS(gru_backward)

#endif
