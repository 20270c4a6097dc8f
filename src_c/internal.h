/* What the files of the core share: the table of kernels, the team, the layout helpers. */
#ifndef LC_INTERNAL_H
#define LC_INTERNAL_H
#include "lstmcore.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#define HIDDEN __attribute__((visibility("hidden")))

/* Where each part of a buffer starts, in reals from its beginning; layout.c fills it in for a spec and a register
 * of VL lanes. UB = ceil(H / VL) blocks of units, PW = G*VL reals in a row of a panel.
 *
 *   packed   bias    [UB][PW]
 *            forward [UB][I + H][PW]      W over R: the panels of forward
 *            dh      [ceil(UB / 4)]       R transposed: rows in the order (block, gate, unit), 4 blocks of units wide
 *            dx      [ceil(I / 4VL)]      W transposed, the same rows
 *   tape     h [T+1][B][H]                slot 0 the initial state; what Python sees as y is h[1:]
 *            c [UB][T+1][B][VL]
 *            z [UB][T][B][PW]             sums -> gates -> gradients of the sums: each block of units one tall
 *                                         panel, so that it is an operand of the tile as it stands
 *   work     h [2][B][H], c [UB][B][VL], z [UB][chunk][B][PW]             inference
 *            dh, dc [UB][B][VL], dp [UB][1 + I + H][PW], columns [2][tiles][chunk * B][MR]     backward
 */
typedef struct lc_layout {
    int64_t ub, pw, jb, xb; /* blocks of units; reals in a panel's row; panels of dh and of dx */
    int64_t kf, kb;         /* rows of a forward panel (I + H) and of a backward panel (G*H) */
    int64_t forward, dh, dx, packed, packed_both;
    int64_t tape_c, tape_z, tape;
    int64_t work_c, work_z, work_dc, work_dp, work_columns, work;
    int64_t tiles; /* of MR columns, in [1 x h] */
    int64_t chunk; /* steps that are projected at once (forward) or whose weight gradients are taken at once */
} lc_layout;

/* How a call is shared out. Rows of the batch are independent through all of time, so threads own rows; they own
 * units instead, with a barrier a step, where rows are few or one core's cache cannot hold the weights. */
typedef struct lc_plan {
    int threads, by_units;
    int project; /* few rows: x W is made for many steps at once, where the steps are the rows of the tile */
} lc_plan;

/* One per ISA and type. */
typedef struct lc_kernels {
    int lanes, tile_rows;
    void (*pack)(const lc_spec *, const lc_layout *, const lc_weights *, int both, void *packed);
    void (*forward[LC_CELL_COUNT])(const lc_spec *, const lc_layout *, const void *packed, const lc_forward_io *,
                                   void *tape, void *work);
    void (*backward[LC_CELL_COUNT])(const lc_spec *, const lc_layout *, const void *packed, const lc_backward_io *,
                                    void *tape, void *work);
    void (*gemm)(const lc_product *, void *work);
    void (*sgd)(int64_t n, void *p, const void *g, void *v, const lc_sgd_args *);
    void (*rmsprop)(int64_t n, void *p, const void *g, void *v, void *mean, void *mom, const lc_rmsprop_args *);
    void (*adam)(int64_t n, void *p, const void *g, void *m, void *v, void *vhat, const lc_adam_args *);
    double (*bare_tile)(int64_t repeats);
} lc_kernels;

typedef struct lc_kernel_pair {
    const lc_kernels *f32, *f64;
} lc_kernel_pair;

extern HIDDEN const lc_kernel_pair lc_kernels_base, lc_kernels_avx2, lc_kernels_avx512, lc_kernels_neon;
HIDDEN const lc_kernels *lc_kernels_for(int isa, int type); /* NULL: not on this CPU */
HIDDEN int lc_cell_gates(int cell);
HIDDEN lc_status lc_lay_out(const lc_spec *spec, const lc_kernels *kernels, lc_layout *out);

/* ---- the team ---- */
typedef struct lc_barrier {
    int arrived, round;
} lc_barrier;
typedef void lc_task(void *arg, int id, int n);
/* Runs task(arg, id, n) for id in 0..n-1 at once, with denormals flushed. May run with a smaller n than asked for. */
HIDDEN void lc_parallel(int n, lc_task *task, void *arg);
HIDDEN void lc_wait(lc_barrier *barrier, int n);
/* As many threads as `flops` of work deserve, `wanted` of them at most if it is not 0. */
HIDDEN int lc_deserved(int wanted, double flops);
HIDDEN lc_plan lc_plan_forward(const lc_spec *spec, const lc_layout *lay, size_t real_size);
HIDDEN lc_plan lc_plan_backward(const lc_spec *spec, const lc_layout *lay, size_t real_size);
/* [*lo, *hi) of n things for thread id of count. */
static inline void lc_share(int64_t n, int id, int count, int64_t *lo, int64_t *hi) {
    *lo = n * id / count, *hi = n * (id + 1) / count;
}
static inline int64_t lc_ceil(int64_t a, int64_t b) { return (a + b - 1) / b; }
HIDDEN int64_t lc_cache_bytes(void); /* of one core's L2 */
enum { LC_SCRATCH_ROWS = 96 }; /* rows of C that pass through the stack at a time where registers reach past its rows */
#endif
