/* AVX-512 F, VL, DQ, BW: 32 registers, 24 of them accumulators. */
#if defined(__AVX512F__)
#define VB 64
#define MR 6
#define NP 4
#define KERNELS lc_kernels_avx512
#include "kernels/kernels.inc"
#else
typedef int lc_no_avx512;
#endif
