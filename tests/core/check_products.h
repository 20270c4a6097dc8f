/* The tile and the single-row tile: C[m x 4VL] := from[m x 4VL] + A[m x k] B[k x 4VL], in rising k. */
#include "check_kernels.h"

/* A product of up to two operands, its arrays, and what it should give. */
typedef struct product_case {
    operand op[2];
    int operands, m, registers, panels;
    ptrdiff_t b_panel;
    int32_t *rows;
    const_view from;
    view to;
    real *c, *before;
    int64_t c_size;
} product_case;

static int32_t *random_rows(int m, int most) {
    int32_t *rows = fence_bytes((size_t)m * sizeof(int32_t)), at = 0;
    for (int r = 0; r < m; r++) rows[r] = at + below(2), at = rows[r] + 1;
    for (int r = 0; r < m; r++)
        if (rows[r] >= most) exit(2);
    if (m > 1 && below(2)) {
        const int32_t first = rows[0];
        rows[0] = rows[m - 1], rows[m - 1] = first;
    }
    return rows;
}

static operand random_operand(int m, int width, int panels, ptrdiff_t *b_panel) {
    static const int lengths[] = {1, 2, 3, 8, 31, 64};
    const int n = lengths[below(6)], reps = 1 + below(3), spread = below(2), rows = 2 * m;
    operand op = {.n = n, .reps = reps, .rows = random_rows(m, rows)};
    op.col = spread ? rows : 1, op.row = spread ? 1 : n + 2, op.a_rep = spread ? n * rows : rows * (n + 2);
    op.a = random_reals(reps * op.a_rep, 1);
    op.b_row = width, op.b_rep = n * width, *b_panel = reps * op.b_rep;
    real *b = random_reals(panels * *b_panel, 1);
    op.b = b, op.ahead = (const char *)b, op.pace = 16 * below(5);
    return op;
}

static product_case random_product(int m, int registers, int panels) {
    product_case p = {.operands = 1 + below(2), .m = m, .registers = registers, .panels = panels};
    const int vl = kernels->lanes, width = registers * vl, rows = 2 * m, apart = width + 3;
    if (panels > 1) p.operands = 1; /* all operands of a product have the same distance from panel to panel */
    for (int i = 0; i < p.operands; i++) p.op[i] = random_operand(m, width, panels, &p.b_panel);
    p.rows = random_rows(m, rows);
    p.c_size = rows * apart * panels;
    p.c = random_reals(p.c_size, 1);
    p.to = (view){p.c, apart, vl, rows * apart}, p.from = to_read(p.to);
    if (below(2)) p.from = (const_view){random_reals(panels * width, 1), 0, vl, width};
    p.before = copy(p.c, p.c_size);
    return p;
}

static wide product_truth(const product_case *p, int u, int r, int lane, wide *size) {
    const int vl = kernels->lanes, j = lane / vl, v = lane % vl, from_c = p->from.p == p->c;
    const real *start = (from_c ? p->before : p->from.p) + u * p->from.panel + p->rows[r] * p->from.row;
    wide sum = start[j * p->from.vec + v];
    *size = fabsl(sum);
    for (int i = 0; i < p->operands; i++) {
        const operand *op = &p->op[i];
        for (ptrdiff_t rep = 0; rep < op->reps; rep++)
            for (ptrdiff_t k = 0; k < op->n; k++) {
                const wide a = op->a[op->rows[r] * op->row + k * op->col + rep * op->a_rep];
                const wide term = a * op->b[k * op->b_row + rep * op->b_rep + u * p->b_panel + lane];
                sum += term, *size += fabsl(term);
            }
    }
    return sum;
}

/* Every element within the rounding of a sum of so many terms, and nothing else written. */
static void check_product(const product_case *p) {
    int64_t terms = 2;
    for (int i = 0; i < p->operands; i++) terms += p->op[i].n * p->op[i].reps;
    for (int u = 0; u < p->panels; u++)
        for (int r = 0; r < p->m; r++)
            for (int lane = 0; lane < p->registers * kernels->lanes; lane++) {
                const int64_t at = u * p->to.panel + p->rows[r] * p->to.row + lane;
                wide size, wanted = product_truth(p, u, r, lane, &size);
                near(at, p->c[at], wanted, (wide)terms * EPS * size);
                p->before[at] = p->c[at];
            }
    unchanged(p->c, p->before, p->c_size);
}

