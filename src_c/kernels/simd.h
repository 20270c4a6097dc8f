/* A register of reals by the compiler's vector extension, and the few functions a cell is made of. Where an instruction
 * set has something better than the extension's own text, that stands under the set's macro, never under a width: the
 * plain text beside it is right for a register of any width, on any architecture. */
#ifndef LC_SIMD_H
#define LC_SIMD_H
#include "parts.h"
#include "isa.h"
#if defined(LC_SIMD_AVX512) || defined(LC_SIMD_AVX2) || defined(LC_SIMD_SSE2)
#include <immintrin.h>
#elif defined(LC_SIMD_NEON)
#include <arm_neon.h>
#endif

typedef real vec __attribute__((vector_size(VB)));
typedef real vec_mem __attribute__((vector_size(VB), aligned(sizeof(real)), may_alias));
#if REAL_F64
#define SQRT __builtin_sqrt
typedef int64_t bits __attribute__((vector_size(VB)));
#else
#define SQRT __builtin_sqrtf
typedef int32_t bits __attribute__((vector_size(VB)));
#endif
#define VL ((int)(VB / sizeof(real)))

INLINE vec load(const real *p) { return *(const vec_mem *)p; }
INLINE void store(real *p, vec x) { *(vec_mem *)p = x; }
INLINE vec set(real x) { return x - (vec){0}; }

/* Holds a value in a register: the compiler may neither load it again nor fold the load into its users. */
#if defined(LC_SIMD_AVX512)
#define KEEP(x) __asm__("" : "+v"(x))
#elif defined(LC_SIMD_AVX2) || defined(LC_SIMD_SSE2)
#define KEEP(x) __asm__("" : "+x"(x))
#elif defined(LC_SIMD_NEON)
#define KEEP(x) __asm__("" : "+w"(x))
#else
#define KEEP(x) (void)(x)
#endif

/* a b + c, rounded once where the instruction set can. A compiler fuses a single product with the sum around it by
 * itself, on all of them alike; this is for sums of two products, where each compiler has a choice of its own, and for
 * a product of two uses. */
INLINE vec madd(vec a, vec b, vec c) {
#if defined(LC_SIMD_AVX512) && REAL_F64
    return (vec)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(LC_SIMD_AVX512)
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(LC_SIMD_AVX2) && REAL_F64
    return (vec)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif defined(LC_SIMD_AVX2)
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(LC_SIMD_NEON) && REAL_F64
    return (vec)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#elif defined(LC_SIMD_NEON)
    return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

/* The same of single numbers. */
#if !defined(LC_SIMD_AVX512) && !defined(LC_SIMD_AVX2) && !defined(LC_SIMD_NEON)
#define MADD(a, b, c) ((a) * (b) + (c))
#elif REAL_F64
#define MADD __builtin_fma
#else
#define MADD __builtin_fmaf
#endif

/* The first n lanes, 0 < n <= VL; the others read as zero and are not written. */
INLINE vec load_n(const real *p, int n) {
    LC_ASSERT(0 < n && n <= VL);
#if defined(LC_SIMD_AVX512) && REAL_F64
    return (vec)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p);
#elif defined(LC_SIMD_AVX512)
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
    vec x = {0};
    __builtin_memcpy(&x, p, (size_t)n * sizeof(real));
    return x;
#endif
}
INLINE void store_n(real *p, vec x, int n) {
    LC_ASSERT(0 < n && n <= VL);
#if defined(LC_SIMD_AVX512) && REAL_F64
    _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), (__m512d)x);
#elif defined(LC_SIMD_AVX512)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)x);
#else
    __builtin_memcpy(p, &x, (size_t)n * sizeof(real));
#endif
}

/* a where the comparison held, b elsewhere */
INLINE vec where(bits held, vec a, vec b) { return (vec)((held & (bits)a) | (~held & (bits)b)); }

