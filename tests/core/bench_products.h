/* The time of products, and what share it is of the peak: of a bare loop of the multiply-adds that the format's product
 * is made of, on registers, each independent of the ones before it. Weights that are widened on load are multiplied as
 * reals, so their peak is that of reals. AMX's loop also loads its operands, from L1, as there is no product without.
 *
 * In assembly, so that nothing else is in the loops; elsewhere than on x86-64 and aarch64 no peak is known. */
#include "check_products.h"

#if defined(__x86_64__)
#define CLOBBERS                                                                                                       \
    "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",  \
        "xmm12", "xmm13", "xmm14", "xmm15"
#define EIGHT "0,1,2,3,4,5,6,7"
#define TWELVE EIGHT ",8,9,10,11"
#define SIXTEEN TWELVE ",12,13,14,15"
#define TWENTY_FOUR SIXTEEN ",16,17,18,19,20,21,22,23"
#define LOOP(accumulators, text)                                                                                       \
    __asm__ volatile("1:\n\t.irp acc," accumulators "\n\t" text "\n\t.endr\n\tdec %0\n\tjnz 1b\n\tvzeroupper"          \
                     : "+r"(loops)                                                                                     \
                     :                                                                                                 \
                     : CLOBBERS)

/* Registers 16 to 31 belong to nobody in a file that is compiled without AVX-512. */
static int bare_avx512(int64_t loops) {
    __asm__ volatile("vzeroall\n\t.irp acc,16,17,18,19,20,21,22,23,24,25\n\t"
                     "vpxord %%zmm\\acc, %%zmm\\acc, %%zmm\\acc\n\t.endr"
                     :
                     :
                     : CLOBBERS);
    if (REAL_F64) LOOP(TWENTY_FOUR, "vfmadd231pd %%zmm24, %%zmm25, %%zmm\\acc");
    else if (!storage.parts) LOOP(TWENTY_FOUR, "vfmadd231ps %%zmm24, %%zmm25, %%zmm\\acc");
    else if (storage.scaled) LOOP(TWENTY_FOUR, "vpdpbusd %%zmm24, %%zmm25, %%zmm\\acc");
    else LOOP(TWENTY_FOUR, "vdpbf16ps %%zmm24, %%zmm25, %%zmm\\acc");
    return 24;
}

static int bare_avx2(int64_t loops) {
    __asm__ volatile("vzeroall" : : : CLOBBERS);
    if (REAL_F64) LOOP(TWELVE, "vfmadd231pd %%ymm12, %%ymm13, %%ymm\\acc");
    else if (!storage.parts) LOOP(TWELVE, "vfmadd231ps %%ymm12, %%ymm13, %%ymm\\acc");
    else LOOP(TWELVE, "%{vex%} vpdpbusd %%ymm12, %%ymm13, %%ymm\\acc");
    return 12;
}

/* SSE2 has no fused multiply-add: a product in a register of its own, and a sum. */
static int bare_base(int64_t loops) {
    __asm__ volatile(".irp acc," SIXTEEN "\n\txorps %%xmm\\acc, %%xmm\\acc\n\t.endr" : : : CLOBBERS);
#define MULTIPLY_ADD(type) "movaps %%xmm12, %%xmm14\n\tmul" type " %%xmm13, %%xmm14\n\tadd" type " %%xmm14, %%xmm\\acc"
#define PLAIN_LOOP(text)                                                                                               \
    __asm__ volatile("1:\n\t.irp acc," TWELVE "\n\t" text "\n\t.endr\n\tdec %0\n\tjnz 1b" : "+r"(loops) : : CLOBBERS)
    if (REAL_F64) PLAIN_LOOP(MULTIPLY_ADD("pd"));
    else PLAIN_LOOP(MULTIPLY_ADD("ps"));
    return 12;
}

