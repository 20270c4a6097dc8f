/* The LSTM cell (Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000):
 *
 *     i = sigmoid(zi)   f = sigmoid(zf)   g = tanh(zg)   o = sigmoid(zo)
 *     c' = f c + i g    h' = o tanh(c')
 *
 * z has i f g o, Keras's order. */
#ifndef LC_LSTM_H
#define LC_LSTM_H
#include "cell.h"

INLINE void lstm_forward_rows(const cell_args *k) {
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 4 * VL;
        vec z[4], c = load(k->c0 + k->c_from[e] * VL);
        UNROLL for (int g = 0; g < 4; g++) z[g] = load(at + g * VL);
        squash(4, z, 1 << 2);
        c = madd(z[1], c, z[0] * z[2]);
        store(k->c1 + k->c_to[e] * VL, c);
        put_h(k, e, z[3] * vec_tanh(c));
        if (k->save_gates) UNROLL for (int g = 0; g < 4; g++) store(at + g * VL, z[g]);
    }
}

/* d is the gradient of c'. */
INLINE void lstm_backward_rows(const cell_args *k) {
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * 4 * VL, *dc = k->dc + k->row[e] * VL;
        const vec i = load(at), f = load(at + VL), g = load(at + 2 * VL), o = load(at + 3 * VL);
        const vec c0 = load(k->c0 + k->c_from[e] * VL), c1 = load(k->c1 + k->c_to[e] * VL);
        const vec dh = take_dh(k, e), y = vec_tanh(c1), d = load(dc) + dh * o * (1 - y * y);
        store(at, d * g * (i * (1 - i)));
        store(at + VL, d * c0 * (f * (1 - f)));
        store(at + 2 * VL, d * i * (1 - g * g));
        store(at + 3 * VL, dh * y * (o * (1 - o)));
        store(dc, d * f);
    }
}
BLOCKS(lstm_forward)
BLOCKS(lstm_backward)

#endif
