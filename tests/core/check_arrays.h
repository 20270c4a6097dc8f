/* What works on whole arrays: activations, softmax, optimizers, the search for numbers that are none. */
#include "check_kernels.h"

static const char *const activation_names[] = {"",     "tanh",   "sigmoid",  "hard_sigmoid",
                                               "relu", "linear", "softsign", "elu"};

static wide activation_truth(int kind, lc_ramp ramp, wide x) {
    switch (kind) {
    case LC_TANH: return tanhl(x);
    case LC_SIGMOID: return 1 / (1 + expl(-x));
    case LC_HARD_SIGMOID: return fminl(fmaxl(ramp.slope != 0 ? ramp.slope * x + ramp.offset : x / 6 + 0.5L, 0), 1);
    case LC_RELU: return x > 0 ? x : 0;
    case LC_SOFTSIGN: return x / (1 + fabsl(x));
    case LC_ELU: return x > 0 ? x : expm1l(x);
    default: return x;
    }
}

/* Within 4 units of the last place of 1; where the result is small as its argument is, of the result. */
static wide activation_bound(int kind, wide y) {
    const int keeps_digits = kind != LC_SIGMOID && kind != LC_HARD_SIGMOID && fabsl(y) < 0.1L;
    return 4 * EPS * (keeps_digits ? fabsl(y) : 1);
}

static void check_activation(int kind, lc_ramp ramp, int64_t n) {
    CHECKING("%s of %d", activation_names[kind], (int)n);
    real *x = fence(n);
    for (int64_t i = 0; i < n; i++) x[i] = (real)(uniform(-1, 1) * (wide)(1 << 2 * below(4)) / (below(3) ? 1 : 1024));
    if (n > 6) x[0] = 0, x[1] = NAN, x[2] = 1000, x[3] = -1000, x[4] = (real)1e-30;
    real *given = copy(x, n);
    if (ramp.slope != 0) kernels->hard_sigmoid(ramp, n, x);
    else kernels->activate(kind, 1, n, x);
    for (int64_t i = 0; i < n; i++) {
        const wide wanted_value = isnan(given[i]) ? NAN : activation_truth(kind, ramp, given[i]);
        near(i, x[i], wanted_value, activation_bound(kind, wanted_value) + LDBL_MIN);
    }
    drop();
}

static void check_softmax(int64_t rows, int64_t n) {
    CHECKING("softmax of %d", (int)n);
    real *x = random_reals(rows * n, 30), *given = copy(x, rows * n);
    kernels->activate(LC_SOFTMAX, rows, n, x);
    for (int64_t r = 0; r < rows; r++) {
        wide most = given[r * n], sum = 0;
        for (int64_t i = 0; i < n; i++) most = given[r * n + i] > most ? given[r * n + i] : most;
        for (int64_t i = 0; i < n; i++) sum += expl(given[r * n + i] - most);
        for (int64_t i = 0; i < n; i++) /* e^(x - most): the difference is rounded, too */
            near(r * n + i, x[r * n + i], expl(given[r * n + i] - most) / sum, 32 * EPS);
    }
    drop();
}

/* ---- optimizers: Keras 3's arithmetic, as lstmcore.h has it ---- */
typedef struct element {
    wide p, g, s[LC_SLOTS];
    int has[LC_SLOTS];
} element;

