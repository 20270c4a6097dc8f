/* Optimizer steps on flat arrays. Plain loops: the compiler makes vectors of them. Every element is its own. What goes
 * into a loop is made in double, as 1 - beta loses half its digits in float; for the same reason the decay is taken off
 * p and not made a factor 1 - decay. */
#ifndef LC_OPTIMIZERS_H
#define LC_OPTIMIZERS_H
#include "simd.h"

static void sgd(const lc_update *u, int64_t n, real *restrict p, const real *restrict g, real *restrict v) {
    const real rate = (real)u->rate, decay = (real)u->decay, momentum = (real)u->momentum;
    const int nesterov = u->nesterov;
    for (int64_t i = 0; i < n; i++) {
        real step = rate * g[i];
        if (v) {
            v[i] = MADD(-rate, g[i], momentum * v[i]);
            step = nesterov ? MADD(rate, g[i], -(momentum * v[i])) : -v[i];
        }
        p[i] = p[i] - decay * p[i] - step;
    }
}

static void rmsprop(const lc_update *u, int64_t n, real *restrict p, const real *restrict g, real *restrict v,
                    real *restrict mean, real *restrict mom) {
    const real rate = (real)u->rate, decay = (real)u->decay, momentum = (real)u->momentum;
    const real rho = (real)u->rho, fresh = (real)(1 - u->rho), epsilon = (real)u->epsilon;
    for (int64_t i = 0; i < n; i++) {
        v[i] = MADD(rho, v[i], fresh * g[i] * g[i]);
        real d = v[i] + epsilon;
        if (mean) {
            mean[i] = MADD(rho, mean[i], fresh * g[i]);
            d -= mean[i] * mean[i];
        }
        real step = rate * g[i] / SQRT(d);
        if (mom) step = mom[i] = momentum * mom[i] + step;
        p[i] = p[i] - decay * p[i] - step;
    }
}

static void adam(const lc_update *u, int64_t n, real *restrict p, const real *restrict g, real *restrict m,
                 real *restrict v, real *restrict vhat) {
    const double mean = 1 - __builtin_pow(u->beta_1, (double)u->step);
    const double square = 1 - __builtin_pow(u->beta_2, (double)u->step);
    const real alpha = (real)(u->rate * __builtin_sqrt(square) / mean), decay = (real)u->decay;
    const real a = (real)(1 - u->beta_1), b = (real)(1 - u->beta_2), epsilon = (real)u->epsilon;
    for (int64_t i = 0; i < n; i++) {
        m[i] += (g[i] - m[i]) * a;
        v[i] += (g[i] * g[i] - v[i]) * b;
        real d = v[i];
        if (vhat) d = vhat[i] = vhat[i] > d ? vhat[i] : d;
        p[i] = p[i] - decay * p[i] - m[i] * alpha / (SQRT(d) + epsilon);
    }
}

static void adamax(const lc_update *u, int64_t n, real *restrict p, const real *restrict g, real *restrict m,
                   real *restrict norm) {
    const real alpha = (real)(u->rate / (1 - __builtin_pow(u->beta_1, (double)u->step))), decay = (real)u->decay;
    const real a = (real)(1 - u->beta_1), beta_2 = (real)u->beta_2, epsilon = (real)u->epsilon;
    for (int64_t i = 0; i < n; i++) {
        const real size = g[i] < 0 ? -g[i] : g[i], faded = beta_2 * norm[i];
        m[i] += (g[i] - m[i]) * a;
        norm[i] = faded > size ? faded : size;
        p[i] = p[i] - decay * p[i] - m[i] * alpha / (norm[i] + epsilon);
    }
}

static void nadam(const lc_update *u, int64_t n, real *restrict p, const real *restrict g, real *restrict m,
                  real *restrict v) {
    const real mean = (real)(u->rate * u->next_mu / (1 - u->product * u->next_mu));
    const real gradient = (real)(u->rate * (1 - u->mu) / (1 - u->product)), decay = (real)u->decay;
    const real square = (real)(1 / (1 - __builtin_pow(u->beta_2, (double)u->step)));
    const real a = (real)(1 - u->beta_1), b = (real)(1 - u->beta_2), epsilon = (real)u->epsilon;
    for (int64_t i = 0; i < n; i++) {
        m[i] += (g[i] - m[i]) * a;
        v[i] += (g[i] * g[i] - v[i]) * b;
        p[i] = p[i] - decay * p[i] - MADD(mean, m[i], gradient * g[i]) / (SQRT(square * v[i]) + epsilon);
    }
}

