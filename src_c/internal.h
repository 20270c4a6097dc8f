/* What the files of the core share: the table of kernels, the team, the layout helpers. */
#ifndef LC_INTERNAL_H
#define LC_INTERNAL_H
#include "lstmcore.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#define HIDDEN __attribute__((visibility("hidden")))

/* A precondition: what the callers of a function have seen to. Checked in debug builds, LSTMCORE_DEBUG=1, alone. */
#if defined(LC_DEBUG)
enum { LC_CHECKS = 1 };
#define LC_ASSERT(held) ((held) ? (void)0 : lc_assert_failed(#held, __FILE__, __LINE__))
#else
enum { LC_CHECKS = 0 }; /* for loops of them */
#define LC_ASSERT(held) ((void)0)
#endif
HIDDEN __attribute__((noreturn)) void lc_assert_failed(const char *what, const char *file, int line);

enum {
#define KERNEL(name, NAME) LC_KERNEL_##NAME,
#include "cells.def"
#undef KERNEL
    LC_KERNEL_COUNT
};

/* Registers in a row of the widest panel; stages of a step; arrays that a stage's weights come from; vectors. */
enum { LC_WIDE = 4, LC_STAGES = 5, LC_SOURCES = 3, LC_VECTORS = 14 };

/* The arrays of lc_weights, in its order. */
enum {
    LC_WEIGHT_W,
    LC_WEIGHT_R,
    LC_WEIGHT_B,
    LC_WEIGHT_P,
    LC_WEIGHT_F,
    LC_WEIGHT_RP,
    LC_WEIGHT_GAIN,
    LC_WEIGHT_C_NORM
};

/* What the rows of a panel multiply: x, the state, or what the stage before has made. */
enum { LC_FROM_X, LC_FROM_STATE, LC_FROM_STAGE, LC_FROM_COUNT };

/* Rows of weights that lie in one array: W, R, F or Rp. Register g of a panel's row holds column `map[g]` of the
 * array's gates, or zeros where that is -1. */
typedef struct lc_source {
    int weight, from;
    int64_t rows;
    int gates;
    int8_t map[LC_WIDE];
} lc_source;

/* How the panels of a product store B, and what multiplies them; kernels/formats.h draws the words. */
typedef struct lc_storage {
    int format, dot;                   /* lc_format; lc_dot, never LC_DOT_AUTO */
    int group;                         /* steps of k in a word */
    int multiple;                      /* of words: as many as a dot product takes at a time */
    int scaled;                        /* int8: two more rows of a panel, one more `multiple` in a row of A */
    const struct product_parts *parts; /* the dot product's; NULL: weights are widened, by the instruction set's own */
} lc_storage;

/* An operand of a product, n steps of k: where in the panel it begins and how many words it has, rows of the panel, and
 * reals of a row of A in words (0 if A's rows stay reals). */
typedef struct lc_run {
    int64_t n, at, words, rows, a_row;
} lc_run;

/* A cell is a list of stages. A stage is a product, z <- start + A B, and a kernel, which makes of z what the next
 * stage multiplies or, the last one, the new state. Most cells have one; the GRU whose reset gate comes before the
 * product has two, as has a projected LSTM. Offsets are in reals from the beginning of their buffer; z and q are on
 * the tape, or at inference in work. */