static void adam_family(const lc_update *u, element *e) {
    const wide b1 = u->beta_1, b2 = u->beta_2, t = u->step;
    if (u->optimizer == LC_ADAMAX) {
        e->s[0] = b1 * e->s[0] + (1 - b1) * e->g, e->s[1] = fmaxl(b2 * e->s[1], fabsl(e->g));
        e->p -= u->rate / (1 - powl(b1, t)) * e->s[0] / (e->s[1] + u->epsilon);
        return;
    }
    e->s[0] = b1 * e->s[0] + (1 - b1) * e->g, e->s[1] = b2 * e->s[1] + (1 - b2) * e->g * e->g;
    if (u->optimizer == LC_NADAM) {
        const wide m = u->next_mu * e->s[0] / (1 - u->product * u->next_mu) + (1 - u->mu) * e->g / (1 - u->product);
        e->p -= u->rate * m / (sqrtl(e->s[1] / (1 - powl(b2, t))) + u->epsilon);
        return;
    }
    if (e->has[2]) e->s[2] = fmaxl(e->s[2], e->s[1]);
    e->p -= u->rate * sqrtl(1 - powl(b2, t)) / (1 - powl(b1, t)) * e->s[0] /
            (sqrtl(e->has[2] ? e->s[2] : e->s[1]) + u->epsilon);
}

static void optimizer_truth(const lc_update *u, element *e) {
    const wide g = e->g, rho = u->rho, eps = u->epsilon, p = e->p;
    wide step = 0, *s = e->s;
    switch (u->optimizer) {
    case LC_SGD:
        step = u->rate * g;
        if (e->has[0]) s[0] = u->momentum * s[0] - step, step = u->nesterov ? step - u->momentum * s[0] : -s[0];
        break;
    case LC_RMSPROP:
        s[0] = rho * s[0] + (1 - rho) * g * g;
        if (e->has[1]) s[1] = rho * s[1] + (1 - rho) * g;
        step = u->rate * g / sqrtl(s[0] + eps - (e->has[1] ? s[1] * s[1] : 0));
        if (e->has[2]) step = s[2] = u->momentum * s[2] + step;
        break;
    case LC_ADAGRAD: s[0] += g * g, step = u->rate * g / sqrtl(s[0] + eps); break;
    case LC_ADADELTA:
        s[0] = rho * s[0] + (1 - rho) * g * g;
        step = sqrtl(s[1] + eps) * g / sqrtl(s[0] + eps);
        s[1] = rho * s[1] + (1 - rho) * step * step, step *= u->rate;
        break;
    case LC_LION: {
        const wide c = u->beta_1 * s[0] + (1 - u->beta_1) * g;
        step = c > 0 ? u->rate : c < 0 ? -u->rate : 0, s[0] = u->beta_2 * s[0] + (1 - u->beta_2) * g;
        break;
    }
    default: adam_family(u, e);
    }
    e->p -= step + u->decay * p;
}

/* With or without the slots that may be NULL. */
static void check_optimizer(int which, int options, int64_t lo, int64_t n) {
    static const int needed[LC_OPTIMIZER_COUNT] = {0, 1, 2, 2, 2, 1, 2, 1}, most[] = {1, 3, 3, 2, 2, 1, 2, 1};
    CHECKING("optimizer %d, options %d, %d elements", which, options, (int)n);
    real *p = random_reals(lo + n, 1), *g = random_reals(lo + n, 1), *slots[LC_SLOTS] = {0};
    lc_update u = {.type = TYPE,
                   .isa = isa_now,
                   .optimizer = which,
                   .nesterov = options & 1,
                   .rate = 0.01,
                   .decay = 0.001,
                   .momentum = 0.9,
                   .rho = 0.9,
                   .beta_1 = 0.9,
                   .beta_2 = 0.99,
                   .epsilon = 1e-3,
                   .mu = 0.9,
                   .next_mu = 0.91,
                   .product = 0.8,
                   .step = 3,
                   .n = lo + n,
                   .p = p,
                   .g = g};
    real *before[2 + LC_SLOTS] = {copy(p, lo + n), copy(g, lo + n)};
    for (int i = 0; i < LC_SLOTS && i < (options ? most[which] : needed[which]); i++) {
        u.slot[i] = slots[i] = random_reals(lo + n, 0.3L);
        /* a mean square is no less than the square of the mean; Lion's mean has any sign, and may be as the gradient */
        for (int64_t j = 0; j < lo + n && which != LC_LION; j++)
            slots[i][j] = (real)(fabsl(slots[i][j]) + (i == 0 ? 0.7L : 0));
        if (which == LC_LION) slots[i][lo] = g[lo] = 0, before[1][lo] = 0;
        before[2 + i] = copy(slots[i], lo + n);
    }
    kernels->optimize(&u, lo, n);
    for (int64_t j = lo; j < lo + n; j++) {
        element e = {.p = before[0][j], .g = g[j]};
        for (int i = 0; i < LC_SLOTS; i++) e.has[i] = slots[i] != NULL, e.s[i] = slots[i] ? before[2 + i][j] : 0;
        optimizer_truth(&u, &e);
        near(j, p[j], e.p, 8 * EPS * fmaxl(1, fabsl(e.p))); /* a step may be large where a slot is near 0 */
        before[0][j] = p[j];
        for (int i = 0; i < LC_SLOTS && slots[i]; i++)
            near(j, slots[i][j], e.s[i], 8 * EPS * 2), before[2 + i][j] = slots[i][j];
    }
    unchanged(p, before[0], lo + n), unchanged(g, before[1], lo + n);
    for (int i = 0; i < LC_SLOTS && slots[i]; i++) unchanged(slots[i], before[2 + i], lo + n);
    drop();
}

