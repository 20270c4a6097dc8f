/* lstmcore.h - the C core of lstmcore: LSTM, GRU and simple recurrent layers, forward and backward, on a CPU.
 *
 * This header is the manual. The core keeps no state of a computation and knows nothing of Python: plain structs in,
 * the caller's memory out, a status back. Whole models, further below, have handles; what these stand for is in the
 * caller's memory, too. Any number of threads may call it at once as long as each
 * brings its own output, tape and work memory; packed weights may be shared.
 *
 * What it does keep is a few settings of the process: the instruction set and the dot product that were forced
 * (lc_isa_force, lc_dot_force), the BLAS that was given (lc_set_blas; none of them while calls are running), the team
 * of threads with its size (lc_set_threads), and for each thread the most that its calls may use (lc_limit_threads).
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
 * Letters: T steps, B batch, I inputs, H units, N the width of h (H, or that of a projection), G gates as the weights
 * have them (LSTM: 4, in Keras's order i f c o, fewer where a variant lacks some; GRU: 3, z r h; simple RNN: 1).
 * Arrays are row-major, their shape stands beside the pointer. "real" is float or double, as spec.type says.
 *
 * Results do not depend on the number of threads, and an output row does not depend on the other rows of the
 * batch or on how a sequence is cut into calls: each output is one chain of multiply-adds in a fixed order,
 * bias first, then the inputs, then the units. They do depend on the instruction set (FMA rounds once), and with
 * weights of fewer bits on the format and the dot product.
 */
#ifndef LSTMCORE_H
#define LSTMCORE_H

#include <stddef.h>
#include <stdint.h>

/* Of this header; lc_version() is that of the library which the program runs with. */
#define LC_VERSION_TEXT "0.1.0"
#define LC_VERSION 100 /* 10000 major + 100 minor + patch: may be compared */

/* A shared library is built with LC_SHARED and hidden visibility: what this header declares is all that it exports. */
#if defined(LC_SHARED) && defined(__GNUC__)
#define LC_API __attribute__((visibility("default")))
#else
#define LC_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    LC_OK,
    LC_BAD_SPEC,
    LC_TOO_LARGE,
    LC_BAD_ISA,
    LC_NULL,
    LC_OUT_OF_RANGE, /* a token, or a row of the batch, that there is not */
    LC_NOT_FINITE,   /* an output that tokens were to be drawn from is NaN or infinite */
    LC_BAD_FILE,     /* what was given is no model file, is cut off, or is damaged */
    LC_BAD_VERSION,  /* a model file of a later version than the library knows */
    LC_MISALIGNED,   /* a model file in memory begins at an address that is no multiple of 8 */
    LC_NO_FILE,      /* there is no such file, or it cannot be read */
    LC_NO_MEMORY     /* the system has no memory for the model; of lc_model_load alone */
} lc_status;
typedef enum { LC_F32, LC_F64 } lc_type;

/* How packed weights are stored. All but LC_REALS are for LC_F32: 16 bits a weight, rounded to nearest even, or 8 and a
 * scale for each column of W, R and F together, and for each of Rp's. All other weights stay reals. With LC_TRAIN:
 * LC_REALS, or LC_BFLOAT16 where it is multiplied by a dot product; else LC_BAD_SPEC. */
typedef enum { LC_REALS, LC_FLOAT16, LC_BFLOAT16, LC_INT8, LC_FORMAT_COUNT } lc_format;

/* How weights of fewer bits are multiplied. LC_DOT_NONE, which every CPU can: they are widened as they are loaded, and
 * all else is in floats. A dot product of the CPU takes the other operand in the same format: inputs and states are
 * rounded to bfloat16 or, with int8, to 8 bits and a scale for each row; sums are in floats, or exact.
 *
 *     LC_DOT_VECTOR   AVX512-BF16, AVX512-VNNI, AVX-VNNI, NEON's dot products
 *     LC_DOT_TILES    AMX
 *
 * LC_DOT_AUTO is the best that the CPU has for a format, or the one that was forced: lc_dot_now. What was packed with
 * one dot product is for calls with the same. LC_BAD_ISA: the CPU has not the one that a spec asks for. */
typedef enum { LC_DOT_AUTO, LC_DOT_NONE, LC_DOT_VECTOR, LC_DOT_TILES, LC_DOT_COUNT } lc_dot;

