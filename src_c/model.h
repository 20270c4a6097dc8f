/* Models that were opened from a file, and the memory that they are laid out in. */
#ifndef LC_MODEL_H
#define LC_MODEL_H
#include "internal.h"

struct lc_model {
    lc_program program;
    int64_t steps;      /* of the probe */
    const void *x, *y;  /* of the probe: [steps][inputs] or tokens, and the last output or those of all steps */
    void *probe_states; /* what lc_model_check works in: a stream of one row, its work, its output */
    void *probe_work, *probe_output;
    size_t probe_state_bytes;
    void *owned; /* by lc_model_load: what it allocated */
};

/* A place in the caller's memory that moves on; with base NULL it only counts. Places begin at multiples of 64. */
typedef struct lc_place {
    char *base;
    size_t at;
} lc_place;

/* NULL where nothing but the size is wanted, or where *status is not LC_OK: a size that does not fit makes it so. */
static inline void *lc_take(lc_place *place, size_t bytes, lc_status *status) {
    void *taken = place->base ? place->base + place->at : NULL;
    size_t end;
    if (__builtin_add_overflow(place->at, bytes, &end) || __builtin_add_overflow(end, (size_t)63, &end)) {
        *status = LC_TOO_LARGE;
        return NULL;
    }
    place->at = end & ~(size_t)63;
    return *status ? NULL : taken;
}

/* A place for what is measured with base NULL, and then stands at the next multiple of 64 of any memory. */
static inline lc_place lc_place_in(void *memory) {
    return (lc_place){memory ? (char *)memory + (64 - (uintptr_t)memory % 64) % 64 : NULL, 0};
}
enum { LC_SLACK = 63 }; /* what the beginning may skip */
#endif
