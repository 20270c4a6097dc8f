/* The kernels of float for what every CPU of the family has. */
#define REAL_F64 0
#define KERNELS lc_kernels_base_f32
#include "kernels.h"
