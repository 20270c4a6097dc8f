/* The kernels of float for AVX2 and FMA. */
#define LC_SIMD_AVX2 1
#define REAL_F64 0
#define KERNELS lc_kernels_avx2_f32
#include "kernels.h"
