/* A file of kernels that overwrites two parts, a tile and a cell: the products and time loops have to use them. */
#define REAL_F64 0
#define KERNELS lc_kernels_own
#include "kernels/cells/cells.h"
#include "kernels/product.h"

static int tiles, cells;
static void counted_tile(const operand *operands, int n, const int32_t *rows, const_view from, view to) {
    tiles++;
    tile(LC_REALS, 1, 1, 0, operands, n, rows, from, to);
}
static void counted_cell(const cell_args *args, int64_t u0, int64_t u1) {
    cells++;
    rnn_forward(args, u0, u1);
}
extern const lc_kernels *const lc_kernels_own;
#define OWN_PARTS .product[LC_REALS].tile[0][0] = counted_tile, .forward[LC_KERNEL_RNN] = counted_cell
#include "kernels/kernels.h"

#include <stdio.h>
#include <string.h>

enum { T = 3 };

/* h of all steps, by a table of kernels. */
static void run(const lc_kernels *kernels, float y[T]) {
    static _Alignas(64) float packed[1024], work[4096];
    const float x[T] = {0.5f, -1, 2}, weight[1] = {0.75f};
    const lc_spec spec = {.cell = LC_RNN,
                          .type = LC_F32,
                          .threads = 1,
                          .flags = LC_SEQUENCES,
                          .steps = T,
                          .batch = 1,
                          .inputs = 1,
                          .units = 1};
    const lc_weights weights = {.W = weight, .R = weight};
    lc_forward_io io = {.x = {x, 1, 1}, .y = y};
    lc_pass w = {.spec = &spec, .kernels = kernels, .packed = packed, .in = &io, .work = work};
    const lc_storage reals = {.dot = LC_DOT_NONE, .group = 1, .multiple = 1};
    if (lc_lay_out(&spec, kernels, &reals, &w.lay)) return;
    kernels->pack(&spec, &w.lay, &weights, 0, packed);
    kernels->forward_begin(&w);
    w.plan.project = 0; /* a step at a time */
    kernels->forward_thread(&w, 0, 1);
    kernels->forward_end(&w);
}

int main(void) {
    float common[T], own[T];
    run(lc_kernels_base_f32, common);
    run(lc_kernels_own, own);
    printf("%d tiles, %d cells, %s\n", tiles, cells,
           memcmp(common, own, sizeof own) ? "other numbers" : "same numbers");
    return 0;
}
