/* Large products: BLAS through function pointers where it is set and faster, the own tile otherwise. */
#include "internal.h"
#include "tuning.h"
#include <limits.h>

static lc_blas blas; /* zeros: none */

void lc_set_blas(const lc_blas *given) { blas = given ? *given : (lc_blas){0}; }

/* BLAS pools spin against our team, so theirs is held at one thread: the first user saves its number, the last
 * gives it back. */
static int users, saved, turn;

static void lock_turn(void) {
    while (__atomic_exchange_n(&turn, 1, __ATOMIC_ACQUIRE)) {
    }
}
static void blas_enter(void) {
    if (!blas.set_threads || !blas.get_threads) return;
    lock_turn();
    if (users++ == 0 && (saved = blas.get_threads()) != 1) blas.set_threads(1);
    __atomic_store_n(&turn, 0, __ATOMIC_RELEASE);
}
static void blas_leave(void) {
    if (!blas.set_threads || !blas.get_threads) return;
    lock_turn();
    if (--users == 0 && saved != 1) blas.set_threads(saved);
    __atomic_store_n(&turn, 0, __ATOMIC_RELEASE);
}

/* Rows of C that one BLAS call makes: fixed, so that its sums do not depend on the number of threads. */
enum { BLAS_ROWS = LC_BLAS_ROWS };

/* BLAS counts columns first, so it is asked for C' = B' A'. A row-major operand is its own transpose there. BLAS's
 * interface has no const. */
static void blas_rows(const lc_product *p, int64_t r0, int64_t rows) {
    const size_t size = lc_real_bytes(p->type);
    char ta = p->a.col == 1 ? 'N' : 'T', tb = p->b.col == 1 ? 'N' : 'T';
    int m = (int)p->n, n = (int)rows, k = (int)p->k, ldc = (int)p->n;
    int lda = (int)(p->a.col == 1 ? p->a.row : p->a.col), ldb = (int)(p->b.col == 1 ? p->b.row : p->b.col);
    char *a = (char *)(uintptr_t)p->a.p + (size_t)(r0 * p->a.row) * size;
    char *c = (char *)p->c + (size_t)(r0 * p->n) * size;
    float one_f = 1;
    double one_d = 1;
    if (p->type == LC_F32)
        blas.sgemm(&tb, &ta, &m, &n, &k, &one_f, (void *)(uintptr_t)p->b.p, &ldb, a, &lda, &one_f, c, &ldc);
    else blas.dgemm(&tb, &ta, &m, &n, &k, &one_d, (void *)(uintptr_t)p->b.p, &ldb, a, &lda, &one_d, c, &ldc);
}

static void blas_thread(void *arg, int id, int n) {
    const lc_product *p = arg;
    int64_t lo, hi;
    lc_share(lc_ceil(p->m, BLAS_ROWS), id, n, &lo, &hi);
    for (int64_t i = lo; i < hi; i++)
        blas_rows(p, i * BLAS_ROWS, p->m - i * BLAS_ROWS < BLAS_ROWS ? p->m - i * BLAS_ROWS : BLAS_ROWS);
}

/* Where BLAS is no slower than the own tile (tuning.h). It has no bias; the own tile does. */
int lc_gemm_wants_blas(const lc_product *p) {
    const int64_t least = LC_BLAS_LEAST_SIDE, most = INT_MAX;
    if (!p->blas || p->bias || p->packed || p->weights != LC_REALS) return 0;
    if (p->m < LC_BLAS_LEAST_BLOCKS * BLAS_ROWS || p->n < least || p->k < least || p->n > most || p->k > most) return 0;
    if (p->a.row > most || p->a.col > most || p->b.row > most || p->b.col > most) return 0;
    return (p->a.row == 1 || p->a.col == 1) && (p->b.row == 1 || p->b.col == 1);
}

static lc_status check(const lc_product *p, const lc_kernels **kernels, lc_storage *storage) {
    if (p->m < 1 || p->n < 1 || p->k < 1 || (p->type != LC_F32 && p->type != LC_F64)) return LC_BAD_SPEC;
    if (p->m >= INT_MAX || p->n >= INT_MAX || p->k >= INT_MAX) return LC_TOO_LARGE;
    *kernels = lc_kernels_for(p->isa, p->type);
    if (!*kernels) return LC_BAD_ISA;
    return lc_find_storage(p->isa, p->type, p->weights, p->dot, storage);
}

/* Bytes of `rows` rows of `width` reals, and of `more` reals. */
static lc_status bytes_of(const lc_product *p, int64_t rows, int64_t width, int64_t more, size_t *bytes) {
    int64_t reals, all;
    if (__builtin_mul_overflow(rows, width, &reals)) return LC_TOO_LARGE;
    if (__builtin_add_overflow(lc_ceil(reals, 16) * 16, more, &reals)) return LC_TOO_LARGE;
    if (__builtin_mul_overflow(reals, (int64_t)lc_real_bytes(p->type), &all)) return LC_TOO_LARGE;
    *bytes = (size_t)all;
    return LC_OK;
}

/* Bias and panels of B, padded to 4 registers. */
lc_status lc_gemm_packed(const lc_product *p, size_t *bytes) {
    const lc_kernels *kernels;
    lc_storage storage;
    lc_status status = check(p, &kernels, &storage);
    if (status) return status;
    const int64_t quad = 4 * kernels->lanes;
    return bytes_of(p, lc_make_run(&storage, p->k, 0).rows + 1, lc_ceil(p->n, quad) * quad, 0, bytes);
}

lc_status lc_gemm_work(const lc_product *p, size_t *bytes) {
    const lc_kernels *kernels;
    lc_storage storage;
    size_t packed = 0;
    lc_status status = check(p, &kernels, &storage);
    if (!status && !p->packed) status = lc_gemm_packed(p, &packed);
    if (status) return status;
    return bytes_of(p, p->m, lc_make_run(&storage, p->k, 0).a_row, (int64_t)(packed / lc_real_bytes(p->type)), bytes);
}

lc_status lc_gemm_pack(const lc_product *p, void *packed) {
    const lc_kernels *kernels;
    lc_storage storage;
    lc_status status = check(p, &kernels, &storage);
    if (status) return status;
    if (!p->b.p || !packed) return LC_NULL;
    kernels->gemm_pack(p, &storage, packed);
    return LC_OK;
}

lc_status lc_gemm(const lc_product *p, void *work) {
    const lc_kernels *kernels;
    lc_storage storage;
    lc_status status = check(p, &kernels, &storage);
    if (status) return status;
    if (!p->a.p || !p->c || (!p->packed && !p->b.p)) return LC_NULL;
    if (!work && (!p->packed || storage.parts)) return LC_NULL;
    if (p->packed || !lc_gemm_wants_blas(p) || !(p->type == LC_F32 ? blas.sgemm : blas.dgemm)) {
        kernels->gemm(p, &storage, work);
        return LC_OK;
    }
    const size_t size = lc_real_bytes(p->type);
    if (!p->add) __builtin_memset(p->c, 0, (size_t)(p->m * p->n) * size);
    lc_product call = *p;
    blas_enter();
    lc_parallel(lc_worth_threads(p->threads, 2.0 * (double)p->m * (double)p->n * (double)p->k), blas_thread, &call);
    blas_leave();
    return LC_OK;
}
