/* The simple recurrent unit (Elman 1990): h' = a(z). */
#ifndef LC_RNN_H
#define LC_RNN_H
#include "cell.h"

INLINE void rnn_forward_rows(const cell_args *k) {
    const activator a = value_activator(k->spec);
    for (int64_t e = 0; e < k->n; e++) {
        const vec n = activate(a, load(k->z + e * VL));
        put_h(k, e, zone_h(k, e, n));
        if (k->save_gates) store(k->z + e * VL, n);
    }
}

INLINE void rnn_backward_rows(const cell_args *k) {
    const activator a = value_activator(k->spec);
    for (int64_t e = 0; e < k->n; e++) {
        vec dh = take_zoned_dh(k, e);
        store(k->z + e * VL, dh * slope(a, load(k->z + e * VL)));
    }
}
BLOCKS(rnn_forward)
BLOCKS(rnn_backward)

#endif