typedef struct lc_stage {
    int kernel; /* of cells.def */
    int biases; /* 0; 1; 2: one of x and one of h, whose columns go where those of the first and second source go */
    int adds;   /* the sums start from what stands in z, not from the bias */
    int makes;  /* q, for the stage behind it */
    int ng, at; /* NG, registers in a panel's row; the first of them in a row of z */
    int dz;     /* the first register of z that the gradients of its sums take the place of, */
    int apart;  /* unless they have a place of their own in work, for a chunk: the sums are still needed */
    int later;  /* backward there is nothing to do: the next stage's kernel has made them */
    int wide;   /* registers in a row of z, which begins with this stage; 0: z is that of the stage before */
    lc_source source[LC_SOURCES]; /* its panels' rows from the top, in the order of `from`; their sums: */
    int64_t rows[LC_FROM_COUNT], k;
    lc_run run[LC_FROM_COUNT]; /* the same as they are stored */
    int64_t kp;                /* rows of a panel: k, or with a format of fewer bytes those of its words, run by run */
    int64_t units, ub, pw;     /* of each gate; UB; PW */
    int64_t to, tb, parts;     /* backward it makes the gradients of so many parts of `to` units, TB blocks of them */
    int64_t kb, jb;            /* rows of a backward panel (NG*units); panels of a part */
    lc_run back;               /* dz of a block, where it is multiplied in words */
    int64_t kbp;               /* rows of a backward panel as they are stored: kb, or UB times those of `back` */
    int64_t bias, panels, dh;  /* packed */
    int64_t z, row, block, q;  /* reals in a row of z, and from one block of units to the next */
    int64_t words[LC_FROM_COUNT]; /* work, forward: A's rows in words, for a dot product */
    int64_t dq, dp, own_dz;       /* work, backward; in words: */
    int64_t dz_words, dz_pairs;
    int64_t tile, tiles; /* of TR columns, in the columns of all stages: the first; how many */
} lc_stage;

/* A number for each unit that multiplies something else than a row of inputs: a peephole, which sees the cell; or one
 * that belongs to a normalization. */
enum { LC_SEES_OLD_CELL, LC_SEES_NEW_CELL, LC_SEES_NORMALIZED };
typedef struct lc_vector {
    int8_t weight, row; /* which array of lc_weights, which of its rows; row -1: packed as zeros */
    int8_t gate;        /* of a peephole: the register of dz */
    int8_t sees;
} lc_vector;

/* Of a normalized cell: the register of z where the gates begin, behind the sums, or 0 if there is none; slots of
 * vectors where biases begin, gains, and the normalization of the cell. A row has
 * up to LC_NORMS statistics, each a mean and a scale: of each gate's sum, or of x W, h R and the cell. */
enum { LC_NORMS = LC_WIDE };
typedef struct lc_norm {
    int gates, bias, gain, state;
} lc_norm;

/* Where each part of a buffer starts, in reals from its beginning; layout.c fills it in for a spec and a register
 * of VL lanes. UB = ceil(H / VL) blocks of units, NG registers in a panel's row, PW = NG*VL reals. What goes round from
 * step to step, the state, is S wide: h, and with LC_FULL_GATES i f o behind it. S has K parts as wide as h.
 *
 *   packed   of each stage:
 *            bias    [UB][PW]
 *            panels  [UB][kp][PW]         W over R (over F): the panels of forward
 *            vectors [UB][V][VL]          peepholes i f o; biases, gains, offset of a normalized cell
 *            of each stage, for backward:
 *            dh      [parts][JB]          R transposed: rows (block, register, unit), 4 blocks of units wide
 *            dx      [ceil(I / 4VL)]      W transposed, the same rows; of the first stage
 *   tape     h [T+1][B][S]                slot 0 the initial state; what Python sees as y is h[1:]
 *            c [UB][T+1][B][VL]
 *            z [UB][T*B][row]             sums -> gates -> gradients of the sums: each block of units one tall
 *                                         panel, so that it is an operand of the tile as it stands. Steps that the
 *                                         mask leaves out have no row here
 *            q [T*B][units]               rows as z's; of a stage that makes one
 *            fresh [UB][T*B][VL]          the new c before zoneout: with zoneout and a peephole of o or normalization
 *            statistics [T*B][NORMS][2]   of a normalized cell, rows as z's
 *            list                         the schedule, as below
 *   work     h [2][B][S], c [UB][B][VL], z [UB][chunk * B][row], q [chunk * B][units], fresh, list inference
 *            hs, xs [2][B][S], [2][B][I]  state and input times their dropout factors             forward
 *            words [rows][a_row]          of each stage: x (of a whole chunk where it is projected), state and q in
 *                                         words; rows follow each other as entries do             forward
 *            dh [K][UB][B][VL], dc [UB][B][VL], ds as dh, dq [UB][B][VL], dp [UB][1 + k][PW],
 *            of a normalized cell dz [2][UB][chunk * B][PW] of each product, and the gradient of what the output's
 *            activation gets, dn [2][UB][chunk * B][VL],
 *            dv [UB][V][VL], columns [2][tiles][chunk * B][MR]                                    backward
 *            or, in words, of each stage dz [2][chunk * B][kbp] and pairs [UB][pairs][PW], and of all
 *            columns [2][tiles][TR][pairs + 16], where pairs are those of chunk * B rows
 */
