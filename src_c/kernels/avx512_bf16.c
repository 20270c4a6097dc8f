/* Dot products of bfloat16: AVX512-BF16, of Zen 4, Cooper Lake and Sapphire Rapids. */
#define LC_SIMD_AVX512 1
#define REAL_F64 0
#define DOTS lc_avx512_bf16
#include "isa.h"
#if !defined(LC_SIMD_LACKING) && defined(__AVX512BF16__)
#define DOT(sum, x, w) (vec) _mm512_dpbf16_ps((__m512)(sum), (__m512bh)(x), (__m512bh)(w))
#endif
#include "dots.h"