/* However rows are grouped, the result is the same to the last bit: each row again, alone. */
static void check_rows_alone(const product_case *p) {
    for (int r = 0; r < p->m; r++) {
        operand op[2] = {p->op[0], p->op[1]};
        for (int i = 0; i < p->operands; i++) op[i].rows += r;
        real *alone = fence(p->registers * kernels->lanes);
        const_view from = p->from;
        view to = {alone, 0, kernels->lanes, 0};
        if (from.p == p->c) return; /* the start is gone */
        parts_now->product[LC_REALS].tile[0][p->registers - 1](op, p->operands, p->rows + r, from, to);
        unchanged(p->c + p->rows[r] * p->to.row, alone, p->registers * kernels->lanes);
    }
}

static void check_tiles(void) {
    for (int m = 1; m <= kernels->tile_rows; m++)
        for (int registers = 1; registers <= 4; registers++)
            for (int trial = 0; trial < 12; trial++) {
                CHECKING("tile %d x %d", m, registers);
                product_case p = random_product(m, registers, 1);
                parts_now->product[LC_REALS].tile[m - 1][registers - 1](p.op, p.operands, p.rows, p.from, p.to);
                check_product(&p);
                check_rows_alone(&p);
                drop();
            }
}

static void check_single_rows(void) {
    for (int trial = 0; trial < 40; trial++) {
        const int np = trial % 2 ? parts_now->product[LC_REALS].row_panels : 1;
        CHECKING("single-row tile of %d panels", np);
        product_case p = random_product(1, 4, np);
        for (int i = 0; i < p.operands; i++) p.op[i].a += p.op[i].rows[0] * p.op[i].row, p.op[i].rows = NULL;
        const_view from = p.from;
        view to = p.to;
        from.p += p.rows[0] * from.row, to.p += p.rows[0] * to.row;
        (np > 1 ? parts_now->product[LC_REALS].row_np : parts_now->product[LC_REALS].row_1)(p.op, p.operands, p.b_panel,
                                                                                            from, to);
        int32_t zero = 0;
        for (int i = 0; i < p.operands; i++) p.op[i].rows = &zero;
        check_product(&p);
        drop();
    }
}

static void bench_products(void) {
    const int vl = kernels->lanes, k = 256;
    for (int m = 1; m <= kernels->tile_rows; m++) {
        int32_t rows[LC_TILE_ROWS] = {0, 1, 2, 3, 4, 5};
        real *a = random_reals(m * k, 1), *b = random_reals(k * 4 * vl, 1), *c = random_reals(m * 4 * vl, 1);
        const operand op = {.a = a,
                            .rows = rows,
                            .row = k,
                            .col = 1,
                            .b = b,
                            .b_row = 4 * vl,
                            .n = k,
                            .reps = 1,
                            .ahead = (const char *)b};
        const view at = {c, 4 * vl, vl, 0};
        CHECKING("tile %d x 4, k = %d", m, k);
        BENCH(k, "step of k", parts_now->product[LC_REALS].tile[m - 1][3](&op, 1, rows, to_read(at), at));
        drop();
    }
    for (int np = 1; np <= parts_now->product[LC_REALS].row_panels; np += parts_now->product[LC_REALS].row_panels - 1) {
        real *a = random_reals(k, 1), *b = random_reals(np * k * 4 * vl, 1), *c = random_reals(np * 4 * vl, 1);
        const operand op = {.a = a, .col = 1, .b = b, .b_row = 4 * vl, .n = k, .reps = 1};
        const view at = {c, 0, vl, 4 * vl};
        CHECKING("single-row tile of %d panels, k = %d", np, k);
        BENCH(k, "step of k",
              (np > 1 ? parts_now->product[LC_REALS].row_np : parts_now->product[LC_REALS].row_1)(&op, 1, k * 4 * vl,
                                                                                                  to_read(at), at));
        drop();
    }
}
