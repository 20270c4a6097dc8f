/* Attention forward: scores, masked softmax, weighted sums of the values. */
#ifndef LC_ATTENTION_FORWARD_H
#define LC_ATTENTION_FORWARD_H
#include "attention.h"

/* The largest score that row e sees. */
static real largest_score(const room *r, int64_t e, real scale) {
    const real *s = r->s + e * r->sp, least = -(real)__builtin_inf();
    vec most = set(least);
    for (int64_t i = r->lo[e] / VL * VL; i < r->hi[e]; i += VL) {
        const vec x = where_seen(r, e, i, load(s + i) * scale, least);
        most = where(x > most, x, most);
    }
    return largest(most);
}

/* Scores to weights, row e; columns of the block that it does not see get 0. */
static void weigh_row(const lc_attention_pass *w, const room *r, int64_t e) {
    const real scale = scale_of_scores(r->a), most = largest_score(r, e, scale);
    const int64_t first = r->columns.lo / VL * VL;
    real *s = r->s + e * r->sp;
    vec sum = {0};
    for (int64_t i = first; i < r->columns.hi; i += VL) {
        vec x = {0};
        if (sees_some(r, e, i)) x = where_seen(r, e, i, vec_exp(load(s + i) * scale - most), 0);
        store(s + i, x);
        sum += x;
    }
    const real share = 1 / across(sum); /* infinite where the row sees nothing, and all of x is 0 */
    for (int64_t i = first; i < r->columns.hi; i += VL) {
        const vec x = load(s + i);
        store(s + i, where(x == 0, x, x * share)); /* 0 beside NaN, too */
    }
    if (!w->rows) return;
    real *left = left_of_row(w, r, r->rows[e]);
    left[MOST] = most, left[SHARE] = share;
}

/* Weights of row e that the caller wants; between them zeros stand already. */
static void put_scores(const lc_attention_pass *w, const room *r, int64_t e) {
    const lc_attention *a = r->a;
    real *to = (real *)w->in->scores + ((r->b * a->heads + r->h) * a->queries + r->rows[e]) * a->keys;
    for (int64_t j = r->lo[e]; j < r->hi[e]; j++) to[r->keys[j]] = r->s[e * r->sp + j];
}

static void drop_row(const room *r, int64_t e) {
    const real *factors = gather(r, e, r->a->factors, 0);
    for (int64_t j = r->lo[e]; j < r->hi[e]; j++) r->s[e * r->sp + j] *= factors[j];
}

/* What a query gets that sees no key, as all do before the block is computed. */
static void clear_block(const lc_attention_pass *w, const room *r) {
    const lc_attention *a = r->a;
    for (int64_t t = r->t0, e = 0; t < r->t1; t++) {
        const int64_t row = (r->b * a->heads + r->h) * a->queries + t;
        if (w->in->scores) __builtin_memset((real *)w->in->scores + row * a->keys, 0, (size_t)a->keys * sizeof(real));
        if (e < r->n && r->rows[e] == t) {
            e++;
            continue;
        }
        real *y = (real *)w->in->y + ((r->b * a->queries + t) * a->heads + r->h) * a->values;
        __builtin_memset(y, 0, (size_t)a->values * sizeof(real));
    }
}

static void forward_block(const lc_attention_pass *w, room *r) {
    const lc_attention *a = r->a;
    clear_block(w, r);
    if (r->n == 0) return;
    make_scores(r);
    for (int64_t e = 0; e < r->n; e++) {
        if (r->pairs) find_seen(r, e);
        weigh_row(w, r, e);
        if (w->in->scores && !a->dropped) put_scores(w, r, e);
        if (a->factors) drop_row(r, e);
        if (w->in->scores && a->dropped) put_scores(w, r, e);
    }
    const operand weights = {.a = r->s, .row = r->sp, .col = 1};
    times_panels(&weights, &r->v, r->columns, (span){0, a->values}, r->n, r->y, r->vp, 0);
    add_nonfinite(&weights, &r->v, vectors_at(&a->v, r->b, r->g), a->v.step, r->keys, r->columns, r->n, r->y, r->vp);
    for (int64_t e = 0; e < r->n; e++) {
        real *y = (real *)w->in->y + ((r->b * a->queries + r->rows[e]) * a->heads + r->h) * a->values;
        __builtin_memcpy(y, r->y + e * r->vp, (size_t)a->values * sizeof(real));
    }
}

/* Threads share the blocks of all items. */
static void attention_forward(void *arg, int id, int n) {
    const lc_attention_pass *w = arg;
    const lc_attention *a = w->a;
    room r;
    int64_t lo, hi, item = -1;
    const int64_t reals = lay_room(&r, a, NULL, 0);
    lay_room(&r, a, (real *)w->work + id * reals, 0);
    lc_share(a->batch * a->key_heads * r.per_item, id, n, &lo, &hi);
    for (int64_t unit = lo; unit < hi; unit++) {
        if (unit / r.per_item != item) {
            open_item(&r, item = unit / r.per_item);
            pack_columns_of(&r.kt, vectors_at(&a->k, r.b, r.g), a->k.step, r.keys, r.m, a->features);
            pack_rows_of(&r.v, vectors_at(&a->v, r.b, r.g), a->v.step, r.keys, r.m, a->values);
        }
        open_block(&r, unit % r.per_item, (span){0, r.m});
        forward_block(w, &r);
    }
}

#endif
