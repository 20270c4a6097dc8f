/* Attention backward: weights again, from what forward has left of each row, and the gradients through them.
 *
 *     weights P, with dropout U;  dU = dy V';  dS = P (dP - sum of P dP)
 *     dv += U' dy;  dq = scale dS k;  dk += scale dS' q
 *
 * Where items are fewer than threads, the gradients of queries come first, by blocks; then those of keys, by panels. */
#ifndef LC_ATTENTION_BACKWARD_H
#define LC_ATTENTION_BACKWARD_H
#include "attention.h"

/* What of a block is wanted. */
enum { QUERIES = 1, KEYS = 2 };

/* Scores of row e to weights in s, and in d the gradients of these, dy V', to those of the scores. */
static void differentiate_row(const lc_attention_pass *w, const room *r, int64_t e, int wanted) {
    const lc_attention *a = r->a;
    const real scale = scale_of_scores(a);
    const int64_t first = r->columns.lo / VL * VL;
    real *s = r->s + e * r->sp, *d = r->d + e * r->sp, *left = left_of_row(w, r, r->rows[e]);
    const real most = left[MOST], share = left[SHARE];
    const real *factors = a->factors ? gather(r, e, a->factors, 0) : NULL;
    const real *scores = w->back->dscores ? gather(r, e, w->back->dscores, 1) : NULL;
    vec sum = {0};
    for (int64_t i = first; i < r->columns.hi; i += VL) {
        vec p = {0}, dp = {0};
        if (sees_some(r, e, i)) {
            p = where_seen(r, e, i, vec_exp(load(s + i) * scale - most) * share, 0);
            dp = w->back->dy.p ? load(d + i) : dp;
            if (scores && a->dropped) dp += load(scores + i);
            if (factors) dp *= load(factors + i);
            if (scores && !a->dropped) dp += load(scores + i);
            dp = where(p == 0, set(0), dp); /* whatever stands at a key that weighs 0 */
        }
        sum += p * dp;
        store(s + i, p), store(d + i, dp);
    }
    if (wanted & QUERIES) left[SUM] = across(sum);
    for (int64_t i = first; i < r->columns.hi; i += VL) {
        const vec p = load(s + i);
        store(d + i, where(p == 0, p, p * (load(d + i) - left[SUM])));
        if (factors) store(s + i, where(p == 0, p, p * load(factors + i)));
    }
}

/* The gradients through additive scores, row e: dq out, those of the keys added to dkt, those of w and scale to dwv and
 * *dscale; by w and scale they are multiplied at the end. */
static void additive_back(const room *r, int64_t e, real *dq, vec *dscale) {
    const lc_attention *a = r->a;
    const real *q = vectors_at(&a->q, r->b, r->h) + r->rows[e] * a->q.step, *w = a->w, scale = (real)a->scale;
    for (int64_t f = 0; f < a->features; f++) store(r->dqv + f * VL, (vec){0});
    for (int64_t u = r->lo[e] / (4 * VL); u < lc_ceil(r->hi[e], 4 * VL); u++) {
        const int64_t width = panel_width(&r->kt, u);
        const real *k = r->kt.p + u * r->kt.k * 4 * VL;
        real *dk = r->dkt + u * r->kt.k * 4 * VL;
        vec d[4] = {{0}}, sum[4] = {{0}}, t[4] = {{0}};
        for (int j = 0; j * VL < width; j++) {
            const int64_t at = (4 * u + j) * VL; /* d has the registers that the row sees */
            if (sees_some(r, e, at)) d[j] = load(r->d + e * r->sp + at);
        }
        for (int64_t f = 0; f < a->features; f++, k += width, dk += width) {
            for (int j = 0; j < 4; j++) {
                if (j * VL < width) sum[j] = where(d[j] == 0, set(0), q[f] + load(k + j * VL));
                t[j] = sum[j] * scale;
            }
            squash(4, t, 15);
            vec dq_f = load(r->dqv + f * VL), dw_f = load(r->dwv + f * VL);
            for (int j = 0; j * VL < width; j++) {
                const vec through = d[j] * (1 - t[j] * t[j]);
                store(dk + j * VL, load(dk + j * VL) + through);
                dq_f += through, dw_f += d[j] * t[j];
                *dscale += w[f] * (through * sum[j]);
            }
            store(r->dqv + f * VL, dq_f), store(r->dwv + f * VL, dw_f);
        }
    }
    for (int64_t f = 0; f < a->features; f++) dq[f] = across(load(r->dqv + f * VL)) * w[f] * scale;
}

