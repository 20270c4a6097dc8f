/* What both passes of attention share: a thread's memory, which keys and queries count, packing, products and scores.
 *
 * An *item* is a sample and a head of keys. Its keys that some query may see are listed and packed; for each head of
 * queries that uses them, the queries pass by in blocks. Rows of a block are the queries in it that see a key, columns
 * the listed keys; query e sees columns [lo[e], hi[e]), what a causal mask and a window leave, and of these what `seen`
 * shows where a mask has a say on pairs.
 *
 * Each score is one chain over the features, each output one over the keys, each gradient of a key one over heads and
 * queries; a row's sums go by lanes, by the key's place in the list. So no bit depends on blocks or threads. */
#ifndef LC_ATTENTION_H
#define LC_ATTENTION_H
#include "product.h"

/* A right operand of products, k rows of n reals in panels of 4 registers, the last of as many as it needs. */
typedef struct panels {
    real *p;
    int64_t k, n;
    int finite; /* what is not, has been packed as 0: see add_nonfinite */
} panels;

typedef struct span {
    int64_t lo, hi;
} span;

typedef struct room {
    const lc_attention *a;
    int64_t fp, vp, sp;                     /* F, V and S rounded up to registers */
    int64_t block, blocks, heads, per_item; /* queries of a block; blocks of a head, heads and blocks of an item */
    int64_t b, g, h;                        /* sample, head of keys, head of queries */
    int64_t t0, t1;                         /* steps of the block */
    int64_t m, n;                           /* keys that are listed; queries of the block that see one */
    int32_t *keys, *before;                 /* [m]; [S + 1] how many of them are before a step */
    int32_t *rows, *lo, *hi;                /* [n] */
    span columns;                           /* that the block needs */
    int pairs;                              /* a mask has a say on pairs: */
    uint8_t *seen;                          /* [m] of a row */
    real *gathered[2];                      /* [m] numbers of a row's scores */
    panels kt, v;                           /* of the item: keys, transposed, and values */
    panels k, vt, q, dy;    /* backward: keys and values the other way; queries and gradients of a block */
    real *s, *y;            /* of the block: [block][sp] scores, then weights; [block][vp] outputs */
    real *d, *dq, *dk, *dv; /* backward: [block][sp], [block][fp]; of the item: [S][fp], [S][vp] */
    real *dkt, *dqv, *dwv;  /* additive scores: [F][sp]; [F][VL], by lanes */
} room;

/* n things of a size, from a cache line on. With p NULL, it only counts. */
static void *take_bytes(real *p, int64_t *at, int64_t n, size_t size) {
    const int64_t line = LINE / (int64_t)sizeof(real), reals = lc_ceil(n * (int64_t)size, LINE) * line;
    real *const here = p ? p + *at : NULL;
    *at += reals;
    return here;
}
static real *take(real *p, int64_t *at, int64_t n) { return take_bytes(p, at, n, sizeof(real)); }

/* Lays a thread's memory out; returns its reals. */
static int64_t lay_room(room *r, const lc_attention *a, real *p, int backward) {
    const int64_t F = a->features, S = a->keys, rows = LC_SCRATCH_ROWS / MR * MR, tile = 4 * MR;
    const int additive = a->scores == LC_ADDITIVE_SCORES;
    int64_t at = 0;
    *r = (room){.a = a, .b = -1};
    r->fp = lc_ceil(F, VL) * VL, r->vp = lc_ceil(a->values, VL) * VL, r->sp = lc_ceil(S, VL) * VL;
    const int64_t fit = LC_ATTENTION_SCORES / r->sp / MR * MR;
    r->block = fit < tile ? tile : fit < rows ? fit : rows;
    if (r->block > a->queries) r->block = a->queries;
    r->blocks = lc_ceil(a->queries, r->block), r->heads = a->heads / a->key_heads;
    r->per_item = r->heads * r->blocks;
    r->keys = take_bytes(p, &at, S, sizeof(int32_t)), r->before = take_bytes(p, &at, S + 1, sizeof(int32_t));
    r->rows = take_bytes(p, &at, r->block, sizeof(int32_t));
    r->lo = take_bytes(p, &at, r->block, sizeof(int32_t)), r->hi = take_bytes(p, &at, r->block, sizeof(int32_t));
    r->seen = take_bytes(p, &at, r->sp, 1);
    for (int i = 0; i < 2; i++) r->gathered[i] = take(p, &at, r->sp);
    r->kt.p = take(p, &at, F * r->sp), r->s = take(p, &at, r->block * r->sp);
    if (!backward) {
        r->v.p = take(p, &at, S * r->vp), r->y = take(p, &at, r->block * r->vp);
        return at;
    }
    r->vt.p = take(p, &at, a->values * r->sp), r->dy.p = take(p, &at, r->block * r->vp);
    r->d = take(p, &at, r->block * r->sp), r->dq = take(p, &at, r->block * r->fp);
    r->dv = take(p, &at, S * r->vp);
    r->k.p = take(p, &at, additive ? 0 : S * r->fp), r->q.p = take(p, &at, additive ? 0 : r->block * r->fp);
    r->dk = take(p, &at, additive ? 0 : S * r->fp), r->dkt = take(p, &at, additive ? F * r->sp : 0);
    r->dqv = take(p, &at, additive ? F * VL : 0), r->dwv = take(p, &at, additive ? F * VL : 0);
    return at;
}

