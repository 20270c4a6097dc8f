/* Dot products of bfloat16: BFDOT, of Neoverse V1 and N2. Asked for on Linux alone. */
#define LC_SIMD_NEON 1
#define REAL_F64 0
#define DOTS lc_neon_bf16
#include "isa.h"
#if !defined(LC_SIMD_LACKING) && defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
#include <arm_neon.h>
#define DOT(sum, x, w) (vec) vbfdotq_f32((float32x4_t)(sum), (bfloat16x8_t)(x), (bfloat16x8_t)(w))
#endif
#include "dots.h"
