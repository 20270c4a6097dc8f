/* lstmcore.h - the C core of lstmcore: LSTM forward and backward on a CPU.
 *
 * This header is the manual. The core keeps no state between calls, allocates nothing and knows nothing of
 * Python: plain structs in, the caller's memory out, a status back. Any number of threads may call it at once
 * as long as each brings its own output, tape and work memory; packed weights may be shared.
 *
 * A whole training step of one layer:
 *
 *     lc_spec spec = {.cell = LC_LSTM, .type = LC_F32, .steps = T, .batch = B, .inputs = I, .units = H,
 *                     .flags = LC_TRAIN};
 *     lc_sizes sizes;
 *     lc_measure(&spec, &sizes);                  how many bytes each buffer takes
 *     ... the caller allocates sizes.packed, .tape, .work bytes, 64-byte aligned ...
 *     lc_pack(&spec, &weights, packed);           once per change of the weights
 *     lc_forward(&spec, packed, &forward, tape, work);
 *     lc_backward(&spec, packed, &backward, tape, work);
 *
 * Letters: T steps, B batch, I inputs, H units, G gates (4 for the LSTM, in Keras's order i f c o).
 * Arrays are row-major, their shape stands beside the pointer. "real" is float or double, as spec.type says.
 *
 * Results do not depend on the number of threads, and an output row does not depend on the other rows of the
 * batch or on how a sequence is cut into calls: each output is one chain of multiply-adds in a fixed order,
 * bias first, then the inputs, then the units. They do depend on the instruction set (FMA rounds once).
 */
#ifndef LSTMCORE_H
#define LSTMCORE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { LC_OK, LC_BAD_SPEC, LC_TOO_LARGE, LC_BAD_ISA, LC_NULL } lc_status;
typedef enum { LC_F32, LC_F64 } lc_type;

/* In rising order of preference; LC_AUTO is the best that this CPU has, or the one that was forced. */
typedef enum { LC_AUTO, LC_BASE, LC_AVX2, LC_AVX512, LC_NEON, LC_ISA_COUNT } lc_isa;

typedef enum {
#define CELL(name, NAME, gates) LC_##NAME,
#include "cells.def"
#undef CELL
    LC_CELL_COUNT
} lc_cell;

enum {
    LC_TRAIN = 1,    /* forward writes the tape that backward needs */
    LC_SEQUENCES = 2 /* inference only: every step's output is wanted, in forward.y */
};

typedef struct lc_spec {
    int32_t cell, type, isa; /* lc_cell, lc_type, lc_isa */
    int32_t threads;         /* at most so many; 0: as many as the work deserves, up to lc_get_threads() */
    uint32_t flags;
    int64_t steps, batch, inputs, units;
} lc_spec;

typedef struct lc_sizes {
    size_t packed;      /* bytes of packed weights for inference */
    size_t packed_both; /* ... for inference and backward: the same bytes first, the transposed after */
    size_t tape;        /* bytes; 0 unless LC_TRAIN. Starts with h [T+1][B][H], slot 0 the initial state */
    size_t work;        /* bytes for lc_forward and lc_backward; contents never matter */
} lc_sizes;

/* Keras's layout. b may be NULL. */
typedef struct lc_weights {
    const void *W; /* [I][G*H] */
    const void *R; /* [H][G*H] */
    const void *b; /* [G*H] */
} lc_weights;

/* A (T, B, features) array: element (t, b, i) stands at p[t*step + b*row + i], strides in elements. */
typedef struct lc_sequence {
    const void *p;
    int64_t step, row;
} lc_sequence;

typedef struct lc_forward_io {
    lc_sequence x;
    const void *h0, *c0; /* [B][H], NULL: zeros */
    void *y;             /* [T][B][H] with LC_SEQUENCES, not used with LC_TRAIN: there y is the tape's h[1:] */
    void *hT, *cT;       /* [B][H] final states, NULL: not wanted */
} lc_forward_io;

/* The gradients of the loss: dy, dhT, dcT come in (NULL: zeros), the others go out (NULL: not wanted). */
typedef struct lc_backward_io {
    lc_sequence x;  /* as given to lc_forward */
    lc_sequence dy; /* (T, B, H) */
    const void *dhT, *dcT;
    void *dx;           /* [T][B][I] */
    void *dW, *dR, *db; /* as lc_weights; added to */
    void *dh0, *dc0;    /* [B][H] */
} lc_backward_io;

