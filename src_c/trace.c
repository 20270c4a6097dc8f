/* What a tape says of every step, for who wants to look inside. Numbers are only moved: their type does not matter. */
#include "internal.h"
#include <string.h>

typedef struct source {
    const lc_pass *pass;
    const char *part; /* of the tape, in blocks of units */
    size_t size;      /* of a real */
    int64_t lanes;
} source;

/* Puts the units of one row together: block u has them at `at` + u * `block`, in reals. */
static void gather(const source *s, int64_t at, int64_t block, char *to) {
    const int64_t H = s->pass->spec->units;
    for (int64_t u = 0; u * s->lanes < H; u++) {
        const int64_t unit = u * s->lanes, n = H - unit < s->lanes ? H - unit : s->lanes;
        memcpy(to + (size_t)unit * s->size, s->part + (size_t)(at + u * block) * s->size, (size_t)n * s->size);
    }
}

static void gather_gates(const source *s, char *out) {
    const lc_spec *spec = s->pass->spec;
    const lc_layout *lay = &s->pass->lay;
    const lc_schedule *list = &s->pass->list;
    const int64_t T = spec->steps, B = spec->batch, H = spec->units, G = lay->stage[0].source[0].gates;
    if (list->first) memset(out, 0xff, (size_t)(G * T * B * H) * s->size); /* all bits set: NaN in either type */
    for (int64_t t = 0; t < T; t++) {
        int64_t e, end;
        lc_entries(s->pass, t, 0, B, &e, &end);
        for (; e < end; e++) {
            const int64_t row = list->first ? e : t * B + e;
            for (int64_t g = 0; g < G; g++)
                gather(s, row * lay->stage[0].row + (lay->norm.gates + g) * s->lanes, lay->stage[0].block,
                       out + (size_t)(((g * T + t) * B + list->row[e]) * H) * s->size);
        }
    }
}

static void gather_cells(const source *s, char *out) {
    const lc_spec *spec = s->pass->spec;
    const lc_schedule *list = &s->pass->list;
    const int64_t T = spec->steps, B = spec->batch, block = (T + 1) * B * s->lanes;
    const size_t row = (size_t)spec->units * s->size, step = (size_t)B * row;
    for (int64_t t = 0; t < T; t++, out += step) {
        int64_t e, end;
        lc_entries(s->pass, t, 0, B, &e, &end);
        if (t && end - e < B) memcpy(out, out - step, step);
        for (int64_t b = 0; !t && b < B; b++) gather(s, b * s->lanes, block, out + (size_t)b * row);
        for (; e < end; e++) {
            const int64_t slot = list->first ? list->to[e] : (t + 1) * B + e;
            gather(s, slot * s->lanes, block, out + (size_t)list->row[e] * row);
        }
    }
}

lc_status lc_trace(const lc_spec *spec, const void *tape, void *gates, void *c) {
    lc_pass w = {.spec = spec};
    lc_status status = lc_find(spec, &w.kernels, &w.lay);
    if (status) return status;
    if (!(spec->flags & LC_TRAIN) || (c && w.lay.states < 2)) return LC_BAD_SPEC;
    if (!tape) return LC_NULL;
    source s = {&w, NULL, lc_real_bytes(spec->type), w.kernels->lanes};
    const char *at = tape;
    lc_find_schedule(&w, at + (size_t)w.lay.tape_list * s.size);
    if (gates) s.part = at + (size_t)w.lay.stage[0].z * s.size, gather_gates(&s, gates);
    if (c) s.part = at + (size_t)w.lay.tape_c * s.size, gather_cells(&s, c);
    return LC_OK;
}
