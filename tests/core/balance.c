/* The balance of the team as functions, for test_balance.py. */
#include "balance.h"

int64_t full(void) { return LC_TEAM_CREDIT; }
int rests(const lc_balance *b) { return lc_rests(b); }
void was_together(lc_balance *b, int n, int64_t took, int64_t inside, int64_t ends) {
    lc_was_together(b, n, took, inside, ends);
}
void was_alone(lc_balance *b, int64_t took) { lc_was_alone(b, took); }