/* In rising order of preference; LC_AUTO is the best that this CPU has, or the one that was forced. */
typedef enum { LC_AUTO, LC_BASE, LC_AVX2, LC_AVX512, LC_NEON, LC_ISA_COUNT } lc_isa;

typedef enum { LC_LSTM, LC_GRU, LC_RNN, LC_CELL_COUNT } lc_cell;

/* LC_DEFAULT: tanh for values, sigmoid for gates. */
typedef enum {
    LC_DEFAULT,
    LC_TANH,
    LC_SIGMOID,
    LC_HARD_SIGMOID, /* slope x + offset, cut at 0 and 1: see lc_ramp */
    LC_RELU,
    LC_LINEAR,
    LC_SOFTSIGN,
    LC_ELU,
    LC_ACTIVATION_COUNT
} lc_activation;

/* The line of a hard sigmoid. All zeros: {1/6, 1/2}, Keras 3's; Keras 1 and 2 had {0.2, 0.5}; ONNX calls them alpha and
 * beta. Read where the activation beside it is LC_HARD_SIGMOID; there from -1e30 to 1e30. */
typedef struct lc_ramp {
    double slope, offset;
} lc_ramp;

/* What a cell has or lacks; the LSTM's are the architectures of Greff et al., "LSTM: A Search Space Odyssey" (2017). */
enum {
    LC_PEEPHOLE = 1,       /* i and f see the cell before the step, o the new one */
    LC_NO_INPUT_GATE = 2,  /* i = 1 */
    LC_NO_FORGET_GATE = 4, /* f = 1 */
    LC_NO_OUTPUT_GATE = 8, /* o = 1 */
    LC_COUPLED = 16,       /* f = 1 - i */
    LC_FULL_GATES = 32,    /* i f o also see i f o of the step before */
    LC_RESET_BEFORE = 64   /* GRU: the reset gate comes before the product, not after it; b is [G*H] */
};

/* Layer normalization of an LSTM. n(v) = (v - mean) / sqrt(variance + epsilon), over a row's v. */
typedef enum {
    LC_NORM_NONE,
    LC_NORM_BOTH, /* Ba, Kiros, Hinton 2016, equations 20 to 22 of the supplement: z = gain n(x W) + gain n(h R) + b, n
                     over all G*H of a row at once, and h = o tanh(gain n(c) + offset). Without peepholes */
    LC_NORM_SUM   /* TensorFlow Lite's: z = gain n(x W + h R + p c) + b, n over the H of each gate */
} lc_norm_form;

enum {
    LC_TRAIN = 1,       /* forward writes the tape that backward needs */
    LC_SEQUENCES = 2,   /* inference only: every step's output is wanted, in forward.y */
    LC_MASKED = 4,      /* forward.mask tells which steps count: the others cost nothing and carry the state on */
    LC_ZERO_MASKED = 8, /* outputs of masked steps are 0, not the state that is carried on */
    LC_SCALED = 16,     /* noise.x_scale or h_scale are given */
    LC_ZONED = 32       /* noise.keep_h or keep_c are given */
};

typedef struct lc_spec {
    int32_t cell, type, isa; /* lc_cell, lc_type, lc_isa */
    int32_t threads;         /* at most so many; 0: as many as the work deserves, up to lc_get_threads() */
    uint32_t flags;
    int64_t steps, batch, inputs, units;
    uint32_t variant;                     /* LC_PEEPHOLE and the rest */
    int32_t activation;                   /* lc_activation of the candidate */
    int32_t output_activation;            /* LSTM: of the cell on its way out */
    int32_t gate_activation;              /* of the gates */
    double clip;                          /* LSTM: the cell stays within [-clip, clip]; 0: anywhere */
    lc_ramp ramp, output_ramp, gate_ramp; /* of activation, output_activation and gate_activation */
    int64_t projection;   /* LSTM: N of Sak et al. 2014, h = (o tanh(c)) Rp; 0: none, N = H. Not with LC_FULL_GATES */
    int32_t layer_norm;   /* lc_norm_form; not with LC_FULL_GATES */
    double epsilon;       /* of layer_norm; 0: 1e-5 */
    int32_t weights, dot; /* lc_format, lc_dot */
} lc_spec;