static void check_finite(void) {
    for (int64_t n = 0; n < 9 * kernels->lanes + 2; n++) {
        CHECKING("finite, %d numbers", (int)n);
        real *x = random_reals(n, 1);
        near(n, (real)kernels->finite(n, x), 1, 0);
        for (int64_t i = 0; i < n; i++) {
            const real was = x[i];
            x[i] = i % 2 ? NAN : INFINITY;
            near(i, (real)kernels->finite(n, x), 0, 0);
            x[i] = was;
        }
        drop();
    }
}

static void check_arrays(void) {
    const int64_t sizes[] = {1, kernels->lanes, 3 * kernels->lanes + 1, 500};
    for (int i = 0; i < 4; i++) {
        for (int kind = LC_TANH; kind <= LC_ELU; kind++) check_activation(kind, (lc_ramp){0}, sizes[i]);
        check_softmax(3, sizes[i]);
        for (int which = 0; which < LC_OPTIMIZER_COUNT; which++)
            for (int options = 0; options < 3; options++) check_optimizer(which, options, 5 * (i % 2), sizes[i]);
    }
    check_finite();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        check_activation(LC_HARD_SIGMOID, (lc_ramp){0.2, 0.5}, sizes[i]);
        check_activation(LC_HARD_SIGMOID, (lc_ramp){-0.7, 0.3}, sizes[i]);
    }
}

static void bench_arrays(void) {
    enum { N = 4096 };
    real *x = random_reals(N, 1), *g = random_reals(N, 1);
    for (int kind = LC_TANH; kind <= LC_ELU; kind++) {
        CHECKING("%s", activation_names[kind]);
        BENCH(N, "number", kernels->activate(kind, 1, N, x));
    }
    CHECKING("softmax of 64");
    BENCH(N, "number", kernels->activate(LC_SOFTMAX, N / 64, 64, x));
    for (int which = 0; which < LC_OPTIMIZER_COUNT; which++) {
        lc_update u = {.type = TYPE,
                       .optimizer = which,
                       .rate = 1e-3,
                       .rho = 0.9,
                       .beta_1 = 0.9,
                       .beta_2 = 0.99,
                       .epsilon = 1e-3,
                       .mu = 0.9,
                       .next_mu = 0.9,
                       .product = 0.8,
                       .step = 3,
                       .n = N,
                       .p = x,
                       .g = g};
        for (int i = 0; i < 2; i++) u.slot[i] = fence(N), memset(u.slot[i], 0, N * sizeof(real));
        if (which == LC_RMSPROP) u.slot[1] = NULL;
        CHECKING("optimizer %d", which);
        BENCH(N, "number", kernels->optimize(&u, 0, N));
    }
    drop();
}
