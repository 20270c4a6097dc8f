/* Packing: every number of the panels has its place by the layout's description, and all else is zero. */
#include "check_kernels.h"

static const lc_spec pack_specs[] = {
    {.cell = LC_LSTM},
    {.cell = LC_LSTM, .variant = LC_PEEPHOLE | LC_NO_FORGET_GATE},
    {.cell = LC_LSTM, .variant = LC_PEEPHOLE | LC_FULL_GATES},
    {.cell = LC_LSTM, .variant = LC_PEEPHOLE, .projection = 19},
    {.cell = LC_LSTM, .layer_norm = LC_NORM_BOTH},
    {.cell = LC_LSTM, .variant = LC_PEEPHOLE | LC_COUPLED, .layer_norm = LC_NORM_SUM},
    {.cell = LC_GRU},
    {.cell = LC_GRU, .variant = LC_RESET_BEFORE},
    {.cell = LC_RNN},
};

static const char *const kernel_names[] = {
#define KERNEL(name, NAME) #name,
#include "cells.def"
#undef KERNEL
};

enum { ARRAYS_OF_WEIGHTS = LC_WEIGHTS };
typedef struct pack_case {
    lc_spec spec;
    lc_layout lay;
    const real *array[ARRAYS_OF_WEIGHTS];
    const real *packed;
} pack_case;

/* Row k of a stage's weights, register g, unit i, or 0 where the register has no weight. */
static real weight_at(const pack_case *c, const lc_stage *st, int64_t k, int g, int64_t i) {
    int a = 0;
    while (k >= st->source[a].rows) k -= st->source[a++].rows;
    const lc_source *from = &st->source[a];
    return from->map[g] < 0 ? 0 : c->array[from->weight][(k * from->gates + from->map[g]) * st->units + i];
}

static void same(const pack_case *c, int64_t at, real wanted_value) {
    checks++;
    if (memcmp(&c->packed[at], &wanted_value, sizeof(real))) fail("is packed wrongly", at, c->packed[at], wanted_value);
}

/* The sum of the biases of register g, of unit i. */
static real bias_at(const pack_case *c, const lc_stage *st, int g, int64_t i) {
    real bias = 0;
    for (int j = 0; j < st->biases; j++) {
        const int gate = st->source[j].map[g];
        if (gate >= 0) bias += c->array[LC_WEIGHT_B][(j * st->source[0].gates + gate) * st->units + i];
    }
    return bias;
}

static void check_forward_panels(const pack_case *c, const lc_stage *st) {
    const int64_t vl = kernels->lanes, H = st->units;
    for (int64_t u = 0; u < st->ub; u++)
        for (int64_t lane = 0; lane < st->pw; lane++) {
            const int64_t i = u * vl + lane % vl;
            const int g = (int)(lane / vl);
            same(c, st->bias + u * st->pw + lane, i < H ? bias_at(c, st, g, i) : 0);
            for (int64_t k = 0; k < st->k; k++)
                same(c, st->panels + (u * st->kp + k) * st->pw + lane, i < H ? weight_at(c, st, k, g, i) : 0);
        }
}

static void check_vectors(const pack_case *c) {
    const int64_t vl = kernels->lanes, H = c->spec.units;
    const lc_layout *l = &c->lay;
    for (int64_t at = 0; at < l->ub * l->vectors * vl; at++) {
        const int64_t i = at / (l->vectors * vl) * vl + at % vl;
        const lc_vector *v = &l->vector[at / vl % l->vectors];
        same(c, l->packed_v + at, v->row >= 0 && i < H ? c->array[v->weight][v->row * H + i] : 0);
    }
}

/* Panels that turn dz into something: column `column` is row `k` of the weights; rows (block, register, unit). */
static void check_column(const pack_case *c, const lc_stage *st, int64_t at, int64_t width, int64_t k, int there) {
    const int64_t vl = kernels->lanes, H = st->units;
    for (int64_t u = 0; u < st->ub; u++)
        for (int g = 0; g < st->ng; g++)
            for (int64_t i = u * vl; i < H && i < (u + 1) * vl; i++, at += width)
                same(c, at, there ? weight_at(c, st, k, g, i) : 0);
}

static void check_backward_panels(const pack_case *c, const lc_stage *st, int64_t start, int64_t first, int64_t n) {
    const int64_t vl = kernels->lanes, registers = lc_ceil(n, vl);
    for (int64_t r = 0; r < registers; r++)
        for (int64_t v = 0; v < vl; v++) {
            const int64_t panel = r / 4, left = registers - 4 * panel, width = (left < 4 ? left : 4) * vl;
            const int64_t at = start + panel * 4 * vl * st->kb + r % 4 * vl + v, i = r * vl + v;
            check_column(c, st, at, width, first + i, i < n);
        }
}

static void check_packing(const lc_spec *spec, int64_t inputs, int64_t units) {
    pack_case c = {.spec = *spec};
    c.spec.type = TYPE, c.spec.isa = isa_now, c.spec.threads = 1, c.spec.steps = c.spec.batch = 1;
    c.spec.inputs = inputs, c.spec.units = units;
    if (lc_find(&c.spec, &kernels, &c.lay)) exit(2);
    CHECKING("pack %s, %d inputs, %d units", kernel_names[c.lay.stage[0].kernel], (int)inputs, (int)units);
    const int64_t wide = 4 * units,
                  sizes[ARRAYS_OF_WEIGHTS] = {inputs * wide,     c.lay.h * wide,  2 * wide, 3 * units,
                                              9 * units * units, units * c.lay.h, 2 * wide, 2 * units};
    for (int a = 0; a < ARRAYS_OF_WEIGHTS; a++) c.array[a] = random_reals(sizes[a], 1);
    /* red zone: what follows the last panel, up to the alignment */
    real *packed = fence(lc_ceil(c.lay.packed_both, 16) * 16);
    c.packed = packed;
    const lc_weights weights = {c.array[LC_WEIGHT_W],    c.array[LC_WEIGHT_R],     c.array[LC_WEIGHT_B],
                                c.array[LC_WEIGHT_P],    c.array[LC_WEIGHT_F],     c.array[LC_WEIGHT_RP],
                                c.array[LC_WEIGHT_GAIN], c.array[LC_WEIGHT_C_NORM]};
    kernels->pack(&c.spec, &c.lay, &weights, 1, packed);
    check_vectors(&c);
    for (const lc_stage *st = c.lay.stage; st < c.lay.stage + c.lay.stages; st++) {
        check_forward_panels(&c, st);
        for (int64_t part = 0; part < st->parts; part++)
            check_backward_panels(&c, st, st->dh + part * st->tb * st->kb * kernels->lanes,
                                  st->rows[LC_FROM_X] + part * st->to, st->to);
    }
    check_backward_panels(&c, c.lay.stage, c.lay.dx, 0, inputs);
    BENCH(c.lay.packed_both, "real", kernels->pack(&c.spec, &c.lay, &weights, 1, packed));
    drop();
}

static void check_packs(void) {
    const int vl = kernels->lanes;
    for (size_t i = 0; i < sizeof pack_specs / sizeof *pack_specs; i++) {
        check_packing(&pack_specs[i], 1, 1);
        check_packing(&pack_specs[i], vl + 1, 3);
        check_packing(&pack_specs[i], 5, 4 * vl + 1);
        check_packing(&pack_specs[i], 9 * vl, 6 * vl);
    }
}