typedef struct lc_sizes {
    size_t packed;      /* bytes of packed weights for inference */
    size_t packed_both; /* ... for inference and backward: the same bytes first, the transposed after */
    size_t tape;        /* bytes; 0 unless LC_TRAIN. Starts with h [T+1][B][S], slot 0 the initial state */
    size_t work;        /* bytes for lc_forward and lc_backward; contents never matter */
    int64_t state;      /* S: N, or 4H with LC_FULL_GATES, where i f o of the step stand behind h */
    int64_t gates;      /* G */
    int64_t peepholes;  /* P */
} lc_sizes;

/* Keras's layout. b may be NULL; P and what follows are read where the cell has them. */
typedef struct lc_weights {
    const void *W;      /* [I][G*H] */
    const void *R;      /* [N][G*H] */
    const void *b;      /* [G*H]; GRU: [2][G*H], of the inputs and of the units */
    const void *P;      /* [P][H] peepholes, in the order i f o */
    const void *F;      /* [3H][3H] from i f o of the step before to i f o */
    const void *Rp;     /* [H][N] from o tanh(c) to h */
    const void *gain;   /* [G*H]; LC_NORM_BOTH: [2][G*H], of x W and of h R */
    const void *c_norm; /* LC_NORM_BOTH: [2][H] gain and offset of c */
} lc_weights;

/* A (T, B, features) array: element (t, b, i) stands at p[t*step + b*row + i], strides in elements. */
typedef struct lc_sequence {
    const void *p;
    int64_t step, row;
} lc_sequence;

/* mask (t, b) stands at p[t*step + b*row]; not 0: the step counts. */
typedef struct lc_mask {
    const uint8_t *p;
    int64_t step, row;
} lc_mask;

/* What random masks do to a layer in training; NULL: nothing. The same for lc_forward and its lc_backward. */
typedef struct lc_noise {
    const void *x_scale, *h_scale; /* [B][I], [B][N]: dropout's factors on what goes into W and R, at every step */
    const void *keep_h, *keep_c;   /* [T][B][N], [T][B][H]: zoneout; 1 where the old state stays, else 0 */
} lc_noise;

/* How a call went. */
typedef struct lc_report {
    const char *kernel; /* of the cell */
    int32_t isa, type, threads;
    int32_t by_units; /* threads shared units, with a barrier a step, not rows */
    int32_t project;  /* x W was made for many steps at once */
    int64_t steps;    /* rows times steps that were computed: masked ones are not */
} lc_report;

typedef struct lc_forward_io {
    lc_sequence x;
    const void *h0, *c0, *g0; /* [B][N], [B][H], g0 [B][3H] with LC_FULL_GATES; NULL: zeros */
    void *y;                  /* [T][B][N] with LC_SEQUENCES, not used with LC_TRAIN: there y is the tape's h[1:] */
    void *hT, *cT, *gT;       /* final states, NULL: not wanted */
    lc_mask mask;
    lc_noise noise;
    lc_report *report; /* NULL: not wanted */
} lc_forward_io;

/* The gradients of the loss: dy, dhT, dcT, dgT come in (NULL: zeros), the others go out (NULL: not wanted). */
typedef struct lc_backward_io {
    lc_sequence x;  /* as given to lc_forward */
    lc_sequence dy; /* (T, B, N) */
    const void *dhT, *dcT, *dgT;
    void *dx;                                             /* [T][B][I] */
    void *dW, *dR, *db, *dP, *dF, *dRp, *dgain, *dc_norm; /* as lc_weights; added to */
    void *dh0, *dc0, *dg0;
    lc_noise noise; /* as given to lc_forward */
} lc_backward_io;

