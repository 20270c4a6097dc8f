/* NEON on aarch64: 32 registers, 24 of them accumulators. */
#if defined(__aarch64__)
#define VB 16
#define MR 6
#define NP 4
#define KERNELS lc_kernels_neon
#include "kernels.inc"
#else
typedef int lc_no_neon;
#endif
