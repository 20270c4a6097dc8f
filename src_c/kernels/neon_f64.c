/* The kernels of double for NEON. */
#define LC_SIMD_NEON 1
#define REAL_F64 1
#define KERNELS lc_kernels_neon_f64
#include "kernels.h"