typedef struct lc_layout {
    int stages, states; /* of a step; arrays of state */
    int tile_rows;      /* TR: columns of [1 x h] that a tile of the weight gradients takes: MR, or 16 with AMX */
    int words;          /* the backward pass is in words */
    int direct;         /* a part of dh goes round the products: GRU's z, zoneout */
    int fresh;          /* the cell before zoneout is kept */
    int vectors;        /* V */
    lc_storage storage;
    lc_stage stage[LC_STAGES];
    lc_vector vector[LC_VECTORS];
    lc_norm norm;
    int64_t h, s, parts, ub; /* N; S; K; UB of H */
    int64_t xb, weights;     /* panels of dx; how many weights there are in the stages' panels */
    int64_t packed_v, dx, packed, packed_both;
    int64_t tape_c, tape_statistics, tape_list, tape;
    int64_t fresh_at; /* on the tape, or at inference in work */
    int64_t work_c, work_list, work_hs, work_xs;
    int64_t work_dc, work_ds, work_dn, work_dv, work_columns, work;
    int64_t tiles; /* of MR columns, of all stages */
    int64_t chunk; /* steps that are projected at once (forward) or whose weight gradients are taken at once */
} lc_layout;

/* Which rows count at which step. Entry e of a step, first[t] <= e < first[t+1], rows rising: row[e] of the batch; its
 * state stands in slot from[e] before the step and in to[e] after it; a slot is a row of [..][B][S]. Where all rows
 * count, first is NULL, and each step has the same entries: row b, relative to its slots, from b to b. */
typedef struct lc_schedule {
    const int32_t *first, *row, *from, *to; /* [T+1] and [T*B] */
    const int32_t *last, *count;            /* [B] the slot where a row ends, and how many steps it has */
} lc_schedule;

/* How a call is shared out. Rows of the batch are independent through all of time, so threads own rows; they own
 * units instead, with a barrier a step, where rows are few or one core's cache cannot hold the weights. */
typedef struct lc_plan {
    int threads, by_units;
    double flops;
    int project; /* few rows: x W is made for many steps at once, where the steps are the rows of the tile */
} lc_plan;

typedef struct lc_barrier {
    int arrived, round;
} lc_barrier;

/* One call of lc_forward (in) or lc_backward (back), on its way: begin, then every thread of the team, then end. */
typedef struct lc_pass {
    const lc_spec *spec;
    const struct lc_kernels *kernels;
    int most; /* threads; 0: the team */
    lc_layout lay;
    lc_plan plan;
    lc_schedule list;
    lc_barrier barrier;
    const void *packed;
    const lc_forward_io *in;
    const lc_backward_io *back;
    void *tape, *work;
} lc_pass;

/* A call of lc_attention_forward (in) or lc_attention_backward (back), on its way. */
typedef struct lc_attention_pass {
    const lc_attention *a;
    const lc_attention_io *in;
    const lc_attention_back *back;
    void *rows, *work;
    lc_barrier barrier;
} lc_attention_pass;

/* Reals of a call's memory: what each thread works in, and the sums that all of them leave. */
typedef struct lc_attention_room {
    int64_t thread, back_thread, sums;
} lc_attention_room;

