/* The public calls: check, find the kernels, go. */
#include "internal.h"

const char *lc_version(void) { return LC_VERSION_TEXT; }

const char *lc_status_text(lc_status status) {
    switch (status) {
    case LC_OK: return "ok";
    case LC_BAD_SPEC: return "the spec does not fit together: a cell, type, option or dimension that there is not";
    case LC_TOO_LARGE: return "the dimensions are too large for a buffer to be addressed";
    case LC_BAD_ISA: return "this CPU does not have the instruction set asked for";
    case LC_NULL: return "a pointer that is needed is NULL";
    case LC_OUT_OF_RANGE: return "a token, or a row of the batch, that there is not";
    case LC_NOT_FINITE: return "an output that tokens were to be drawn from is NaN or infinite";
    case LC_BAD_FILE: return "this is no model file (.lcm) of lstmcore, or it is cut off or damaged";
    case LC_BAD_VERSION: return "the model file is of a later version than this library knows";
    case LC_MISALIGNED: return "a model file in memory must begin at an address that is a multiple of 8";
    case LC_NO_FILE: return "there is no such file, or it cannot be read";
    case LC_NO_MEMORY: return "there is no memory for the model";
    }
    return "unknown status";
}

lc_status lc_find(const lc_spec *spec, const lc_kernels **kernels, lc_layout *lay) {
    if (spec->type != LC_F32 && spec->type != LC_F64) return LC_BAD_SPEC;
    lc_storage storage;
    *kernels = lc_kernels_for(spec->isa, spec->type);
    if (!*kernels) return LC_BAD_ISA;
    lc_status status = lc_find_storage(spec->isa, spec->type, spec->weights, spec->dot, &storage);
    return status ? status : lc_lay_out(spec, *kernels, &storage, lay);
}

lc_status lc_measure(const lc_spec *spec, lc_sizes *sizes) {
    const lc_kernels *kernels;
    lc_layout lay;
    lc_status status = lc_find(spec, &kernels, &lay);
    if (status) return status;
    const size_t size = lc_real_bytes(spec->type);
    sizes->packed = (size_t)lay.packed * size;
    sizes->packed_both = (size_t)lay.packed_both * size;
    sizes->tape = spec->flags & LC_TRAIN ? (size_t)lay.tape * size : 0;
    sizes->work = (size_t)lay.work * size;
    sizes->state = lay.s, sizes->gates = lay.stage[0].source[0].gates, sizes->peepholes = lc_peepholes(&lay);
    return LC_OK;
}

lc_status lc_pack(const lc_spec *spec, const lc_weights *weights, int both, void *packed) {
    const lc_kernels *kernels;
    lc_layout lay;
    lc_status status = lc_find(spec, &kernels, &lay);
    if (status) return status;
    if (!weights->W || !weights->R || !packed || (lc_peepholes(&lay) && !weights->P)) return LC_NULL;
    if ((spec->variant & LC_FULL_GATES && !weights->F) || (spec->projection && !weights->Rp)) return LC_NULL;
    if (spec->layer_norm && (!weights->gain || (spec->layer_norm == LC_NORM_BOTH && !weights->c_norm))) return LC_NULL;
    if (both && lay.storage.format != LC_REALS && !lay.words) return LC_BAD_SPEC;
    LC_ASSERT(lc_aligned(packed));
    kernels->pack(spec, &lay, weights, both, packed);
    return LC_OK;
}

/* The flags have made the room; so what they do not name must not come. */
static int noise_fits(const lc_spec *spec, const lc_noise *noise) {
    return (spec->flags & LC_SCALED || (!noise->x_scale && !noise->h_scale)) &&
           (spec->flags & LC_ZONED || (!noise->keep_h && !noise->keep_c));
}

static void report(const lc_pass *w, lc_report *out) {
    static const char *const names[] = {
#define KERNEL(name, NAME) #name,
#include "cells.def"
#undef KERNEL
    };
    const int32_t isa = w->spec->isa == LC_AUTO ? lc_isa_now() : w->spec->isa;
    *out = (lc_report){
        names[w->lay.stage[0].kernel],   isa, w->spec->type, w->plan.threads, w->plan.by_units, w->plan.project,
        lc_counted(w, 0, w->spec->steps)};
}

static lc_status check_forward(lc_pass *w, lc_forward_io *given) {
    const lc_spec *spec = w->spec;
    lc_status status = lc_find(spec, &w->kernels, &w->lay);
    if (status) return status;
    const int train = (spec->flags & LC_TRAIN) != 0, sequences = (spec->flags & LC_SEQUENCES) != 0;
    if (!w->packed || !given->x.p || !w->work || (train && !w->tape)) return LC_NULL;
    if ((!train && sequences && !given->y) || (spec->flags & LC_MASKED && !given->mask.p)) return LC_NULL;
    if (!noise_fits(spec, &given->noise)) return LC_BAD_SPEC;
    if (train || !sequences) given->y = NULL;
    w->in = given;
    return LC_OK;
}

