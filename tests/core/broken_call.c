/* A call that breaks a precondition: packed weights that are not 64-byte aligned. A debug build says so and ends. */
#include "lstmcore.h"

int main(void) {
    static _Alignas(64) float packed[1024], weight[4] = {1, 1, 1, 1};
    const lc_spec spec = {.cell = LC_RNN, .type = LC_F32, .steps = 1, .batch = 1, .inputs = 1, .units = 1};
    const lc_weights weights = {.W = weight, .R = weight};
    return lc_pack(&spec, &weights, 0, packed + 1);
}