/* Clamp that lets NaN through (x86's max and min return their second operand when either is NaN). */
INLINE vec clamp(vec x, real limit) {
    vec lo = set(-limit), hi = set(limit);
#if defined(LC_SIMD_AVX512) && REAL_F64
    return (vec)_mm512_min_pd((__m512d)hi, _mm512_max_pd((__m512d)lo, (__m512d)x));
#elif defined(LC_SIMD_AVX512)
    return (vec)_mm512_min_ps((__m512)hi, _mm512_max_ps((__m512)lo, (__m512)x));
#elif defined(LC_SIMD_AVX2) && REAL_F64
    return (vec)_mm256_min_pd((__m256d)hi, _mm256_max_pd((__m256d)lo, (__m256d)x));
#elif defined(LC_SIMD_AVX2)
    return (vec)_mm256_min_ps((__m256)hi, _mm256_max_ps((__m256)lo, (__m256)x));
#elif defined(LC_SIMD_SSE2) && REAL_F64
    return (vec)_mm_min_pd((__m128d)hi, _mm_max_pd((__m128d)lo, (__m128d)x));
#elif defined(LC_SIMD_SSE2)
    return (vec)_mm_min_ps((__m128)hi, _mm_max_ps((__m128)lo, (__m128)x));
#else
    return where(x < lo, lo, where(x > hi, hi, x));
#endif
}

/* 1/x for x in [1, 1e38]. AVX-512 refines its 14-bit estimate: a fifth of the division's time. */
INLINE vec reciprocal(vec x) {
#if defined(LC_SIMD_AVX512) && REAL_F64
    vec r = (vec)_mm512_rcp14_pd((__m512d)x);
    r += r * (1 - x * r);
    return r + r * (1 - x * r);
#elif defined(LC_SIMD_AVX512)
    vec r = (vec)_mm512_rcp14_ps((__m512)x);
    return r + r * (1 - x * r);
#else
    return 1 / x;
#endif
}

#if REAL_F64
#define MAGIC 0x1.8p52
#else
#define MAGIC 0x1.8p23f
#endif

/* 2^n of the integer n that was added to MAGIC */
INLINE vec power_of_two(vec m) {
#if defined(LC_SIMD_AVX512) && REAL_F64
    return (vec)_mm512_scalef_pd(_mm512_set1_pd(1), (__m512d)(m - MAGIC));
#elif defined(LC_SIMD_AVX512)
    return (vec)_mm512_scalef_ps(_mm512_set1_ps(1), (__m512)(m - MAGIC));
#elif REAL_F64
    return (vec)(((bits)m << 52) + (0x3ffLL << 52));
#else
    return (vec)(((bits)m << 23) + (0x7f << 23));
#endif
}

/* log2(e), and (2^f - 1)/f on f in [-1/2, 1/2], highest power first: a Chebyshev fit, relative error 1.1e-8 for float
 * and 1.8e-17 for double. */
#if REAL_F64
#define LOG2E 1.44269504088896340736
static const real exp2_terms[] = {4.4549605981865183938e-10, 7.0725859492692236999e-9, 1.0178062445845773521e-7,
                                  1.3215442587921689653e-6,  1.5252733829836118394e-5, 1.5403530441736050155e-4,
                                  1.333355814641693531e-3,   9.6181291076068885273e-3, 5.5504108664821594339e-2,
                                  2.402265069591009822e-1,   6.9314718055994530942e-1};
#else
#define LOG2E 1.44269504088896340736f
static const real exp2_terms[] = {1.5453162945120690177e-4f, 1.3390863364671234381e-3f, 9.6180825572778514913e-3f,
                                  5.5503571142190778186e-2f, 2.4022650760568126945e-1f, 6.9314718802622878106e-1f};
#endif
#define EXP2_TERMS (int)(sizeof exp2_terms / sizeof(real))

/* x[j] <- tanh(x[j]) where bit j of tanhs is set, 1 / (1 + e^-x[j]) elsewhere; all n in lockstep, because one chain
 * of dependent operations is longer than a CPU looks ahead.
 *
 * Both need e^(ax), a = 2 or -1. It is s (1 + p): s = 2^m, m = round(ax / ln 2), p = 2^f - 1 on f in [-1/2, 1/2] by
 * the fit above. Adding MAGIC rounds to an integer and leaves it in the low bits. Then, without cancellation, so that a
 * small x keeps its digits,
 *
 *     tanh = e / (e + 2), e = s p + (s - 1);  sigmoid = 1 / (s p + (s + 1))
 *
 * The absolute error is within 2 units of the last place of 1. */
