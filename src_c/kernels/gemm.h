/* C = bias + A B or C += A B by the tile: B is packed into panels, threads share the rows of C. */
#ifndef LC_GEMM_H
#define LC_GEMM_H
#include "pack_words.h"
#include "product.h"

typedef struct gemm_call {
    const lc_product *p;
    const lc_storage *storage;
    lc_run run;
    const real *bias, *panels; /* packed before, or in the call's own memory: */
    real *own, *words;         /* [m][a_row]: A in words, for a dot product */
    lc_barrier barrier;
} gemm_call;

/* Reals of the bias, padded to 4 registers; the panels stand behind it. */
static int64_t gemm_bias(const lc_product *p) { return lc_ceil(p->n, 4 * VL) * 4 * VL; }

/* The columns of B that a panel has. */
typedef struct gemm_columns {
    const real *b;
    int64_t row, col, valid;
} gemm_columns;

static vec gemm_register(const void *columns, int64_t k, int g) {
    const gemm_columns *c = columns;
    const int64_t left = c->valid - g * VL, n = left < VL ? left : VL;
    const real *at = c->b + k * c->row + g * VL * c->col;
    vec x = {0};
    if (n > 0 && c->col == 1) return load_n(at, (int)n);
    for (int64_t i = 0; i < n; i++) x[i] = at[i * c->col];
    return x;
}

/* Panel j of B: columns [j*4VL, ...), `width` reals a row. */
static void gemm_pack_panel(const lc_product *p, const lc_storage *storage, real *packed, int64_t j, int width) {
    static const int column[4] = {0, 1, 2, 3};
    const lc_run run = lc_make_run(storage, p->k, 0);
    const real *b = (const real *)p->b.p + j * 4 * VL * p->b.col;
    real *dst = packed + gemm_bias(p) + j * run.rows * 4 * VL;
    const int64_t valid = p->n - j * 4 * VL < width ? p->n - j * 4 * VL : width;
    if (LC_HAS_WORDS && storage->format != LC_REALS) {
        const gemm_columns columns = {b, p->b.row, p->b.col, valid};
        word_packer packer = {.storage = storage, .at = gemm_register, .weights = &columns, .registers = width / VL};
        if (storage->scaled) into_scales(&packer, &packer, p->k, column), find_scales(&packer);
        pack_run(&packer, &run, 0, dst);
    } else
        for (int64_t k = 0; k < p->k; k++, dst += width)
            for (int64_t c = 0; c < width; c++) dst[c] = c < valid ? b[k * p->b.row + c * p->b.col] : 0;
    for (int64_t c = 0; c < width; c++)
        packed[j * 4 * VL + c] = c < valid && p->bias ? ((const real *)p->bias)[j * 4 * VL + c] : 0;
}

/* Panel j, the last, on own rows: its registers reach past the end of C's rows, so they pass through scratch. */
static void gemm_tail(const gemm_call *call, product_args args, int64_t j) {
    const lc_product *p = call->p;
    LC_ASSERT(1 <= args.nv && args.nv <= 4 && args.n >= 1 && p->n > j * 4 * VL);
    real scratch[LC_SCRATCH_ROWS * 4 * VL];
    const size_t bytes = (size_t)(p->n - j * 4 * VL) * sizeof(real);
    real *c = args.to.p + j * args.to.panel;
    const real *a = args.op->a;
    const int64_t rows = args.n;
    operand op = *args.op;
    args.op = &op;
    args.to = (view){scratch, 4 * VL, VL, 0};
    if (p->add) args.from = to_read(args.to);
    for (int64_t r = 0; r < rows; r += args.n, c += args.n * p->n) {
        args.n = rows - r < LC_SCRATCH_ROWS ? rows - r : LC_SCRATCH_ROWS;
        op.a = a + r * op.row;
        if (p->add)
            for (int64_t i = 0; i < args.n; i++) __builtin_memcpy(scratch + i * 4 * VL, c + i * p->n, bytes);
        product(&args, j, j + 1);
        for (int64_t i = 0; i < args.n; i++) __builtin_memcpy(c + i * p->n, scratch + i * 4 * VL, bytes);
    }
}

static void gemm_thread(void *arg, int id, int n) {
    gemm_call *call = arg;
    const lc_product *p = call->p;
    const int64_t panels = lc_ceil(p->n, 4 * VL), whole = p->n / (4 * VL);
    const int last = (int)(lc_ceil(p->n - (panels - 1) * 4 * VL, VL) * VL);
    int64_t lo, hi;
    if (!p->packed) {
        lc_share(panels, id, n, &lo, &hi);
        for (int64_t j = lo; j < hi; j++)
            gemm_pack_panel(p, call->storage, call->own, j, j == panels - 1 ? last : 4 * VL);
        lc_wait(&call->barrier, n);
    }
    lc_share(p->m, id, n, &lo, &hi);
    if (lo == hi) return;
    const product_parts *dots = call->storage->parts, *by = stored_parts(call->storage);
    operand op = {.a = (const real *)p->a.p + lo * p->a.row,
                  .row = p->a.row,
                  .col = p->a.col,
                  .n = p->k,
                  .reps = 1,
                  .b = call->panels,
                  .b_row = 4 * VL};
    if (dots) {
        const int64_t row = call->run.a_row;
        for (int64_t r = lo; r < hi; r++)
            dots->to_words((const real *)p->a.p + r * p->a.row, p->a.col, p->k, call->words + r * row);
        op.a = call->words + lo * row, op.row = row, op.col = 1, op.n = call->run.words;
    }
    const view c = {(real *)p->c + lo * p->n, p->n, VL, 4 * VL};
    const const_view bias = {call->bias, 0, VL, 4 * VL};
    product_args args = {&op, 1, 4, call->run.rows * 4 * VL, hi - lo, NULL, p->add ? to_read(c) : bias, c, by};
    product(&args, 0, whole);
    if (whole < panels) {
        args.nv = last / VL, op.b_row = last;
        gemm_tail(call, args, whole);
    }
    if (by->thread_end) by->thread_end();
}

static void gemm_pack(const lc_product *p, const lc_storage *storage, void *packed) {
    for (int64_t j = 0; j * 4 * VL < p->n; j++) {
        const int64_t left = p->n - j * 4 * VL;
        gemm_pack_panel(p, storage, packed, j, left < 4 * VL ? (int)(lc_ceil(left, VL) * VL) : 4 * VL);
    }
}

/* Of work the rows of A in words come first, then what is packed in the call. */
static void gemm(const lc_product *p, const lc_storage *storage, void *work) {
    const lc_run run = lc_make_run(storage, p->k, 0);
    real *own = p->packed ? NULL : (real *)work + lc_ceil(p->m * run.a_row, 16) * 16;
    const real *at = p->packed ? p->packed : own;
    gemm_call call = {p, storage, run, at, at + gemm_bias(p), own, work, {0, 0}};
    lc_parallel(lc_worth_threads(p->threads, 2.0 * (double)p->m * (double)p->n * (double)p->k), gemm_thread, &call);
}

#endif
