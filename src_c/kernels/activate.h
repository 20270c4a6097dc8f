/* Activations of whole arrays in place: the cells' functions, register by register, and softmax. */
#ifndef LC_ACTIVATE_H
#define LC_ACTIVATE_H
#include "cells/cell.h"

/* e^(x - most) over n reals; their sum, lane by lane and then across, the same for a row wherever it stands. */
static real exponentials(real *x, int64_t n, real most) {
    vec sum = {0};
    for (int64_t i = 0; i < n; i += VL) {
        const int lanes = n - i < VL ? (int)(n - i) : VL;
        const vec e = vec_exp(load_lanes(x + i, lanes) - most);
        store_lanes(x + i, e, lanes);
        for (int j = 0; j < lanes; j++) sum[j] += e[j];
    }
    real all = 0;
    for (int j = 0; j < VL; j++) all += sum[j];
    return all;
}

static void softmax(real *x, int64_t n) {
    real most = x[0];
    for (int64_t i = 1; i < n; i++) most = x[i] > most || x[i] != x[i] ? x[i] : most;
    const real sum = exponentials(x, n, most);
    for (int64_t i = 0; i < n; i++) x[i] /= sum;
}

static void activate_reals(activator a, int64_t n, real *x) {
    for (int64_t i = 0; i < n; i += VL) {
        const int lanes = n - i < VL ? (int)(n - i) : VL;
        store_lanes(x + i, activate(a, load_lanes(x + i, lanes)), lanes);
    }
}

static void activate_all(int activation, int64_t rows, int64_t n, void *x_) {
    real *x = x_;
    if (activation != LC_SOFTMAX) activate_reals(activator_of(activation, LC_LINEAR, (lc_ramp){0}), rows * n, x);
    else
        for (int64_t r = 0; r < rows; r++) softmax(x + r * n, n);
}

static void hard_sigmoid(lc_ramp ramp, int64_t n, void *x) {
    activate_reals(activator_of(LC_HARD_SIGMOID, 0, ramp), n, x);
}

#endif