/* ---- layers ---- */
/* What the cell of a spec has; type, isa, flags, steps and batch of the spec are not read. */
enum { LC_WEIGHTS = 8 };
typedef struct lc_cell_info {
    char gates[8];     /* a letter each, in the order of the weights' columns; of LSTM ifco, GRU zrh, simple RNN h */
    int32_t states;    /* arrays of state: h; LSTM h and c; with LC_FULL_GATES h, c and g */
    int32_t peepholes; /* P */
    int32_t axes[LC_WEIGHTS];     /* of W R b P F Rp gain c_norm: 1 or 2; 0: this cell has none */
    int64_t shape[LC_WEIGHTS][2]; /* of the same; with one axis [0] alone counts */
} lc_cell_info;
LC_API lc_status lc_cell_describe(const lc_spec *spec, lc_cell_info *info);
LC_API lc_status lc_measure(const lc_spec *spec, lc_sizes *sizes);
LC_API lc_status lc_pack(const lc_spec *spec, const lc_weights *weights, int both, void *packed);
LC_API lc_status lc_forward(const lc_spec *spec, const void *packed, const lc_forward_io *io, void *tape, void *work);
/* Consumes the tape: its gates become their gradients. packed must have been made with both = 1. */
LC_API lc_status lc_backward(const lc_spec *spec, const void *packed, const lc_backward_io *io, void *tape, void *work);
/* What happened inside, from a tape that lc_forward wrote and lc_backward has not consumed. Either may be NULL.
 *
 *     gates [G][T][B][H]   after their activations, in the order of the weights' columns: the LSTM's with c, the
 *                          candidate; GRU z r and the candidate h; simple RNN its output before zoneout. NaN at steps
 *                          that the mask leaves out
 *     c     [T][B][H]      LSTM: the cell after each step, as the next one finds it */
LC_API lc_status lc_trace(const lc_spec *spec, const void *tape, void *gates, void *c);

/* Two calls that do not need each other, as the directions of a bidirectional layer, at work at once: each has half of
 * the threads. Both are checked before either begins. */
typedef struct lc_forward_call {
    const lc_spec *spec;
    const void *packed;
    const lc_forward_io *io;
    void *tape, *work;
} lc_forward_call;
typedef struct lc_backward_call {
    const lc_spec *spec;
    const void *packed;
    const lc_backward_io *io;
    void *tape, *work;
} lc_backward_call;
LC_API lc_status lc_forward_both(const lc_forward_call calls[2]);
LC_API lc_status lc_backward_both(const lc_backward_call calls[2]);

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
    const void *bias;     /* [n] or NULL; with add = 0 only */
    void *c;              /* [m][n], contiguous rows */
    const void *packed;   /* NULL, or what lc_gemm_pack made of b and bias: then these are not read again */
    int32_t blas;         /* 1: BLAS may be used where it is set and faster; 0: the own kernel, one fixed chain */
    int32_t weights, dot; /* lc_format, lc_dot: of B as it is packed */
} lc_product;
LC_API lc_status lc_gemm_packed(const lc_product *p, size_t *bytes); /* bytes of packed */
LC_API lc_status lc_gemm_work(const lc_product *p, size_t *bytes);   /* bytes of work; 0: it may be NULL */
LC_API lc_status lc_gemm_pack(const lc_product *p, void *packed);    /* for any m */
LC_API lc_status lc_gemm(const lc_product *p, void *work);
LC_API int lc_gemm_wants_blas(const lc_product *p); /* whether it would go to BLAS if one is set */

/* BLAS is never linked: whoever has one gives its pointers (Fortran interface, 32-bit integers). set_threads and
 * get_threads may be NULL; where they are given, BLAS is held at one thread while our team splits the work. */
typedef void lc_gemm_fn(char *ta, char *tb, int *m, int *n, int *k, void *alpha, void *a, int *lda, void *b, int *ldb,
                        void *beta, void *c, int *ldc);
typedef struct lc_blas {
    lc_gemm_fn *sgemm, *dgemm;
    void (*set_threads)(int);
    int (*get_threads)(void);
} lc_blas;
LC_API void lc_set_blas(const lc_blas *blas);

/* x[i] <- activation(x[i]) in place; LC_SOFTMAX over each of `rows` rows of n. */
enum { LC_SOFTMAX = LC_ACTIVATION_COUNT };
LC_API lc_status lc_activate(int type, int isa, int activation, int64_t rows, int64_t n, void *x);
/* The same with LC_HARD_SIGMOID, along a line of one's own. */
LC_API lc_status lc_hard_sigmoid(int type, int isa, lc_ramp ramp, int64_t rows, int64_t n, void *x);

