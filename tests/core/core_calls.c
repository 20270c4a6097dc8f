/* What the core offers besides layers, held to plain loops: packed products, activations of whole arrays. And what it
 * refuses, since a binding may refuse it first. */
#include "arrays.h"

#include <math.h>

static int bad;

static void expect(int right, const char *what, int isa, int type) {
    if (right) return;
    bad = 1;
    printf("%s: wrong on %s, float%d\n", what, lc_isa_name(isa), type == LC_F64 ? 64 : 32);
}

/* Packed weights serve any number of rows, and give what weights that were not packed give, to the last bit. */
static void products(int isa, int type, int64_t n, int64_t k) {
    const size_t size = size_of(type);
    lc_product p = {.type = type, .isa = isa, .threads = 1, .n = n, .k = k};
    void *a = random_reals(type, 200 * k, 1), *b = random_reals(type, k * n, 1), *bias = random_reals(type, n, 1);
    size_t bytes;
    p.m = 200, p.a = (lc_matrix){a, k, 1}, p.b = (lc_matrix){b, n, 1}, p.bias = bias;
    check(lc_gemm_work(&p, &bytes));
    void *work = random_reals(type, (int64_t)(bytes / size), 1),
         *packed = random_reals(type, (int64_t)(bytes / size), 1);
    check(lc_gemm_pack(&p, packed));
    expect(fenced(type, packed, (int64_t)(bytes / size)), "packing: beyond the end", isa, type);
    for (p.m = 1; p.m <= 200; p.m = 2 * p.m + p.m % 3) {
        void *plain = random_reals(type, p.m * n, 1), *fast = random_reals(type, p.m * n, 1);
        lc_product q = p;
        double worst = 0;
        p.c = plain, q.c = fast, q.packed = packed, q.b.p = NULL, q.bias = NULL;
        check(lc_gemm(&p, work));
        check(lc_gemm(&q, NULL));
        expect(!memcmp(plain, fast, (size_t)(p.m * n) * size), "a packed product", isa, type);
        expect(fenced(type, fast, p.m * n), "a packed product: beyond the end", isa, type);
        for (int64_t r = 0; r < p.m; r++)
            for (int64_t c = 0; c < n; c++) {
                double sum = get(type, bias, c);
                for (int64_t i = 0; i < k; i++) sum += get(type, a, r * k + i) * get(type, b, i * n + c);
                worst = fmax(worst, fabs(sum - get(type, plain, r * n + c)));
            }
        expect(worst < (double)(k + 1) * (type == LC_F64 ? 2.3e-16 : 1.2e-7), "a product", isa, type);
        free(plain), free(fast);
    }
    free(a), free(b), free(bias), free(work), free(packed);
}

static double activation(int kind, double x) {
    switch (kind) {
    case LC_TANH: return tanh(x);
    case LC_SIGMOID: return 1 / (1 + exp(-x));
    case LC_HARD_SIGMOID: return fmin(fmax(x / 6 + 0.5, 0), 1);
    case LC_RELU: return fmax(x, 0);
    case LC_SOFTSIGN: return x / (1 + fabs(x));
    case LC_ELU: return x > 0 ? x : expm1(x);
    default: return x;
    }
}

static void activations(int isa, int type, int64_t rows, int64_t n) {
    const double eps = type == LC_F64 ? 2.3e-16 : 1.2e-7;
    for (int kind = LC_TANH; kind <= LC_SOFTMAX; kind++) {
        void *x = random_reals(type, rows * n, kind == LC_SOFTMAX ? 500 : 5), *y = random_reals(type, rows * n, 1);
        double worst = 0;
        memcpy(y, x, (size_t)(rows * n) * size_of(type));
        check(lc_activate(type, LC_AUTO, kind, rows, n, y));
        for (int64_t r = 0; r < rows; r++) {
            double most = -INFINITY, sum = 0;
            for (int64_t i = r * n; i < r * n + n; i++) most = fmax(most, get(type, x, i));
            for (int64_t i = r * n; i < r * n + n; i++) sum += exp(get(type, x, i) - most);
            for (int64_t i = r * n; i < r * n + n; i++) {
                const double v = get(type, x, i), is = get(type, y, i);
                const double want = kind == LC_SOFTMAX ? exp(v - most) / sum : activation(kind, v);
                worst = is == is ? fmax(worst, fabs(is - want) / fmax(1, fabs(want))) : INFINITY;
            }
        }
        expect(worst < 8 * eps, kind == LC_SOFTMAX ? "softmax" : "an activation", isa, type);
        expect(fenced(type, y, rows * n), "activations: beyond the end", isa, type);
        free(x), free(y);
    }
}

