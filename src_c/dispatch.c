/* From cpuid to a table of kernels. */
#include "internal.h"
#include <stdlib.h>
#include <string.h>

static const char *const names[LC_ISA_COUNT] = {"auto", "base", "avx2", "avx512", "neon"};
static int forced = LC_AUTO;

const char *lc_isa_name(int isa) { return isa >= 0 && isa < LC_ISA_COUNT ? names[isa] : "?"; }

int lc_isa_from_name(const char *name) {
    for (int i = 0; i < LC_ISA_COUNT; i++)
        if (!strcmp(name, names[i])) return i;
    return -1;
}

/* Kernels that were compiled, whatever this CPU has. */
static const lc_kernels *compiled(int isa, int type) {
    const int f64 = type == LC_F64;
    switch (isa) {
    case LC_BASE: return f64 ? lc_kernels_base_f64 : lc_kernels_base_f32;
#if defined(__x86_64__)
    case LC_AVX2: return f64 ? lc_kernels_avx2_f64 : lc_kernels_avx2_f32;
    case LC_AVX512: return f64 ? lc_kernels_avx512_f64 : lc_kernels_avx512_f32;
#elif defined(__aarch64__)
    case LC_NEON: return f64 ? lc_kernels_neon_f64 : lc_kernels_neon_f32;
#endif
    default: return NULL;
    }
}

static int cpu_has(int isa) {
#if defined(__x86_64__)
    if (isa == LC_AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == LC_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
#endif
    return 1;
}

int lc_isa_available(int isa) { return compiled(isa, LC_F32) && cpu_has(isa); }

static int best(void) {
    for (int i = LC_ISA_COUNT - 1; i > LC_BASE; i--)
        if (lc_isa_available(i)) return i;
    return LC_BASE;
}

/* An unknown or missing ISA in the environment is not obeyed in silence: Python's import says so. */
int lc_isa_now(void) {
    int isa = __atomic_load_n(&forced, __ATOMIC_RELAXED);
    if (isa != LC_AUTO) return isa;
    const char *wish = getenv("LSTMCORE_ISA");
    isa = wish ? lc_isa_from_name(wish) : LC_AUTO;
    isa = lc_isa_available(isa) ? isa : best();
    __atomic_store_n(&forced, isa, __ATOMIC_RELAXED);
    return isa;
}

lc_status lc_isa_force(int isa) {
    if (isa != LC_AUTO && !lc_isa_available(isa)) return LC_BAD_ISA;
    __atomic_store_n(&forced, isa, __ATOMIC_RELAXED);
    return LC_OK;
}

const lc_kernels *lc_kernels_for(int isa, int type) {
    if (isa == LC_AUTO) isa = lc_isa_now();
    if (type != LC_F32 && type != LC_F64) return NULL;
    return lc_isa_available(isa) ? compiled(isa, type) : NULL;
}
