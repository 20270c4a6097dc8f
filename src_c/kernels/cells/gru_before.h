/* The gated recurrent unit with its reset gate before the product, as Cho et al. 2014 have it:
 *
 *     z = s(zz)   r = s(zr)   q = r h   n = a(zn + q Rn)   h' = z h + (1 - z) n
 *
 * Two products in a step, one after the other; so each direction is two functions, and q goes into a buffer between. */
INLINE void N(gru_before_forward_rows)(const N(cells) * k) {
    const int s = N(kind)(k->spec->gate_activation, LC_SIGMOID);
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 3 * VL;
        const vec h0 = N(load_lanes)(k->h0 + k->from[e] * k->h_row, k->lanes);
        vec gate[2] = {N(load)(at), N(load)(at + VL)};
        if (s == LC_SIGMOID) N(squash)(2, gate, 0);
        else gate[0] = N(activate)(s, gate[0]), gate[1] = N(activate)(s, gate[1]);
        vec q = gate[1] * h0;
        if (k->h_scale) q *= N(load_lanes)(k->h_scale + k->row[e] * k->row_h, k->lanes);
        N(store)(at, gate[0]);
        N(store)(at + VL, gate[1]);
        N(store_lanes)(k->q + e * k->row_h, q, k->lanes);
    }
}

INLINE void N(gru_before_forward_second_rows)(const N(cells) * k) {
    const int a = N(kind)(k->spec->activation, LC_TANH);
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 3 * VL;
        const vec h0 = N(load_lanes)(k->h0 + k->from[e] * k->h_row, k->lanes), z = N(load)(at);
        const vec n = N(activate)(a, N(load)(at + 2 * VL));
        vec h = z * h0 + (1 - z) * n;
        if (k->keep_h) h = N(zone)(h, h0, N(load_lanes)(k->keep_h + k->row[e] * k->row_h, k->lanes));
        N(put_h)(k, e, h);
        if (k->keep) N(store)(at + 2 * VL, n);
    }
}

/* Leaves r: its gradient needs that of q, which the first product of the step makes in the second part of dh. */
INLINE void N(gru_before_backward_rows)(const N(cells) * k) {
    const int a = N(kind)(k->spec->activation, LC_TANH), s = N(kind)(k->spec->gate_activation, LC_SIGMOID);
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 3 * VL, *dh_at = k->dh + k->row[e] * VL;
        const vec z = N(load)(at), n = N(load)(at + 2 * VL);
        const vec h0 = N(load_lanes)(k->h0 + k->from[e] * k->h_row, k->lanes);
        vec dh = N(take_dh)(k, e), old = {0};
        if (k->keep_h) {
            const vec keep = N(load_lanes)(k->keep_h + k->row[e] * k->row_h, k->lanes);
            old = keep * dh, dh *= 1 - keep;
        }
        N(store)(at, dh * (h0 - n) * N(slope)(s, z));
        N(store)(at + 2 * VL, dh * (1 - z) * N(slope)(a, n));
        N(store)(dh_at, old + dh * z);
        N(store)(dh_at + k->gate_block, (vec){0});
    }
}

INLINE void N(gru_before_backward_second_rows)(const N(cells) * k) {
    const int s = N(kind)(k->spec->gate_activation, LC_SIGMOID);
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 3 * VL, *dh_at = k->dh + k->row[e] * VL;
        const vec r = N(load)(at + VL), h0 = N(load_lanes)(k->h0 + k->from[e] * k->h_row, k->lanes);
        vec dq = N(load)(dh_at + k->gate_block);
        if (k->h_scale) dq *= N(load_lanes)(k->h_scale + k->row[e] * k->row_h, k->lanes);
        N(store)(at + VL, dq * h0 * N(slope)(s, r));
        N(store)(dh_at, N(load)(dh_at) + dq * r);
    }
}