static int64_t sums_of_unit(const lc_attention *a) { return a->scores == LC_ADDITIVE_SCORES ? a->features + 1 : 1; }

static void attention_measure(const lc_attention *a, lc_attention_room *out) {
    room r;
    out->thread = lay_room(&r, a, NULL, 0), out->back_thread = lay_room(&r, a, NULL, 1);
    out->sums = a->batch * a->key_heads * r.per_item * sums_of_unit(a);
}

/* ---- registers ---- */
/* One round of a transposition: swaps the quarters off the diagonal of each block of 2w lanes and registers. */
INLINE void swap_quarters(vec x[VL], const int w) {
    const bits lane = lane_numbers(), upper = (lane & w) != 0;
    UNROLL for (int i = 0; i < VL; i++) {
        if (i & w || w >= VL) continue;
        const vec a = x[i], b = x[i + w];
        x[i] = pick(a, b, lane + (upper & (VL - w)));
        x[i + w] = pick(a, b, lane + w + (upper & (VL - w)));
    }
}
/* A function of its own: where it is inlined, a compiler writes it out for each number of rows that are there. */
static __attribute__((noinline)) void transpose_square(vec x[VL]) {
    vec y[VL];
    UNROLL for (int i = 0; i < VL; i++) y[i] = x[i];
    swap_quarters(y, 8), swap_quarters(y, 4), swap_quarters(y, 2), swap_quarters(y, 1);
    UNROLL for (int i = 0; i < VL; i++) x[i] = y[i];
}

/* ---- what counts ---- */
static int hides_keys(const lc_seen *s) { return s->p && s->query == 0 && s->head == 0; }
static int hides_queries(const lc_seen *s) { return s->p && s->key == 0 && s->head == 0 && s->query != 0; }
static int hides_pairs(const lc_seen *s) { return s->p && !hides_keys(s) && !hides_queries(s); }

static int key_counts(const room *r, int64_t s) {
    for (int i = 0; i < LC_SEEN; i++) {
        const lc_seen *m = &r->a->seen[i];
        if (hides_keys(m) && !m->p[r->b * m->sample + s * m->key]) return 0;
    }
    return 1;
}
static int query_counts(const room *r, int64_t t) {
    for (int i = 0; i < LC_SEEN; i++) {
        const lc_seen *m = &r->a->seen[i];
        if (hides_queries(m) && !m->p[r->b * m->sample + t * m->query]) return 0;
    }
    return 1;
}

static const real *vectors_at(const lc_vectors *x, int64_t b, int64_t h) {
    return (const real *)x->p + b * x->sample + h * x->head;
}

/* Turns to an item: lists its keys. */
static void open_item(room *r, int64_t item) {
    r->b = item / r->a->key_heads, r->g = item % r->a->key_heads, r->m = 0, r->pairs = 0;
    for (int64_t s = 0; s < r->a->keys; s++) {
        r->before[s] = (int32_t)r->m;
        if (key_counts(r, s)) r->keys[r->m++] = (int32_t)s;
    }
    r->before[r->a->keys] = (int32_t)r->m;
    for (int i = 0; i < LC_SEEN; i++) r->pairs |= hides_pairs(&r->a->seen[i]);
}

/* Turns to block `unit` of the item: lists the queries that see some of the columns [within). */
static void open_block(room *r, int64_t unit, span within) {
    const lc_attention *a = r->a;
    const int64_t S = a->keys, far = a->window ? a->window : S + a->queries;
    r->h = r->g * r->heads + unit / r->blocks;
    r->t0 = unit % r->blocks * r->block, r->t1 = r->t0 + r->block < a->queries ? r->t0 + r->block : a->queries;
    r->n = 0, r->columns = (span){r->m, 0};
    for (int64_t t = r->t0; t < r->t1; t++) {
        const int64_t first = t - far + 1, end = a->causal ? t + 1 : t + far;
        int64_t lo = r->before[first < 0 ? 0 : first < S ? first : S], hi = r->before[end < S ? end : S];
        if (lo < within.lo) lo = within.lo;
        if (hi > within.hi) hi = within.hi;
        if (lo >= hi || !query_counts(r, t)) continue;
        r->rows[r->n] = (int32_t)t, r->lo[r->n] = (int32_t)lo, r->hi[r->n++] = (int32_t)hi;
        if (lo < r->columns.lo) r->columns.lo = lo;
        if (hi > r->columns.hi) r->columns.hi = hi;
    }
}

