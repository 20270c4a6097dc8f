/* Dot products of bytes: SDOT, of Neoverse N1 and later. Asked for on Linux alone. */
#define LC_SIMD_NEON 1
#define REAL_F64 0
#include "internal.h"
#include "isa.h"
#if defined(LC_SIMD_LACKING) || !defined(__ARM_FEATURE_DOTPROD)
HIDDEN const struct product_parts *const lc_neon_int8 = NULL;
#else
#include <arm_neon.h>
#define DOT_SIGNED
#define WORDS_MULTIPLE 1
#define DOT(sum, x, w) (vec) vdotq_s32((int32x4_t)(sum), (int8x16_t)(x), (int8x16_t)(w))
#include "tile.h"
#include "to_words.h"

TILES(dot, DOT_INT8)
static const product_parts dots = {.format = DOT_INT8, PRODUCT_PARTS(dot), .to_words = to_int8_words};
HIDDEN const struct product_parts *const lc_neon_int8 = &dots;
#endif
