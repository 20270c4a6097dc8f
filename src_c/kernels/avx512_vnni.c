/* Dot products of bytes: AVX512-VNNI, of Cascade Lake, Ice Lake and Zen 4. */
#define LC_SIMD_AVX512 1
#define REAL_F64 0
#define DOTS lc_avx512_vnni
#include "isa.h"
#if !defined(LC_SIMD_LACKING) && defined(__AVX512VNNI__)
#define DOT_INT8_WORDS
#define DOT(sum, x, w) (vec) _mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(x), (__m512i)(w))
#endif
#include "dots.h"
