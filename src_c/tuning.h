/* The numbers that were measured. None changes a result: not even LC_KC does, as each sum is one chain in rising k.
 *
 * They are of 22 November 2026, from two cores of a Xeon with AVX-512 on a shared host. Each is measured again, against
 * the values around it, by
 *
 *     python -m benchmarks.speed.constants NAME
 *
 * which builds the library with -DNAME=value and times in turns a call that depends on it. Who changes one puts the
 * machine and the date beside it. */
#ifndef LC_TUNING_H
#define LC_TUNING_H

/* Rows of a panel (4 registers each) that are used while all rows of A pass by: a stretch of k. With 256 a stretch of
 * 4 registers of AVX-512 is 64 KiB, a part of L2; with fewer, C is loaded and stored more often. */
#ifndef LC_KC
#define LC_KC 256
#endif

/* Flops that are worth a thread: some 30 us of one core, where waking a sleeping thread took 100. */
#ifndef LC_THREAD_FLOPS
#define LC_THREAD_FLOPS 4e6
#endif

/* Flops of a step that are worth a barrier, so that threads may share the units and not the rows. */
#ifndef LC_BARRIER_FLOPS
#define LC_BARRIER_FLOPS 1e5
#endif

/* To pack a weight takes as long as so many flops: for forward alone, and with the panels of the backward pass. And
 * the thread that helps is awake when forward begins. */
#ifndef LC_PACK_FLOPS
#define LC_PACK_FLOPS 40
#endif
#ifndef LC_PACK_BOTH_FLOPS
#define LC_PACK_BOTH_FLOPS 85
#endif

/* How often a thread looks for the others' arrival before it offers its core to them: a step of a layer takes
 * microseconds. To sleep instead is no better beside a busy neighbour and worse elsewhere: threads wake too late. */
#ifndef LC_SPINS
#define LC_SPINS 2000
#endif

/* A neighbour on our cores (balance.h). Gains of the team that may be lost again, in nanoseconds: two time slices of
 * one that comes and goes; with ten, calls of the first second beside one are slow too often (Zen 5, 2026-12-01). And
 * calls run up to so many times as long alone as a call of the team lost. */
#ifndef LC_TEAM_CREDIT
#define LC_TEAM_CREDIT 8000000
#endif
#ifndef LC_TEAM_REST
#define LC_TEAM_REST 200
#endif

/* Where BLAS is no slower than the own tile: blocks of this many rows of C enough for the team, long rows and sums.
 * 1024 cubed on one core: 130 against 124 GFLOP/s; 128 rows on two: 130 against 220. */
#ifndef LC_BLAS_ROWS
#define LC_BLAS_ROWS 256
#endif
#ifndef LC_BLAS_LEAST_BLOCKS
#define LC_BLAS_LEAST_BLOCKS 4
#endif
#ifndef LC_BLAS_LEAST_SIDE
#define LC_BLAS_LEAST_SIDE 256 /* of k, and of C's rows */
#endif

/* Scores of a block of queries, where keys are many: rows enough for each panel of keys that comes from L2. */
#ifndef LC_ATTENTION_SCORES
#define LC_ATTENTION_SCORES 16384
#endif

#endif
