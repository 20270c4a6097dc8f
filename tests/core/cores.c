/* Prints how many cores the core counts where /proc and /sys lie below argv[1]. */
#include "internal.h"
#include <stdio.h>

int main(int count, char **arguments) { return count != 2 || printf("%d\n", lc_usable_cores(arguments[1])) < 0; }
