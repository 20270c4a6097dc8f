/* Dot products of bytes in registers of 32 bytes: AVX-VNNI, of Alder Lake and Sapphire Rapids. */
#define LC_SIMD_AVX2 1
#define REAL_F64 0
#define DOTS lc_avx2_vnni
#include "isa.h"
#if !defined(LC_SIMD_LACKING) && defined(__AVXVNNI__)
#define DOT_INT8_WORDS
#define DOT(sum, x, w) (vec) _mm256_dpbusd_avx_epi32((__m256i)(sum), (__m256i)(x), (__m256i)(w))
#endif
#include "dots.h"