/* A hard sigmoid of a slope and an offset of one's own; its ends are 0 and 1 exactly, and zeros mean Keras 3's. */
static void ramps(int isa, int type) {
    enum { N = 301 };
    static const lc_ramp some[] = {{0.2, 0.5}, {-1.5, 0.3}, {2, -0.25}, {0.5, 1.25}, {0, 0.7}};
    const double eps = type == LC_F64 ? 2.3e-16 : 1.2e-7;
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        void *x = random_reals(type, N, 5), *y = random_reals(type, N, 1);
        double worst = 0;
        memcpy(y, x, N * size_of(type));
        check(lc_hard_sigmoid(type, LC_AUTO, some[i], 7, N / 7, y));
        for (int64_t j = 0; j < N; j++) {
            const double line = some[i].slope * get(type, x, j) + some[i].offset, is = get(type, y, j);
            worst = fmax(worst, fabs(is - fmin(fmax(line, 0), 1)));
            if (line < -1e-5 || line > 1 + 1e-5) expect(is == (line > 1), "a hard sigmoid's end", isa, type);
        }
        expect(worst < 8 * eps, "a hard sigmoid", isa, type);
        expect(fenced(type, y, N), "hard sigmoids: beyond the end", isa, type);
        free(x), free(y);
    }
    void *x = random_reals(type, N, 5), *y = random_reals(type, N, 1);
    memcpy(y, x, N * size_of(type));
    check(lc_hard_sigmoid(type, LC_AUTO, (lc_ramp){0}, 1, N, y));
    check(lc_activate(type, LC_AUTO, LC_HARD_SIGMOID, 1, N, x));
    expect(!memcmp(x, y, N * size_of(type)), "the usual hard sigmoid", isa, type);
    const double far[] = {NAN, INFINITY, 2e30, -2e30};
    for (int i = 0; i < 4; i++)
        expect(lc_hard_sigmoid(type, LC_AUTO, (lc_ramp){far[i], 0}, 1, N, x) == LC_BAD_SPEC &&
                   lc_hard_sigmoid(type, LC_AUTO, (lc_ramp){1, far[i]}, 1, N, x) == LC_BAD_SPEC,
               "a ramp that is too steep", isa, type);
    free(x), free(y);
}

/* Gradients that are not wanted are left out, and the others are the same. */
static void unwanted(int isa, int type, lc_spec spec) {
    enum { PARTS = LC_WEIGHTS, N = 4 * 9 * 27 };
    const int64_t T = 5, B = 3, I = 4, H = 9;
    const size_t bytes = N * size_of(type);
    lc_sizes sizes;
    spec.type = type, spec.isa = isa, spec.steps = T, spec.batch = B, spec.inputs = I, spec.units = H;
    spec.flags = LC_TRAIN;
    check(lc_measure(&spec, &sizes));
    void *packed = random_reals(LC_F64, (int64_t)sizes.packed_both / 8, 1);
    void *tape = random_reals(LC_F64, (int64_t)sizes.tape / 8, 1);
    void *work = random_reals(LC_F64, (int64_t)sizes.work / 8, 1), *x = random_reals(type, T * B * I, 1);
    void *dh = random_reals(type, B * H, 1), *weight[PARTS], *all[PARTS], *some[PARTS];
    for (int i = 0; i < PARTS; i++) {
        weight[i] = random_reals(type, N, 1), all[i] = random_reals(type, N, 0), some[i] = random_reals(type, N, 0);
    }
    const lc_weights weights = {weight[0], weight[1], weight[2], weight[3], weight[4], weight[5], weight[6], weight[7]};
    check(lc_pack(&spec, &weights, 1, packed));
    const lc_forward_io forward = {.x = {x, B * I, I}};
    for (int missing = -1; missing < PARTS; missing++) {
        void *out[PARTS];
        for (int i = 0; i < PARTS; i++) {
            out[i] = i == missing ? NULL : missing < 0 ? all[i] : some[i];
            memset(missing < 0 ? all[i] : some[i], 0, bytes);
        }
        lc_backward_io back = {.x = forward.x,
                               .dhT = dh,
                               .dW = out[0],
                               .dR = out[1],
                               .db = out[2],
                               .dP = out[3],
                               .dF = out[4],
                               .dRp = out[5],
                               .dgain = out[6],
                               .dc_norm = out[7]};
        check(lc_forward(&spec, packed, &forward, tape, work));
        check(lc_backward(&spec, packed, &back, tape, work));
        for (int i = 0; i < PARTS && missing >= 0; i++)
            expect(i == missing || !memcmp(all[i], some[i], bytes), "gradients beside one that is not wanted", isa,
                   type);
    }
    for (int i = 0; i < PARTS; i++) free(weight[i]), free(all[i]), free(some[i]);
    free(packed), free(tape), free(work), free(x), free(dh);
}

