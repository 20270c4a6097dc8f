/* Dot products of bytes: AVX512-VNNI, of Cascade Lake, Ice Lake and Zen 4. */
#define LC_SIMD_AVX512 1
#define REAL_F64 0
#include "internal.h"
#include "isa.h"
#if defined(LC_SIMD_LACKING) || !defined(__AVX512VNNI__)
HIDDEN const struct product_parts *const lc_avx512_vnni = NULL;
#else
#define WORDS_MULTIPLE 1
#define DOT(sum, x, w) (vec) _mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(x), (__m512i)(w))
#include "tile.h"
#include "to_words.h"

TILES(dot, DOT_INT8)
static const product_parts dots = {.format = DOT_INT8, PRODUCT_PARTS(dot), .to_words = to_int8_words};
HIDDEN const struct product_parts *const lc_avx512_vnni = &dots;
#endif