static void adagrad(const lc_update *u, int64_t n, real *restrict p, const real *restrict g, real *restrict sum) {
    const real rate = (real)u->rate, decay = (real)u->decay, epsilon = (real)u->epsilon;
    for (int64_t i = 0; i < n; i++) {
        sum[i] += g[i] * g[i];
        p[i] = p[i] - decay * p[i] - rate * g[i] / SQRT(sum[i] + epsilon);
    }
}

static void adadelta(const lc_update *u, int64_t n, real *restrict p, const real *restrict g, real *restrict grads,
                     real *restrict steps) {
    const real rate = (real)u->rate, decay = (real)u->decay, epsilon = (real)u->epsilon;
    const real rho = (real)u->rho, fresh = (real)(1 - u->rho);
    for (int64_t i = 0; i < n; i++) {
        grads[i] = rho * grads[i] + fresh * g[i] * g[i];
        const real step = SQRT(steps[i] + epsilon) * g[i] / SQRT(grads[i] + epsilon);
        steps[i] = rho * steps[i] + fresh * step * step;
        p[i] = p[i] - decay * p[i] - rate * step;
    }
}

static void lion(const lc_update *u, int64_t n, real *restrict p, const real *restrict g, real *restrict m) {
    const real rate = (real)u->rate, decay = (real)u->decay, beta_1 = (real)u->beta_1, beta_2 = (real)u->beta_2;
    const real fresh_1 = (real)(1 - u->beta_1), fresh_2 = (real)(1 - u->beta_2);
    for (int64_t i = 0; i < n; i++) {
        const real c = beta_1 * m[i] + fresh_1 * g[i];
        p[i] = p[i] - decay * p[i] - (c > 0 ? rate : c < 0 ? -rate : c); /* 0 stays, and so does NaN */
        m[i] = beta_2 * m[i] + fresh_2 * g[i];
    }
}

/* n elements from lo on, by one thread. */
static void optimize(const lc_update *u, int64_t lo, int64_t n) {
    LC_ASSERT(lo >= 0 && n >= 0 && lo + n <= u->n);
    real *p = (real *)u->p + lo, *s[LC_SLOTS];
    const real *g = (const real *)u->g + lo;
    for (int i = 0; i < LC_SLOTS; i++) s[i] = u->slot[i] ? (real *)u->slot[i] + lo : NULL;
    switch (u->optimizer) {
    case LC_SGD: sgd(u, n, p, g, s[0]); break;
    case LC_RMSPROP: rmsprop(u, n, p, g, s[0], s[1], s[2]); break;
    case LC_ADAM: adam(u, n, p, g, s[0], s[1], s[2]); break;
    case LC_ADAMAX: adamax(u, n, p, g, s[0], s[1]); break;
    case LC_NADAM: nadam(u, n, p, g, s[0], s[1]); break;
    case LC_ADAGRAD: adagrad(u, n, p, g, s[0]); break;
    case LC_ADADELTA: adadelta(u, n, p, g, s[0], s[1]); break;
    case LC_LION: lion(u, n, p, g, s[0]); break;
    }
}

/* Whether all n are numbers: x * 0 is 0 for these, and NaN for NaN and the infinities. */
static int all_finite(int64_t n, const void *x_) {
    const real *x = x_;
    vec zero[4] = {{0}}, all;
    int64_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL) UNROLL for (int j = 0; j < 4; j++) zero[j] += load(x + i + j * VL) * 0;
    for (; i < n; i += VL) zero[0] += (n - i < VL ? load_n(x + i, (int)(n - i)) : load(x + i)) * 0;
    all = zero[0] + zero[1] + zero[2] + zero[3];
    real sum = 0;
    for (int j = 0; j < VL; j++) sum += all[j];
    return sum == 0;
}

#endif
