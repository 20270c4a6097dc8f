/* Attention against its definition: outputs, weights and all gradients, score by score. */
#include "check_kernels.h"

/* A case and its arrays; masks of keys and of pairs, or NULL. */
typedef struct attention_case {
    lc_attention a;
    const real *q, *k, *v, *w, *factors, *dy, *dscores;
    const uint8_t *keys, *pairs;
} attention_case;

static const uint8_t *random_bytes(int64_t n) {
    uint8_t *p = fence_bytes((size_t)n);
    for (int64_t i = 0; i < n; i++) p[i] = (uint8_t)(below(4) > 0);
    return p;
}

static attention_case random_attention(int trial) {
    const int vl = kernels->lanes, B = 1 + below(2), T = 1 + below(9), S = 1 + below(4 * vl + 5), K = 1 + below(2);
    const int H = K * (1 + below(2)), F = 1 + below(2 * vl), V = 1 + below(2 * vl), additive = trial % 2;
    attention_case c = {.q = random_reals(B * T * H * F, 1), .k = random_reals(B * S * K * F, 1)};
    c.v = random_reals(B * S * K * V, 1), c.dy = random_reals(B * T * H * V, 1);
    if (additive) c.w = random_reals(F, 1);
    if (below(2)) c.factors = random_reals(B * H * T * S, 1);
    if (below(2)) c.dscores = random_reals(B * H * T * S, 1);
    if (below(2)) c.keys = random_bytes(B * S);
    if (below(2)) c.pairs = random_bytes(B * T * S);
    c.a = (lc_attention){.type = TYPE,
                         .isa = isa_now,
                         .threads = 1,
                         .scores = additive ? LC_ADDITIVE_SCORES : LC_DOT_SCORES,
                         .batch = B,
                         .heads = H,
                         .key_heads = K,
                         .queries = T,
                         .keys = S,
                         .features = F,
                         .values = V,
                         .scale = 0.5,
                         .causal = below(2),
                         .dropped = below(2),
                         .window = below(2) * (1 + below(5)),
                         .q = {c.q, T * H * F, F, H * F},
                         .k = {c.k, S * K * F, F, K * F},
                         .v = {c.v, S * K * V, V, K * V},
                         .w = c.w,
                         .seen = {{c.keys, S, 0, 0, 1}, {c.pairs, T * S, 0, S, 1}},
                         .factors = c.factors};
    return c;
}

static int sees(const attention_case *c, int64_t b, int64_t t, int64_t s) {
    const lc_attention *a = &c->a;
    const int64_t away = t < s ? s - t : t - s;
    if ((a->causal && s > t) || (a->window && away >= a->window)) return 0;
    if (c->keys && !c->keys[b * a->keys + s]) return 0;
    return !c->pairs || c->pairs[(b * a->queries + t) * a->keys + s];
}

/* What should come out: in `at` the numbers, in `room` the sizes of their terms. */
typedef struct attention_truth {
    wide *y, *scores, *dq, *dk, *dv, *dw, dscale;
} attention_truth;

static wide *zeros_of(int64_t n) {
    wide *p = calloc((size_t)n, sizeof *p);
    if (!p) exit(2);
    return p;
}
static attention_truth new_truth(const lc_attention *a) {
    const int64_t B = a->batch, T = a->queries, S = a->keys, H = a->heads, K = a->key_heads;
    return (attention_truth){.y = zeros_of(B * T * H * a->values),
                             .scores = zeros_of(B * H * T * S),
                             .dq = zeros_of(B * T * H * a->features),
                             .dk = zeros_of(B * S * K * a->features),
                             .dv = zeros_of(B * S * K * a->values),
                             .dw = zeros_of(a->features)};
}
static void free_truth(attention_truth *x) {
    free(x->y), free(x->scores), free(x->dq), free(x->dk), free(x->dv), free(x->dw);
}

