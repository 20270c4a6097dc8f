/* What the checks of kernels share: memory with red zones, random numbers, comparisons, a clock.
 *
 * The truth is long double, one number at a time. A bound says how far a kernel may be from it; every byte that a kernel
 * has no business with is compared, too: a red zone before each array, whose last byte is the last of its page, with
 * nothing behind it, so that a read past the end is noticed as a write is. */
#ifndef CHECK_KERNELS_H
#define CHECK_KERNELS_H
#ifndef REAL_F64
#define REAL_F64 0
#endif
#include "kernels/parts.h"

#include <complex.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef long double wide;
typedef long double complex cwide; /* for derivatives by complex step */
#define EPS ((wide)(REAL_F64 ? DBL_EPSILON : FLT_EPSILON))
#define TYPE (REAL_F64 ? LC_F64 : LC_F32)

/* ---- what is being checked ---- */
static const lc_kernels *kernels;
static const kernel_parts *parts_now;
static int isa_now, failures, checks;
static char what[256];
#define CHECKING(...) snprintf(what, sizeof what, __VA_ARGS__)

static void fail(const char *why, int64_t at, wide got, wide wanted) {
    if (++failures <= 20)
        printf("%s, float%d: %s: %s at %d: %.9Lg, not %.9Lg\n", lc_isa_name(isa_now), REAL_F64 ? 64 : 32, what, why,
               (int)at, got, wanted);
}

static void crashed(int signal) {
    (void)signal;
    printf("%s, float%d: %s: touches what lies behind an array\n", lc_isa_name(isa_now), REAL_F64 ? 64 : 32, what);
    fflush(stdout);
    _exit(1);
}

/* ---- memory ---- */
enum { ARRAYS = 64, ZONE = 0xa5 };
static struct {
    char *page, *array;
    size_t all; /* bytes, without the page behind */
} fenced[ARRAYS];
static int fences;

/* n reals (or so many bytes) that end where the next page may not be touched. */
static void *fence_bytes(size_t bytes) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), all = (bytes + 256 + page - 1) / page * page;
    char *at = mmap(NULL, all + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED || fences == ARRAYS || mprotect(at + all, page, PROT_NONE)) exit(2);
    memset(at, ZONE, all);
    fenced[fences].page = at, fenced[fences].all = all;
    return fenced[fences++].array = at + all - bytes;
}
static real *fence(int64_t n) { return fence_bytes((size_t)n * sizeof(real)); }

/* Looks at all red zones and gives the memory back. */
static void drop(void) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < fences; i++) {
        for (char *p = fenced[i].page; p < fenced[i].array; p++)
            if (*p != (char)ZONE) {
                fail("writes before an array", fenced[i].array - p, *p, ZONE);
                break;
            }
        munmap(fenced[i].page, fenced[i].all + page);
    }
    fences = 0;
}

/* ---- numbers ---- */
static uint64_t state = 1;
static uint64_t bits64(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}
static wide uniform(wide least, wide most) { return least + (most - least) * (wide)(bits64() >> 11) / 0x1p53L; }
static int below(int n) { return (int)((bits64() >> 11) % (uint64_t)n); }
static real *random_reals(int64_t n, wide scale) {
    real *p = fence(n);
    for (int64_t i = 0; i < n; i++) p[i] = (real)uniform(-scale, scale);
    return p;
}
static real *copy(const real *p, int64_t n) {
    real *to = fence(n);
    memcpy(to, p, (size_t)n * sizeof(real));
    return to;
}

static void near(int64_t at, real got, wide wanted, wide bound) {
    checks++;
    if (!(fabsl((wide)got - wanted) <= bound) && !(isnan(got) && isnan(wanted))) fail("is wrong", at, got, wanted);
}
/* All of an array but what `near` has seen already must be as before: those are copied over. */
static void unchanged(const real *p, const real *before, int64_t n) {
    checks++;
    for (int64_t i = 0; i < n; i++)
        if (memcmp(p + i, before + i, sizeof(real))) {
            fail("writes what is not its own", i, p[i], before[i]);
            return;
        }
}

/* ---- time ---- */
static int64_t cycles(void) {
#if defined(__x86_64__) || defined(__i386__)
    uint32_t lo, hi;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(lo), "=d"(hi)::"memory");
    return (int64_t)((uint64_t)hi << 32 | lo);
#elif defined(__aarch64__)
    int64_t now;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(now)::"memory");
    return now;
#else
    return 0;
#endif
}

static int timing; /* --bench */
/* The least cycles that a call takes, of many. */
#define LEAST_CYCLES(call)                                                                                             \
    ({                                                                                                                 \
        int64_t best_ = INT64_MAX;                                                                                     \
        for (int bench_ = 0; bench_ < 200; bench_++) {                                                                 \
            const int64_t start_ = cycles();                                                                           \
            call;                                                                                                      \
            const int64_t took_ = cycles() - start_;                                                                   \
            best_ = took_ < best_ ? took_ : best_;                                                                     \
        }                                                                                                              \
        best_;                                                                                                         \
    })

static void print_cycles(double took, const char *unit, double peak) {
    printf("%-7s float%-3d %-48s %9.3f cycles a %s", lc_isa_name(isa_now), REAL_F64 ? 64 : 32, what, took, unit);
    if (peak > 0) printf(", %3.0f %% of the peak", 100 * peak / took);
    printf("\n");
}
/* Says that of each of `units` things, and, if that is not 0, what share it is of `peak` cycles for each. */
#define BENCH_AGAINST(peak, units, unit, call)                                                                         \
    do {                                                                                                               \
        if (timing) print_cycles((double)LEAST_CYCLES(call) / (double)(units), unit, peak);                            \
    } while (0)
#define BENCH(units, unit, call) BENCH_AGAINST(0, units, unit, call)

#endif