/* One per ISA and type. */
typedef struct lc_kernels {
    int lanes, tile_rows;
    const struct kernel_parts *parts; /* of the type: kernels/parts.h */
    void (*pack)(const lc_spec *, const lc_layout *, const lc_weights *, int both, void *packed);
    void (*forward_begin)(lc_pass *), (*forward_thread)(void *pass, int id, int n), (*forward_end)(lc_pass *);
    void (*backward_begin)(lc_pass *), (*backward_thread)(void *pass, int id, int n), (*backward_end)(lc_pass *);
    void (*attention_measure)(const lc_attention *, lc_attention_room *);
    void (*attention_forward)(void *pass, int id, int n);
    void (*attention_backward)(void *pass, int id, int n), (*attention_end)(lc_attention_pass *);
    void (*gemm)(const lc_product *, const lc_storage *, void *work);
    void (*gemm_pack)(const lc_product *, const lc_storage *, void *packed);
    void (*activate)(int activation, int64_t rows, int64_t n, void *x);
    void (*hard_sigmoid)(lc_ramp ramp, int64_t n, void *x);
    void (*optimize)(const lc_update *, int64_t lo, int64_t n);
    int (*finite)(int64_t n, const void *x);
    double (*bare_tile)(int64_t repeats);
} lc_kernels;

/* Each of a file of its own in kernels/. NULL: the file was compiled without the flags of its ISA. */
extern HIDDEN const lc_kernels *const lc_kernels_base_f32, *const lc_kernels_base_f64;
extern HIDDEN const lc_kernels *const lc_kernels_avx2_f32, *const lc_kernels_avx2_f64;
extern HIDDEN const lc_kernels *const lc_kernels_avx512_f32, *const lc_kernels_avx512_f64;
extern HIDDEN const lc_kernels *const lc_kernels_neon_f32, *const lc_kernels_neon_f64;
HIDDEN unsigned lc_saved_registers(void);                   /* of x86-64; only where the CPU has OSXSAVE */
HIDDEN const lc_kernels *lc_kernels_for(int isa, int type); /* NULL: not on this CPU */

/* The dot products, each of a file of its own in kernels/, for the width of its instruction set. NULL: it was compiled
 * without its flags. */
extern HIDDEN const struct product_parts *const lc_avx512_bf16, *const lc_avx512_vnni, *const lc_avx2_vnni;
extern HIDDEN const struct product_parts *const lc_amx_bf16, *const lc_amx_int8;
extern HIDDEN const struct product_parts *const lc_neon_bf16, *const lc_neon_int8;
/* How weights of a format are stored and multiplied for an instruction set and a type, or why they are not. */
HIDDEN lc_status lc_find_storage(int isa, int type, int format, int dot, lc_storage *out);
static inline int64_t lc_ceil(int64_t a, int64_t b) { return (a + b - 1) / b; }
/* Of n steps of k: words, rows of a panel, reals of a row of A that is words. */
static inline lc_run lc_make_run(const lc_storage *s, int64_t n, int64_t at) {
    const int64_t words = lc_ceil(lc_ceil(n, s->group), s->multiple) * s->multiple;
    return (lc_run){n, at, words, words + 2 * s->scaled, s->parts ? words + s->scaled * s->multiple : 0};
}
/* The kernels and the layout for a spec, or why there are none. */
HIDDEN lc_status lc_find(const lc_spec *spec, const lc_kernels **kernels, lc_layout *lay);
HIDDEN lc_status lc_describe(const lc_spec *spec, lc_layout *out); /* the cell: stages, vectors, states */
HIDDEN int lc_peepholes(const lc_layout *lay);                     /* P */
HIDDEN int64_t lc_width(const lc_spec *spec);                      /* N, of h */
HIDDEN int lc_state_count(const lc_spec *spec);                    /* arrays of state: h; h c; h c g */
HIDDEN lc_status lc_lay_out(const lc_spec *spec, const lc_kernels *kernels, const lc_storage *storage, lc_layout *out);

/* ---- the team ---- */
/* Cores that this process may keep busy. `root`: "", or where a test keeps its own /proc and /sys. */
HIDDEN int lc_usable_cores(const char *root);
HIDDEN int lc_oversubscribed(void); /* whether the team was set to more threads than that */
typedef void lc_task(void *arg, int id, int n);
/* Runs task(arg, id, n) for id in 0..n-1 at once, with denormals flushed. May run with a smaller n than asked for. */
HIDDEN void lc_parallel(int n, lc_task *task, void *arg);
HIDDEN void lc_wait(lc_barrier *barrier, int n);
HIDDEN int lc_most_threads(void); /* that a call from this thread may use */
/* As many threads as `flops` of work deserve, `wanted` of them at most if it is not 0. */
HIDDEN int lc_worth_threads(int wanted, double flops);
HIDDEN int lc_projects(const lc_spec *spec); /* whether x W is made for many steps at once, at inference */
HIDDEN void lc_plan_forward(lc_pass *pass);
HIDDEN void lc_plan_backward(lc_pass *pass);

