/* What the C tests share: memory, numbers of both types, and the end of a program that cannot go on. */
#include "lstmcore.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FENCE = 64 };

static inline void check(lc_status status) {
    if (status == LC_OK) return;
    printf("%s\n", lc_status_text(status));
    exit(2);
}

static inline size_t size_of(int type) { return type == LC_F64 ? 8 : 4; }

static inline double get(int type, const void *p, int64_t i) {
    return type == LC_F64 ? ((const double *)p)[i] : ((const float *)p)[i];
}

static inline void put(int type, void *p, int64_t i, double x) {
    if (type == LC_F64) ((double *)p)[i] = x;
    else ((float *)p)[i] = (float)x;
}

/* Zeros; what is allocated ends with the program, unless it is freed. */
static inline void *allocate(size_t bytes) {
    void *p = NULL;
    if (posix_memalign(&p, 64, bytes ? bytes : 1)) exit(2);
    memset(p, 0, bytes);
    return p;
}

/* n reals, and after them some that must stay as they are. */
static inline void *random_reals(int type, int64_t n, double scale) {
    void *p = allocate((size_t)(n + FENCE) * size_of(type));
    for (int64_t i = 0; i < n + FENCE; i++) put(type, p, i, i < n ? scale * (2.0 * rand() / RAND_MAX - 1) : 77);
    return p;
}

static inline int fenced(int type, const void *p, int64_t n) {
    for (int64_t i = n; i < n + FENCE; i++)
        if (get(type, p, i) != 77) return 0;
    return 1;
}
