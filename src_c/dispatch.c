/* From cpuid to a table of kernels. */
#include "internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

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

#if defined(__x86_64__)

/* The parts of the register file that the system saves when it switches threads: bits 1 and 2 are the registers of AVX,
 * 5 to 7 those of AVX-512, 17 and 18 AMX's. Without them the instructions fault, whatever the CPU has. */
unsigned lc_saved_registers(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

enum { AVX_REGISTERS = 0x06, AVX512_REGISTERS = 0xe6 };

static unsigned ask_cpu(void) {
    const unsigned avx512 = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
    unsigned a, b, c, d, found = 1u << LC_BASE;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return found;
    const unsigned saved = lc_saved_registers();
    if (!(c & bit_AVX) || !(c & bit_FMA) || !(c & bit_F16C) || (saved & AVX_REGISTERS) != AVX_REGISTERS) return found;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2)) return found;
    found |= 1u << LC_AVX2;
    if ((b & avx512) == avx512 && (saved & AVX512_REGISTERS) == AVX512_REGISTERS) found |= 1u << LC_AVX512;
    return found;
}

#elif defined(__aarch64__)
static unsigned ask_cpu(void) { return 1u << LC_BASE | 1u << LC_NEON; }
#else
static unsigned ask_cpu(void) { return 1u << LC_BASE; }
#endif

/* By cpuid itself: __builtin_cpu_supports reads a table of the compiler's own library, and where that leaves it empty,
 * as Zig's does, every CPU is the oldest. Asked once, since under a hypervisor cpuid takes microseconds. */
static int cpu_has(int isa) {
    static unsigned known; /* bit i: instruction set i; 0: not asked yet */
    unsigned found = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (!found) {
        found = ask_cpu();
        __atomic_store_n(&known, found, __ATOMIC_RELAXED);
    }
    return found >> isa & 1;
}

int lc_isa_available(int isa) { return compiled(isa, LC_F32) && cpu_has(isa); }

static int best(void) {
    for (int i = LC_ISA_COUNT - 1; i > LC_BASE; i--)
        if (lc_isa_available(i)) return i;
    return LC_BASE;
}

/* A wish that cannot be granted is said once. Python never comes here with one: its import refuses it. */
static int wished_isa(void) {
    static int said;
    const char *wish = getenv("LSTMCORE_ISA");
    const int isa = wish ? lc_isa_from_name(wish) : LC_AUTO;
    if (isa == LC_AUTO) return best();
    if (lc_isa_available(isa)) return isa;
    if (!__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED))
        fprintf(stderr, "lstmcore: LSTMCORE_ISA=%s is not available here; %s is used\n", wish, names[best()]);
    return best();
}

int lc_isa_now(void) {
    int isa = __atomic_load_n(&forced, __ATOMIC_RELAXED);
    if (isa != LC_AUTO) return isa;
    isa = wished_isa();
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