static lc_status check_backward(lc_pass *w, const lc_backward_io *io) {
    const lc_spec *spec = w->spec;
    lc_status status = lc_find(spec, &w->kernels, &w->lay);
    if (status) return status;
    if (!(spec->flags & LC_TRAIN) || !noise_fits(spec, &io->noise)) return LC_BAD_SPEC;
    if (!w->packed || !io->x.p || !w->work || !w->tape) return LC_NULL;
    w->back = io;
    return LC_OK;
}

/* A pass whose checks are behind it, in its direction. */
static void begin(lc_pass *w) {
    LC_ASSERT(lc_aligned(w->packed) && lc_aligned(w->tape) && lc_aligned(w->work));
    (w->back ? w->kernels->backward_begin : w->kernels->forward_begin)(w);
}
static void take_part(lc_pass *w, int id, int n) {
    (w->back ? w->kernels->backward_thread : w->kernels->forward_thread)(w, id, n);
}
static void end(lc_pass *w) {
    (w->back ? w->kernels->backward_end : w->kernels->forward_end)(w);
    if (!w->back && w->in->report) report(w, w->in->report);
}

static void pass_thread(void *arg, int id, int n) { take_part(arg, id, n); }

static lc_status run_pass(lc_pass *w) {
    begin(w);
    lc_parallel(w->plan.threads, pass_thread, w);
    end(w);
    return LC_OK;
}

lc_status lc_forward(const lc_spec *spec, const void *packed, const lc_forward_io *io, void *tape, void *work) {
    lc_forward_io given = *io;
    lc_pass w = {.spec = spec, .packed = packed, .tape = tape, .work = work};
    lc_status status = check_forward(&w, &given);
    return status ? status : run_pass(&w);
}

lc_status lc_backward(const lc_spec *spec, const void *packed, const lc_backward_io *io, void *tape, void *work) {
    lc_pass w = {.spec = spec, .packed = packed, .tape = tape, .work = work};
    lc_status status = check_backward(&w, io);
    return status ? status : run_pass(&w);
}

/* Whatever the team's size turns out to be, the second pass has half of it. */
static void both_thread(void *arg, int id, int n) {
    lc_pass *w = arg;
    const int half = n / 2;
    if (half == 0) take_part(&w[0], 0, 1), take_part(&w[1], 0, 1);
    else if (id < n - half) take_part(&w[0], id, n - half);
    else take_part(&w[1], id - (n - half), half);
}

/* An odd team would leave one direction waiting for the other, so one follows the other there. */
static lc_status run_both(lc_pass w[2], int wanted) {
    const int team = lc_most_threads(), most = wanted > 0 && wanted < team ? wanted : team;
    if (most % 2) {
        run_pass(&w[0]);
        return run_pass(&w[1]);
    }
    for (int i = 0; i < 2; i++) {
        w[i].most = most / 2;
        begin(&w[i]);
    }
    const int each = w[0].plan.threads > w[1].plan.threads ? w[0].plan.threads : w[1].plan.threads;
    const int worth = lc_worth_threads(wanted, w[0].plan.flops + w[1].plan.flops) > 1;
    lc_parallel(worth ? 2 * each : 1, both_thread, w);
    end(&w[0]);
    end(&w[1]);
    return LC_OK;
}

lc_status lc_forward_both(const lc_forward_call calls[2]) {
    lc_pass w[2];
    lc_forward_io given[2];
    for (int i = 0; i < 2; i++) {
        const lc_forward_call *c = &calls[i];
        given[i] = *c->io;
        w[i] = (lc_pass){.spec = c->spec, .packed = c->packed, .tape = c->tape, .work = c->work};
        lc_status status = check_forward(&w[i], &given[i]);
        if (status) return status;
    }
    return run_both(w, calls[0].spec->threads);
}

lc_status lc_backward_both(const lc_backward_call calls[2]) {
    lc_pass w[2];
    for (int i = 0; i < 2; i++) {
        const lc_backward_call *c = &calls[i];
        w[i] = (lc_pass){.spec = c->spec, .packed = c->packed, .tape = c->tape, .work = c->work};
        lc_status status = check_backward(&w[i], c->io);
        if (status) return status;
    }
    return run_both(w, calls[0].spec->threads);
}

