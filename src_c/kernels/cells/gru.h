/* The gated recurrent unit (Cho et al. 2014), its reset gate behind the product as in Keras's reset_after:
 *
 *     z = s(zz)   r = s(zr)   n = a(zx + r zh)   h' = z h + (1 - z) n
 *
 * zx has what the inputs give the candidate, zh what the units do, each with its bias. */
INLINE void N(gru_forward_rows)(const N(cells) * k) {
    const int a = N(kind)(k->spec->activation, LC_TANH), s = N(kind)(k->spec->gate_activation, LC_SIGMOID);
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 4 * VL;
        const vec h0 = N(load_lanes)(k->h0 + k->from[e] * k->h_row, k->lanes), zh = N(load)(at + 3 * VL);
        vec gate[2] = {N(load)(at), N(load)(at + VL)};
        if (s == LC_SIGMOID) N(squash)(2, gate, 0);
        else gate[0] = N(activate)(s, gate[0]), gate[1] = N(activate)(s, gate[1]);
        const vec n = N(activate)(a, N(load)(at + 2 * VL) + gate[1] * zh);
        vec h = gate[0] * h0 + (1 - gate[0]) * n;
        if (k->keep_h) h = N(zone)(h, h0, N(load_lanes)(k->keep_h + k->row[e] * k->row_h, k->lanes));
        N(put_h)(k, e, h);
        if (!k->keep) continue;
        N(store)(at, gate[0]);
        N(store)(at + VL, gate[1]);
        N(store)(at + 2 * VL, n);
    }
}

INLINE void N(gru_backward_rows)(const N(cells) * k) {
    const int a = N(kind)(k->spec->activation, LC_TANH), s = N(kind)(k->spec->gate_activation, LC_SIGMOID);
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 4 * VL;
        const vec z = N(load)(at), r = N(load)(at + VL), n = N(load)(at + 2 * VL), zh = N(load)(at + 3 * VL);
        const vec h0 = N(load_lanes)(k->h0 + k->from[e] * k->h_row, k->lanes);
        vec dh = N(take_dh)(k, e), old = {0};
        if (k->keep_h) {
            const vec keep = N(load_lanes)(k->keep_h + k->row[e] * k->row_h, k->lanes);
            old = keep * dh, dh *= 1 - keep;
        }
        const vec dn = dh * (1 - z) * N(slope)(a, n);
        N(store)(at, dh * (h0 - n) * N(slope)(s, z));
        N(store)(at + VL, dn * zh * N(slope)(s, r));
        N(store)(at + 2 * VL, dn);
        N(store)(at + 3 * VL, dn * r);
        N(store)(k->dh + k->row[e] * VL, old + dh * z);
    }
}