/* ---- attention: a mean of values for each query, weighted by the softmax of its scores ----
 *
 *     lc_attention a = {.type = LC_F32, .batch = B, .heads = H, .key_heads = H, .queries = T, .keys = S, .features = F,
 *                       .values = V, .scale = 1, .q = {q, T * F, 0, F}, .k = ..., .v = ...};
 *     lc_attention_measure(&a);                   how many bytes rows and work take
 *     lc_attention_forward(&a, &forward, rows, work);
 *     lc_attention_backward(&a, &backward, rows, work);
 *
 * Scores exist for a block of queries at a time; backward makes them again from what forward leaves for each query in
 * `rows`, three reals. A key that a mask hides from a query weighs exactly 0 there, and what stands at it does not
 * matter, NaN included; a key that is hidden from all queries costs nothing. A query that sees no key gets zeros. */
enum { LC_DOT_SCORES, LC_ADDITIVE_SCORES };

/* Vectors of reals: that of head h at step t of sample b begins at p + b*sample + h*head + t*step. */
typedef struct lc_vectors {
    const void *p;
    int64_t sample, head, step;
} lc_vectors;

/* A mask of scores: that of query t and key s, head h, sample b is p[b*sample + h*head + t*query + s*key]; strides may
 * be 0. Not 0: the query sees the key. p NULL: every query sees every key. */
typedef struct lc_seen {
    const uint8_t *p;
    int64_t sample, head, query, key;
} lc_seen;

enum { LC_SEEN = 3 };
typedef struct lc_attention {
    int32_t type, isa, threads;
    int32_t scores;           /* LC_DOT_SCORES: scale q.k; LC_ADDITIVE_SCORES: the sum of w tanh(scale (q + k)) */
    int64_t batch, heads;     /* B, H */
    int64_t key_heads;        /* of keys and values: a divisor of H; each is for H / key_heads heads that follow */
    int64_t queries, keys;    /* T, S: steps */
    int64_t features, values; /* F of queries and keys; V of values and outputs */
    double scale;
    int32_t causal;  /* 1: query t sees no key behind step t */
    int32_t dropped; /* 1: scores that go out, and whose gradient comes in, are those after dropout */
    int64_t window;  /* a query sees keys that are fewer than so many steps away; 0: at any distance */
    lc_vectors q, k, v;
    const void *w;         /* [F]; additive scores */
    lc_seen seen[LC_SEEN]; /* a query sees what all of them show */
    const void *factors;   /* [B][H][T][S] dropout's, for the weights; NULL: none */
    /* from lc_attention_measure: */
    int32_t team;           /* threads that work has room for */
    size_t rows;            /* bytes that forward leaves for backward */
    size_t work, back_work; /* bytes for lc_attention_forward and _backward; contents never matter */
} lc_attention;

typedef struct lc_attention_io {
    void *y;      /* [B][T][H][V] */
    void *scores; /* [B][H][T][S], the weights; NULL: not wanted */
} lc_attention_io;

/* Gradients: those of y and of the weights come in (p NULL, NULL: zeros), the others go out. */
typedef struct lc_attention_back {
    lc_vectors dy;
    const void *dscores; /* [B][H][T][S] */
    void *dq, *dk, *dv;  /* [B][T][H][F], [B][S][key_heads][F], [B][S][key_heads][V]; where F = V, dk and dv may be one
                          * array, which gets their sum */
    void *dw, *dscale;   /* [F], [1]; added to; NULL: not wanted */
} lc_attention_back;
LC_API lc_status lc_attention_measure(lc_attention *a);
/* rows may be NULL where no backward call follows. */
LC_API lc_status lc_attention_forward(const lc_attention *a, const lc_attention_io *io, void *rows, void *work);
LC_API lc_status lc_attention_backward(const lc_attention *a, const lc_attention_back *io, void *rows, void *work);

/* ---- programs: a chain of layers, and streams that are fed to it step by step ----
 *
 *     lc_op ops[] = {{.kind = LC_OP_RECURRENT, .spec = lstm, .packed = lstm_packed, .sequences = 1},
 *                    {.kind = LC_OP_RECURRENT, .spec = gru, .packed = gru_packed, .sequences = 1},
 *                    {.kind = LC_OP_DENSE, .spec = dense, .packed = dense_packed}};
 *     lc_program program = {.ops = ops, .count = 3};
 *     lc_program_measure(&program);                    once; from here on nobody writes to it
 *     lc_stream stream = {.program = &program, .batch = B};
 *     lc_stream_prepare(&stream);                      how many bytes its buffers take
 *     stream.states = ...                              stream.state_bytes bytes, all 0: the beginning
 *     lc_stream_run(&stream, x, T, y, work);           again and again: the states go on from call to call
 *
 * Outputs are those of the layers called one by one, to the last bit, however a sequence is cut into calls. Any number
 * of streams, in any threads, may share a program; a stream is for one thread at a time. */
