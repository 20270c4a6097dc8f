/* The team. OpenMP stays behind this file; without it everything runs on the calling thread.
 *
 * libgomp gives every thread that opens a parallel region a pool of its own, for as long as that thread lives: 64
 * threads of a server on 16 cores would leave a thousand. It makes and drops threads when regions of different sizes
 * follow each other, and it hangs where a forked child opens a region after its parent did. So one thread of ours, the
 * leader, opens all regions, all of one size; a call is worked on by the caller and the leader's region together.
 *
 * One call at a time has the team. A call that finds it taken runs on its own thread alone, and counts as a core less
 * for whoever takes the team meanwhile: results do not depend on the number of threads, and many callers keep the cores
 * busy without waiting for each other. A forked child has no leader until it makes one.
 *
 * Where calls of the team lose time to a neighbour on our cores, calls run alone: see balance.h. */
#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "balance.h"
#include "internal.h"
#include "tuning.h"
#if defined(LC_HAVE_OPENMP)
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#endif
#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#endif

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

#if !defined(LC_HAVE_OPENMP)

void lc_wait(lc_barrier *barrier, int n) { (void)barrier, (void)n; }
void lc_parallel(int n, lc_task *task, void *arg) { (void)n, run(task, arg, 0, 1); }

#else

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static _Thread_local int64_t waited; /* nanoseconds that this thread spent in long waits, in this call */

/* Spins, then gives the core away as long as others need it. */
static void await(const unsigned *word, unsigned was) {
    for (int spins = 0; spins < LC_SPINS; spins++, relax())
        if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != was) return;
    const int64_t since = now();
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == was) sched_yield();
    waited += now() - since;
}

void lc_wait(lc_barrier *barrier, int n) {
    LC_ASSERT(n >= 1);
    if (n == 1) return;
    const int round = __atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == n) {
        __atomic_store_n(&barrier->arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&barrier->round, round + 1, __ATOMIC_RELEASE);
    } else await((unsigned *)&barrier->round, (unsigned)round);
}

static struct {
    int taken;      /* by a call */
    int calls;      /* that run now and would use more than one thread */
    int leads;      /* whether the leader lives, in this process */
    int n, got;     /* threads that the call may use, and those that it has */
    int64_t waited; /* nanoseconds that they spent in long waits, all together */
    lc_task *task;
    void *arg;
    lc_balance balance;
    int sleeps;                  /* the leader, until asked changes */
    _Alignas(64) unsigned asked; /* counts calls; each word that somebody waits on has its own line */
    _Alignas(64) unsigned begun; /* ... whose region has begun, so that got is known */
    _Alignas(64) unsigned done;  /* ... whose region has ended */
} team = {.balance = {.credit = LC_TEAM_CREDIT}};
static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake_up = PTHREAD_COND_INITIALIZER;

static int is_asked(unsigned was) { return __atomic_load_n(&team.asked, __ATOMIC_SEQ_CST) != was; }

static void await_call(unsigned was, int spins) {
    for (; spins > 0; spins--, relax())
        if (is_asked(was)) return;
    pthread_mutex_lock(&sleep_lock);
    __atomic_store_n(&team.sleeps, 1, __ATOMIC_SEQ_CST);
    while (!is_asked(was)) pthread_cond_wait(&wake_up, &sleep_lock);
    __atomic_store_n(&team.sleeps, 0, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&sleep_lock);
}

static void ask(void) {
    __atomic_add_fetch(&team.asked, 1, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&team.sleeps, __ATOMIC_SEQ_CST)) return;
    pthread_mutex_lock(&sleep_lock);
    pthread_cond_signal(&wake_up);
    pthread_mutex_unlock(&sleep_lock);
}

/* How long the leader spins for the next call; libgomp's threads get the same from lstmcore/_binding/loader.py. */
static int idle_spins(void) {
    const char *count = getenv("GOMP_SPINCOUNT"), *policy = getenv("OMP_WAIT_POLICY");
    if (count) return (int)strtol(count, NULL, 10);
    return policy && (*policy == 'p' || *policy == 'P') ? 0 : 10000;
}

/* A member's part of the call that the team has. */
static void take_part(int id, int n) {
    waited = 0;
    run(team.task, team.arg, id, n);
    __atomic_add_fetch(&team.waited, waited, __ATOMIC_RELAXED);
}

static void *lead(void *unused) {
    (void)unused;
    const int spins = idle_spins();
    for (unsigned calls = 0;; calls++) {
        await_call(calls, spins);
        const int size = lc_get_threads() - 1; /* whatever the call may use: sizes should not change */
#pragma omp parallel num_threads(size > 0 ? size : 1)
        {
            const int id = omp_get_thread_num() + 1, all = omp_get_num_threads() + 1;
            const int n = team.n < all ? team.n : all;
            if (id == 1) {
                team.got = n;
                __atomic_store_n(&team.begun, calls + 1, __ATOMIC_RELEASE);
            }
            if (id < n) take_part(id, n);
        }
        __atomic_store_n(&team.done, calls + 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

/* In a forked child: the leader stayed behind, and what was held or waited for is so no more. */
static void forget(void) {
    memset(&team, 0, sizeof team);
    team.balance.credit = LC_TEAM_CREDIT;
    sleep_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    wake_up = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
}

/* The leader takes no signals: they are for the program's own threads. */
static int make_leader(void) {
    static int forks_known;
    pthread_t leader;
    sigset_t all, was;
    if (!forks_known && pthread_atfork(NULL, NULL, forget)) return 0;
    forks_known = 1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    team.leads = !pthread_create(&leader, NULL, lead, NULL);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    if (team.leads) pthread_detach(leader);
    return team.leads;
}

/* Runs the task on the caller and the leader's region. */
static void run_together(int n, lc_task *task, void *arg) {
    const unsigned calls = team.asked;
    const int64_t start = now();
    team.n = n, team.task = task, team.arg = arg, team.waited = 0;
    ask();
    waited = 0;
    await(&team.begun, calls);
    const int64_t woke = waited;
    take_part(0, team.got);
    waited = woke;
    await(&team.done, calls);
    if (team.got < 2 || lc_oversubscribed()) return; /* who wants more threads than cores gets them */
    lc_was_together(&team.balance, team.got, now() - start, team.waited, waited);
}

static void run_alone(lc_task *task, void *arg) {
    const int64_t start = now();
    run(task, arg, 0, 1);
    lc_was_alone(&team.balance, now() - start);
}

void lc_parallel(int n, lc_task *task, void *arg) {
    if (n < 2 || omp_in_parallel()) {
        run(task, arg, 0, 1);
        return;
    }
    const int left = lc_get_threads() - __atomic_fetch_add(&team.calls, 1, __ATOMIC_ACQ_REL);
    const int taken = left > 1 && !__atomic_exchange_n(&team.taken, 1, __ATOMIC_ACQ_REL);
    const int rests = taken && lc_rests(&team.balance) && !lc_oversubscribed();
    const int together = taken && !rests && (team.leads || make_leader());
    if (together) run_together(n < left ? n : left, task, arg);
    if (taken) __atomic_store_n(&team.taken, 0, __ATOMIC_RELEASE);
    if (rests) run_alone(task, arg);
    else if (!together) run(task, arg, 0, 1);
    __atomic_sub_fetch(&team.calls, 1, __ATOMIC_ACQ_REL);
}
#endif
