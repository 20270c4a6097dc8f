/* From cpuid to a dot product, and how weights of a format are stored and multiplied. */
#if defined(__linux__)
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__aarch64__)
#include <sys/auxv.h>
#endif
#endif
#include "internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const char *const names[LC_DOT_COUNT] = {"auto", "none", "vector", "tiles"};
static int forced = LC_DOT_AUTO;

const char *lc_dot_name(int dot) { return dot >= 0 && dot < LC_DOT_COUNT ? names[dot] : "?"; }

int lc_dot_from_name(const char *name) {
    for (int i = 0; i < LC_DOT_COUNT; i++)
        if (!strcmp(name, names[i])) return i;
    return -1;
}

/* What the CPU and the system have, beside the instruction set itself. */
enum {
    HAS_AVX512_BF16 = 1,
    HAS_AVX512_VNNI = 2,
    HAS_AVX_VNNI = 4,
    HAS_AMX = 8,
    HAS_NEON_BF16 = 16,
    HAS_NEON_INT8 = 32,
    ASKED = 64
};

#if defined(__x86_64__)

/* AMX's registers are 8 KiB that the system saves, so on Linux a process asks for them first. Denied, for instance,
 * where a signal's stack is too small for them. */
static int may_use_tiles(void) {
#if defined(__linux__)
    enum { ASK_FOR_REGISTERS = 0x1023, TILES = 18, AMX_REGISTERS = 0x60000 };
    return (lc_saved_registers() & AMX_REGISTERS) == AMX_REGISTERS &&
           !syscall(SYS_arch_prctl, ASK_FOR_REGISTERS, TILES);
#else
    return 0;
#endif
}

static unsigned ask_cpu(void) {
    unsigned a, b, c, d, a1, b1, c1, d1, found = 0;
    if (!lc_isa_available(LC_AVX2) || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return found;
    if (!a || !__get_cpuid_count(7, 1, &a1, &b1, &c1, &d1)) a1 = 0;
    const unsigned tiles = 1u << 22 | 1u << 24 | 1u << 25; /* AMX-BF16, AMX-TILE, AMX-INT8 */
    if (a1 >> 4 & 1) found |= HAS_AVX_VNNI;
    if (!lc_isa_available(LC_AVX512)) return found;
    if (c >> 11 & 1) found |= HAS_AVX512_VNNI;
    if (a1 >> 5 & 1) found |= HAS_AVX512_BF16;
    if (found & HAS_AVX512_BF16 && (d & tiles) == tiles && may_use_tiles()) found |= HAS_AMX;
    return found;
}

#elif defined(__aarch64__) && defined(__linux__)
static unsigned ask_cpu(void) {
    const unsigned long has = getauxval(AT_HWCAP), more = getauxval(AT_HWCAP2);
    return (has >> 20 & 1 ? HAS_NEON_INT8 : 0u) | (more >> 14 & 1 ? HAS_NEON_BF16 : 0u);
}
#else
static unsigned ask_cpu(void) { return 0; }
#endif

static unsigned cpu_has(void) {
    static unsigned known;
    unsigned found = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (!found) {
        found = ask_cpu() | ASKED;
        __atomic_store_n(&known, found, __ATOMIC_RELAXED);
    }
    return found;
}

/* The dot product of this kind for a format on an instruction set, if it was compiled and the CPU has it; else NULL. */
static const struct product_parts *find(int isa, int format, int dot) {
    if (format == LC_REALS) return NULL; /* who has no other weights never asks the system for AMX */
    const unsigned has = cpu_has();
    (void)has;
    switch (isa) {
#if defined(__x86_64__)
    case LC_AVX512:
        if (dot == LC_DOT_TILES && has & HAS_AMX)
            return format == LC_BFLOAT16 ? lc_amx_bf16 : format == LC_INT8 ? lc_amx_int8 : NULL;
        if (dot != LC_DOT_VECTOR) return NULL;
        if (format == LC_BFLOAT16 && has & HAS_AVX512_BF16) return lc_avx512_bf16;
        return format == LC_INT8 && has & HAS_AVX512_VNNI ? lc_avx512_vnni : NULL;
    case LC_AVX2: return dot == LC_DOT_VECTOR && format == LC_INT8 && has & HAS_AVX_VNNI ? lc_avx2_vnni : NULL;
#elif defined(__aarch64__)
    case LC_NEON:
        if (dot != LC_DOT_VECTOR) return NULL;
        if (format == LC_BFLOAT16 && has & HAS_NEON_BF16) return lc_neon_bf16;
        return format == LC_INT8 && has & HAS_NEON_INT8 ? lc_neon_int8 : NULL;
#endif
    default: return NULL;
    }
}

int lc_dot_available(int isa, int format, int dot) {
    if (isa == LC_AUTO) isa = lc_isa_now();
    return dot == LC_DOT_NONE || find(isa, format, dot) != NULL;
}

/* A wish that is no kind of dot product is said once. */
static int wished(void) {
    static int said;
    const char *wish = getenv("LSTMCORE_DOT");
    const int dot = wish ? lc_dot_from_name(wish) : LC_DOT_AUTO;
    if (dot < 0 && !__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED))
        fprintf(stderr, "lstmcore: LSTMCORE_DOT=%s: expected auto, none, vector or tiles; auto is used\n", wish);
    return dot < 0 ? LC_DOT_AUTO : dot;
}

int lc_dot_now(int isa, int format) {
    const int given = __atomic_load_n(&forced, __ATOMIC_RELAXED), most = given != LC_DOT_AUTO ? given : wished();
    if (most != LC_DOT_AUTO) return lc_dot_available(isa, format, most) ? most : LC_DOT_NONE;
    for (int dot = LC_DOT_COUNT - 1; dot > LC_DOT_NONE; dot--)
        if (lc_dot_available(isa, format, dot)) return dot;
    return LC_DOT_NONE;
}

lc_status lc_dot_force(int dot) {
    if (dot < 0 || dot >= LC_DOT_COUNT) return LC_BAD_SPEC;
    __atomic_store_n(&forced, dot, __ATOMIC_RELAXED);
    return LC_OK;
}

lc_status lc_find_storage(int isa, int type, int format, int dot, lc_storage *out) {
    static const int groups[LC_FORMAT_COUNT] = {1, 2, 2, 4};
    if (format < 0 || format >= LC_FORMAT_COUNT || (format && type != LC_F32)) return LC_BAD_SPEC;
    if (dot < 0 || dot >= LC_DOT_COUNT) return LC_BAD_SPEC;
    if (isa == LC_AUTO) isa = lc_isa_now();
    if (dot == LC_DOT_AUTO) dot = format == LC_REALS ? LC_DOT_NONE : lc_dot_now(isa, format);
    *out =
        (lc_storage){.format = format, .dot = dot, .group = groups[format], .multiple = 1, .scaled = format == LC_INT8};
    if (dot == LC_DOT_NONE) return LC_OK;
    out->parts = find(isa, format, dot);
    if (dot == LC_DOT_TILES) out->multiple = 16;
    return out->parts ? LC_OK : LC_BAD_ISA;
}