enum { LC_OP_RECURRENT, LC_OP_DENSE, LC_OP_EMBEDDING };

/* A layer of a program. Of the spec of a dense layer or an embedding, type, isa, threads, inputs, units and, of a dense
 * layer, activation, ramp, weights and dot are read. Of a recurrent layer's spec, steps, batch and flags are not. */
typedef struct lc_op {
    int32_t kind;
    int32_t sequences;  /* recurrent: 1: an output for every step goes on; 0: the last one alone */
    lc_spec spec;       /* dense: .activation an lc_activation or LC_SOFTMAX; LC_DEFAULT: none */
    const void *packed; /* recurrent: from lc_pack; dense: from lc_gemm_pack (k = inputs, n = units, the same type and
                         * isa, weights and dot); embedding, as the first layer alone: its table [inputs][units], by
                         * token */
} lc_op;

typedef struct lc_program {
    const lc_op *ops; /* [count] */
    int32_t count;
    /* from lc_program_measure: */
    int32_t type;
    int32_t sequences; /* 1: there is an output for every step; 0: for the last one */
    int64_t inputs;    /* features of a step; an embedding's: tokens that it knows */
    int64_t outputs;   /* O */
    int64_t width;     /* reals of state for each row of the batch */
} lc_program;
LC_API lc_status lc_program_measure(lc_program *program);
/* Where the states of a stream have array `which` (0: h, 1: c, 2: g) of layer `op`: [batch][*width] reals that begin
 * *offset * batch reals from the start. LC_OUT_OF_RANGE: the layer has no such array. */
LC_API lc_status lc_program_state(const lc_program *program, int op, int which, int64_t *offset, int64_t *width);

typedef struct lc_stream {
    const lc_program *program;
    int64_t batch; /* B, rows that are fed together */
    void *states;  /* state_bytes, 64-byte aligned */
    /* from lc_stream_prepare: */
    size_t state_bytes;
    size_t step_work;   /* bytes of work for a call of one step, */
    size_t work;        /* and of any number: they do not grow with it */
    int64_t at_once;    /* steps that go through the layers together */
    int64_t between[2]; /* reals between two layers, of one step and of at_once */
    void *room;         /* work bytes, of a stream from lc_stream_open; else NULL */
} lc_stream;
LC_API lc_status lc_stream_prepare(lc_stream *stream);
/* x is (T, B, inputs) reals or, where an embedding comes first, (T, B, 1) int64_t tokens; y is [T][B][O], or [B][O]
 * after the last step where there is no output for every one. x and y must not overlap. LC_OUT_OF_RANGE: a token that
 * the embedding does not know; whatever this returns but LC_OK, states and y may be those of a part of the call. */
LC_API lc_status lc_stream_run(const lc_stream *stream, lc_sequence x, int64_t steps, void *y, void *work);
/* Copies the states of rows [start, start + count) of `from` to those from `row` on of `to`, a stream of the same
 * program: to go on from a moment twice, or to feed the rows of many streams as one batch. */
LC_API lc_status lc_stream_copy_rows(const lc_stream *from, int64_t start, const lc_stream *to, int64_t row,
                                     int64_t count);

/* ---- whole models: what Python's model.export("model.lcm") wrote ----
 *
 *     lc_model *model;
 *     lc_model_load("model.lcm", &model);
 *     size_t bytes;
 *     lc_stream_measure(model, rows, &bytes);          rows that are fed together
 *     lc_stream *stream;
 *     lc_stream_open(model, rows, malloc(bytes), &stream);
 *     lc_stream_step(stream, x, y);                    again and again: [rows][inputs] -> [rows][outputs]
 *     ... free what lc_stream_open was given ...
 *     lc_model_free(model);
 *
 * Outputs are those of Python's model.predict on the same instruction set, to the last bit. Nobody writes to a model:
 * any number of streams, in any threads, may share one. A stream is for one thread at a time, and needs no closing.
 * All reals are of the model's type, whose rows follow each other without gaps; where the model begins with an
 * embedding, x is int64_t tokens, one a row, and inputs is how many of them it knows.
 *
 * lc_model_load and lc_model_free alone use the heap. Where there is none, or a file is part of the program, the bytes
 * of the file come in memory, from an address that is a multiple of 8:
 *
 *     lc_model_measure(file, size, &bytes);            checks all that there is in it, and takes nothing
 *     lc_model_open(file, size, memory, &model);       writes to these bytes of memory alone; the file may go
 *
 * `memory` of models and streams may begin anywhere. The instruction set and the dot product are those of the moment
 * of lc_model_measure; they must not be forced to others before lc_model_open. */
