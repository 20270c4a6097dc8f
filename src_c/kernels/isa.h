/* What the kernels have to know of an instruction set. A kernel file defines
 *
 *     LC_SIMD_<ISA>    its instruction set; none: the baseline, what every CPU of the family has
 *     REAL_F64         0 or 1, for float or double; none (a tool that looks at one header): float
 *
 * and gets from here
 *
 *     VB    bytes of a register        MR   rows of the tile: of 4 registers each
 *     NP    panels that a single row takes at once: of 4 registers each
 *
 * The baseline is SSE2 on x86-64 and NEON on aarch64. Elsewhere, or where LC_SIMD_GENERIC asks for it, it is the
 * compiler's vector extension for a register of VB bytes: 16, or what the file or the command line says.
 *
 * LC_SIMD_LACKING: the file was compiled without the flags of its ISA, as in a program that gives all files the same
 * ones; then it has no kernels. */
#ifndef LC_ISA_H
#define LC_ISA_H

#ifndef REAL_F64
#define REAL_F64 0
#endif

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
                             * pairs, spills two. A single row has 12: gcc loads what a step needs before its first
                             * FMA, so with 16 one accumulator would live on the stack (test_object_code.py) */
#define VB 16
#define MR 5
#define NP 3
#if !defined(__aarch64__)
#define LC_SIMD_LACKING
#endif

#else /* the baseline: 16 registers on x86-64 */
#ifndef LC_SIMD_GENERIC
#if defined(__SSE2__)
#define LC_SIMD_SSE2
#elif defined(__aarch64__)
#define LC_SIMD_NEON
#endif
#endif
#ifndef VB
#define VB 16
#endif
#define MR 3
#define NP 2
#endif

#endif
