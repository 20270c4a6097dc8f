/* What every CPU of the family has: SSE2 on x86-64, the compiler's own choice elsewhere. */
#define VB 16
#define MR 3
#define NP 2
#define KERNELS lc_kernels_base
#include "kernels/kernels.inc"
