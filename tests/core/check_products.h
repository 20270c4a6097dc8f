/* Products: C[m x nv VL] := from[m x nv VL] + A[m x k] B[k x nv VL], in rising k, by the tile, the single-row tile and
 * AMX, with weights as reals and in every format of words. */
#include "check_formats.h"

/* A product of up to two operands, its arrays, and what it should give. `given` is what the kernel gets: op itself, or
 * words of the same worth. */
typedef struct product_case {
    operand op[2], given[2];
    int operands, m, registers, panels;
    ptrdiff_t b_panel, given_panel;
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

/* A ends with the last number that the product reads; in some cases one of its numbers is NaN. */
static operand random_operand(int m, int width, int panels, ptrdiff_t *b_panel) {
    static const int lengths[] = {1, 2, 3, 8, 31, 64, 70};
    const int n = lengths[below(7)], whole = storage.parts || storage.scaled, spread = below(2);
    operand op = {.n = n, .reps = whole ? 1 : 1 + below(3), .rows = random_rows(m, 2 * m)};
    int32_t last = 0;
    for (int r = 0; r < m; r++) last = op.rows[r] > last ? op.rows[r] : last;
    op.col = spread ? 2 * m : 1, op.row = spread ? 1 : n + 2, op.a_rep = spread ? n * 2 * m : 2 * m * (n + 2);
    real *a = random_reals((op.reps - 1) * op.a_rep + last * op.row + (n - 1) * op.col + 1, 1);
    if (!below(8)) a[op.rows[below(m)] * op.row + below(n) * op.col] = (real)NAN;
    op.a = a, op.b_row = width, op.b_rep = n * width, *b_panel = op.reps * op.b_rep;
    real *b = random_reals(panels * *b_panel, 1);
    op.b = b, op.ahead = (const char *)b, op.pace = 16 * below(5);
    return op;
}

static product_case random_product(int m, int registers, int panels) {
    product_case p = {.operands = 1 + below(2), .m = m, .registers = registers, .panels = panels};
    const int vl = kernels->lanes, width = registers * vl, rows = 2 * m, apart = width + 3;
    if (panels > 1) p.operands = 1; /* all operands of a product have the same distance from panel to panel */
    if (storage.scaled && !by->product) p.operands = 1; /* what is scaled comes alone: product() sees to it */
    for (int i = 0; i < p.operands; i++) {
        p.op[i] = random_operand(m, width, panels, &p.b_panel);
        p.given_panel = p.b_panel;
        p.given[i] = to_words(&p.op[i], m, width, panels, &p.given_panel);
    }
    p.rows = random_rows(m, rows);
    p.c_size = rows * apart * panels;
    p.c = random_reals(p.c_size, 1);
    p.to = (view){p.c, apart, vl, rows * apart}, p.from = to_read(p.to);
    if (below(2)) p.from = (const_view){random_reals(panels * width, 1), 0, vl, width};
    p.before = copy(p.c, p.c_size);
    return p;
}

/* Rows [r, r + m). */
static void make_product(const product_case *p, int r, int m, const_view from, view to) {
    operand op[2] = {p->given[0], p->given[1]};
    for (int i = 0; i < p->operands; i++)
        if (op[i].rows) op[i].rows += r;
        else op[i].a += r * op[i].row;
    const product_args args = {op, p->operands, p->registers, p->given_panel, m, p->rows + r, from, to, by};
    if (by->product) {
        by->product(&args, 0, p->panels);
        return;
    }
    for (int u = 0; u < p->panels; u++, from.p += from.panel, to.p += to.panel) {
        by->tile[m - 1][p->registers - 1](op, p->operands, p->rows + r, from, to);
        for (int i = 0; i < p->operands; i++) op[i].b += p->given_panel;
    }
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

/* Every element within the rounding of a sum of so many terms, and nothing else written. A sum of bytes is exact: of
 * one operand what rounds is that it becomes a real, its scale, the product of the two and the last sum. */
static void check_product(const product_case *p) {
    const int exact = storage.scaled && storage.parts && p->operands == 1;
    int64_t terms = 2;
    for (int i = 0; i < p->operands; i++) terms += p->op[i].n * p->op[i].reps;
    for (int u = 0; u < p->panels; u++)
        for (int r = 0; r < p->m; r++)
            for (int lane = 0; lane < p->registers * kernels->lanes; lane++) {
                const int64_t at = u * p->to.panel + p->rows[r] * p->to.row + lane;
                wide size, wanted = product_truth(p, u, r, lane, &size);
                near(at, p->c[at], wanted, exact ? 2 * EPS * (fabsl(wanted) + 2) : (wide)terms * EPS * size);
                p->before[at] = p->c[at];
            }
    unchanged(p->c, p->before, p->c_size);
}

/* Rows [r, r + m) of four panels of one register at once. */
static void make_beside(const product_case *p, int r, int m, const_view from, view to) {
    operand op = p->given[0];
    op.b_vec = p->given_panel;
    if (op.rows) op.rows += r;
    else op.a += r * op.row;
    from.vec = from.panel, to.vec = to.panel;
    by->beside[m - 1](&op, 1, p->rows + r, from, to);
}

/* However rows are grouped, the result is the same to the last bit: some rows again, alone. */
static void check_rows_alone(const product_case *p) {
    const int width = p->registers * kernels->lanes;
    if (p->from.p == p->c) return; /* the start is gone */
    for (int i = 0; i < p->m && i < 6; i++) {
        const int r = p->m <= 6 ? i : below(p->m);
        real *alone = fence(p->panels * width);
        make_product(p, r, 1, p->from, (view){alone, 0, kernels->lanes, width});
        for (int u = 0; u < p->panels; u++)
            unchanged(p->c + u * p->to.panel + p->rows[r] * p->to.row, alone + u * width, width);
    }
}

static void check_tiles(void) {
    for (int m = 1; m <= kernels->tile_rows; m++)
        for (int registers = 1; registers <= 4; registers++)
            for (int trial = 0; trial < 12; trial++) {
                CHECKING("tile %d x %d %s", m, registers, storage_name());
                product_case p = random_product(m, registers, 1);
                make_product(&p, 0, m, p.from, p.to);
                check_product(&p);
                check_rows_alone(&p);
                drop();
            }
}

static void check_panels_beside(void) {
    for (int m = 1; m <= kernels->tile_rows; m++)
        for (int trial = 0; trial < 12; trial++) {
            CHECKING("tile %d x 4 panels of one register %s", m, storage_name());
            product_case p = random_product(m, 1, 4);
            make_beside(&p, 0, m, p.from, p.to);
            check_product(&p);
            check_rows_alone(&p);
            drop();
        }
}

static void check_single_rows(void) {
    for (int trial = 0; trial < 40; trial++) {
        const int np = trial % 2 ? by->row_panels : 1;
        CHECKING("single-row tile of %d panels %s", np, storage_name());
        product_case p = random_product(1, 4, np);
        operand op[2] = {p.given[0], p.given[1]};
        for (int i = 0; i < p.operands; i++) op[i].a += op[i].rows[0] * op[i].row, op[i].rows = NULL;
        const_view from = p.from;
        view to = p.to;
        from.p += p.rows[0] * from.row, to.p += p.rows[0] * to.row;
        (np > 1 ? by->row_np : by->row_1)(op, p.operands, p.given_panel, from, to);
        check_product(&p);
        drop();
    }
}

/* What makes products of any number of rows and panels by itself: AMX. */
static void check_whole_products(void) {
    static const int rows[] = {1, 2, 3, 5, 8, 15, 16, 17, 31, 32, 33, 40};
    for (int i = 0; i < 12; i++)
        for (int registers = 1; registers <= 4; registers++)
            for (int panels = 1; panels <= 3; panels++) {
                CHECKING("product %d x %d, %d panels, %s", rows[i], registers, panels, storage_name());
                product_case p = random_product(rows[i], registers, panels);
                make_product(&p, 0, rows[i], p.from, p.to);
                check_product(&p);
                check_rows_alone(&p);
                drop();
            }
}

/* Reals, and every format of words by every means that this CPU has; says by which dot products. */
static void check_products(char *dots, size_t size) {
    for (int format = 0; format < LC_FORMAT_COUNT; format++)
        for (int dot = LC_DOT_NONE; dot < LC_DOT_COUNT; dot++) {
            if (!enter_storage(format, dot)) continue;
            if (storage.parts) snprintf(dots + strlen(dots), size - strlen(dots), ", %s", storage_name());
            check_conversions();
            if (by->product) check_whole_products();
            else check_tiles(), check_panels_beside(), check_single_rows();
            leave_storage();
        }
}
