/* The public calls: check, find the kernels, go. */
#include "internal.h"

const char *lc_status_text(lc_status status) {
    switch (status) {
    case LC_OK: return "ok";
    case LC_BAD_SPEC: return "the spec names an unknown cell or type, or a dimension below 1";
    case LC_TOO_LARGE: return "the dimensions are too large for a buffer to be addressed";
    case LC_BAD_ISA: return "this CPU does not have the instruction set asked for";
    case LC_NULL: return "a pointer that is needed is NULL";
    }
    return "unknown status";
}

static lc_status find(const lc_spec *spec, const lc_kernels **kernels, lc_layout *lay) {
    if (spec->type != LC_F32 && spec->type != LC_F64) return LC_BAD_SPEC;
    *kernels = lc_kernels_for(spec->isa, spec->type);
    return *kernels ? lc_lay_out(spec, *kernels, lay) : LC_BAD_ISA;
}

lc_status lc_measure(const lc_spec *spec, lc_sizes *sizes) {
    const lc_kernels *kernels;
    lc_layout lay;
    lc_status status = find(spec, &kernels, &lay);
    if (status) return status;
    const size_t size = spec->type == LC_F64 ? 8 : 4;
    sizes->packed = (size_t)lay.packed * size;
    sizes->packed_both = (size_t)lay.packed_both * size;
    sizes->tape = spec->flags & LC_TRAIN ? (size_t)lay.tape * size : 0;
    sizes->work = (size_t)lay.work * size;
    return LC_OK;
}

lc_status lc_pack(const lc_spec *spec, const lc_weights *weights, int both, void *packed) {
    const lc_kernels *kernels;
    lc_layout lay;
    lc_status status = find(spec, &kernels, &lay);
    if (status) return status;
    if (!weights->W || !weights->R || !packed) return LC_NULL;
    kernels->pack(spec, &lay, weights, both, packed);
    return LC_OK;
}

lc_status lc_forward(const lc_spec *spec, const void *packed, const lc_forward_io *io, void *tape, void *work) {
    const lc_kernels *kernels;
    lc_layout lay;
    lc_status status = find(spec, &kernels, &lay);
    if (status) return status;
    const int train = (spec->flags & LC_TRAIN) != 0, sequences = (spec->flags & LC_SEQUENCES) != 0;
    if (!packed || !io->x.p || !work || (train && !tape) || (!train && sequences && !io->y)) return LC_NULL;
    lc_forward_io given = *io;
    if (train || !sequences) given.y = NULL;
    kernels->forward[spec->cell](spec, &lay, packed, &given, tape, work);
    return LC_OK;
}

lc_status lc_backward(const lc_spec *spec, const void *packed, const lc_backward_io *io, void *tape, void *work) {
    const lc_kernels *kernels;
    lc_layout lay;
    lc_status status = find(spec, &kernels, &lay);
    if (status) return status;
    if (!(spec->flags & LC_TRAIN)) return LC_BAD_SPEC;
    if (!packed || !io->x.p || !work || !tape || !io->dW || !io->dR) return LC_NULL;
    kernels->backward[spec->cell](spec, &lay, packed, io, tape, work);
    return LC_OK;
}

/* Optimizers: every thread takes a range of the array. */
typedef struct flat {
    const lc_kernels *kernels;
    int64_t n;
    size_t size;
    void *p, *s[3];
    const void *g, *args;
    void (*step)(const struct flat *, int64_t lo, int64_t n);
} flat;

static void *from(const flat *f, const void *array, int64_t lo) {
    return array ? (char *)(uintptr_t)array + (size_t)lo * f->size : NULL;
}
static void step_sgd(const flat *f, int64_t lo, int64_t n) {
    f->kernels->sgd(n, from(f, f->p, lo), from(f, f->g, lo), from(f, f->s[0], lo), f->args);
}
static void step_rmsprop(const flat *f, int64_t lo, int64_t n) {
    f->kernels->rmsprop(n, from(f, f->p, lo), from(f, f->g, lo), from(f, f->s[0], lo), from(f, f->s[1], lo),
                        from(f, f->s[2], lo), f->args);
}
static void step_adam(const flat *f, int64_t lo, int64_t n) {
    f->kernels->adam(n, from(f, f->p, lo), from(f, f->g, lo), from(f, f->s[0], lo), from(f, f->s[1], lo),
                     from(f, f->s[2], lo), f->args);
}

static void flat_thread(void *arg, int id, int n) {
    const flat *f = arg;
    int64_t lo, hi;
    lc_share(f->n, id, n, &lo, &hi);
    f->step(f, lo, hi - lo);
}

static lc_status run_flat(int type, flat *f) {
    if (type != LC_F32 && type != LC_F64) return LC_BAD_SPEC;
    if (!f->p || !f->g) return LC_NULL;
    f->kernels = lc_kernels_for(LC_AUTO, type);
    f->size = type == LC_F64 ? 8 : 4;
    lc_parallel(lc_deserved(0, 10.0 * (double)f->n), flat_thread, f);
    return LC_OK;
}

lc_status lc_sgd(int type, int64_t n, void *p, const void *g, void *v, const lc_sgd_args *args) {
    flat f = {.n = n, .p = p, .g = g, .s = {v}, .args = args, .step = step_sgd};
    return run_flat(type, &f);
}
lc_status lc_rmsprop(int type, int64_t n, void *p, const void *g, void *v, void *mean, void *mom,
                     const lc_rmsprop_args *args) {
    flat f = {.n = n, .p = p, .g = g, .s = {v, mean, mom}, .args = args, .step = step_rmsprop};
    return v ? run_flat(type, &f) : LC_NULL;
}
lc_status lc_adam(int type, int64_t n, void *p, const void *g, void *m, void *v, void *vhat, const lc_adam_args *args) {
    flat f = {.n = n, .p = p, .g = g, .s = {m, v, vhat}, .args = args, .step = step_adam};
    return m && v ? run_flat(type, &f) : LC_NULL;
}

double lc_bare_tile(int type, int isa, int64_t repeats) {
    const lc_kernels *kernels = lc_kernels_for(isa, type);
    return kernels ? kernels->bare_tile(repeats) : 0;
}