static void refusals(void) {
    static const lc_spec specs[] = {{.cell = LC_CELL_COUNT},
                                    {.cell = -1},
                                    {.cell = LC_GRU, .clip = 1},
                                    {.cell = LC_RNN, .clip = 1},
                                    {.cell = LC_LSTM, .clip = -1},
                                    {.cell = LC_LSTM, .clip = NAN},
                                    {.cell = LC_GRU, .variant = LC_PEEPHOLE},
                                    {.cell = LC_RNN, .variant = LC_RESET_BEFORE},
                                    {.cell = LC_LSTM, .variant = LC_RESET_BEFORE},
                                    {.cell = LC_LSTM, .variant = LC_COUPLED | LC_NO_INPUT_GATE},
                                    {.cell = LC_LSTM, .variant = LC_FULL_GATES | LC_NO_OUTPUT_GATE},
                                    {.cell = LC_LSTM, .layer_norm = LC_NORM_SUM + 1},
                                    {.cell = LC_LSTM, .layer_norm = -1},
                                    {.cell = LC_GRU, .layer_norm = LC_NORM_SUM},
                                    {.cell = LC_LSTM, .layer_norm = LC_NORM_SUM, .epsilon = -1},
                                    {.cell = LC_LSTM, .layer_norm = LC_NORM_BOTH, .epsilon = NAN},
                                    {.cell = LC_LSTM, .layer_norm = LC_NORM_SUM, .variant = LC_FULL_GATES},
                                    {.cell = LC_LSTM, .layer_norm = LC_NORM_BOTH, .variant = LC_PEEPHOLE},
                                    {.cell = LC_LSTM, .projection = -1},
                                    {.cell = LC_GRU, .projection = 2},
                                    {.cell = LC_LSTM, .variant = LC_FULL_GATES, .projection = 2},
                                    {.cell = LC_LSTM, .activation = LC_ACTIVATION_COUNT},
                                    {.cell = LC_LSTM, .gate_activation = -1},
                                    {.cell = LC_RNN, .activation = LC_HARD_SIGMOID, .ramp = {NAN, 0.5}},
                                    {.cell = LC_LSTM, .output_activation = LC_HARD_SIGMOID, .output_ramp = {1, 1e31}},
                                    {.cell = LC_GRU, .gate_activation = LC_HARD_SIGMOID, .gate_ramp = {-1e31, 0}},
                                    {.cell = LC_LSTM, .type = LC_F64 + 1}};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        lc_spec spec = specs[i];
        lc_sizes sizes;
        spec.steps = spec.batch = spec.inputs = spec.units = 3;
        if (lc_measure(&spec, &sizes) == LC_BAD_SPEC) continue;
        bad = 1;
        printf("spec %d is not refused\n", (int)i);
    }
}

int main(void) {
    refusals();
    expect(!strcmp(lc_version(), LC_VERSION_TEXT), "the version", LC_AUTO, LC_F32);
    static const int64_t sizes[] = {1, 3, 16, 21, 64, 75, 130};
    for (int isa = LC_BASE; isa < LC_ISA_COUNT; isa++) {
        if (lc_isa_force(isa)) continue;
        for (int type = LC_F32; type <= LC_F64; type++) {
            unwanted(isa, type, (lc_spec){.cell = LC_LSTM, .variant = LC_PEEPHOLE | LC_FULL_GATES});
            unwanted(isa, type, (lc_spec){.cell = LC_LSTM, .projection = 7, .layer_norm = LC_NORM_BOTH});
            unwanted(isa, type, (lc_spec){.cell = LC_LSTM, .variant = LC_PEEPHOLE, .layer_norm = LC_NORM_SUM});
            unwanted(isa, type, (lc_spec){.cell = LC_GRU});
            ramps(isa, type);
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                products(isa, type, sizes[i], 1 + 5 * sizes[i] % 37);
                activations(isa, type, 5, sizes[i]);
            }
        }
    }
    printf("%s\n", bad ? "something is wrong" : "all right");
    return bad;
}