/* The block's dq, in r->dq, and dk through additive scores; its part of the gradients of w and scale in `sums`. */
static void additive_queries(const room *r, real *sums) {
    const int64_t F = r->a->features;
    vec dscale = {0};
    for (int64_t f = 0; f < F; f++) store(r->dwv + f * VL, (vec){0});
    for (int64_t e = 0; e < r->n; e++) additive_back(r, e, r->dq + e * r->fp, &dscale);
    for (int64_t f = 0; f < F && sums; f++) sums[f] = across(load(r->dwv + f * VL));
    if (sums) sums[F] = across(dscale);
}

/* The same through dot products. */
static void dot_queries(const room *r, real *sums) {
    const lc_attention *a = r->a;
    const operand d = {.a = r->d, .row = r->sp, .col = 1};
    const real scale = (real)a->scale;
    vec dscale = {0};
    times_panels(&d, &r->k, r->columns, (span){0, a->features}, r->n, r->dq, r->fp, 0);
    add_nonfinite(&d, &r->k, vectors_at(&a->k, r->b, r->g), a->k.step, r->keys, r->columns, r->n, r->dq, r->fp);
    for (int64_t e = 0; e < r->n; e++) {
        const real *q = vectors_at(&a->q, r->b, r->h) + r->rows[e] * a->q.step;
        real *dq = r->dq + e * r->fp;
        for (int64_t f = 0; f < a->features; f += VL) {
            const int lanes = a->features - f < VL ? (int)(a->features - f) : VL;
            dscale += load_lanes(q + f, lanes) * load(dq + f);
            store(dq + f, load(dq + f) * scale);
        }
    }
    sums[0] = across(dscale);
}

/* dk of the item += dS' q */
static void dot_keys(room *r) {
    const lc_attention *a = r->a;
    const real *q = vectors_at(&a->q, r->b, r->h);
    real *dk = r->dk + r->columns.lo * r->fp;
    const span steps = {0, r->n};
    const operand d = {.a = r->d + r->columns.lo, .row = 1, .col = r->sp};
    pack_rows_of(&r->q, q, a->q.step, r->rows, r->n, a->features);
    times_panels(&d, &r->q, steps, (span){0, a->features}, r->columns.hi - r->columns.lo, dk, r->fp, 1);
    add_nonfinite(&d, &r->q, q, a->q.step, r->rows, steps, r->columns.hi - r->columns.lo, dk, r->fp);
}

/* dv of the item += U' dy */
static void add_dv(const lc_attention_pass *w, room *r) {
    const lc_vectors *x = &w->back->dy;
    if (!x->p) return;
    const real *dy = vectors_at(x, r->b, r->h);
    real *dv = r->dv + r->columns.lo * r->vp;
    const span steps = {0, r->n};
    const operand u = {.a = r->s + r->columns.lo, .row = 1, .col = r->sp};
    pack_rows_of(&r->dy, dy, x->step, r->rows, r->n, r->a->values);
    times_panels(&u, &r->dy, steps, (span){0, r->a->values}, r->columns.hi - r->columns.lo, dv, r->vp, 1);
    add_nonfinite(&u, &r->dy, dy, x->step, r->rows, steps, r->columns.hi - r->columns.lo, dv, r->vp);
}

