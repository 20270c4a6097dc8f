/* The simple recurrent unit (Elman 1990): h' = a(z). */
#ifndef LC_RNN_H
#define LC_RNN_H
#include "cell.h"

INLINE void rnn_forward_rows(const cell_args *k) {
    const activator a = value_activator(k->spec);
    for (int64_t e = 0; e < k->n; e++) {
        const vec n = activate(a, load(k->z + e * VL));
        vec h = n;
        if (k->keep_h)
            h = zone(n, load_lanes(k->h0 + k->from[e] * k->state_stride, k->lanes),
                     load_lanes(k->keep_h + k->row[e] * k->h_stride, k->lanes));
        put_h(k, e, h);
        if (k->save_gates) store(k->z + e * VL, n);
    }
}

INLINE void rnn_backward_rows(const cell_args *k) {
    const activator a = value_activator(k->spec);
    for (int64_t e = 0; e < k->n; e++) {
        vec dh = take_dh(k, e);
        if (k->direct) {
            const vec keep = k->keep_h ? load_lanes(k->keep_h + k->row[e] * k->h_stride, k->lanes) : (vec){0};
            store(k->dh + k->row[e] * VL, keep * dh);
            dh *= 1 - keep;
        }
        store(k->z + e * VL, dh * slope(a, load(k->z + e * VL)));
    }
}
BLOCKS(rnn_forward)
BLOCKS(rnn_backward)

#endif
