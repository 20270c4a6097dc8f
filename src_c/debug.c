/* Where a broken precondition ends a debug build. */
#include "internal.h"
#include <stdio.h>
#include <stdlib.h>

void lc_assert_failed(const char *what, const char *file, int line) {
    fprintf(stderr, "lstmcore: %s:%d: does not hold: %s\n", file, line, what);
    abort();
}
