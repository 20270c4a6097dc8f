/* The team. OpenMP stays behind this file; without it everything runs on the calling thread.
 *
 * libgomp makes and drops threads when regions of different sizes follow each other, so every region has the
 * same size, and the threads that a call does not need return at once. */
#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#endif
#include "internal.h"
#include <stdlib.h>
#include <unistd.h>
#if defined(LC_HAVE_OPENMP)
#include <omp.h>
#endif
#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#endif

enum { MAX_THREADS = 256 };
static int team; /* 0: not yet known */

int lc_have_openmp(void) {
#if defined(LC_HAVE_OPENMP)
    return 1;
#else
    return 0;
#endif
}

static int usable_cores(void) {
#if defined(__linux__)
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set)) return CPU_COUNT(&set);
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

static int default_threads(void) {
    static const char *const names[] = {"LSTMCORE_NUM_THREADS", "OMP_NUM_THREADS"};
    for (int i = 0; i < 2; i++) {
        const char *text = getenv(names[i]);
        int n = text ? atoi(text) : 0;
        if (n > 0) return n;
    }
    return usable_cores();
}

int lc_get_threads(void) {
    int n = __atomic_load_n(&team, __ATOMIC_RELAXED);
    if (!n) lc_set_threads(0);
    return n ? n : __atomic_load_n(&team, __ATOMIC_RELAXED);
}

void lc_set_threads(int n) {
    if (n <= 0) n = default_threads();
    if (n > MAX_THREADS || !lc_have_openmp()) n = lc_have_openmp() ? MAX_THREADS : 1;
    __atomic_store_n(&team, n, __ATOMIC_RELAXED);
}

/* Denormals make an LSTM some twenty times slower, so they are zeros inside; the caller's setting comes back after. */
typedef uint64_t float_mode;
static inline float_mode flush_denormals(void) {
#if defined(__x86_64__) || defined(__i386__)
    unsigned was = _mm_getcsr();
    _mm_setcsr(was | 0x8040); /* flush to zero, denormals are zero */
    return was;
#elif defined(__aarch64__)
    uint64_t was;
    __asm__ volatile("mrs %0, fpcr" : "=r"(was));
    __asm__ volatile("msr fpcr, %0" ::"r"(was | (1u << 24)));
    return was;
#else
    return 0;
#endif
}
static inline void restore_mode(float_mode was) {
#if defined(__x86_64__) || defined(__i386__)
    _mm_setcsr((unsigned)was);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" ::"r"(was));
#else
    (void)was;
#endif
}

static void run(lc_task *task, void *arg, int id, int n) {
    float_mode was = flush_denormals();
    task(arg, id, n);
    restore_mode(was);
}

void lc_parallel(int n, lc_task *task, void *arg) {
#if defined(LC_HAVE_OPENMP)
    if (n > 1 && !omp_in_parallel()) {
        int size = lc_get_threads();
#pragma omp parallel num_threads(size)
        {
            int got = omp_get_num_threads(), id = omp_get_thread_num(), used = n < got ? n : got;
            if (id < used) run(task, arg, id, used);
        }
        return;
    }
#endif
    (void)n;
    run(task, arg, 0, 1);
}

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Spins, since a step of a layer takes microseconds; gives the core away when others need it. */
void lc_wait(lc_barrier *barrier, int n) {
    if (n == 1) return;
    int round = __atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == n) {
        __atomic_store_n(&barrier->arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&barrier->round, round + 1, __ATOMIC_RELEASE);
        return;
    }
    for (int spins = 0; __atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE) == round; spins++) {
        if (spins < 2000) relax();
#if defined(__linux__)
        else sched_yield();
#endif
    }
}

int lc_deserved(int wanted, double flops) {
    /* Measured: 30 us of one core, where waking a sleeping thread takes 100. */
    const double worth = 4e6;
    int most = lc_get_threads();
    if (wanted > 0) return wanted < most ? wanted : most;
    double n = flops / worth;
    return n < 1 ? 1 : n < most ? (int)n : most;
}
