/* Whether calls of a team pay, by what they gained and lost.
 *
 * A neighbour that takes one of our cores stalls all that wait for the thread there, by time slices of milliseconds,
 * while a call on one thread goes on elsewhere. What a call would have taken alone is known without trying: its threads
 * worked so long, together. Gains and losses go into one account, and as long as there is credit, calls have the team.
 * A loss beyond it is followed by calls alone, some times as long as what was lost; twice as many if there is a loss
 * again before the team has its full credit back, up to LC_TEAM_REST. So whoever has such a neighbour all the time
 * spends little on looking whether it is gone, and fewer than one call of a hundred takes 1.5 times as long as alone.
 * Of a loss at most LC_TEAM_CREDIT counts: who stopped the process for a minute is no neighbour. */
#ifndef LC_BALANCE_H
#define LC_BALANCE_H
#include "tuning.h"
#include <stdint.h>

typedef struct lc_balance {
    int64_t credit; /* nanoseconds that calls of the team gained, less what they lost: 0 to LC_TEAM_CREDIT */
    int64_t rest;   /* nanoseconds that calls shall run alone, */
    int64_t times;  /* and how many times the last loss that was; 0: there is full credit since */
} lc_balance;

static inline int lc_rests(const lc_balance *b) { return __atomic_load_n(&b->rest, __ATOMIC_RELAXED) > 0; }

/* After a call of n threads. Where one is stalled the other n - 1 wait for it: `inside` is what they waited at
 * barriers, all together, `ends` what the caller waited for the first and the last of the others, as all but one did
 * then. So the call stood still for a part of both; the rest of the time all were at work. */
static inline void lc_was_together(lc_balance *b, int n, int64_t took, int64_t inside, int64_t ends) {
    const int64_t alone = n * (took - inside / (n - 1) - ends), lost = took - alone;
    b->credit -= lost;
    if (b->credit >= LC_TEAM_CREDIT) b->credit = LC_TEAM_CREDIT, b->times = 0;
    if (b->credit >= 0) return;
    b->times = !b->times ? LC_TEAM_REST / 16 : 2 * b->times < LC_TEAM_REST ? 2 * b->times : LC_TEAM_REST;
    __atomic_store_n(&b->rest, (lost < LC_TEAM_CREDIT ? lost : LC_TEAM_CREDIT) * b->times, __ATOMIC_RELAXED);
    b->credit = 0;
}

/* After a call that ran alone because the team rests. */
static inline void lc_was_alone(lc_balance *b, int64_t took) { __atomic_sub_fetch(&b->rest, took, __ATOMIC_RELAXED); }

#endif
