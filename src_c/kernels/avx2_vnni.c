/* Dot products of bytes in registers of 32 bytes: AVX-VNNI, of Alder Lake and Sapphire Rapids. */
#define LC_SIMD_AVX2 1
#define REAL_F64 0
#include "internal.h"
#include "isa.h"
#if defined(LC_SIMD_LACKING) || !defined(__AVXVNNI__)
HIDDEN const struct product_parts *const lc_avx2_vnni = NULL;
#else
#define WORDS_MULTIPLE 1
#define DOT(sum, x, w) (vec) _mm256_dpbusd_avx_epi32((__m256i)(sum), (__m256i)(x), (__m256i)(w))
#include "tile.h"
#include "to_words.h"

TILES(dot, DOT_INT8)
static const product_parts dots = {.format = DOT_INT8, PRODUCT_PARTS(dot), .to_words = to_int8_words};
HIDDEN const struct product_parts *const lc_avx2_vnni = &dots;
#endif
