/* All kernels for one type and one instruction set, and their table: each kernel file includes this once, with the
 * table's name in KERNELS. */
#ifndef LC_KERNELS_H
#define LC_KERNELS_H
#include "internal.h"
#include "isa.h"

#if defined(LC_SIMD_LACKING)
HIDDEN const lc_kernels *const KERNELS = NULL;
#else
#include "activate.h"
#include "attention_backward.h"
#include "attention_forward.h"
#include "backward.h"
#include "forward.h"
#include "gemm.h"
#include "optimizers.h"
#include "pack.h"
#include "product.h"

TILES(tile, LC_REALS)
#if !REAL_F64
TILES(float16, LC_FLOAT16)
TILES(bfloat16, LC_BFLOAT16)
TILES(int8, LC_INT8)
#endif

/* The ceiling: a tile whose A (MR x 128) and panel stay in L1. */
static double bare_tile(int64_t repeats) {
    real a[MR * 128], b[128 * 4 * VL], c[MR * 4 * VL];
    for (int i = 0; i < MR * 128; i++) a[i] = (real)1e-3;
    for (int i = 0; i < 128 * 4 * VL; i++) b[i] = (real)1e-3;
    int32_t rows[MR];
    for (int r = 0; r < MR; r++) rows[r] = r;
    operand op = {.a = a, .rows = rows, .row = 128, .col = 1, .b = b, .b_row = 4 * VL, .n = 128, .reps = 1};
    const_view from = {b, 0, VL, 0};
    view to = {c, 4 * VL, VL, 0};
    for (int64_t i = 0; i < repeats; i++) {
        parts.product[LC_REALS].tile[MR - 1][3](&op, 1, rows, from, to);
        __asm__ volatile("" : : "r"(a), "r"(b), "r"(c) : "memory"); /* every repeat counts */
    }
    return 2.0 * MR * 4 * VL * 128 * (double)repeats;
}

/* What a file has of its own, as in
 *
 *     #include "tile.h"
 *     static void my_tile(const operand *operands, int n, const int32_t *rows, const_view from, view to) { ... }
 *     #define OWN_PARTS .product[LC_REALS].tile[5][3] = my_tile
 *     #include "kernels.h"
 *
 * designated initializers, which overwrite the common text's. */
#ifndef OWN_PARTS
#define OWN_PARTS
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const kernel_parts parts = {.product =
                                       {
                                           [LC_REALS] = {.format = LC_REALS, PRODUCT_PARTS(tile)},
#if !REAL_F64
                                           [LC_FLOAT16] = {.format = LC_FLOAT16, PRODUCT_PARTS(float16)},
                                           [LC_BFLOAT16] = {.format = LC_BFLOAT16, PRODUCT_PARTS(bfloat16)},
                                           [LC_INT8] = {.format = LC_INT8, PRODUCT_PARTS(int8)},
#endif
                                       },
#define KERNEL(name, NAME) .forward[LC_KERNEL_##NAME] = name##_forward, .backward[LC_KERNEL_##NAME] = name##_backward,
#include "cells.def"
#undef KERNEL
                                   OWN_PARTS};
#pragma GCC diagnostic pop

static const lc_kernels table = {
    .lanes = VL,
    .tile_rows = MR,
    .parts = &parts,
    .pack = pack,
    .forward_begin = forward_begin,
    .forward_thread = forward_thread,
    .forward_end = forward_end,
    .backward_begin = backward_begin,
    .backward_thread = backward_thread,
    .backward_end = backward_end,
    .attention_measure = attention_measure,
    .attention_forward = attention_forward,
    .attention_backward = attention_backward,
    .attention_end = attention_end,
    .gemm = gemm,
    .gemm_pack = gemm_pack,
    .activate = activate_all,
    .hard_sigmoid = hard_sigmoid,
    .optimize = optimize,
    .finite = all_finite,
    .bare_tile = bare_tile,
};
HIDDEN const lc_kernels *const KERNELS = &table;
#endif

#endif
