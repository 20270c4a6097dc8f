/* Checks every kernel of one type on every instruction set of this machine, and times it with --bench.
 *
 *     check_kernels            compares with formulas, one number at a time; looks at padding and red zones
 *     check_kernels --bench    ... and says how many cycles each kernel takes
 *
 * `make kernels` builds it for both types and runs it. */
#include "bench_products.h"
#include "check_arrays.h"
#include "check_attention.h"
#include "check_cells.h"
#include "check_pack.h"

int main(int argc, char **argv) {
    timing = argc > 1 && !strcmp(argv[1], "--bench");
    signal(SIGSEGV, crashed);
    signal(SIGBUS, crashed);
    for (isa_now = LC_BASE; isa_now < LC_ISA_COUNT; isa_now++) {
        const int failed = failures, done = checks;
        char dots[256] = "";
        if (!lc_isa_available(isa_now)) continue;
        kernels = lc_kernels_for(isa_now, TYPE), parts_now = kernels->parts;
        check_products(dots, sizeof dots);
        check_packs();
        check_cells();
        check_arrays();
        check_attention();
        if (timing) bench_products(), bench_cells(), bench_arrays(), bench_attention();
        printf("%s, float%d: %d checks, %d failures%s\n", lc_isa_name(isa_now), REAL_F64 ? 64 : 32, checks - done,
               failures - failed, dots);
    }
    return failures > 0;
}
