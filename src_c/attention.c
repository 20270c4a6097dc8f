/* Attention: the calls, their checks and their memory. What a thread does stands in kernels/attention.h. */
#include "internal.h"
#include <limits.h>

static lc_status check(const lc_attention *a, const lc_kernels **kernels) {
    const int64_t dims[] = {a->batch, a->heads, a->key_heads, a->queries, a->keys, a->features, a->values};
    for (int i = 0; i < 7; i++)
        if (dims[i] < 1) return LC_BAD_SPEC;
    for (int i = 0; i < 7; i++)
        if (dims[i] > INT32_MAX / 2) return LC_TOO_LARGE;
    if ((a->type != LC_F32 && a->type != LC_F64) || a->window < 0 || a->heads % a->key_heads) return LC_BAD_SPEC;
    if (a->scores != LC_DOT_SCORES && a->scores != LC_ADDITIVE_SCORES) return LC_BAD_SPEC;
    *kernels = lc_kernels_for(a->isa, a->type);
    return *kernels ? LC_OK : LC_BAD_ISA;
}

/* Of all scores, and of the products with them; a tanh takes as long as 40. */
static double flops(const lc_attention *a) {
    const double scores = (double)a->batch * (double)a->heads * (double)a->queries * (double)a->keys;
    return scores * (2.0 * (double)a->values + (a->scores == LC_DOT_SCORES ? 2 : 40) * (double)a->features + 40);
}

/* Buffers of 2^62 bytes and more are nobody's, and sums of smaller ones do not overflow. */
static int too_large(const lc_attention *a) {
    const double B = (double)a->batch, H = (double)a->heads, T = (double)a->queries, S = (double)a->keys;
    const double width = (double)a->features + (double)a->values, most = 0x1p56;
    return B * H * T * S > most || B * H * (T + S) * width > most || (T + S + 1024) * width > most ||
           B * H * T * (double)a->features > most;
}

lc_status lc_attention_measure(lc_attention *a) {
    const lc_kernels *kernels;
    lc_attention_room room;
    const lc_status status = check(a, &kernels);
    if (status) return status;
    if (too_large(a)) return LC_TOO_LARGE;
    kernels->attention_measure(a, &room);
    const size_t size = lc_real_bytes(a->type);
    a->team = lc_worth_threads(a->threads, flops(a));
    a->rows = (size_t)(3 * a->batch * a->heads * a->queries) * size;
    a->work = (size_t)(a->team * room.thread) * size;
    a->back_work = (size_t)(a->team * room.back_thread + room.sums) * size;
    return LC_OK;
}

/* Also what lc_attention_measure would say of it. */
static lc_status check_call(const lc_attention *a, const lc_kernels **kernels) {
    const lc_status status = check(a, kernels);
    if (status) return status;
    if (!a->q.p || !a->k.p || !a->v.p || (a->scores == LC_ADDITIVE_SCORES && !a->w)) return LC_NULL;
    return a->team < 1 ? LC_BAD_SPEC : LC_OK;
}

lc_status lc_attention_forward(const lc_attention *a, const lc_attention_io *io, void *rows, void *work) {
    const lc_kernels *kernels;
    const lc_status status = check_call(a, &kernels);
    if (status) return status;
    if (!io->y || !work) return LC_NULL;
    LC_ASSERT(lc_aligned(work));
    lc_attention_pass pass = {.a = a, .in = io, .rows = rows, .work = work};
    lc_parallel(a->team, kernels->attention_forward, &pass);
    return LC_OK;
}

lc_status lc_attention_backward(const lc_attention *a, const lc_attention_back *io, void *rows, void *work) {
    const lc_kernels *kernels;
    const lc_status status = check_call(a, &kernels);
    if (status) return status;
    if (!io->dq || !io->dk || !io->dv || !rows || !work) return LC_NULL;
    if (io->dk == io->dv && a->features != a->values) return LC_BAD_SPEC;
    LC_ASSERT(lc_aligned(work));
    lc_attention_pass pass = {.a = a, .back = io, .rows = rows, .work = work};
    lc_parallel(a->team, kernels->attention_backward, &pass);
    kernels->attention_end(&pass);
    return LC_OK;
}