typedef struct lc_model lc_model;

LC_API lc_status lc_model_measure(const void *file, size_t size, size_t *memory);
LC_API lc_status lc_model_open(const void *file, size_t size, void *memory, lc_model **model);
LC_API lc_status lc_model_load(const char *path, lc_model **model);
LC_API void lc_model_free(lc_model *model); /* of one from lc_model_load; NULL: nothing happens */
/* Runs the inputs that are in the file; *off <- the largest difference from the outputs beside them, which Python made.
 * 0 on the instruction set and dot product that they were made on, rounding on another, NaN if an output is NaN on one
 * side alone. Not for two threads at once on the same model. */
LC_API lc_status lc_model_check(const lc_model *model, double *off);
LC_API int64_t lc_model_inputs(const lc_model *model);
LC_API int64_t lc_model_outputs(const lc_model *model);
LC_API int64_t lc_model_width(const lc_model *model); /* reals of state of a row */
LC_API int lc_model_type(const lc_model *model);      /* lc_type */
LC_API int lc_model_takes_tokens(const lc_model *model);
LC_API int lc_model_sequences(const lc_model *model); /* 1: there is an output for every step; 0: for the last one */

LC_API lc_status lc_stream_measure(const lc_model *model, int64_t rows, size_t *memory);
/* The states are 0. The model must stay as long as the stream does. */
LC_API lc_status lc_stream_open(const lc_model *model, int64_t rows, void *memory, lc_stream **stream);
LC_API lc_status lc_stream_step(lc_stream *stream, const void *x, void *y);
/* x [steps][rows][inputs], or tokens [steps][rows]; y [steps][rows][outputs], or [rows][outputs] after the last step
 * where there is no output for every one. */
LC_API lc_status lc_stream_feed(lc_stream *stream, const void *x, int64_t steps, void *y);
/* The states of a row of any stream: to 0 (row -1: of all rows), copied to and from [lc_model_width] reals. */
LC_API lc_status lc_stream_reset(lc_stream *stream, int64_t row);
LC_API lc_status lc_stream_state(const lc_stream *stream, int64_t row, void *state);
LC_API lc_status lc_stream_set_state(lc_stream *stream, int64_t row, const void *state);

/* ---- sampling: tokens drawn from outputs, probabilities or logits ---- */
typedef struct lc_sampling {
    int32_t type;
    int32_t logits;     /* 1: the outputs are logits; 0: probabilities */
    int64_t tokens;     /* V, 2 or more */
    int64_t top_k;      /* so many are drawn from at most, the likeliest; 0: all */
    int64_t never;      /* a token that is not drawn; -1: none */
    double temperature; /* below 1 likely tokens become likelier still; 0: always the likeliest */
    double top_p;       /* 1: all; else the likeliest alone, as few as together have this part of the probability */
} lc_sampling;
LC_API lc_status lc_sample_measure(const lc_sampling *sampling, size_t *work);
/* *token <- the one that a random number from 0 to below 1 stands for, by the outputs y [V]. */
LC_API lc_status lc_sample(const lc_sampling *sampling, const void *y, double uniform, int64_t *token, void *work);
/* Draws n tokens, each from the output before it, and feeds each to a stream of batch 1. y [V] is the output before the
 * first, and at the end that after the last; uniforms [n], tokens [n]. What is fed is the token's row of the table
 * [V][inputs]; with table NULL, its number: there an embedding comes first. *drawn (NULL: not wanted) is how many there
 * are, also where this returns LC_NOT_FINITE. work is the stream's step_work, sampling_work from lc_sample_measure. */
