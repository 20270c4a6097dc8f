/* The LSTM cell (Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000):
 *
 *     i = sigmoid(zi)   f = sigmoid(zf)   g = tanh(zg)   o = sigmoid(zo)
 *     c' = f c + i g    h' = o tanh(c')
 *
 * z has i f g o, Keras's order. */
INLINE void N(lstm_forward_rows)(const N(cells) * k) {
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 4 * VL;
        vec z[4], c = N(load)(k->c0 + k->c_from[e] * VL);
        UNROLL for (int g = 0; g < 4; g++) z[g] = N(load)(at + g * VL);
        N(squash)(4, z, 1 << 2);
        c = z[1] * c + z[0] * z[2];
        N(store)(k->c1 + k->c_to[e] * VL, c);
        N(put_h)(k, e, z[3] * N(tanh)(c));
        if (k->keep) UNROLL for (int g = 0; g < 4; g++) N(store)(at + g * VL, z[g]);
    }
}

/* d is the gradient of c'. */
INLINE void N(lstm_backward_rows)(const N(cells) * k) {
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 4 * VL, *dc = k->dc + k->row[e] * VL;
        const vec i = N(load)(at), f = N(load)(at + VL), g = N(load)(at + 2 * VL), o = N(load)(at + 3 * VL);
        const vec c0 = N(load)(k->c0 + k->c_from[e] * VL), c1 = N(load)(k->c1 + k->c_to[e] * VL);
        const vec dh = N(take_dh)(k, e), y = N(tanh)(c1), d = N(load)(dc) + dh * o * (1 - y * y);
        N(store)(at, d * g * (i * (1 - i)));
        N(store)(at + VL, d * c0 * (f * (1 - f)));
        N(store)(at + 2 * VL, d * i * (1 - g * g));
        N(store)(at + 3 * VL, dh * y * (o * (1 - o)));
        N(store)(dc, d * f);
    }
}