/* dq goes out; a query that sees no key has none. */
static void put_dq(const lc_attention_pass *w, const room *r) {
    const lc_attention *a = r->a;
    for (int64_t t = r->t0, e = 0; t < r->t1; t++) {
        real *dq = (real *)w->back->dq + ((r->b * a->queries + t) * a->heads + r->h) * a->features;
        if (e < r->n && r->rows[e] == t) __builtin_memcpy(dq, r->dq + e++ * r->fp, (size_t)a->features * sizeof(real));
        else __builtin_memset(dq, 0, (size_t)a->features * sizeof(real));
    }
}

/* A block's gradients; `sums` is its place for those of w and scale. */
static void backward_block(const lc_attention_pass *w, room *r, int wanted, real *sums) {
    const lc_attention *a = r->a;
    const lc_vectors *dy = &w->back->dy;
    const int additive = a->scores == LC_ADDITIVE_SCORES;
    if (wanted & QUERIES) __builtin_memset(sums, 0, (size_t)sums_of_unit(a) * sizeof(real));
    if (r->n > 0) {
        make_scores(r);
        if (dy->p) {
            const operand d = {.a = vectors_at(dy, r->b, r->h), .rows = r->rows, .row = dy->step, .col = 1};
            times_panels(&d, &r->vt, (span){0, a->values}, r->columns, r->n, r->d, r->sp, 0);
        }
        for (int64_t e = 0; e < r->n; e++) {
            if (r->pairs) find_seen(r, e);
            differentiate_row(w, r, e, wanted);
        }
        if (additive) additive_queries(r, wanted & QUERIES ? sums : NULL);
        else if (wanted & QUERIES) dot_queries(r, sums);
        if (wanted & KEYS && !additive) dot_keys(r);
        if (wanted & KEYS) add_dv(w, r);
    }
    if (wanted & QUERIES) put_dq(w, r);
}

/* ---- items ---- */
static void pack_item(room *r, int64_t item) {
    const lc_attention *a = r->a;
    open_item(r, item);
    const real *k = vectors_at(&a->k, r->b, r->g), *v = vectors_at(&a->v, r->b, r->g);
    pack_columns_of(&r->kt, k, a->k.step, r->keys, r->m, a->features);
    if (k == v && a->k.step == a->v.step && a->features == a->values) r->vt = r->kt;
    else pack_columns_of(&r->vt, v, a->v.step, r->keys, r->m, a->values);
    if (a->scores == LC_DOT_SCORES) pack_rows_of(&r->k, k, a->k.step, r->keys, r->m, a->features);
}

static void clear_keys(const room *r) {
    const size_t size = sizeof(real);
    __builtin_memset(r->dv, 0, (size_t)(r->m * r->vp) * size);
    if (r->a->scores == LC_DOT_SCORES) __builtin_memset(r->dk, 0, (size_t)(r->m * r->fp) * size);
    else __builtin_memset(r->dkt, 0, (size_t)(r->a->features * lc_ceil(r->m, VL) * VL) * size);
}

/* dk of column j from the panels that additive scores leave it in. */
static void take_dk(const room *r, int64_t j) {
    const lc_attention *a = r->a;
    const int64_t u = j / (4 * VL), width = panel_width(&r->kt, u);
    const real *d = r->dkt + u * r->kt.k * 4 * VL + j % (4 * VL);
    for (int64_t f = 0; f < a->features; f++) r->dqv[f] = d[f * width] * ((const real *)a->w)[f];
}

/* to[0:n] = from * scale, added to what is there with `add`; 0 for from = NULL */
static void put_row(real *to, const real *from, int64_t n, real scale, int add) {
    for (int64_t i = 0; i < n; i += VL) {
        const int lanes = n - i < VL ? (int)(n - i) : VL;
        const vec x = from ? load_lanes(from + i, lanes) * scale : (vec){0};
        store_lanes(to + i, add ? load_lanes(to + i, lanes) + x : x, lanes);
    }
}

