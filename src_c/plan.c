/* Who does what in a call: how many threads, whether they own rows or units, whether inputs are projected ahead. */
#include "internal.h"
#include "tuning.h"

/* Few rows do not fill the tile; many steps of one row do. */
int lc_projects(const lc_spec *spec) { return spec->batch < 4 && spec->steps > 1 && !(spec->flags & LC_SCALED); }

/* `passes` over the weights in this call and `next` in the one that follows, for which the threads stay awake; `blocks`
 * can be shared when threads own units. */
static lc_plan plan(const lc_pass *w, double passes, double next, int64_t blocks) {
    const lc_layout *l = &w->lay;
    const lc_spec *spec = w->spec;
    const size_t real_size = lc_real_bytes(spec->type);
    const double rows = (double)lc_counted(w, 0, spec->steps);
    double weights = 0;
    for (int i = 0; i < l->stages; i++) weights += (double)(l->stage[i].ub * l->stage[i].pw) * (double)l->stage[i].k;
    /* A dot product of words, or a tile of them, does so many in the time of one. */
    const double faster = !l->storage.parts                ? 1
                          : l->storage.dot == LC_DOT_TILES ? 4 * l->storage.group
                                                           : l->storage.group;
    const double pass = 2.0 * rows * weights / faster;
    lc_plan p = {.flops = (passes + next) * pass};
    p.threads = lc_worth_threads(spec->threads, p.flops);
    if (w->most && p.threads > w->most) p.threads = w->most;
    const int few = spec->batch < 4 * p.threads;
    const int heavy = (l->packed - l->stage[0].panels) * (int64_t)real_size > lc_cache_bytes();
    const int worth = passes * pass / (double)spec->steps > LC_BARRIER_FLOPS;
    p.by_units = p.threads > 1 && (few || heavy) && blocks >= p.threads && worth;
    if (!p.by_units && p.threads > spec->batch) p.threads = (int)spec->batch;
    return p;
}

void lc_plan_forward(lc_pass *w) {
    w->plan = plan(w, 1, w->spec->flags & LC_TRAIN ? 2 : 0, w->lay.ub);
    w->plan.project = lc_projects(w->spec);
}

void lc_plan_backward(lc_pass *w) { w->plan = plan(w, 2, 0, lc_ceil(w->lay.ub, 4)); }
