/* Rows of A as words, for the files that have a dot product. Such a file defines before
 *
 *     WORDS_MULTIPLE    words that a row is filled up to a multiple of, with zeros
 *     DOT_SIGNED        see dots.h */
#ifndef LC_TO_WORDS_H
#define LC_TO_WORDS_H
#include "formats.h"

/* The next n reals of a row, at most VL: zeros behind them. */
INLINE vec row_register(const real *x, ptrdiff_t col, int64_t n) {
    vec v = {0};
    if (n <= 0) return v;
    if (col == 1) return n < VL ? load_n(x, (int)n) : load(x);
    for (int64_t i = 0; i < n && i < VL; i++) v[i] = x[i * col];
    return v;
}

/* Words of a row of n reals. */
INLINE int64_t row_words(int64_t n, int group) { return lc_ceil(lc_ceil(n, group), WORDS_MULTIPLE) * WORDS_MULTIPLE; }

/* 2 VL reals as VL words. */
INLINE vec bfloat16_words(vec a, vec b) {
#if defined(__AVX512BF16__) && defined(LC_SIMD_AVX512)
    return (vec)_mm512_cvtne2ps_pbh((__m512)b, (__m512)a);
#else
    const words low = to_bfloat16(a), high = to_bfloat16(b);
    words w;
    for (int i = 0; i < VL / 2; i++)
        w[i] = low[2 * i] >> 16 | low[2 * i + 1], w[VL / 2 + i] = high[2 * i] >> 16 | high[2 * i + 1];
    return (vec)w;
#endif
}

static inline void to_bfloat16_words(const real *x, ptrdiff_t col, int64_t n, real *to) {
    const int64_t all = row_words(n, 2);
    for (int64_t w = 0; w < all; w += VL) {
        const int64_t at = 2 * w;
        const vec packed = bfloat16_words(row_register(x + at * col, col, n - at),
                                          row_register(x + (at + VL) * col, col, n - at - VL));
        if (all - w >= VL) store(to + w, packed);
        else store_n(to + w, packed, (int)(all - w));
    }
}

/* VL whole numbers as bytes. */
INLINE void store_bytes(uint8_t *to, bits x) {
#if defined(LC_SIMD_AVX512)
    _mm_storeu_si128((__m128i *)to, _mm512_cvtepi32_epi8((__m512i)x));
#else
    for (int i = 0; i < VL; i++) to[i] = (uint8_t)x[i];
#endif
}

/* The scale of a row, most / 127, stands behind its words. Where a number is NaN or infinite it is NaN, and so is what
 * comes of the row. */
static inline void to_int8_words(const real *x, ptrdiff_t col, int64_t n, real *to) {
    const int64_t all = row_words(n, 4);
    vec most = {0}, spoilt = {0};
    for (int64_t i = 0; i < n; i += VL) {
        const vec v = row_register(x + i * col, col, n - i), size = where(v < 0, -v, v);
        most = where(size > most, size, most), spoilt += v * 0;
    }
    const real size = largest(most), inverse = size > 0 ? 127 / size : 0;
    uint8_t last[VL], *bytes = (uint8_t *)to;
    for (int64_t i = 0; i < 4 * all; i += VL) {
        const vec v = row_register(x + i * col, col, n - i) * inverse + MAGIC - MAGIC;
#if defined(DOT_SIGNED)
        const bits q = __builtin_convertvector(v, bits);
#else
        const bits q = __builtin_convertvector(v, bits) + 128;
#endif
        const int64_t left = 4 * all - i;
        store_bytes(left < VL ? last : bytes + i, q);
        if (left < VL) __builtin_memcpy(bytes + i, last, (size_t)left);
    }
    to[all] = size / 127 + across(spoilt);
}

#endif
