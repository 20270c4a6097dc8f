/* The C core in a program without Python: an LSTM learns to say whether the sum of its inputs is positive.
 *
 *     gcc -std=gnu11 -O3 -march=native -fno-math-errno -ffp-contract=fast -Isrc_c -o embed examples/embed.c \
 *         $(find src_c -name "*.c") -lm
 */
#include "lstmcore.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { T = 12, B = 32, I = 1, H = 16, G = 4, STEPS = 400 };

static void *allocate(size_t bytes) {
    void *p = NULL;
    if (posix_memalign(&p, 64, bytes ? bytes : 64)) exit(1);
    memset(p, 0, bytes);
    return p;
}

static float uniform(void) { return 2 * ((float)rand() / (float)RAND_MAX) - 1; }

/* W, R, b and the output's weights v lie one after the other, so an optimizer step is one call. */
enum { NW = I * G * H, NR = H * G * H, NB = G * H, N = NW + NR + NB + H };

static void check(lc_status status) {
    if (status != LC_OK) {
        fprintf(stderr, "lstmcore: %s\n", lc_status_text(status));
        exit(1);
    }
}

int main(void) {
    lc_spec spec = {
        .cell = LC_LSTM, .type = LC_F32, .steps = T, .batch = B, .inputs = I, .units = H, .flags = LC_TRAIN};
    lc_sizes sizes;
    check(lc_measure(&spec, &sizes));
    void *packed = allocate(sizes.packed_both), *tape = allocate(sizes.tape), *work = allocate(sizes.work);
    float *p = allocate(N * sizeof *p), *g = allocate(N * sizeof *g);
    float *m = allocate(N * sizeof *m), *v = allocate(N * sizeof *v);
    for (int i = 0; i < N; i++) p[i] = 0.3f * uniform();
    lc_weights weights = {.W = p, .R = p + NW, .b = p + NW + NR};
    float *out = p + NW + NR + NB, *dout = g + NW + NR + NB, x[B * T * I], h[B * H], dh[B * H], loss = 0;
    for (int step = 1; step <= STEPS; step++) {
        float target[B] = {0};
        for (int b = 0; b < B; b++)
            for (int t = 0; t < T; t++) target[b] += x[b * T + t] = uniform();
        memset(g, 0, N * sizeof *g);
        check(lc_pack(&spec, &weights, 1, packed));
        lc_forward_io forward = {.x = {x, I, T * I}, .hT = h};
        check(lc_forward(&spec, packed, &forward, tape, work));
        loss = 0;
        for (int b = 0; b < B; b++) {
            float z = 0, label = target[b] > 0;
            for (int j = 0; j < H; j++) z += out[j] * h[b * H + j];
            const float y = 1 / (1 + expf(-z)), dz = (y - label) / B;
            loss -= logf(label > 0 ? y : 1 - y) / B;
            for (int j = 0; j < H; j++) dout[j] += dz * h[b * H + j], dh[b * H + j] = dz * out[j];
        }
        lc_backward_io backward = {.x = forward.x, .dhT = dh, .dW = g, .dR = g + NW, .db = g + NW + NR};
        check(lc_backward(&spec, packed, &backward, tape, work));
        lc_update adam = {.type = LC_F32, .optimizer = LC_ADAM, .n = N, .p = p, .g = g, .slot = {m, v}, .step = step};
        adam.rate = 0.02, adam.beta_1 = 0.9, adam.beta_2 = 0.999, adam.epsilon = 1e-7;
        check(lc_optimize(&adam));
    }
    printf("%s: loss %.3f after %d steps (0.693 is guessing)\n", lc_isa_name(lc_isa_now()), (double)loss, STEPS);
    return loss < 0.3f ? 0 : 1;
}
