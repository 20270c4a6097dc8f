/* The simple recurrent unit (Elman 1990): h' = a(z). */
INLINE void N(rnn_forward_rows)(const N(cells) * k) {
    const int a = N(kind)(k->spec->activation, LC_TANH);
    for (int64_t e = 0; e < k->n; e++) {
        const vec n = N(activate)(a, N(load)(k->z + e * VL));
        vec h = n;
        if (k->keep_h)
            h = N(zone)(n, N(load_lanes)(k->h0 + k->from[e] * k->h_row, k->lanes),
                        N(load_lanes)(k->keep_h + k->row[e] * k->row_h, k->lanes));
        N(put_h)(k, e, h);
        if (k->keep) N(store)(k->z + e * VL, n);
    }
}

INLINE void N(rnn_backward_rows)(const N(cells) * k) {
    const int a = N(kind)(k->spec->activation, LC_TANH);
    for (int64_t e = 0; e < k->n; e++) {
        vec dh = N(take_dh)(k, e);
        if (k->lay->direct) {
            const vec keep = k->keep_h ? N(load_lanes)(k->keep_h + k->row[e] * k->row_h, k->lanes) : (vec){0};
            N(store)(k->dh + k->row[e] * VL, keep * dh);
            dh *= 1 - keep;
        }
        N(store)(k->z + e * VL, dh * N(slope)(a, N(load)(k->z + e * VL)));
    }
}
