/* The kernels of double for AVX2 and FMA. */
#define LC_SIMD_AVX2 1
#define REAL_F64 1
#define KERNELS lc_kernels_avx2_f64
#include "kernels.h"