/* Which of the columns of row e its masks show, where one has a say on pairs. */
static void find_seen(const room *r, int64_t e) {
    for (int64_t j = r->lo[e]; j < r->hi[e]; j++) r->seen[j] = 1;
    for (int i = 0; i < LC_SEEN; i++) {
        const lc_seen *m = &r->a->seen[i];
        if (!hides_pairs(m)) continue;
        const uint8_t *p = m->p + r->b * m->sample + r->h * m->head + r->rows[e] * m->query;
        for (int64_t j = r->lo[e]; j < r->hi[e]; j++) r->seen[j] &= p[r->keys[j] * m->key] != 0;
    }
}

/* Whether row e sees some and all of the columns [i, i + VL). */
INLINE int sees_some(const room *r, int64_t e, int64_t i) { return i + VL > r->lo[e] && i < r->hi[e]; }
INLINE int sees_all(const room *r, int64_t e, int64_t i) { return i >= r->lo[e] && i + VL <= r->hi[e] && !r->pairs; }

/* The lanes of columns [i, i + VL) that row e sees. */
INLINE bits seen_lanes(const room *r, int64_t e, int64_t i) {
    typedef uint8_t bytes __attribute__((vector_size(VL)));
    const bits at = lane_numbers() + (int32_t)i;
    bits held = (at >= r->lo[e]) & (at < r->hi[e]);
    if (r->pairs) {
        bytes shown;
        __builtin_memcpy(&shown, r->seen + i, VL);
        held &= __builtin_convertvector(shown, bits) != 0;
    }
    return held;
}

/* x in the columns [i, i + VL) that row e sees, `other` elsewhere. */
INLINE vec where_seen(const room *r, int64_t e, int64_t i, vec x, real other) {
    return sees_all(r, e, i) ? x : where(seen_lanes(r, e, i), x, set(other));
}

/* The numbers of row e in an array [B][H][T][S], by column. */
static const real *gather(const room *r, int64_t e, const void *all, int which) {
    const int64_t S = r->a->keys;
    const real *from = (const real *)all + ((r->b * r->a->heads + r->h) * r->a->queries + r->rows[e]) * S;
    for (int64_t j = r->lo[e]; j < r->hi[e]; j++) r->gathered[which][j] = from[r->keys[j]];
    return r->gathered[which];
}

/* Where forward leaves of a query the largest score, the weight of it, and backward the sum of weights times their
 * gradients. */
enum { MOST, SHARE, SUM, ROW_REALS };
static real *left_of_row(const lc_attention_pass *w, const room *r, int64_t t) {
    return (real *)w->rows + ((r->b * r->a->heads + r->h) * r->a->queries + t) * ROW_REALS;
}

/* ---- packing and products ---- */
INLINE int64_t panel_width(const panels *b, int64_t j) {
    const int64_t left = lc_ceil(b->n, VL) - 4 * j;
    return (left < 4 ? left : 4) * VL;
}

/* Rows of B: vectors rows[i] of x, n reals each. */
static void pack_rows_of(panels *b, const real *x, int64_t step, const int32_t *rows, int64_t count, int64_t n) {
    vec zero = {0};
    b->k = count, b->n = n;
    for (int64_t j = 0; j * VL < n; j++) {
        const int lanes = n - j * VL < VL ? (int)(n - j * VL) : VL;
        const int64_t width = panel_width(b, j / 4);
        real *to = b->p + j / 4 * count * 4 * VL + j % 4 * VL;
        for (int64_t i = 0; i < count; i++, to += width) {
            const vec row = load_lanes(x + rows[i] * step + j * VL, lanes);
            zero += row * 0;
            store(to, row);
        }
    }
    b->finite = across(zero) == 0;
    if (b->finite) return;
    for (int64_t i = 0; i < lc_ceil(n, VL) * VL * count; i++) b->p[i] = b->p[i] * 0 == 0 ? b->p[i] : 0;
}

