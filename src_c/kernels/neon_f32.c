/* The kernels of float for NEON. */
#define LC_SIMD_NEON 1
#define REAL_F64 0
#define KERNELS lc_kernels_neon_f32
#include "kernels.h"
