/* Calls that depend on a constant of src_c/tuning.h, timed: what constants.py builds with other values of it.
 *
 *     constants CALL [THREADS]     seconds of one call, the median of many, a line for each shape */
#include "lstmcore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *reals(int64_t n) {
    float *p = NULL;
    if (posix_memalign((void **)&p, 64, (size_t)(n < 16 ? 16 : n) * sizeof *p)) exit(2);
    for (int64_t i = 0; i < n; i++) p[i] = (float)(i * 31 % 67 - 33) / 640;
    return p;
}

static int by_size(const void *a, const void *b) { return *(const double *)a > *(const double *)b ? 1 : -1; }

typedef void call_fn(void *);
/* Half a second of calls; after `pause` microseconds of rest each, so that the other threads sleep. */
static void measure(const char *shape, call_fn *call, void *arg, unsigned pause) {
    enum { MOST = 4000 };
    static double took[MOST];
    int n = 0;
    call(arg);
    for (const double start = now(); n < MOST && (now() - start < 0.5 || n < 9); n++) {
        if (pause) usleep(pause);
        const double began = now();
        call(arg);
        took[n] = now() - began;
    }
    qsort(took, (size_t)n, sizeof *took, by_size);
    printf("%s %.9f\n", shape, took[n / 2]);
}

typedef struct layer {
    lc_spec spec;
    lc_weights weights;
    lc_forward_io in;
    lc_backward_io out;
    void *packed, *tape, *work;
} layer;

static layer new_layer(int64_t T, int64_t B, int64_t I, int64_t H, int threads) {
    layer l = {0};
    lc_sizes sizes;
    l.spec = (lc_spec){.cell = LC_LSTM,
                       .type = LC_F32,
                       .threads = threads,
                       .flags = LC_TRAIN,
                       .steps = T,
                       .batch = B,
                       .inputs = I,
                       .units = H};
    if (lc_measure(&l.spec, &sizes)) exit(2);
    l.weights = (lc_weights){.W = reals(4 * I * H), .R = reals(4 * H * H), .b = reals(4 * H)};
    l.packed = reals((int64_t)sizes.packed_both / 4), l.tape = reals((int64_t)sizes.tape / 4);
    l.work = reals((int64_t)sizes.work / 4);
    l.in.x = l.out.x = (lc_sequence){reals(T * B * I), B * I, I};
    l.out.dy = (lc_sequence){reals(T * B * H), B * H, H};
    l.out.dW = reals(4 * I * H), l.out.dR = reals(4 * H * H), l.out.db = reals(4 * H);
    if (lc_pack(&l.spec, &l.weights, 1, l.packed)) exit(2);
    return l;
}

static void forward(void *arg) {
    layer *l = arg;
    if (lc_forward(&l->spec, l->packed, &l->in, l->tape, l->work)) exit(2);
}
static void train(void *arg) {
    layer *l = arg;
    forward(l);
    if (lc_backward(&l->spec, l->packed, &l->out, l->tape, l->work)) exit(2);
}
static void pack(void *arg) {
    layer *l = arg;
    if (lc_pack(&l->spec, &l->weights, 0, l->packed)) exit(2);
}
static void pack_both(void *arg) {
    layer *l = arg;
    if (lc_pack(&l->spec, &l->weights, 1, l->packed)) exit(2);
}

/* Attention of B rows over T steps of I features, forward and backward, in place of a layer. */
static void attend(void *arg) {
    const layer *l = arg;
    const int64_t T = l->spec.steps, I = l->spec.inputs;
    static lc_attention a;
    static float *y, *grads, *rows, *work;
    if (a.queries != T || a.features != I) {
        const lc_vectors x = {reals(l->spec.batch * T * I), T * I, 0, I};
        a = (lc_attention){.type = LC_F32,
                           .threads = l->spec.threads,
                           .batch = l->spec.batch,
                           .heads = 1,
                           .key_heads = 1,
                           .queries = T,
                           .keys = T,
                           .features = I,
                           .values = I,
                           .scale = 1,
                           .q = x,
                           .k = x,
                           .v = x};
        if (lc_attention_measure(&a)) exit(2);
        y = reals(l->spec.batch * T * I), grads = reals(3 * l->spec.batch * T * I), rows = reals((int64_t)a.rows / 4);
        work = reals((int64_t)(a.work > a.back_work ? a.work : a.back_work) / 4);
    }
    const int64_t each = l->spec.batch * T * I;
    const lc_attention_io io = {.y = y};
    const lc_attention_back back = {.dy = {y, T * I, 0, I}, .dq = grads, .dk = grads + each, .dv = grads + 2 * each};
    if (lc_attention_forward(&a, &io, rows, work) || lc_attention_backward(&a, &back, rows, work)) exit(2);
}

static const int64_t long_ones[][4] = {{50, 32, 64, 16}, {200, 32, 64, 16}, {1000, 4, 64, 16}, {4000, 1, 64, 16}, {0}};
static const int64_t large[][4] = {{20, 64, 128, 256}, {20, 32, 256, 512}, {50, 16, 64, 128}, {0}};
static const int64_t small[][4] = {{5, 8, 16, 32}, {10, 8, 16, 64}, {10, 16, 32, 64}, {20, 16, 32, 128}, {0}};
static const int64_t few_rows[][4] = {{50, 1, 32, 64}, {50, 1, 64, 128}, {50, 2, 64, 128}, {50, 1, 128, 256}, {0}};
static const int64_t weights[][4] = {{1, 1, 16, 64}, {1, 1, 64, 96}, {1, 1, 64, 128}, {1, 1, 128, 192}, {0}};
static const struct {
    const char *name;
    call_fn *call;
    unsigned pause;
    const int64_t (*shapes)[4];
} calls[] = {{"train", train, 0, large},      {"rested", forward, 2000, small},
             {"steps", forward, 0, few_rows}, {"attend", attend, 0, long_ones},
             {"pack", pack, 2000, weights},   {"pack_both", pack_both, 2000, weights}};

int main(int argc, char **argv) {
    const int threads = argc > 2 ? atoi(argv[2]) : 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (argc < 2 || strcmp(argv[1], calls[i].name)) continue;
        for (const int64_t(*s)[4] = calls[i].shapes; (*s)[0]; s++) {
            layer l = new_layer((*s)[0], (*s)[1], (*s)[2], (*s)[3], threads);
            char shape[64];
            snprintf(shape, sizeof shape, "T%d_B%d_I%d_H%d", (int)(*s)[0], (int)(*s)[1], (int)(*s)[2], (int)(*s)[3]);
            measure(shape, calls[i].call, &l, calls[i].pause);
        }
        return 0;
    }
    return 2;
}
