/* Dot products of bytes: SDOT, of Neoverse N1 and later. Asked for on Linux alone. */
#define LC_SIMD_NEON 1
#define REAL_F64 0
#define DOTS lc_neon_int8
#include "isa.h"
#if !defined(LC_SIMD_LACKING) && defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>
#define DOT_INT8_WORDS
#define DOT_SIGNED
#define DOT(sum, x, w) (vec) vdotq_s32((int32x4_t)(sum), (int8x16_t)(x), (int8x16_t)(w))
#endif
#include "dots.h"
