/* Dot products of bfloat16: BFDOT, of Neoverse V1 and N2. Asked for on Linux alone. */
#define LC_SIMD_NEON 1
#define REAL_F64 0
#include "internal.h"
#include "isa.h"
#if defined(LC_SIMD_LACKING) || !defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
HIDDEN const struct product_parts *const lc_neon_bf16 = NULL;
#else
#include <arm_neon.h>
#define WORDS_MULTIPLE 1
#define DOT(sum, x, w) (vec) vbfdotq_f32((float32x4_t)(sum), (bfloat16x8_t)(x), (bfloat16x8_t)(w))
#include "tile.h"
#include "to_words.h"

TILES(dot, DOT_BFLOAT16)
static const product_parts dots = {.format = DOT_BFLOAT16, PRODUCT_PARTS(dot), .to_words = to_bfloat16_words};
HIDDEN const struct product_parts *const lc_neon_bf16 = &dots;
#endif
