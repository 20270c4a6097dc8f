/* The kernels of double for AVX-512 F, VL, DQ and BW. */
#define LC_SIMD_AVX512 1
#define REAL_F64 1
#define KERNELS lc_kernels_avx512_f64
#include "kernels.h"