/* ---- layers ---- */
lc_status lc_measure(const lc_spec *spec, lc_sizes *sizes);
lc_status lc_pack(const lc_spec *spec, const lc_weights *weights, int both, void *packed);
lc_status lc_forward(const lc_spec *spec, const void *packed, const lc_forward_io *io, void *tape, void *work);
/* Consumes the tape: its gates become their gradients. packed must have been made with both = 1. */
lc_status lc_backward(const lc_spec *spec, const void *packed, const lc_backward_io *io, void *tape, void *work);

/* ---- C += A B, or C = bias + A B: what a dense layer needs ---- */
typedef struct lc_matrix {
    const void *p;
    int64_t row, col; /* element (i, j) stands at p[i*row + j*col]; one of the strides must be 1 for BLAS */
} lc_matrix;

typedef struct lc_product {
    int32_t type, isa, threads;
    int32_t add;     /* 1: C += A B; 0: C = bias + A B */
    int64_t m, n, k; /* A [m][k], B [k][n], C [m][n] */
    lc_matrix a, b;
    const void *bias; /* [n] or NULL; with add = 0 only */
    void *c;          /* [m][n], contiguous rows */
    int32_t blas;     /* 1: BLAS may be used where it is set and faster; 0: the own kernel, one fixed chain */
} lc_product;
lc_status lc_gemm_work(const lc_product *p, size_t *bytes);
lc_status lc_gemm(const lc_product *p, void *work);
int lc_gemm_wants_blas(const lc_product *p); /* whether it would go to BLAS if one is set */

/* BLAS is never linked: whoever has one gives its pointers (Fortran interface, 32-bit integers). set_threads and
 * get_threads may be NULL; where they are given, BLAS is held at one thread while our team splits the work. */
typedef void lc_gemm_fn(char *ta, char *tb, int *m, int *n, int *k, void *alpha, void *a, int *lda, void *b, int *ldb,
                        void *beta, void *c, int *ldc);
typedef struct lc_blas {
    lc_gemm_fn *sgemm, *dgemm;
    void (*set_threads)(int);
    int (*get_threads)(void);
} lc_blas;
void lc_set_blas(const lc_blas *blas);

/* ---- optimizers: in place on flat arrays of n reals, Keras 3's arithmetic ---- */
typedef struct lc_sgd_args {
    double lr, momentum;
    int nesterov;
} lc_sgd_args;
typedef struct lc_rmsprop_args {
    double lr, rho, momentum, epsilon;
} lc_rmsprop_args;
typedef struct lc_adam_args {
    double lr, beta_1, beta_2, epsilon;
    int64_t step; /* 1 for the first */
} lc_adam_args;
/* v [n] is NULL without momentum. */
lc_status lc_sgd(int type, int64_t n, void *p, const void *g, void *v, const lc_sgd_args *args);
/* mean [n] is NULL unless centred, mom [n] is NULL without momentum. */
lc_status lc_rmsprop(int type, int64_t n, void *p, const void *g, void *v, void *mean, void *mom,
                     const lc_rmsprop_args *args);
/* vhat [n] is NULL unless amsgrad. */
lc_status lc_adam(int type, int64_t n, void *p, const void *g, void *m, void *v, void *vhat, const lc_adam_args *args);

/* ---- the machine ---- */
int lc_isa_available(int isa);
int lc_isa_now(void);            /* what LC_AUTO means; LSTMCORE_ISA in the environment forces it */
lc_status lc_isa_force(int isa); /* LC_AUTO: back to the best; not while calls are running */
const char *lc_isa_name(int isa);
int lc_isa_from_name(const char *name); /* -1: no such name */
int lc_get_threads(void);
void lc_set_threads(int n); /* 0: the default: LSTMCORE_NUM_THREADS, OMP_NUM_THREADS, or the usable cores */
int lc_have_openmp(void);
const char *lc_status_text(lc_status status);

/* The ceiling for benchmarks: runs the widest tile `repeats` times on data in L1, returns the flops it made. */
double lc_bare_tile(int type, int isa, int64_t repeats);

#ifdef __cplusplus
}
#endif
#endif
