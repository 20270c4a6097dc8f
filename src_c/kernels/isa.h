/* What the kernels have to know of an instruction set. A kernel file names its own, LC_SIMD_<ISA>, and its type,
 * REAL_F64; without either (a tool that looks at one header) it is float for what every CPU of the family has.
 *
 *     VB    bytes of a register        MR   rows of the tile: of 4 registers each
 *     NP    panels that a single row takes at once: of 4 registers each
 *
 * LC_SIMD_LACKING: the file was compiled without the flags of its ISA, as in a program that gives all files the same
 * ones; then it has no kernels. */
#ifndef LC_ISA_H
#define LC_ISA_H

#if defined(LC_SIMD_AVX512) /* F, VL, DQ, BW: 32 registers, 24 of them accumulators */
#define VB 64
#define MR 6
#define NP 4
#if !defined(__AVX512F__) || !defined(__AVX512VL__) || !defined(__AVX512DQ__) || !defined(__AVX512BW__)
#define LC_SIMD_LACKING
#endif

#elif defined(LC_SIMD_AVX2) /* and FMA: 16 registers, 12 of them accumulators */
#define VB 32
#define MR 3
#define NP 3
#if !defined(__AVX2__) || !defined(__FMA__)
#define LC_SIMD_LACKING
#endif

#elif defined(LC_SIMD_NEON) /* aarch64: 32 registers, 20 of them accumulators; with 24, gcc, which loads the panel in
                             * pairs, spills two */
#define VB 16
#define MR 5
#define NP 4
#if !defined(__aarch64__)
#define LC_SIMD_LACKING
#endif

#else /* SSE2 on x86-64, the compiler's own choice elsewhere */
#define VB 16
#define MR 3
#define NP 2
#endif

#define KC 256 /* rows of a panel (4 registers each) that are used while all rows of A pass by; measured */

#endif