static wide score_of(const attention_case *c, const real *q, const real *k) {
    wide sum = 0;
    for (int64_t f = 0; f < c->a.features; f++)
        sum += c->w ? c->w[f] * tanhl(c->a.scale * ((wide)q[f] + k[f])) : c->a.scale * (wide)q[f] * k[f];
    return sum;
}

/* Adds the gradients of one score, d, to what it was made of; with `sizes`, their sizes. */
static void score_back(const attention_case *c, attention_truth *x, wide d, int64_t query, int64_t key, int sizes) {
    const int64_t F = c->a.features;
    const real *q = c->q + query * F, *k = c->k + key * F;
    for (int64_t f = 0; f < F; f++) {
        const wide in = (wide)q[f] + k[f], t = tanhl(c->a.scale * in), w = c->w ? c->w[f] : 0;
        wide dq = d * (c->w ? w * (1 - t * t) * c->a.scale : c->a.scale * k[f]);
        wide dk = d * (c->w ? w * (1 - t * t) * c->a.scale : c->a.scale * q[f]);
        wide dscale = d * (c->w ? w * (1 - t * t) * in : (wide)q[f] * k[f]), dw = d * t;
        if (sizes) dq = fabsl(dq), dk = fabsl(dk), dscale = fabsl(dscale), dw = fabsl(dw);
        x->dq[query * F + f] += dq, x->dk[key * F + f] += dk, x->dscale += dscale, x->dw[f] += dw;
    }
}

/* One query. */
static void attend_truth(const attention_case *c, attention_truth *x, int64_t b, int64_t h, int64_t t, int sizes) {
    const lc_attention *a = &c->a;
    const int64_t S = a->keys, V = a->values, K = a->key_heads, g = h / (a->heads / K);
    const int64_t query = (b * a->queries + t) * a->heads + h, row = ((b * a->heads + h) * a->queries + t) * S;
    wide *p = zeros_of(S), *dp = zeros_of(S), total = 0, sum = 0;
    for (int64_t s = 0; s < S; s++) {
        if (!sees(c, b, t, s)) continue;
        total += p[s] = expl(score_of(c, c->q + query * a->features, c->k + ((b * S + s) * K + g) * a->features));
    }
    for (int64_t s = 0; s < S; s++) {
        if (!sees(c, b, t, s)) continue;
        const int64_t key = (b * S + s) * K + g;
        const wide factor = c->factors ? c->factors[row + s] : 1, dscore = c->dscores ? c->dscores[row + s] : 0;
        p[s] /= total;
        x->scores[row + s] = p[s] * (a->dropped ? factor : 1);
        for (int64_t i = 0; i < V; i++) {
            const wide y = p[s] * factor * c->v[key * V + i], dv = p[s] * factor * c->dy[query * V + i];
            const wide d = (wide)c->dy[query * V + i] * c->v[key * V + i];
            x->y[query * V + i] += sizes ? fabsl(y) : y, x->dv[key * V + i] += sizes ? fabsl(dv) : dv;
            dp[s] += sizes ? fabsl(d) : d;
        }
        dp[s] = (dp[s] + (a->dropped ? dscore : 0)) * factor + (a->dropped ? 0 : dscore);
        if (sizes) dp[s] = fabsl(dp[s]) + fabsl(dscore) * (1 + fabsl(factor));
        sum += p[s] * dp[s];
    }
    for (int64_t s = 0; s < S; s++)
        if (sees(c, b, t, s))
            score_back(c, x, p[s] * (sizes ? dp[s] + sum : dp[s] - sum), query, (b * S + s) * K + g, sizes);
    free(p), free(dp);
}

static void compare(const real *got, const wide *wanted, const wide *size, wide unit, int64_t n) {
    for (int64_t i = 0; got && i < n; i++) near(i, got[i], wanted[i], unit * (fabsl(size[i]) + 1e-30L));
}