LC_API lc_status lc_stream_sample(const lc_stream *stream, const lc_sampling *sampling, const void *table, void *y,
                                  int64_t n, const double *uniforms, int64_t *tokens, int64_t *drawn, void *work,
                                  void *sampling_work);

/* ---- optimizers: one step in place on flat arrays of n reals, Keras 3's arithmetic ----
 *
 *              reads, beside rate and decay                 slots; those in brackets may be NULL: without that option
 *   SGD        momentum, nesterov                           [velocity: momentum]
 *   RMSprop    rho, momentum, epsilon                       mean square, [mean: centred], [velocity: momentum]
 *   Adam       beta_1, beta_2, epsilon, step                mean, mean square, [its maximum: AMSGrad]
 *   Adamax     as Adam                                      mean, norm
 *   Nadam      as Adam, and mu, next_mu, product            mean, mean square
 *   Adagrad    epsilon                                      sum of squares
 *   Adadelta   rho, epsilon                                 mean squares of the gradients and of the steps
 *   Lion       beta_1, beta_2                               mean
 */
enum {
    LC_SGD,
    LC_RMSPROP,
    LC_ADAM,
    LC_ADAMAX,
    LC_NADAM,
    LC_ADAGRAD,
    LC_ADADELTA,
    LC_LION,
    LC_OPTIMIZER_COUNT,
};
enum { LC_SLOTS = 3 };
typedef struct lc_update {
    int32_t type, isa, optimizer;
    int32_t nesterov;
    double rate;  /* of learning */
    double decay; /* p <- (1 - decay) p goes with the step: the rate times the weight decay */
    double momentum, rho, beta_1, beta_2, epsilon;
    double mu, next_mu, product; /* what Nadam has for beta_1 in this step and in the next, and the product so far */
    int64_t step;                /* 1 for the first */
    int64_t n;
    void *p; /* the weights */
    const void *g;
    void *slot[LC_SLOTS];
} lc_update;
LC_API lc_status lc_optimize(const lc_update *update);

/* *finite <- whether none of n reals is NaN or infinite. */
LC_API lc_status lc_finite(int type, int isa, int64_t n, const void *x, int *finite);

/* ---- the machine ---- */
LC_API const char *lc_version(void); /* LC_VERSION_TEXT of the library */
LC_API int lc_isa_available(int isa);
/* What LC_AUTO means. LSTMCORE_ISA in the environment forces it; one that this CPU does not have, or that there is not,
 * is said once on stderr, and the best is taken. */
LC_API int lc_isa_now(void);
LC_API lc_status lc_isa_force(int isa); /* LC_AUTO: back to the best; not while calls are running */
LC_API const char *lc_isa_name(int isa);
LC_API int lc_isa_from_name(const char *name); /* -1: no such name */
/* The dot product that LC_DOT_AUTO means for a format on an instruction set: the best that the CPU has, LC_DOT_NONE
 * where it has none. LSTMCORE_DOT in the environment, none, vector or tiles, forces one: formats that do not have it
 * are widened. A name that is no kind of dot product is said once on stderr. The first question about a
 * format of fewer bits asks the system for AMX's registers, where the CPU has them. */
LC_API int lc_dot_now(int isa, int format);
LC_API int lc_dot_available(int isa, int format, int dot);
/* Goes before LSTMCORE_DOT. LC_DOT_AUTO: back to it, or to the best; not while calls are running. */
LC_API lc_status lc_dot_force(int dot);
LC_API const char *lc_dot_name(int dot);
LC_API int lc_dot_from_name(const char *name); /* -1: no such name */
LC_API int lc_get_threads(void);
/* 0 means the default: LSTMCORE_NUM_THREADS, OMP_NUM_THREADS, or the usable cores. A LSTMCORE_NUM_THREADS that is no
 * number from 1 to LC_MAX_THREADS is said once on stderr. */
enum { LC_MAX_THREADS = 256 };
LC_API void lc_set_threads(int n);
LC_API int lc_limit_threads(int n); /* calls from this thread use at most n, 0: no limit; returns what it was */
LC_API int lc_have_openmp(void);
LC_API const char *lc_status_text(lc_status status);

/* The ceiling for benchmarks: runs the widest tile `repeats` times on data in L1, returns the flops it made. */
LC_API double lc_bare_tile(int type, int isa, int64_t repeats);

#ifdef __cplusplus
}
#endif
#endif