INLINE void squash(const int n, vec *x, const unsigned tanhs) {
#if REAL_F64
    const real wide = 700, narrow = 20;
#else
    const real wide = 87, narrow = 9.5f;
#endif
    vec m[4], f[4], p[4], s[4];
#define EACH UNROLL for (int j = 0; j < n; j++)
#define IS_TANH (tanhs >> j & 1)
    EACH x[j] = clamp(x[j], IS_TANH ? narrow : wide);
    EACH m[j] = madd(x[j], set(IS_TANH ? 2 * LOG2E : -LOG2E), set(MAGIC));
    EACH f[j] = madd(x[j], set(IS_TANH ? 2 * LOG2E : -LOG2E), MAGIC - m[j]);
    EACH s[j] = power_of_two(m[j]);
    EACH p[j] = set(exp2_terms[0]);
    UNROLL for (int i = 1; i < EXP2_TERMS; i++) EACH p[j] = p[j] * f[j] + exp2_terms[i];
    EACH p[j] *= f[j];
    EACH p[j] = p[j] * s[j] + (IS_TANH ? s[j] - 1 : s[j] + 1);
    EACH f[j] = reciprocal(IS_TANH ? p[j] + 2 : p[j]);
    EACH x[j] = IS_TANH ? p[j] * f[j] : f[j];
#undef EACH
#undef IS_TANH
}

/* e^x for x up to 87 (float) or 700 (double), beyond that what stands there; 0 below the negative of that. */
INLINE vec vec_exp(vec given) {
    const real most = REAL_F64 ? 700 : 87;
    const vec x = clamp(given, most);
    const vec m = madd(x, set(LOG2E), set(MAGIC)), f = madd(x, set(LOG2E), MAGIC - m), s = power_of_two(m);
    vec p = set(exp2_terms[0]);
    UNROLL for (int i = 1; i < EXP2_TERMS; i++) p = p * f + exp2_terms[i];
    return where(given < -most, set(0), s + s * (p * f));
}

INLINE vec vec_tanh(vec x) {
    squash(1, &x, 1);
    return x;
}

/* ---- lanes ---- */
/* The numbers of the lanes. */
INLINE bits lane_numbers(void) {
    static const __typeof__(((bits){0})[0]) numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    bits lanes;
    _Static_assert(VL <= 16, "more lanes than numbers");
    __builtin_memcpy(&lanes, numbers, sizeof lanes);
    return lanes;
}

/* The lanes of a and b, one behind the other, in the order that `lanes` has. */
INLINE vec pick(vec a, vec b, bits lanes) {
#if defined(__clang__) /* whose shuffle wants its lanes as literals */
    vec picked;
    for (int j = 0; j < VL; j++) picked[j] = lanes[j] < VL ? a[lanes[j]] : b[lanes[j] - VL];
    return picked;
#else
    return __builtin_shuffle(a, b, lanes);
#endif
}

/* Sum and maximum of the lanes, each with the lane w away, w a constant; of a maximum, NaN is nowhere the largest. */
INLINE vec add_lanes(vec x, const int w) { return w < VL ? x + pick(x, x, lane_numbers() ^ w) : x; }
INLINE real across(vec x) { return add_lanes(add_lanes(add_lanes(add_lanes(x, 8), 4), 2), 1)[0]; }

INLINE vec larger_lanes(vec x, const int w) {
    if (w >= VL) return x;
    const vec y = pick(x, x, lane_numbers() ^ w);
    return where(y > x, y, x);
}
INLINE real largest(vec x) { return larger_lanes(larger_lanes(larger_lanes(larger_lanes(x, 8), 4), 2), 1)[0]; }

/* The first n lanes of x, and zeros. */
INLINE vec first_lanes(vec x, int n) { return n == VL ? x : where(lane_numbers() < n, x, (vec){0}); }

#endif
