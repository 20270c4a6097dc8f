/* The projection of a projected LSTM (Sak, Senior, Beaufays 2014) behind its product: h' = m Rp, m = o tanh(c'). */
#ifndef LC_PROJECTION_H
#define LC_PROJECTION_H
#include "cell.h"

INLINE void projection_forward_rows(const cell_args *k) {
    for (int64_t e = 0; e < k->n; e++) {
        vec h = load(k->z + e * VL);
        if (k->keep_h)
            h = zone(h, load_lanes(k->h0 + k->from[e] * k->state_stride, k->lanes),
                     load_lanes(k->keep_h + k->row[e] * k->h_stride, k->lanes));
        put_h(k, e, h);
    }
}

INLINE void projection_backward_rows(const cell_args *k) {
    for (int64_t e = 0; e < k->n; e++) {
        vec dh = take_dh(k, e);
        if (k->direct) {
            const vec keep = k->keep_h ? load_lanes(k->keep_h + k->row[e] * k->h_stride, k->lanes) : (vec){0};
            store(k->dh + k->row[e] * VL, keep * dh);
            dh *= 1 - keep;
        }
        store(k->z + e * VL, dh);
    }
}
BLOCKS(projection_forward)
BLOCKS(projection_backward)

#endif
