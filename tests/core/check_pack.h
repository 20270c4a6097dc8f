/* Packing: every number of the panels has its place by the layout's description, and all else is zero. */
#include "check_kernels.h"

static const lc_spec pack_specs[] = {
    {.cell = LC_LSTM},
    {.cell = LC_LSTM, .variant = LC_PEEPHOLE | LC_NO_FORGET_GATE},
    {.cell = LC_LSTM, .variant = LC_PEEPHOLE | LC_FULL_GATES},
    {.cell = LC_GRU},
    {.cell = LC_GRU, .variant = LC_RESET_BEFORE},
    {.cell = LC_RNN},
};

static const char *const kernel_names[] = {
#define KERNEL(name, NAME, cell) #name,
#include "cells.def"
#undef KERNEL
};

typedef struct pack_case {
    lc_spec spec;
    lc_layout lay;
    const real *array[3], *b, *P;
    int64_t size[3];
    const real *packed;
} pack_case;

/* Row k of the weights, register g, unit i, or 0 where the register has no weight. */
static real weight_at(const pack_case *c, int64_t k, int g, int64_t i) {
    int a = 0;
    while (k >= c->lay.source[a].rows) k -= c->lay.source[a++].rows;
    const int gate = c->lay.source[a].map[g];
    return gate < 0 ? 0 : c->array[a][(k * c->lay.source[a].gates + gate) * c->spec.units + i];
}

static void same(const pack_case *c, int64_t at, real wanted_value) {
    checks++;
    if (memcmp(&c->packed[at], &wanted_value, sizeof(real))) fail("is packed wrongly", at, c->packed[at], wanted_value);
}

static void check_forward_panels(const pack_case *c) {
    const int64_t vl = kernels->lanes, H = c->spec.units;
    const lc_layout *l = &c->lay;
    for (int64_t u = 0; u < l->ub; u++)
        for (int64_t lane = 0; lane < l->pw; lane++) {
            const int64_t i = u * vl + lane % vl;
            const int g = (int)(lane / vl), in = l->source[0].map[g], un = l->source[1].map[g];
            real bias = 0;
            if (i < H && in >= 0) bias += c->b[in * H + i];
            if (i < H && l->kernel == LC_KERNEL_GRU && un >= 0) bias += c->b[(3 + un) * H + i];
            same(c, u * l->pw + lane, bias);
            for (int64_t k = 0; k < l->kf; k++)
                same(c, l->forward + (u * l->kf + k) * l->pw + lane, i < H ? weight_at(c, k, g, i) : 0);
        }
    for (int64_t at = 0; l->peepholes && at < l->ub * LC_PEEPS * vl; at++) {
        const int64_t i = at / (LC_PEEPS * vl) * vl + at % vl;
        const int j = (int)(at / vl % LC_PEEPS);
        int64_t before = 0;
        for (int other = 0; other < j; other++) before += l->peep[other];
        same(c, l->peeps + at, l->peep[j] && i < H ? c->P[before * H + i] : 0);
    }
}

/* Panels that turn dz into something: column `column` is row `k` of the weights; rows (block, register, unit). */
static void check_column(const pack_case *c, int64_t at, int64_t width, int64_t k, int there) {
    const int64_t vl = kernels->lanes, H = c->spec.units;
    for (int64_t u = 0; u < c->lay.ub; u++)
        for (int g = 0; g < c->lay.ng; g++)
            for (int64_t i = u * vl; i < H && i < (u + 1) * vl; i++, at += width)
                same(c, at, there ? weight_at(c, k, g, i) : 0);
}

static void check_backward_panels(const pack_case *c, int64_t start, int64_t first, int64_t n) {
    const int64_t vl = kernels->lanes, registers = lc_ceil(n, vl);
    for (int64_t r = 0; r < registers; r++)
        for (int64_t v = 0; v < vl; v++) {
            const int64_t panel = r / 4, left = registers - 4 * panel, width = (left < 4 ? left : 4) * vl;
            const int64_t at = start + panel * 4 * vl * c->lay.kb + r % 4 * vl + v, i = r * vl + v;
            check_column(c, at, width, first + i, i < n);
        }
}

static void check_packing(const lc_spec *spec, int64_t inputs, int64_t units) {
    pack_case c = {.spec = *spec};
    c.spec.type = TYPE, c.spec.isa = isa_now, c.spec.threads = 1, c.spec.steps = c.spec.batch = 1;
    c.spec.inputs = inputs, c.spec.units = units;
    if (lc_find(&c.spec, &kernels, &c.lay)) exit(2);
    CHECKING("pack %s, %d inputs, %d units", kernel_names[c.lay.kernel], (int)inputs, (int)units);
    for (int a = 0; a < 3; a++) c.array[a] = random_reals(c.lay.source[a].rows * c.lay.source[a].gates * units + 1, 1);
    if (c.lay.second) c.array[2] = c.array[1]; /* the same weights, again */
    c.b = random_reals(6 * units, 1), c.P = random_reals(3 * units, 1);
    /* red zone: what follows the last panel, up to the alignment */
    real *packed = fence(lc_ceil(c.lay.packed_both, 16) * 16);
    c.packed = packed;
    const lc_weights weights = {c.array[0], c.array[1], c.b, c.P, c.array[2]};
    kernels->pack(&c.spec, &c.lay, &weights, 1, packed);
    check_forward_panels(&c);
    for (int64_t part = 0; part < c.lay.parts; part++)
        check_backward_panels(&c, c.lay.dh + part * c.lay.ub * c.lay.kb * kernels->lanes, inputs + part * units, units);
    check_backward_panels(&c, c.lay.dx, 0, inputs);
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