static int bare_amx(int64_t loops) {
    static _Alignas(64) char memory[5][1024];
    struct {
        uint8_t palette, start, none[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int i = 0; i < 8; i++) config.bytes[i] = 64, config.rows[i] = 16;
#define AMX_LOOP(multiply)                                                                                             \
    __asm__ volatile("1:\n\ttileloadd (%1,%2,1), %%tmm4\n\ttileloadd 1024(%1,%2,1), %%tmm5\n\t" multiply               \
                     " %%tmm5, %%tmm4, %%tmm0\n\ttileloadd 2048(%1,%2,1), %%tmm6\n\t" multiply                         \
                     " %%tmm6, %%tmm4, %%tmm1\n\ttileloadd 3072(%1,%2,1), %%tmm7\n\t" multiply                         \
                     " %%tmm7, %%tmm4, %%tmm2\n\ttileloadd 4096(%1,%2,1), %%tmm5\n\t" multiply                         \
                     " %%tmm5, %%tmm4, %%tmm3\n\tdec %0\n\tjnz 1b"                                                     \
                     : "+r"(loops)                                                                                     \
                     : "r"(memory), "r"((int64_t)64)                                                                   \
                     : "cc", "memory")
    __asm__ volatile("ldtilecfg %0" : : "m"(config));
    __asm__ volatile("tilezero %%tmm0\n\ttilezero %%tmm1\n\ttilezero %%tmm2\n\ttilezero %%tmm3" : :);
    if (storage.scaled) AMX_LOOP("tdpbssd");
    else AMX_LOOP("tdpbf16ps");
    __asm__ volatile("tilerelease" : :);
    return 4;
}

static int bare_loop(int64_t loops) {
    if (storage.dot == LC_DOT_TILES) return bare_amx(loops);
    return isa_now == LC_AVX512 ? bare_avx512(loops) : isa_now == LC_AVX2 ? bare_avx2(loops) : bare_base(loops);
}

#elif defined(__aarch64__)
/* SDOT and BFDOT are numbers, since assemblers do not agree on what makes them known. */
#define LOOP(text)                                                                                                     \
    __asm__ volatile(".irp acc,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,30,31\n\t"                            \
                     "movi v\\acc\\().4s, #0\n\t.endr\n"                                                               \
                     "1:\n\t.irp acc,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19\n\t" text                       \
                     "\n\t.endr\n\tsubs %0, %0, #1\n\tb.ne 1b"                                                         \
                     : "+r"(loops)                                                                                     \
                     :                                                                                                 \
                     : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",   \
                       "v14", "v15", "v16", "v17", "v18", "v19", "v30", "v31")
static int bare_loop(int64_t loops) {
    if (REAL_F64) LOOP("fmla v\\acc\\().2d, v30.2d, v31.2d");
    else if (!storage.parts) LOOP("fmla v\\acc\\().4s, v30.4s, v31.4s");
    else if (storage.scaled) LOOP(".inst 0x4e9f97c0 + \\acc"); /* sdot v\acc.4s, v30.16b, v31.16b */
    else LOOP(".inst 0x6e5fffc0 + \\acc");                     /* bfdot v\acc.4s, v30.8h, v31.8h */
    return 20;
}

#else
static int bare_loop(int64_t loops) { return loops > 0 ? 0 : 0; }
#endif

/* Cycles of one multiply-add; 0: not known. Measured right before each product, since neighbours come and go. AMX's
 * tiles are the loop's own then. */
static double bare_cycles(void) {
    const int64_t loops = 256;
    int n = 0;
    leave_storage();
    const int64_t least = LEAST_CYCLES(n = bare_loop(loops));
    return n ? (double)least / (double)(n * loops) : 0;
}

enum { BENCH_WORDS = 256 };

/* m rows of `panels` panels by the whole tile, one row by row_1 and row_np, or all of it by AMX. */
static void bench_product(int m, int panels, int single) {
    const int vl = kernels->lanes, width = 4 * vl, k = BENCH_WORDS * storage.group;
    int32_t *rows = fence_bytes((size_t)m * sizeof *rows);
    for (int r = 0; r < m; r++) rows[r] = r;
    operand op = {.a = random_reals(m * k, 1), .rows = rows, .row = k, .col = 1, .b_row = width, .n = k, .reps = 1};
    op.b = random_reals(panels * k * width, 1), op.b_rep = k * width, op.ahead = (const char *)op.b;
    ptrdiff_t b_panel = k * width;
    const operand given = to_words(&op, m, width, panels, &b_panel);
    const view to = {random_reals(panels * m * width, 1), width, vl, m * width};
    const product_args args = {&given, 1, 4, b_panel, m, NULL, to_read(to), to, by};
    const double words = by->product ? (m + 15) / 16 * 4 / 16.0 : 4.0 * m * panels; /* multiply-adds for each */
    const double peak = bare_cycles() * (storage.parts ? words / storage.group : words);
    if (by->product) BENCH_AGAINST(peak, k, "step of k", by->product(&args, 0, panels));
    else if (!single) BENCH_AGAINST(peak, k, "step of k", by->tile[m - 1][3](&given, 1, rows, args.from, to));
    else BENCH_AGAINST(peak, k, "step of k", (panels > 1 ? by->row_np : by->row_1)(&given, 1, b_panel, args.from, to));
    drop();
}

static void bench_products(void) {
    for (int format = 0; format < LC_FORMAT_COUNT; format++)
        for (int dot = LC_DOT_NONE; dot < LC_DOT_COUNT; dot++) {
            if (!enter_storage(format, dot)) continue;
            const int k = BENCH_WORDS * storage.group, most = by->product ? 32 : kernels->tile_rows;
            for (int m = 1; m <= most; m += by->product && m > 1 ? m : 1) {
                CHECKING("%s %d x 4, k = %d %s", by->product ? "product" : "tile", m, k, storage_name());
                bench_product(m, 1, 0);
            }
            for (int np = 1; !by->product && np <= by->row_panels; np += by->row_panels - 1) {
                CHECKING("single row, %d panels, k = %d %s", np, k, storage_name());
                bench_product(1, np, 1);
            }
            leave_storage();
        }
}
