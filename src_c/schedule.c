/* Which rows are at work at which step: the mask as lists, so that steps that do not count cost nothing. */
#include "internal.h"

void lc_find_schedule(lc_pass *pass, const void *memory) {
    const int64_t T = pass->spec->steps, B = pass->spec->batch;
    const int masked = (pass->spec->flags & LC_MASKED) != 0;
    const int64_t entries = masked ? T * B : B;
    const int32_t *at = memory;
    lc_schedule *l = &pass->list;
    l->row = at, l->from = at, l->to = at, l->last = at;
    l->first = l->count = NULL;
    if (!masked) return;
    l->from = at += entries, l->to = at += entries, l->last = at += entries;
    l->count = at += B, l->first = at + B;
}

void lc_make_schedule(lc_pass *pass, void *memory, const lc_mask *mask, int turns) {
    const int64_t T = pass->spec->steps, B = pass->spec->batch;
    lc_find_schedule(pass, memory);
    const lc_schedule *l = &pass->list;
    int32_t *row = memory;
    if (!l->first) {
        for (int64_t b = 0; b < B; b++) row[b] = (int32_t)b;
        return;
    }
    int32_t *from = row + (l->from - l->row), *to = row + (l->to - l->row), *last = row + (l->last - l->row);
    int32_t *count = row + (l->count - l->row), *first = row + (l->first - l->row);
    int32_t e = 0;
    for (int64_t b = 0; b < B; b++) last[b] = (int32_t)b, count[b] = 0;
    for (int64_t t = 0; t < T; t++) {
        first[t] = e;
        for (int64_t b = 0; b < B; b++) {
            if (!mask->p[t * mask->step + b * mask->row]) continue;
            row[e] = (int32_t)b, from[e] = last[b];
            last[b] = (int32_t)(turns ? last[b] < B ? b + B : b : (t + 1) * B + b);
            to[e++] = last[b];
            count[b]++;
        }
    }
    first[T] = e;
}

int64_t lc_counted(const lc_pass *pass, int64_t t0, int64_t t1) {
    const int32_t *first = pass->list.first;
    return first ? first[t1] - first[t0] : (t1 - t0) * pass->spec->batch;
}

/* With a mask the shares are equal in steps that count, as nearly as whole rows allow. */
void lc_own_rows(const lc_pass *pass, int id, int n, int64_t *b0, int64_t *b1) {
    const int64_t B = pass->spec->batch;
    lc_share(B, id, n, b0, b1);
    if (!pass->list.first) return;
    const int64_t total = pass->list.first[pass->spec->steps];
    *b0 = id ? B : 0, *b1 = B;
    for (int64_t b = 0, before = 0; b < B; before += pass->list.count[b++]) {
        const int64_t middle = 2 * before + pass->list.count[b];
        if (id && *b0 == B && middle * n >= 2 * total * id) *b0 = b;
        if (id + 1 < n && *b1 == B && middle * n >= 2 * total * (id + 1)) *b1 = b;
    }
}

/* The first entry in [lo, hi) with a row of b or more. */
static int64_t find(const int32_t *row, int64_t lo, int64_t hi, int64_t b) {
    while (lo < hi) {
        const int64_t mid = lo + (hi - lo) / 2;
        if (row[mid] < b) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

void lc_entries(const lc_pass *pass, int64_t t, int64_t b0, int64_t b1, int64_t *e0, int64_t *e1) {
    const lc_schedule *l = &pass->list;
    *e0 = b0, *e1 = b1;
    if (!l->first) return;
    *e0 = find(l->row, l->first[t], l->first[t + 1], b0);
    *e1 = find(l->row, *e0, l->first[t + 1], b1);
}
