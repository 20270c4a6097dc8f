/* Dot products of bfloat16: AVX512-BF16, of Zen 4, Cooper Lake and Sapphire Rapids. */
#define LC_SIMD_AVX512 1
#define REAL_F64 0
#include "internal.h"
#include "isa.h"
#if defined(LC_SIMD_LACKING) || !defined(__AVX512BF16__)
HIDDEN const struct product_parts *const lc_avx512_bf16 = NULL;
#else
#define WORDS_MULTIPLE 1
#define DOT(sum, x, w) (vec) _mm512_dpbf16_ps((__m512)(sum), (__m512bh)(x), (__m512bh)(w))
#include "tile.h"
#include "to_words.h"

TILES(dot, DOT_BFLOAT16)
static const product_parts dots = {.format = DOT_BFLOAT16, PRODUCT_PARTS(dot), .to_words = to_bfloat16_words};
HIDDEN const struct product_parts *const lc_avx512_bf16 = &dots;
#endif
