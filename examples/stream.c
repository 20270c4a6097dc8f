/* A stream in C: two recurrent layers and a dense one that write characters, each drawn from the output before it.
 *
 *     make lib
 *     gcc -o stream examples/stream.c $(PKG_CONFIG_PATH=build/lib/pkgconfig pkg-config --cflags --libs lstmcore)
 *     LD_LIBRARY_PATH=build/lib ./stream
 *
 * The weights are random, so it writes nonsense; a program of yours has those of a trained model, in Keras's layout. */
#include "lstmcore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS = 27, WIDTH = 16, H = 32, LENGTH = 60, OPS = 4 };

static void check(lc_status status) {
    if (status == LC_OK) return;
    fprintf(stderr, "lstmcore: %s\n", lc_status_text(status));
    exit(1);
}

static void *allocate(size_t bytes) {
    void *p = NULL;
    if (posix_memalign(&p, 64, bytes ? bytes : 1)) exit(1);
    return memset(p, 0, bytes);
}

static double uniform(void) { return rand() / (RAND_MAX + 1.0); }

static float *weights(int64_t rows, int64_t columns) {
    float *w = allocate((size_t)(rows * columns) * sizeof *w);
    for (int64_t i = 0; i < rows * columns; i++) w[i] = (float)(uniform() - 0.5);
    return w;
}

static lc_op embedding(int64_t tokens, int64_t width) {
    return (lc_op){.kind = LC_OP_EMBEDDING,
                   .spec = {.type = LC_F32, .inputs = tokens, .units = width},
                   .packed = weights(tokens, width)};
}

static lc_op recurrent(int cell, int64_t inputs, int64_t units) {
    lc_op op = {.kind = LC_OP_RECURRENT, .sequences = 1};
    lc_sizes sizes;
    op.spec = (lc_spec){.cell = cell, .type = LC_F32, .steps = 1, .batch = 1, .inputs = inputs, .units = units};
    check(lc_measure(&op.spec, &sizes));
    const int64_t gates = sizes.gates * units;
    lc_weights w = {.W = weights(inputs, gates), .R = weights(units, gates), .b = weights(2, gates)};
    void *packed = allocate(sizes.packed);
    check(lc_pack(&op.spec, &w, 0, packed));
    op.packed = packed;
    return op;
}

static lc_op dense(int64_t inputs, int64_t units, int activation) {
    lc_op op = {.kind = LC_OP_DENSE, .spec = {.type = LC_F32, .inputs = inputs, .units = units}};
    lc_product p = {.type = LC_F32, .m = 1, .k = inputs, .n = units, .bias = weights(1, units)};
    size_t bytes;
    p.b = (lc_matrix){weights(inputs, units), units, 1};
    check(lc_gemm_packed(&p, &bytes));
    void *packed = allocate(bytes);
    check(lc_gemm_pack(&p, packed));
    op.packed = packed, op.spec.activation = activation;
    return op;
}

int main(void) {
    const lc_op ops[OPS] = {embedding(TOKENS, WIDTH), recurrent(LC_LSTM, WIDTH, H), recurrent(LC_GRU, H, H),
                            dense(H, TOKENS, LC_SOFTMAX)};
    lc_program program = {.ops = ops, .count = OPS};
    check(lc_program_measure(&program));
    lc_stream stream = {.program = &program, .batch = 1};
    check(lc_stream_prepare(&stream));
    stream.states = allocate(stream.state_bytes);
    void *work = allocate(stream.step_work);

    const int64_t first = 0; /* a space */
    float y[TOKENS];
    check(lc_stream_run(&stream, (lc_sequence){&first, 1, 1}, 1, y, work));

    const lc_sampling how = {.type = LC_F32, .tokens = TOKENS, .never = -1, .temperature = 0.7, .top_p = 0.9};
    double uniforms[LENGTH];
    int64_t tokens[LENGTH];
    size_t bytes;
    for (int i = 0; i < LENGTH; i++) uniforms[i] = uniform();
    check(lc_sample_measure(&how, &bytes));
    check(lc_stream_sample(&stream, &how, NULL, y, LENGTH, uniforms, tokens, NULL, work, allocate(bytes)));
    for (int i = 0; i < LENGTH; i++) putchar(tokens[i] ? 'a' + (int)tokens[i] - 1 : ' ');
    putchar('\n');
    return 0;
}