typedef struct rowwise {
    const lc_kernels *kernels;
    int activation;
    lc_ramp ramp; /* of LC_HARD_SIGMOID */
    int64_t rows, n;
    size_t size;
    void *x;
} rowwise;

static void activate_thread(void *arg, int id, int n) {
    const rowwise *r = arg;
    int64_t lo, hi;
    lc_share(r->rows, id, n, &lo, &hi);
    char *x = (char *)r->x + (size_t)(lo * r->n) * r->size;
    if (r->activation == LC_HARD_SIGMOID) r->kernels->hard_sigmoid(r->ramp, (hi - lo) * r->n, x);
    else r->kernels->activate(r->activation, hi - lo, r->n, x);
}

static lc_status activate(int type, int isa, int activation, lc_ramp ramp, int64_t rows, int64_t n, void *x) {
    if ((type != LC_F32 && type != LC_F64) || activation < LC_TANH || activation > LC_SOFTMAX) return LC_BAD_SPEC;
    if (rows < 1 || n < 1 || !lc_is_ramp(ramp)) return LC_BAD_SPEC;
    if (!lc_kernels_for(isa, type)) return LC_BAD_ISA;
    if (!x) return LC_NULL;
    rowwise r = {lc_kernels_for(isa, type), activation, ramp, rows, n, lc_real_bytes(type), x};
    lc_parallel(lc_worth_threads(0, 20.0 * (double)rows * (double)n), activate_thread, &r);
    return LC_OK;
}

lc_status lc_activate(int type, int isa, int activation, int64_t rows, int64_t n, void *x) {
    return activate(type, isa, activation, (lc_ramp){0}, rows, n, x);
}

lc_status lc_hard_sigmoid(int type, int isa, lc_ramp ramp, int64_t rows, int64_t n, void *x) {
    return activate(type, isa, LC_HARD_SIGMOID, ramp, rows, n, x);
}

static void optimize_thread(void *arg, int id, int n) {
    const lc_update *u = arg;
    int64_t lo, hi;
    lc_share(u->n, id, n, &lo, &hi);
    lc_kernels_for(u->isa, u->type)->optimize(u, lo, hi - lo);
}

lc_status lc_optimize(const lc_update *update) {
    static const int needed[LC_OPTIMIZER_COUNT] = {[LC_SGD] = 0,   [LC_RMSPROP] = 1, [LC_ADAM] = 2,     [LC_ADAMAX] = 2,
                                                   [LC_NADAM] = 2, [LC_ADAGRAD] = 1, [LC_ADADELTA] = 2, [LC_LION] = 1};
    lc_update u = *update;
    if (u.type != LC_F32 && u.type != LC_F64) return LC_BAD_SPEC;
    if (u.optimizer < 0 || u.optimizer >= LC_OPTIMIZER_COUNT || u.n < 0) return LC_BAD_SPEC;
    if (u.step < 1 && u.optimizer >= LC_ADAM && u.optimizer <= LC_NADAM) return LC_BAD_SPEC;
    if (!lc_kernels_for(u.isa, u.type)) return LC_BAD_ISA;
    if (!u.p || !u.g) return LC_NULL;
    for (int i = 0; i < needed[u.optimizer]; i++)
        if (!u.slot[i]) return LC_NULL;
    lc_parallel(lc_worth_threads(0, 10.0 * (double)u.n), optimize_thread, &u);
    return LC_OK;
}

typedef struct reals {
    const lc_kernels *kernels;
    int64_t n;
    size_t size;
    const char *x;
    int finite;
} reals;

static void finite_thread(void *arg, int id, int n) {
    reals *s = arg;
    int64_t lo, hi;
    lc_share(s->n, id, n, &lo, &hi);
    if (!s->kernels->finite(hi - lo, s->x + (size_t)lo * s->size)) __atomic_store_n(&s->finite, 0, __ATOMIC_RELAXED);
}

lc_status lc_finite(int type, int isa, int64_t n, const void *x, int *finite) {
    if ((type != LC_F32 && type != LC_F64) || n < 0) return LC_BAD_SPEC;
    if (!lc_kernels_for(isa, type)) return LC_BAD_ISA;
    if (!x || !finite) return LC_NULL;
    reals s = {lc_kernels_for(isa, type), n, lc_real_bytes(type), x, 1};
    lc_parallel(lc_worth_threads(0, 10.0 * (double)n), finite_thread, &s);
    *finite = s.finite;
    return LC_OK;
}

double lc_bare_tile(int type, int isa, int64_t repeats) {
    const lc_kernels *kernels = lc_kernels_for(isa, type);
    return kernels ? kernels->bare_tile(repeats) : 0;
}
