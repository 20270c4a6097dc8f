/* AVX2 and FMA: 16 registers, 12 of them accumulators. Built with -mavx2 -mfma. */
#if defined(__AVX2__) && defined(__FMA__)
#define VB 32
#define MR 3
#define NP 3
#define KERNELS lc_kernels_avx2
#include "kernels/kernels.inc"
#else
typedef int lc_no_avx2;
#endif