/* dk and dv go out: of the columns [within), and zeros of hidden keys between these. */
static void put_keys(const lc_attention_pass *w, const room *r, span within) {
    const lc_attention *a = r->a;
    const int64_t F = a->features, V = a->values;
    const int sum = w->back->dk == w->back->dv;
    for (int64_t s = 0; s < a->keys; s++) {
        const int64_t row = (r->b * a->keys + s) * a->key_heads + r->g, j = r->before[s];
        if (j < within.lo || j >= within.hi) continue;
        const real *dk = NULL, *dv = NULL;
        if (r->before[s + 1] > j) {
            if (a->scores == LC_ADDITIVE_SCORES) take_dk(r, j);
            dk = a->scores == LC_ADDITIVE_SCORES ? r->dqv : r->dk + j * r->fp, dv = r->dv + j * r->vp;
        }
        put_row((real *)w->back->dv + row * V, dv, V, 1, 0);
        put_row((real *)w->back->dk + row * F, dk, F, (real)a->scale, sum);
    }
}

/* Items by threads: all gradients of a block at once. */
static void backward_items(const lc_attention_pass *w, room *r, real *sums, int id, int n) {
    const int64_t each = sums_of_unit(r->a), S = r->a->keys;
    int64_t lo, hi;
    lc_share(r->a->batch * r->a->key_heads, id, n, &lo, &hi);
    for (int64_t item = lo; item < hi; item++) {
        pack_item(r, item);
        clear_keys(r);
        for (int64_t unit = 0; unit < r->per_item; unit++) {
            open_block(r, unit, (span){0, r->m});
            backward_block(w, r, QUERIES | KEYS, sums + (item * r->per_item + unit) * each);
        }
        put_keys(w, r, (span){0, S + 1});
    }
}

/* Blocks by threads, for the queries; then panels of keys, for these. */
static void backward_parts(lc_attention_pass *w, room *r, real *sums, int id, int n) {
    const int64_t items = r->a->batch * r->a->key_heads, each = sums_of_unit(r->a);
    const int64_t parts = lc_ceil(r->a->keys, 4 * VL);
    int64_t lo, hi, item = -1;
    lc_share(items * r->per_item, id, n, &lo, &hi);
    for (int64_t unit = lo; unit < hi; unit++) {
        if (unit / r->per_item != item) pack_item(r, item = unit / r->per_item);
        open_block(r, unit % r->per_item, (span){0, r->m});
        backward_block(w, r, QUERIES, sums + unit * each);
    }
    lc_wait(&w->barrier, n);
    lc_share(items * parts, id, n, &lo, &hi);
    for (int64_t part = lo; part < hi; part++) {
        const span within = {part % parts * 4 * VL, (part % parts + 1) * 4 * VL};
        if (part / parts != item) pack_item(r, item = part / parts);
        clear_keys(r);
        for (int64_t unit = 0; unit < r->per_item; unit++) {
            open_block(r, unit, (span){within.lo, within.hi < r->m ? within.hi : r->m});
            backward_block(w, r, KEYS, NULL);
        }
        put_keys(w, r, within);
    }
}

static void attention_backward(void *arg, int id, int n) {
    lc_attention_pass *w = arg;
    room r;
    const int64_t reals = lay_room(&r, w->a, NULL, 1);
    lay_room(&r, w->a, (real *)w->work + id * reals, 1);
    real *sums = (real *)w->work + w->a->team * reals;
    if (w->a->batch * w->a->key_heads < n) backward_parts(w, &r, sums, id, n);
    else backward_items(w, &r, sums, id, n);
}

/* The gradients of w and scale: the blocks' parts in their order. */
static void attention_end(lc_attention_pass *w) {
    const lc_attention *a = w->a;
    room r;
    const real *sums = (const real *)w->work + a->team * lay_room(&r, a, NULL, 1);
    const int64_t each = sums_of_unit(a), units = a->batch * a->key_heads * r.per_item;
    real *dw = w->back->dw, *dscale = w->back->dscale;
    for (int64_t f = 0; f < each; f++) {
        double sum = 0;
        for (int64_t unit = 0; unit < units; unit++) sum += (double)sums[unit * each + f];
        if (f == each - 1 && dscale) *dscale += (real)sum;
        if (f < each - 1 && dw) dw[f] += (real)sum;
    }
}

#endif
