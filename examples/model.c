/* A trained model in C: model.export("m.lcm") in Python, then, after `make lib`,
 *
 *     gcc -o model examples/model.c $(PKG_CONFIG_PATH=build/lib/pkgconfig pkg-config --cflags --libs lstmcore)
 *     LD_LIBRARY_PATH=build/lib ./model m.lcm
 */
#include "lstmcore.h"

#include <stdio.h>
#include <stdlib.h>

static void check(lc_status status) {
    if (status == LC_OK) return;
    fprintf(stderr, "lstmcore: %s\n", lc_status_text(status));
    exit(1);
}

int main(int count, char **words) {
    lc_model *model;
    lc_stream *stream;
    size_t bytes;
    check(lc_model_load(count > 1 ? words[1] : "m.lcm", &model)); /* of float32, and no embedding first */
    check(lc_stream_measure(model, 1, &bytes));
    void *memory = malloc(bytes);
    check(memory ? lc_stream_open(model, 1, memory, &stream) : LC_NO_MEMORY);
    float *x = calloc((size_t)lc_model_inputs(model), sizeof *x);
    float *y = malloc((size_t)lc_model_outputs(model) * sizeof *y);
    for (int t = 0; t < 3; t++) {
        x[0] = 0.5f * (float)t;
        check(lc_stream_step(stream, x, y));
        printf("%.9g\n", (double)y[0]);
    }
    free(x), free(y), free(memory);
    lc_model_free(model);
    return 0;
}