static void check_one_attention(int trial) {
    attention_case c = random_attention(trial);
    lc_attention *a = &c.a;
    const int64_t B = a->batch, T = a->queries, S = a->keys, H = a->heads, K = a->key_heads, F = a->features;
    const int64_t V = a->values;
    CHECKING("attention, trial %d: T %d S %d H %d F %d V %d", trial, (int)T, (int)S, (int)H, (int)F, (int)V);
    if (lc_attention_measure(a)) exit(2);
    attention_truth wanted = new_truth(a), size = new_truth(a);
    for (int64_t b = 0; b < B; b++)
        for (int64_t h = 0; h < H; h++)
            for (int64_t t = 0; t < T; t++) {
                attend_truth(&c, &wanted, b, h, t, 0);
                attend_truth(&c, &size, b, h, t, 1);
            }
    const lc_attention_io io = {fence(B * T * H * V), fence(B * H * T * S)};
    real *dw = fence(F), *dscale = fence(1);
    memset(dw, 0, (size_t)F * sizeof *dw), *dscale = 0;
    const lc_attention_back back = {{c.dy, T * H * V, V, H * V},
                                    c.dscores,
                                    fence(B * T * H * F),
                                    fence(B * S * K * F),
                                    fence(B * S * K * V),
                                    dw,
                                    dscale};
    /* sizes are whole cache lines, so work is aligned and ends with its page */
    void *rows = fence_bytes(a->rows);
    if (lc_attention_forward(a, &io, rows, fence_bytes(lc_ceil((int64_t)a->work, 64) * 64))) exit(2);
    if (lc_attention_backward(a, &back, rows, fence_bytes(lc_ceil((int64_t)a->back_work, 64) * 64))) exit(2);
    /* a score has F terms of at most 1, and its error is the weights' */
    const wide unit = EPS * (4 * (F + 8) * (1 + F) + 2 * (S + T * H + V));
    compare(io.y, wanted.y, size.y, unit, B * T * H * V),
        compare(io.scores, wanted.scores, size.scores, unit, B * H * T * S);
    compare(back.dq, wanted.dq, size.dq, unit, B * T * H * F),
        compare(back.dk, wanted.dk, size.dk, unit, B * S * K * F);
    compare(back.dv, wanted.dv, size.dv, unit, B * S * K * V), compare(dscale, &wanted.dscale, &size.dscale, unit, 1);
    if (c.w) compare(dw, wanted.dw, size.dw, unit, F);
    free_truth(&wanted), free_truth(&size);
    drop();
}

static void check_attention(void) {
    for (int trial = 0; trial < 60; trial++) check_one_attention(trial);
}

static void bench_attention(void) {
    enum { T = 50, F = 64 };
    const real *x = random_reals(T * F, 1);
    const lc_vectors v = {x, T * F, 0, F};
    for (int additive = 0; additive < 2; additive++) {
        lc_attention a = {.type = TYPE,
                          .isa = isa_now,
                          .threads = 1,
                          .scores = additive ? LC_ADDITIVE_SCORES : LC_DOT_SCORES,
                          .batch = 1,
                          .heads = 1,
                          .key_heads = 1,
                          .queries = T,
                          .keys = T,
                          .features = F,
                          .values = F,
                          .scale = 0.1,
                          .q = v,
                          .k = v,
                          .v = v,
                          .w = x};
        if (lc_attention_measure(&a)) exit(2);
        void *rows = fence_bytes(a.rows), *work = fence_bytes(lc_ceil((int64_t)a.back_work, 64) * 64);
        void *forward_work = fence_bytes(lc_ceil((int64_t)a.work, 64) * 64);
        const lc_attention_io io = {.y = fence(T * F)};
        const lc_attention_back back = {.dy = v, .dq = fence(T * F), .dk = fence(T * F), .dv = fence(T * F)};
        CHECKING("%s attention of %d on %d, %d features", additive ? "additive" : "dot-product", T, T, F);
        BENCH(T * T, "score, forward", lc_attention_forward(&a, &io, rows, forward_work));
        BENCH(T * T, "score, backward", lc_attention_backward(&a, &back, rows, work));
    }
    drop();
}
