/* The kernels of float for AVX-512 F, VL, DQ and BW. */
#define LC_SIMD_AVX512 1
#define REAL_F64 0
#define KERNELS lc_kernels_avx512_f32
#include "kernels.h"
