/* How panels store weights: as reals, or in a format of fewer bytes. A row of a panel has words of 32 bits, as wide as
 * a float, and a word has one column's weights of `group` steps of k that follow each other:
 *
 *     format     group   a word
 *     reals        1     a real (of 64 bits, if that is the type; the other formats are for float alone)
 *     bfloat16     2     k in the low half, k + 1 in the high half: a half is the upper half of a float
 *     float16      2     a register of words has VL halves of k, then VL of k + 1: what F16C converts at once
 *     int8         4     k to k + 3 from the lowest byte on. Behind the words of each operand the panel has two more
 *                        rows: 128 times the columns' sums, as whole numbers, and the columns' scales
 *
 * What k lacks of a whole word is zero. Two ways lead from a word to a product. Weights are widened on load, which all
 * CPUs can, and A's rows stay reals. Or the CPU has a dot product of words; then A's rows become words first (a file of
 * its own, such as avx512_bf16.c, has the tile and the conversion), and for the tile a word is a step of k. */
#ifndef LC_FORMATS_H
#define LC_FORMATS_H
#include "simd.h"
#if defined(LC_SIMD_NEON)
#include <arm_neon.h>
#endif

/* Beside lc_format, what a tile of dot products multiplies: words of 2 bfloat16, and of 4 whole numbers. */
enum { DOT_BFLOAT16 = LC_FORMAT_COUNT, DOT_INT8 };

INLINE int format_group(int format) {
    return format == LC_FLOAT16 || format == LC_BFLOAT16 ? 2 : format == LC_INT8 ? 4 : 1;
}
INLINE int format_scaled(int format) { return format == LC_INT8 || format == DOT_INT8; }

#if REAL_F64
INLINE void pair_words(real *to, vec a, vec b) { store(to, a + b); } /* double has no words: never called */
INLINE vec widen(int format, const real *words, int g) {
    (void)format, (void)g;
    return load(words);
}
INLINE vec scale_sum(int format, vec sum, const real *a, const real *scales, ptrdiff_t row) {
    (void)format, (void)a, (void)scales, (void)row;
    return sum;
}
#else
typedef uint32_t words __attribute__((vector_size(VB)));

#if !defined(LC_SIMD_AVX512) && !defined(LC_SIMD_AVX2) && !defined(LC_SIMD_NEON)
/* By integers: where the exponent is 0, a number that float has without one too many bits is subtracted again. */
INLINE vec half_to_float(const uint16_t *halves) {
    words h = {0};
    for (int i = 0; i < VL; i++) h[i] = halves[i];
    const words size = (h & 0x7fff) << 13, sign = (h & 0x8000) << 16;
    const vec small = (vec)(size + 0x38800000u) - 0x1p-14f;
    const vec normal = (vec)(size + 0x38000000u), special = (vec)(size + 0x70000000u);
    const vec x = where((bits)(size < (words){0} + 0x800000u), small,
                        where((bits)(size >= (words){0} + 0xf800000u), special, normal));
    return (vec)((words)x | sign);
}
#endif

/* VL halves as floats. */
INLINE vec load_halves(const void *p) {
#if defined(LC_SIMD_AVX512)
    return (vec)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
#elif defined(LC_SIMD_AVX2)
    return (vec)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
#elif defined(LC_SIMD_NEON)
    return (vec)vcvt_f32_f16(vld1_f16((const __fp16 *)p));
#else
    uint16_t halves[VL];
    __builtin_memcpy(halves, p, sizeof halves);
    return half_to_float(halves);
#endif
}

/* Step g of VL words as reals. */
INLINE vec widen(int format, const real *at, int g) {
    const words w = (words)load(at);
    switch (format) {
    case LC_FLOAT16: return load_halves(at + g * (VL / 2));
    case LC_BFLOAT16: return (vec)(g ? w & 0xffff0000u : w << 16);
    case LC_INT8: return __builtin_convertvector((bits)(w << (24 - 8 * g)) >> 24, vec);
    default: return load(at);
    }
}

/* The sum of an operand whose weights are scaled: `scales` is the panel's row of them, `row` behind the columns' sums.
 * A's row ends with its own scale, behind its words, whose bytes are 128 too large unless the file is DOT_SIGNED. */
INLINE vec scale_sum(int format, vec sum, const real *a, const real *scales, ptrdiff_t row) {
    if (format == LC_INT8) return sum * load(scales);
#if defined(DOT_SIGNED)
    const bits exact = (bits)sum;
    (void)row;
#else
    const bits exact = (bits)sum - (bits)load(scales - row);
#endif
    return __builtin_convertvector(exact, vec) * (set(*a) * load(scales));
}

/* ---- packing ---- */

/* Rounded to nearest even, in the upper half of each word; NaN stays one. */
INLINE words to_bfloat16(vec x) {
    const words w = (words)x, rounded = w + 0x7fff + (w >> 16 & 1);
    return (words)where(x == x, (vec)rounded, (vec)(w | 0x400000)) & 0xffff0000u;
}

/* Rounded to nearest even; beyond the largest half infinite. Packing alone uses it: it need not be fast. */
static uint16_t to_float16(float x) {
    uint32_t w;
    __builtin_memcpy(&w, &x, 4);
    const uint32_t sign = w >> 16 & 0x8000, size = w & 0x7fffffff;
    if (size > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (size >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    if (size < 0x33000001) return (uint16_t)sign; /* half of the least one, or less */
    const int shift = size < 0x38800000 ? 126 - (int)(size >> 23) : 13;
    const uint32_t whole = shift > 13 ? (size & 0x7fffff) | 0x800000 : size - 0x38000000;
    const uint32_t kept = whole >> shift, rest = whole & ((1u << shift) - 1), half = 1u << (shift - 1);
    return (uint16_t)(sign | (kept + (rest > half || (rest == half && kept & 1))));
}

/* The scale of a column whose largest absolute value is `most`: most / 127, rounded up to 16 bits, so that the product
 * with a whole number to 127 is exact, and weights that were rounded once stay as they are. */
INLINE vec int8_scale(vec most) { return (vec)(((words)(most / 127) + 0xff) & 0xffffff00u); }

/* Divided by its scale and rounded to nearest even: a whole number from -127 to 127, as reals. */
INLINE vec int8_round(vec x, vec scale) { return where(scale == 0, set(0), x / scale + MAGIC - MAGIC); }

/* Two steps of k as words of bfloat16. */
INLINE void pair_words(real *to, vec a, vec b) { store(to, (vec)(to_bfloat16(a) >> 16 | to_bfloat16(b))); }

/* One register of words: the weights of VL columns at `group` steps of k. */
INLINE void pack_words(int format, real *dst, const vec *steps, vec scale) {
    if (format == LC_BFLOAT16) pair_words(dst, steps[0], steps[1]);
    else if (format == LC_FLOAT16) {
        uint16_t halves[2 * VL];
        for (int i = 0; i < 2 * VL; i++) halves[i] = to_float16(steps[i / VL][i % VL]);
        __builtin_memcpy(dst, halves, sizeof halves);
    } else {
        words w = {0};
        for (int g = 0; g < 4; g++)
            w |= ((words) __builtin_convertvector(int8_round(steps[g], scale), bits) & 0xff) << (8 * g);
        store(dst, (vec)w);
    }
}
#endif
#endif
