/* The kernels of double for what every CPU of the family has. */
#define REAL_F64 1
#define KERNELS lc_kernels_base_f64
#include "kernels.h"
