/* Dot products by AMX, of Sapphire Rapids: products of tiles of 16 rows of A by 16 words of k.
 *
 * A tile register has 16 rows of 64 bytes. Four of them are C, m rows by the panel's 4 registers; A has one, and the
 * panel's words are B as they stand:
 *
 *     tmm0..3   C, [m][16] each       tmm4   A, [m][16 words]       tmm5..7   B, [16 words of k][16], in turns
 *
 * 16 words of k take 5 loads and 4 products, whatever m is; a product takes 16 cycles, a load 8. In a product the sums
 * of the even and of the odd steps of k go by themselves, so an element of C is one fixed chain here, too, as long as
 * runs begin with a whole tile: WORDS_MULTIPLE. */
#define LC_SIMD_AVX512 1
#define REAL_F64 0
#include "internal.h"
#include "isa.h"
#if defined(LC_SIMD_LACKING) || !defined(__AMX_TILE__) || !defined(__AVX512BF16__)
HIDDEN const struct product_parts *const lc_amx_bf16 = NULL, *const lc_amx_int8 = NULL;
#else
#define WORDS_MULTIPLE 16
#define DOT_SIGNED
#include "to_words.h"

/* By hand, since the compilers' intrinsics do not say that they read and write memory. */
#define LOAD(tile, p, stride)                                                                                          \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile : : "r"(p), "r"((int64_t)(stride) * 4) : "memory")
#define STORE(tile, p, stride)                                                                                         \
    __asm__ volatile("tilestored %%tmm" #tile ", (%0,%1,1)" : : "r"(p), "r"((int64_t)(stride) * 4) : "memory")
#define ZERO(tile) __asm__ volatile("tilezero %%tmm" #tile : :)
#define MULTIPLY(format, c, b)                                                                                         \
    do {                                                                                                               \
        if (format == DOT_INT8) __asm__ volatile("tdpbssd %%tmm" #b ", %%tmm4, %%tmm" #c : :);                         \
        else __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm4, %%tmm" #c : :);                                          \
    } while (0)

/* Rows of the tiles of C and A, as this thread has set them; 0: it has no tiles. */
static _Thread_local int tile_rows;

static void set_rows(int m) {
    struct {
        uint8_t palette, start, none[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    if (m == tile_rows) return;
    for (int i = 0; i < 8; i++) config.bytes[i] = 64, config.rows[i] = (uint8_t)(i < 5 ? m : 16);
    __asm__ volatile("ldtilecfg %0" : : "m"(config));
    tile_rows = m;
}

/* The tiles are there from a thread's first product to the end of its work. */
static void thread_end(void) {
    if (tile_rows) __asm__ volatile("tilerelease" : :);
    tile_rows = 0;
}

/* C += A B over the words of an operand, for nv registers of one panel. */
INLINE void multiply(const int format, int nv, const real *a, ptrdiff_t row, const real *b, ptrdiff_t b_row,
                     ptrdiff_t n) {
    for (ptrdiff_t k = 0; k < n; k += 16, b += 16 * b_row) {
        LOAD(4, a + k, row);
        LOAD(5, b, b_row);
        MULTIPLY(format, 0, 5);
        if (nv < 2) continue;
        LOAD(6, b + 16, b_row);
        MULTIPLY(format, 1, 6);
        if (nv < 3) continue;
        LOAD(7, b + 32, b_row);
        MULTIPLY(format, 2, 7);
        if (nv < 4) continue;
        LOAD(5, b + 48, b_row);
        MULTIPLY(format, 3, 5);
    }
}

/* m rows of one panel; of C they are `from.row` and `to.row` apart. */
static void rows_bfloat16(const product_args *args, ptrdiff_t r, ptrdiff_t u, const_view from, view to) {
    const int nv = args->nv;
    LOAD(0, from.p, from.row);
    if (nv > 1) LOAD(1, from.p + from.vec, from.row);
    if (nv > 2) LOAD(2, from.p + 2 * from.vec, from.row);
    if (nv > 3) LOAD(3, from.p + 3 * from.vec, from.row);
    for (int i = 0; i < args->ops; i++) {
        const operand *op = &args->op[i];
        multiply(DOT_BFLOAT16, nv, op->a + r * op->row, op->row, op->b + u * args->b_panel, op->b_row, op->n);
    }
    STORE(0, to.p, to.row);
    if (nv > 1) STORE(1, to.p + to.vec, to.row);
    if (nv > 2) STORE(2, to.p + 2 * to.vec, to.row);
    if (nv > 3) STORE(3, to.p + 3 * to.vec, to.row);
}

/* The sums pass through memory, where they are scaled. */
static void rows_int8(const product_args *args, ptrdiff_t r, ptrdiff_t u, const_view from, view to) {
    _Alignas(64) real sums[16][4 * VL];
    for (int i = 0; i < args->ops; i++, from = to_read(to)) {
        const operand *op = &args->op[i];
        const real *a = op->a + r * op->row, *b = op->b + u * args->b_panel;
        const real *scales = b + (op->n + 1) * op->b_row;
        ZERO(0);
        ZERO(1);
        ZERO(2);
        ZERO(3);
        multiply(DOT_INT8, args->nv, a, op->row, b, op->b_row, op->n);
        STORE(0, sums[0], 4 * VL);
        STORE(1, sums[0] + VL, 4 * VL);
        STORE(2, sums[0] + 2 * VL, 4 * VL);
        STORE(3, sums[0] + 3 * VL, 4 * VL);
        for (int e = 0; e < tile_rows; e++)
            for (int j = 0; j < args->nv; j++) {
                const vec scaled =
                    scale_sum(DOT_INT8, load(sums[e] + j * VL), a + e * op->row + op->n, scales + j * VL, op->b_row);
                store(to.p + e * to.row + j * to.vec, load(from.p + e * from.row + j * from.vec) + scaled);
            }
    }
}

/* How many rows from r on, at most `most`, stand at equal distances in C: the first distance is `*apart`. */
INLINE int rows_alike(const product_args *args, ptrdiff_t r, int most, ptrdiff_t *apart) {
    const int32_t *rows = args->rows ? args->rows + r : NULL;
    *apart = 1;
    if (!rows || most < 2) return most;
    *apart = rows[1] - rows[0];
    int m = 2;
    while (m < most && rows[m] - rows[m - 1] == *apart) m++;
    return m;
}

INLINE void product_of_tiles(const int format, const product_args *args, ptrdiff_t u0, ptrdiff_t u1) {
    LC_ASSERT(args->n >= 1 && 1 <= args->nv && args->nv <= 4);
    for (ptrdiff_t u = u0; u < u1; u++)
        for (ptrdiff_t r = 0, left = args->n, m, apart; left; r += m, left -= m) {
            const ptrdiff_t tiles = (left + 15) / 16, row = args->rows ? args->rows[r] : r;
            m = rows_alike(args, r, (int)((left + tiles - 1) / tiles), &apart);
            const_view from = args->from;
            view to = args->to;
            from.p += u * from.panel + row * from.row, to.p += u * to.panel + row * to.row;
            from.row *= apart, to.row *= apart;
            set_rows((int)m);
            if (format == DOT_INT8) rows_int8(args, r, u, from, to);
            else rows_bfloat16(args, r, u, from, to);
        }
}

static void product_bfloat16(const product_args *args, ptrdiff_t u0, ptrdiff_t u1) {
    product_of_tiles(DOT_BFLOAT16, args, u0, u1);
}
static void product_int8(const product_args *args, ptrdiff_t u0, ptrdiff_t u1) {
    product_of_tiles(DOT_INT8, args, u0, u1);
}

static const product_parts bfloat16 = {
    .format = DOT_BFLOAT16, .to_words = to_bfloat16_words, .product = product_bfloat16, .thread_end = thread_end};
static const product_parts int8 = {
    .format = DOT_INT8, .to_words = to_int8_words, .product = product_int8, .thread_end = thread_end};
HIDDEN const struct product_parts *const lc_amx_bf16 = &bfloat16, *const lc_amx_int8 = &int8;
#endif
