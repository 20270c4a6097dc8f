/* Sampling: tokens drawn from a model's outputs, and fed back to it one after another. `distribution` of
 * lstmcore/text/sampling.py is the same in NumPy.
 *
 * Weights are relative to the likeliest token's, in double. The tokens stand in a heap by weight, so that as few of
 * them are put in order as are looked at: of a vocabulary of thousands, mostly a handful. */
#include "internal.h"
#include <math.h>

typedef struct sampler {
    const lc_sampling *options;
    double *weight; /* [tokens] */
    int64_t *order; /* [tokens]: a heap; those taken from it stand behind it, the first one last */
    int64_t left;   /* in the heap */
} sampler;

/* Whether token i is likelier than token j; of two alike, the lower number. */
static int before(const sampler *s, int64_t i, int64_t j) {
    return s->weight[i] > s->weight[j] || (s->weight[i] == s->weight[j] && i < j);
}

/* Makes a heap of the order from `at` on, where all but its first entry are one. */
static void sink(const sampler *s, int64_t at) {
    const int64_t token = s->order[at];
    for (int64_t child = 2 * at + 1; child < s->left; at = child, child = 2 * child + 1) {
        if (child + 1 < s->left && before(s, s->order[child + 1], s->order[child])) child++;
        if (!before(s, s->order[child], token)) break;
        s->order[at] = s->order[child];
    }
    s->order[at] = token;
}

/* The token of this place, 0 the likeliest; places come one after another, or were asked for before. */
static int64_t likeliest(sampler *s, int64_t place) {
    const int64_t tokens = s->options->tokens;
    if (tokens - s->left <= place) {
        const int64_t last = s->order[--s->left];
        s->order[s->left] = s->order[0], s->order[0] = last;
        sink(s, 0);
    }
    return s->order[tokens - 1 - place];
}

static double weigh(const lc_sampling *o, double y, double largest) {
    if (o->temperature == 0) return y == largest;
    if (o->logits) return exp((y - largest) / o->temperature);
    return o->temperature == 1 ? y / largest : pow(y / largest, 1 / o->temperature);
}

/* Weights of all tokens, the likeliest 1; 0 if an output is NaN or infinite. */
static int weigh_all(sampler *s, const void *y) {
    const lc_sampling *o = s->options;
    double largest = -INFINITY;
    for (int64_t i = 0; i < o->tokens; i++) {
        const double w = o->type == LC_F32 ? (double)((const float *)y)[i] : ((const double *)y)[i];
        if (!isfinite(w)) return 0;
        s->weight[i] = w;
        if (w > largest && i != o->never) largest = w;
    }
    for (int64_t i = 0; i < o->tokens; i++) s->weight[i] = i == o->never ? 0 : weigh(o, s->weight[i], largest);
    return 1;
}

static void make_heap(sampler *s) {
    s->left = s->options->tokens;
    for (int64_t i = 0; i < s->left; i++) s->order[i] = i;
    for (int64_t i = s->left / 2 - 1; i >= 0; i--) sink(s, i);
}

/* The token that a number from 0 to below 1 stands for, the likeliest ones at 0. */
static int64_t draw(sampler *s, double uniform) {
    const lc_sampling *o = s->options;
    int64_t i, most = o->top_k ? o->top_k : o->tokens;
    double total = 0, sum = 0;
    make_heap(s);
    for (i = 0; i < most; i++) total += s->weight[most < o->tokens ? likeliest(s, i) : i];
    if (o->top_p < 1) {
        for (i = 0; i < most; i++) {
            sum += s->weight[likeliest(s, i)];
            if (sum >= o->top_p * total) most = i + 1;
        }
        total = sum, sum = 0;
    }
    for (i = 0; i < most; i++) {
        sum += s->weight[likeliest(s, i)];
        if (sum > uniform * total || i + 1 == most || s->weight[likeliest(s, i + 1)] == 0) break;
    }
    return likeliest(s, i);
}

lc_status lc_sample_measure(const lc_sampling *o, size_t *work) {
    if ((o->type != LC_F32 && o->type != LC_F64) || o->tokens < 2 || o->never >= o->tokens) return LC_BAD_SPEC;
    if (o->top_k < 0 || o->top_k > o->tokens || !(o->top_p > 0 && o->top_p <= 1)) return LC_BAD_SPEC;
    if (!(o->temperature >= 0 && o->temperature < INFINITY)) return LC_BAD_SPEC;
    if (__builtin_mul_overflow((size_t)o->tokens, sizeof(double) + sizeof(int64_t), work)) return LC_TOO_LARGE;
    return LC_OK;
}

static sampler make_sampler(const lc_sampling *o, void *work) {
    return (sampler){.options = o, .weight = work, .order = (int64_t *)((double *)work + o->tokens)};
}

lc_status lc_sample(const lc_sampling *o, const void *y, double uniform, int64_t *token, void *work) {
    size_t bytes;
    lc_status status = lc_sample_measure(o, &bytes);
    if (status) return status;
    if (!y || !token || !work) return LC_NULL;
    sampler s = make_sampler(o, work);
    if (!weigh_all(&s, y)) return LC_NOT_FINITE;
    *token = draw(&s, uniform);
    return LC_OK;
}

static lc_status check(const lc_stream *stream, const lc_sampling *o, const void *table) {
    const lc_program *p = stream->program;
    size_t bytes;
    lc_status status = lc_sample_measure(o, &bytes);
    if (status) return status;
    if (!p || !p->ops) return LC_NULL;
    if (stream->batch != 1 || p->outputs != o->tokens || p->type != o->type) return LC_BAD_SPEC;
    const int embeds = p->ops[0].kind == LC_OP_EMBEDDING;
    if (embeds && table) return LC_BAD_SPEC;
    return embeds || table ? LC_OK : LC_NULL;
}

lc_status lc_stream_sample(const lc_stream *stream, const lc_sampling *o, const void *table, void *y, int64_t n,
                           const double *uniforms, int64_t *tokens, int64_t *drawn, void *work, void *sampling_work) {
    lc_status status = check(stream, o, table);
    if (status) return status;
    if (n < 0) return LC_BAD_SPEC;
    if (!y || !work || !sampling_work || (n && (!uniforms || !tokens))) return LC_NULL;
    sampler s = make_sampler(o, sampling_work);
    const int64_t inputs = stream->program->inputs;
    const size_t row = (size_t)inputs * lc_real_bytes(o->type);
    int64_t i = 0;
    for (; i < n && !status; i++) {
        if (!weigh_all(&s, y)) {
            status = LC_NOT_FINITE;
            break;
        }
        tokens[i] = draw(&s, uniforms[i]);
        const void *x = table ? (const char *)table + (size_t)tokens[i] * row : (const void *)&tokens[i];
        status = lc_stream_run(stream, (lc_sequence){x, 0, inputs}, 1, y, work);
    }
    if (drawn) *drawn = i;
    return status;
}
