/* NEON on aarch64: 32 registers, 20 of them accumulators; with 24, gcc, which loads the panel in pairs, spills two. */
#if defined(__aarch64__)
#define VB 16
#define MR 5
#define NP 4
#define KERNELS lc_kernels_neon
#include "kernels/kernels.inc"
#else
typedef int lc_no_neon;
#endif