/* Columns of B: vectors rows[i] of x, k reals each. */
static void pack_columns_of(panels *b, const real *x, int64_t step, const int32_t *rows, int64_t count, int64_t k) {
    b->k = k, b->n = count;
    for (int64_t j = 0; j * VL < count; j++) {
        const int64_t width = panel_width(b, j / 4);
        const int valid = count - j * VL < VL ? (int)(count - j * VL) : VL;
        real *to = b->p + j / 4 * k * 4 * VL + j % 4 * VL;
        for (int64_t at = 0; at < k; at += VL, to += VL * width) {
            const int lanes = k - at < VL ? (int)(k - at) : VL;
            vec square[VL];
            for (int c = 0; c < VL; c++)
                square[c] = c < valid ? load_lanes(x + rows[j * VL + c] * step + at, lanes) : (vec){0};
            transpose_square(square);
            for (int v = 0; v < lanes; v++) store(to + v * width, square[v]);
        }
    }
}

/* C = A B or, with `add`, C += A B, of rows `steps` of B (columns of A) and the panels that hold its columns [columns);
 * C has `rows` rows, `apart` reals from one to the next. */
static void times_panels(const operand *a, const panels *b, span steps, span columns, int64_t rows, real *c,
                         int64_t apart, int add) {
    static const real zeros[4 * VL];
    if (rows == 0 || steps.lo >= steps.hi || columns.lo >= columns.hi) return;
    operand op = *a;
    op.a += steps.lo * op.col, op.n = steps.hi - steps.lo, op.reps = 1, op.b_row = 4 * VL;
    op.b = b->p + steps.lo * 4 * VL;
    const view to = {c, apart, VL, 4 * VL};
    const const_view zero = {zeros, 0, VL, 0};
    product_args args = {&op, 1, 4, b->k * 4 * VL, rows, NULL, add ? to_read(to) : zero, to, NULL};
    const int64_t whole = lc_ceil(b->n, VL) / 4, u0 = columns.lo / (4 * VL), u1 = lc_ceil(columns.hi, 4 * VL);
    if (u0 < whole) product(&args, u0, u1 < whole ? u1 : whole);
    if (u1 <= whole) return;
    args.nv = (int)(lc_ceil(b->n, VL) % 4), args.b_panel = 0;
    op.b_row = args.nv * VL, op.b = b->p + whole * b->k * 4 * VL + steps.lo * op.b_row;
    product(&args, whole, whole + 1);
}

/* Adds to C = A B what B's rows had that are not numbers, and were packed as 0: but where A is exactly 0, as the weight
 * of a hidden key is, these do not count. Row k of B is vector rows[k] of x. */
static void add_nonfinite(const operand *a, const panels *b, const real *x, int64_t step, const int32_t *rows,
                          span steps, int64_t count, real *c, int64_t apart) {
    for (int64_t k = steps.lo; k < steps.hi && !b->finite; k++)
        for (int64_t j = 0; j < b->n; j++) {
            const real found = x[rows[k] * step + j];
            if (found * 0 == 0) continue;
            for (int64_t i = 0; i < count; i++) {
                const real factor = a->a[i * a->row + k * a->col];
                if (factor != 0) c[i * apart + j] += factor * found;
            }
        }
}

/* ---- scores ---- */
/* sum of w tanh(scale (q + k)), row e, for panels [u0, u1): a chain over the features for each. */
static void additive_scores(const room *r, int64_t e, int64_t u0, int64_t u1) {
    const lc_attention *a = r->a;
    const real *q = vectors_at(&a->q, r->b, r->h) + r->rows[e] * a->q.step, *w = a->w;
    const real scale = (real)a->scale;
    for (int64_t u = u0; u < u1; u++) {
        const int64_t width = panel_width(&r->kt, u);
        const real *k = r->kt.p + u * r->kt.k * 4 * VL;
        vec sum[4] = {{0}}, x[4] = {{0}};
        for (int64_t f = 0; f < a->features; f++, k += width) {
            for (int j = 0; j < 4; j++)
                if (j * VL < width) x[j] = (q[f] + load(k + j * VL)) * scale;
            squash(4, x, 15);
            for (int j = 0; j < 4; j++) sum[j] += w[f] * x[j];
        }
        for (int j = 0; j * VL < width; j++) store(r->s + e * r->sp + (4 * u + j) * VL, sum[j]);
    }
}

/* The scores of the block, before the scale of a dot product. */
static void make_scores(const room *r) {
    const lc_attention *a = r->a;
    const int64_t u0 = r->columns.lo / (4 * VL), u1 = lc_ceil(r->columns.hi, 4 * VL);
    if (a->scores == LC_ADDITIVE_SCORES) {
        for (int64_t e = 0; e < r->n; e++) additive_scores(r, e, u0, u1);
        return;
    }
    const operand q = {.a = vectors_at(&a->q, r->b, r->h), .rows = r->rows, .row = a->q.step, .col = 1};
    times_panels(&q, &r->kt, (span){0, a->features}, r->columns, r->n, r->s, r->sp, 0);
}

INLINE real scale_of_scores(const lc_attention *a) { return a->scores == LC_DOT_SCORES ? (real)a->scale : 1; }

#endif