/* ---- the schedule ---- */
/* Lists the steps that count: slots rise with time, as on a tape, or take turns between two. */
HIDDEN void lc_make_schedule(lc_pass *pass, void *memory, const lc_mask *mask, int turns);
HIDDEN void lc_find_schedule(lc_pass *pass,
                             const void *memory); /* finds the lists that an lc_make_schedule made there */
/* The rows that thread id of n owns. */
HIDDEN void lc_own_rows(const lc_pass *pass, int id, int n, int64_t *b0, int64_t *b1);
/* The entries of step t whose rows are in [b0, b1). */
HIDDEN void lc_entries(const lc_pass *pass, int64_t t, int64_t b0, int64_t b1, int64_t *e0, int64_t *e1);
/* Rows times steps that count in [t0, t1). */
HIDDEN int64_t lc_counted(const lc_pass *pass, int64_t t0, int64_t t1);
/* [*lo, *hi) of n things for thread id of count. */
static inline void lc_share(int64_t n, int id, int count, int64_t *lo, int64_t *hi) {
    LC_ASSERT(n >= 0 && 0 <= id && id < count);
    *lo = n * id / count, *hi = n * (id + 1) / count;
}
/* So many reals and some, an odd number of cache lines: at a distance of a power of two, blocks of units would share
 * the few lines of a set of the cache. */
static inline int64_t lc_odd_lines(int64_t reals) { return (lc_ceil(reals, 16) | 1) * 16; }
/* Whether h' of a normalized cell waits for the new cells of all units: they are normalized, or o's peephole sees
 * them. */
static inline int lc_norm_waits(const lc_spec *spec) {
    const int o = !(spec->variant & LC_NO_OUTPUT_GATE);
    return spec->layer_norm == LC_NORM_BOTH || (o && spec->variant & LC_PEEPHOLE);
}
static inline double lc_epsilon(const lc_spec *spec) { return spec->epsilon > 0 ? spec->epsilon : 1e-5; }
/* The ramp that a spec means: Keras 3's for zeros. */
static inline lc_ramp lc_line(lc_ramp ramp) {
    return ramp.slope == 0 && ramp.offset == 0 ? (lc_ramp){1.0 / 6, 0.5} : ramp;
}
/* Within 1e30: in floats, too, its products with small numbers are finite. NaN is not. */
static inline int lc_is_ramp(lc_ramp r) {
    return r.slope <= 1e30 && -r.slope <= 1e30 && r.offset <= 1e30 && -r.offset <= 1e30;
}
static inline size_t lc_real_bytes(int type) { return type == LC_F64 ? sizeof(double) : sizeof(float); }
/* As the caller has to allocate packed weights, tapes and work. */
static inline int lc_aligned(const void *p) { return (uintptr_t)p % 64 == 0; }
/* Programs, layer by layer: the next layer, and the room that its run needs, the largest of all layers'. */
typedef struct lc_room {
    int64_t reals; /* of an array between two layers */
    size_t work;
} lc_room;
HIDDEN lc_status lc_program_add(lc_program *program, const lc_op *op, int place);
HIDDEN lc_status lc_room_add(lc_room *room, const lc_op *op, int64_t batch, int64_t steps);
/* Reals of each of the two arrays between layers, and bytes of all the work. */
HIDDEN lc_status lc_room_measure(const lc_room *room, int type, int64_t *between, size_t *work);
HIDDEN int64_t lc_cache_bytes(void); /* of one core's L2 */
enum { LC_SCRATCH_ROWS = 96 }; /* rows of C that pass through the stack at a time where registers reach past its rows */
#endif
