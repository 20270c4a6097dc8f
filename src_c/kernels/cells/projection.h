/* The projection of a projected LSTM (Sak, Senior, Beaufays 2014) behind its product: h' = m Rp, m = o tanh(c'). */
#ifndef LC_PROJECTION_H
#define LC_PROJECTION_H
#include "cell.h"

INLINE void projection_forward_rows(const cell_args *k) {
    for (int64_t e = 0; e < k->n; e++) {
        put_h(k, e, zone_h(k, e, load(k->z + e * VL)));
    }
}

INLINE void projection_backward_rows(const cell_args *k) {
    for (int64_t e = 0; e < k->n; e++) {
        store(k->z + e * VL, take_zoned_dh(k, e));
    }
}
BLOCKS(projection_forward)
BLOCKS(projection_backward)

#endif
