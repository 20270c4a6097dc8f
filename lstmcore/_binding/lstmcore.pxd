# Declares what the binding uses of src_c/lstmcore.h, which is the manual.

from libc.stdint cimport int32_t, int64_t, uint32_t, uint8_t

cdef extern from "lstmcore.h" nogil:
    ctypedef int lc_status
    enum: LC_OK, LC_BAD_SPEC, LC_OUT_OF_RANGE, LC_NOT_FINITE
    enum: LC_F32, LC_F64
    enum: LC_REALS, LC_FLOAT16, LC_BFLOAT16, LC_INT8
    enum: LC_DOT_AUTO, LC_DOT_NONE, LC_DOT_COUNT
    enum: LC_LSTM, LC_GRU, LC_RNN
    enum: LC_DEFAULT, LC_TANH, LC_SIGMOID, LC_HARD_SIGMOID, LC_RELU, LC_LINEAR, LC_SOFTSIGN, LC_ELU
    enum: LC_PEEPHOLE, LC_NO_INPUT_GATE, LC_NO_FORGET_GATE, LC_NO_OUTPUT_GATE, LC_COUPLED
    enum: LC_FULL_GATES, LC_RESET_BEFORE
    enum: LC_NORM_NONE, LC_NORM_BOTH, LC_NORM_SUM
    enum: LC_TRAIN, LC_SEQUENCES, LC_MASKED, LC_ZERO_MASKED, LC_SCALED, LC_ZONED
    enum: LC_ISA_COUNT
    ctypedef struct lc_ramp:
        double slope, offset
    ctypedef struct lc_spec:
        int32_t cell, type, isa, threads
        uint32_t flags
        int64_t steps, batch, inputs, units
        uint32_t variant
        int32_t activation, output_activation, gate_activation
        double clip
        lc_ramp ramp, output_ramp, gate_ramp
        int32_t weights, dot
        int64_t projection
        int32_t layer_norm
        double epsilon
    ctypedef struct lc_sizes:
        size_t packed, packed_both, tape, work
        int64_t state, gates, peepholes
    ctypedef struct lc_weights:
        const void *W
        const void *R
        const void *b
        const void *P
        const void *F
        const void *Rp
        const void *gain
        const void *c_norm
    ctypedef struct lc_sequence:
        const void *p
        int64_t step, row
    ctypedef struct lc_mask:
        const uint8_t *p
        int64_t step, row
    ctypedef struct lc_noise:
        const void *x_scale
        const void *h_scale
        const void *keep_h
        const void *keep_c
    ctypedef struct lc_report:
        const char *kernel
        int32_t isa, type, threads, by_units, project
        int64_t steps
    ctypedef struct lc_forward_io:
        lc_sequence x
        const void *h0
        const void *c0
        const void *g0
        void *y
        void *hT
        void *cT
        void *gT
        lc_mask mask
        lc_noise noise
        lc_report *report
    ctypedef struct lc_backward_io:
        lc_sequence x, dy
        const void *dhT
        const void *dcT
        const void *dgT
        void *dx
        void *dW
        void *dR
        void *db
        void *dP
        void *dF
        void *dRp
        void *dgain
        void *dc_norm
        void *dh0
        void *dc0
        void *dg0
        lc_noise noise
    ctypedef struct lc_forward_call:
        const lc_spec *spec
        const void *packed
        const lc_forward_io *io
        void *tape
        void *work
    ctypedef struct lc_backward_call:
        const lc_spec *spec
        const void *packed
        const lc_backward_io *io
        void *tape
        void *work
    ctypedef struct lc_matrix:
        const void *p
        int64_t row, col
    ctypedef struct lc_product:
        int32_t type, isa, threads, add, blas, weights, dot
        int64_t m, n, k
        lc_matrix a, b
        const void *bias
        void *c
        const void *packed
    ctypedef struct lc_blas:
        void *sgemm
        void *dgemm
        void (*set_threads)(int)
        int (*get_threads)()
    enum: LC_SGD, LC_RMSPROP, LC_ADAM, LC_ADAMAX, LC_NADAM, LC_ADAGRAD, LC_ADADELTA, LC_LION
    enum: LC_SLOTS
    ctypedef struct lc_update:
        int32_t type, isa, optimizer, nesterov
        double rate, decay, momentum, rho, beta_1, beta_2, epsilon, mu, next_mu, product
        int64_t step, n
        void *p
        const void *g
        void *slot[3]
    enum: LC_WEIGHTS
    ctypedef struct lc_cell_info:
        char gates[8]
        int32_t states, peepholes
        int32_t axes[LC_WEIGHTS]
        int64_t shape[LC_WEIGHTS][2]
    enum: LC_DOT_SCORES, LC_ADDITIVE_SCORES
    enum: LC_SEEN
    ctypedef struct lc_vectors:
        const void *p
        int64_t sample, head, step
    ctypedef struct lc_seen:
        const uint8_t *p
        int64_t sample, head, query, key
    ctypedef struct lc_attention:
        int32_t type, isa, threads, scores, causal, dropped, team
        int64_t batch, heads, key_heads, queries, keys, features, values, window
        double scale
        lc_vectors q, k, v
        const void *w
        lc_seen seen[3]
        const void *factors
        size_t rows, work, back_work
    ctypedef struct lc_attention_io:
        void *y
        void *scores
    ctypedef struct lc_attention_back:
        lc_vectors dy
        const void *dscores
        void *dq
        void *dk
        void *dv
        void *dw
        void *dscale
    lc_status lc_attention_measure(lc_attention *)
    lc_status lc_attention_forward(const lc_attention *, const lc_attention_io *, void *, void *)
    lc_status lc_attention_backward(const lc_attention *, const lc_attention_back *, void *, void *)
    lc_status lc_cell_describe(const lc_spec *, lc_cell_info *)
    lc_status lc_measure(const lc_spec *, lc_sizes *)
    lc_status lc_pack(const lc_spec *, const lc_weights *, int, void *)
    lc_status lc_forward(const lc_spec *, const void *, const lc_forward_io *, void *, void *)
    lc_status lc_backward(const lc_spec *, const void *, const lc_backward_io *, void *, void *)
    lc_status lc_forward_both(const lc_forward_call *)
    lc_status lc_backward_both(const lc_backward_call *)
    lc_status lc_trace(const lc_spec *, const void *, void *, void *)
    lc_status lc_gemm_packed(const lc_product *, size_t *)
    lc_status lc_gemm_work(const lc_product *, size_t *)
    int lc_dot_now(int, int)
    int lc_dot_available(int, int, int)
    lc_status lc_dot_force(int)
    const char *lc_dot_name(int)
    int lc_dot_from_name(const char *)
    lc_status lc_gemm_pack(const lc_product *, void *)
    enum: LC_SOFTMAX
    lc_status lc_activate(int, int, int, int64_t, int64_t, void *)
    lc_status lc_hard_sigmoid(int, int, lc_ramp, int64_t, int64_t, void *)
    int lc_gemm_wants_blas(const lc_product *)
    lc_status lc_gemm(const lc_product *, void *)
    void lc_set_blas(const lc_blas *)
    enum: LC_OP_RECURRENT, LC_OP_DENSE
    ctypedef struct lc_op:
        int32_t kind, sequences
        lc_spec spec
        const void *packed
    ctypedef struct lc_program:
        const lc_op *ops
        int32_t count, type, sequences
        int64_t inputs, outputs, width
    ctypedef struct lc_stream:
        const lc_program *program
        int64_t batch
        void *states
        size_t state_bytes, step_work, work
    ctypedef struct lc_sampling:
        int32_t type, logits
        int64_t tokens, top_k, never
        double temperature, top_p
    lc_status lc_program_measure(lc_program *)
    lc_status lc_program_state(const lc_program *, int, int, int64_t *, int64_t *)
    lc_status lc_stream_prepare(lc_stream *)
    lc_status lc_stream_run(const lc_stream *, lc_sequence, int64_t, void *, void *)
    lc_status lc_stream_copy_rows(const lc_stream *, int64_t, const lc_stream *, int64_t, int64_t)
    lc_status lc_sample_measure(const lc_sampling *, size_t *)
    lc_status lc_stream_sample(const lc_stream *, const lc_sampling *, const void *, void *, int64_t, const double *,
                               int64_t *, int64_t *, void *, void *)
    lc_status lc_optimize(const lc_update *)
    lc_status lc_finite(int, int, int64_t, const void *, int *)
    int lc_isa_available(int)
    int lc_isa_now()
    lc_status lc_isa_force(int)
    const char *lc_isa_name(int)
    int lc_isa_from_name(const char *)
    int lc_get_threads()
    void lc_set_threads(int)
    int lc_limit_threads(int)
    int LC_MAX_THREADS
    int lc_have_openmp()
    const char *lc_status_text(lc_status)
    double lc_bare_tile(int, int, int64_t)
