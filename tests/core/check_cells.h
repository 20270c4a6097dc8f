/* The cells, forward and backward, against their formulas for one unit in long double; gradients by complex step. */
#include "check_kernels.h"

typedef struct cell_case {
    const char *name;
    lc_spec spec;
} cell_case;

#define LSTM_(text, ...)                                                                                               \
    {                                                                                                                  \
        text, { .cell = LC_LSTM, __VA_ARGS__ }                                                                         \
    }
static const cell_case cell_cases[] = {
    LSTM_("lstm", .variant = 0),
    LSTM_("lstm, zoneout", .flags = LC_ZONED),
    LSTM_("lstm, peepholes", .variant = LC_PEEPHOLE),
    LSTM_("lstm, peepholes, zoneout", .variant = LC_PEEPHOLE, .flags = LC_ZONED),
    LSTM_("lstm, no input gate", .variant = LC_PEEPHOLE | LC_NO_INPUT_GATE),
    LSTM_("lstm, no forget gate", .variant = LC_PEEPHOLE | LC_NO_FORGET_GATE),
    LSTM_("lstm, no output gate", .variant = LC_PEEPHOLE | LC_NO_OUTPUT_GATE),
    LSTM_("lstm, coupled", .variant = LC_PEEPHOLE | LC_COUPLED),
    LSTM_("lstm, full gates", .variant = LC_PEEPHOLE | LC_FULL_GATES),
    LSTM_("lstm, full gates, zoneout", .variant = LC_PEEPHOLE | LC_FULL_GATES, .flags = LC_ZONED),
    LSTM_("lstm, clip", .clip = 0.5),
    LSTM_("lstm, activations", .activation = LC_SOFTSIGN, .output_activation = LC_ELU,
          .gate_activation = LC_HARD_SIGMOID),
    LSTM_("lstm, hard sigmoids", .activation = LC_HARD_SIGMOID, .output_activation = LC_HARD_SIGMOID,
          .gate_activation = LC_HARD_SIGMOID, .ramp = {0.2, 0.5}, .output_ramp = {-0.7, 0.3}, .gate_ramp = {1.1, 0.4}),
    LSTM_("lstm, other activations", .activation = LC_RELU, .output_activation = LC_LINEAR, .gate_activation = LC_TANH),
    LSTM_("lstm, projected", .projection = 1), /* as wide as h: see new_step */
    LSTM_("lstm, projected, zoneout, peepholes", .projection = 1, .flags = LC_ZONED, .variant = LC_PEEPHOLE),
    {"gru", {.cell = LC_GRU}},
    {"gru, zoneout", {.cell = LC_GRU, .flags = LC_ZONED}},
    {"gru, activations", {.cell = LC_GRU, .activation = LC_ELU, .gate_activation = LC_SOFTSIGN}},
    {"gru, hard sigmoid", {.cell = LC_GRU, .gate_activation = LC_HARD_SIGMOID, .gate_ramp = {0.2, 0.5}}},
    {"gru, reset before", {.cell = LC_GRU, .variant = LC_RESET_BEFORE}},
    {"gru, reset before, zoneout", {.cell = LC_GRU, .variant = LC_RESET_BEFORE, .flags = LC_ZONED}},
    {"rnn", {.cell = LC_RNN}},
    {"rnn, zoneout, relu", {.cell = LC_RNN, .activation = LC_RELU, .flags = LC_ZONED}},
};

static cwide activation(int kind, int usual, lc_ramp ramp, cwide x) {
    const wide re = creall(x);
    const cwide line = ramp.slope != 0 ? ramp.slope * x + ramp.offset : x / 6 + 0.5L;
    switch (kind == LC_DEFAULT ? usual : kind) {
    case LC_TANH: return 1 - 2 / (1 + cexpl(2 * x));
    case LC_SIGMOID: return 1 / (1 + cexpl(-x));
    case LC_HARD_SIGMOID: return creall(line) <= 0 ? 0 : creall(line) >= 1 ? 1 : line;
    case LC_RELU: return re > 0 ? x : 0;
    case LC_SOFTSIGN: return x / (1 + (re < 0 ? -x : x));
    case LC_ELU: return re > 0 ? x : cexpl(x) - 1;
    default: return x;
    }
}

static cwide gate_of(const lc_spec *spec, cwide x) {
    return activation(spec->gate_activation, LC_SIGMOID, spec->gate_ramp, x);
}
static cwide value_of(const lc_spec *spec, cwide x) { return activation(spec->activation, LC_TANH, spec->ramp, x); }

/* What a unit of a row gets, and what it makes of it. */
/* of `in`: pre-activations, the old cell, the old h, and what the product of a projection has made */
enum { Z = 0, C0 = 4, H0 = 5, PROJECTED = 6, INPUTS = 7 };
typedef struct unit {
    wide peep[3], keep_h, keep_c, scale;
    cwide in[INPUTS], gates[4], h, c, fresh, state[3], q;
} unit;

static void lstm_unit(const lc_spec *spec, unit *u) {
    const uint32_t v = spec->variant;
    const int has_i = !(v & LC_NO_INPUT_GATE), has_f = !(v & (LC_NO_FORGET_GATE | LC_COUPLED));
    const int has_o = !(v & LC_NO_OUTPUT_GATE), at_g = has_i + has_f;
    const cwide c0 = u->in[C0], g = value_of(spec, u->in[at_g]);
    const cwide i = has_i ? gate_of(spec, u->in[0] + u->peep[0] * c0) : 1;
    const cwide f = has_f ? gate_of(spec, u->in[has_i] + u->peep[1] * c0) : v & LC_COUPLED ? 1 - i : 1;
    cwide n = f * c0 + i * g;
    if (spec->clip > 0 && fabsl(creall(n)) >= spec->clip) n = creall(n) > 0 ? spec->clip : -spec->clip;
    const cwide o = has_o ? gate_of(spec, u->in[at_g + 1] + u->peep[2] * n) : 1;
    u->gates[at_g] = g;
    if (has_i) u->gates[0] = i;
    if (has_f) u->gates[has_i] = f;
    if (has_o) u->gates[at_g + 1] = o;
    u->fresh = n, u->c = (1 - u->keep_c) * n + u->keep_c * c0;
    u->h = o * activation(spec->output_activation, LC_TANH, spec->output_ramp, n);
    u->q = u->h;
    if (spec->projection) u->h = u->in[PROJECTED];
    u->h = (1 - u->keep_h) * u->h + u->keep_h * u->in[H0];
    u->state[0] = i, u->state[1] = f, u->state[2] = o;
}

static void gru_unit(const lc_spec *spec, unit *u) {
    const int before = (spec->variant & LC_RESET_BEFORE) != 0;
    const cwide z = gate_of(spec, u->in[0]), h0 = u->in[H0];
    const cwide r = gate_of(spec, u->in[1]);
    const cwide n = value_of(spec, before ? u->in[2] : u->in[2] + r * u->in[3]);
    u->gates[0] = z, u->gates[1] = r, u->gates[2] = n, u->gates[3] = u->in[3];
    u->q = r * h0 * u->scale;
    u->h = (1 - u->keep_h) * (z * h0 + (1 - z) * n) + u->keep_h * h0;
}

static void one_unit(const lc_spec *spec, unit *u) {
    if (spec->cell == LC_LSTM) lstm_unit(spec, u);
    else if (spec->cell == LC_GRU) gru_unit(spec, u);
    else {
        u->gates[0] = value_of(spec, u->in[0]);
        u->h = (1 - u->keep_h) * u->gates[0] + u->keep_h * u->in[H0];
    }
}

/* ---- a step of some rows of a batch, of some blocks of units ---- */
enum { BATCH = 7, ENTRIES = 4, SLOTS = 2 * BATCH, BUFFERS = 16 };
static const int32_t step_rows[ENTRIES] = {0, 2, 3, 6}, step_from[ENTRIES] = {0, 9, 3, 6},
                     step_to[ENTRIES] = {7, 2, 10, 13};

typedef struct step {
    lc_spec spec;
    lc_layout lay;
    cell_args args;
    int64_t H, S, UB;
    const real *z_given, *projected_given, *dh_given, *dc_given;
    real *projected; /* z of a projection */
    const real *dq;  /* of what the first stage of two makes */
    real *dy;
    struct {
        real *p, *before;
        int64_t n;
    } out[BUFFERS];
    int outs;
} step;

/* An array that the kernel may write to. */
static real *writable(step *s, int64_t n, wide scale) {
    real *p = random_reals(n, scale);
    s->out[s->outs].p = p, s->out[s->outs].n = n;
    s->out[s->outs++].before = copy(p, n);
    return p;
}
/* Says what a number has to be; all that nobody says anything of must be as it was. */
static void wanted(step *s, const real *at, wide value, wide bound) {
    for (int i = 0; i < s->outs; i++) {
        const ptrdiff_t j = at - s->out[i].p;
        if (j < 0 || j >= s->out[i].n) continue;
        near(j, *at, value, bound);
        s->out[i].before[j] = *at;
        return;
    }
    exit(2);
}
static void all_else_unchanged(step *s) {
    for (int i = 0; i < s->outs; i++) {
        unchanged(s->out[i].p, s->out[i].before, s->out[i].n);
        memcpy(s->out[i].before, s->out[i].p, (size_t)s->out[i].n * sizeof(real));
    }
}

static real *random_mask(int64_t n) {
    real *p = fence(n);
    for (int64_t i = 0; i < n; i++) p[i] = (real)below(2);
    return p;
}

/* With `extras`: y, dropout and dy too. */
static void new_step(step *s, const cell_case *given, int64_t units, int extras) {
    *s = (step){.spec = given->spec, .H = units};
    s->spec.type = TYPE, s->spec.isa = isa_now, s->spec.steps = 1, s->spec.batch = BATCH, s->spec.inputs = 1;
    s->spec.units = units, s->spec.flags |= LC_TRAIN;
    if (s->spec.projection) s->spec.projection = units;
    if (lc_find(&s->spec, &kernels, &s->lay)) exit(2);
    const int64_t vl = kernels->lanes, H = s->H, S = s->S = s->lay.s, UB = s->UB = s->lay.ub;
    const int zoned = (s->spec.flags & LC_ZONED) != 0;
    cell_args *k = &s->args;
    *k = (cell_args){.spec = &s->spec,
                     .lay = &s->lay,
                     .n = ENTRIES,
                     .save_gates = 1,
                     .row = step_rows,
                     .from = step_from,
                     .to = step_to,
                     .c_from = step_from,
                     .c_to = step_to,
                     .state_stride = S,
                     .h_stride = H,
                     .dy_row = H + 1};
    k->z_block = ENTRIES * s->lay.stage[0].row, k->c_block = SLOTS * vl, k->dh_block = BATCH * vl;
    k->gate_block = UB * BATCH * vl;
    k->z = writable(s, UB * k->z_block, 4);
    k->h0 = k->h1 = writable(s, SLOTS * S, 1);
    k->c0 = k->c1 = writable(s, UB * k->c_block, 1);
    real *vectors = random_reals(UB * s->lay.vectors * vl, 1);
    for (int64_t i = 0; i < UB * s->lay.vectors * vl; i++)
        if (s->lay.vector[i / vl % s->lay.vectors].row < 0) vectors[i] = 0; /* as packed weights have them */
    k->vectors = vectors;
    k->dh = writable(s, s->lay.parts * k->gate_block, 1), k->dc = writable(s, k->gate_block, 1);
    if (s->lay.stage[0].makes) k->q = writable(s, ENTRIES * H, 1), s->dq = random_reals(k->gate_block, 1);
    if (s->lay.fresh) k->fresh = writable(s, UB * ENTRIES * vl, 1), k->fresh_block = ENTRIES * vl;
    if (extras) k->y = writable(s, BATCH * H, 1), k->hs = writable(s, BATCH * S, 1);
    if (extras) k->h_scale = random_reals(BATCH * H, 1), s->dy = random_reals(BATCH * (H + 1), 1);
    if (zoned) k->keep_h = random_mask(BATCH * H);
    if (zoned && s->spec.cell == LC_LSTM) k->keep_c = random_mask(BATCH * H);
    if (s->spec.projection) s->projected = writable(s, UB * ENTRIES * vl, 1);
    if (s->spec.projection) s->projected_given = copy(s->projected, UB * ENTRIES * vl);
    s->z_given = copy(k->z, UB * k->z_block);
    s->dh_given = copy(k->dh, s->lay.parts * k->gate_block), s->dc_given = copy(k->dc, k->gate_block);
}

/* Unit i of entry e before the step. */
static unit unit_of(const step *s, int e, int64_t i) {
    const cell_args *k = &s->args;
    const int64_t vl = kernels->lanes, u = i / vl, v = i % vl, at = k->row[e] * s->H + i;
    unit it = {.scale = k->h_scale ? k->h_scale[at] : 1,
               .keep_h = k->keep_h ? k->keep_h[at] : 0,
               .keep_c = k->keep_c ? k->keep_c[at] : 0};
    for (int g = 0; g < s->lay.stage[0].wide; g++)
        it.in[g] = s->z_given[u * k->z_block + e * s->lay.stage[0].row + g * vl + v];
    for (int j = 0; j < s->lay.vectors; j++) it.peep[j] = k->vectors[(u * s->lay.vectors + j) * vl + v];
    if (s->projected) it.in[PROJECTED] = s->projected_given[(u * ENTRIES + e) * vl + v];
    it.in[C0] = k->c0[u * k->c_block + k->from[e] * vl + v], it.in[H0] = k->h0[k->from[e] * s->S + i];
    return it;
}

/* Four activations within two units of the last place of 1, each times no more than this, and as many roundings. */
static wide cell_bound(const unit *u) {
    wide size = 1;
    for (int i = 0; i < INPUTS; i++) size += cabsl(u->in[i]);
    return 16 * EPS * size;
}

static void check_forward_unit(step *s, int e, int64_t i) {
    const cell_args *k = &s->args;
    const int64_t vl = kernels->lanes, u = i / vl, v = i % vl, H = s->H, row = k->row[e];
    unit it = unit_of(s, e, i);
    const wide bound = cell_bound(&it);
    one_unit(&s->spec, &it);
    /* a cell with two products leaves its first gates in z, for the second */
    for (int g = 0; g < (k->save_gates ? s->lay.stage[0].wide : s->spec.cell == LC_GRU && k->q ? 2 : 0); g++)
        wanted(s, k->z + u * k->z_block + e * s->lay.stage[0].row + g * vl + v, creall(it.gates[g]), bound);
    const wide kept_h = it.keep_h == 1 ? 0 : bound, kept_c = it.keep_c == 1 ? 0 : bound; /* zoneout keeps exactly */
    wanted(s, k->h1 + k->to[e] * s->S + i, creall(it.h), kept_h);
    if (k->y) wanted(s, k->y + row * H + i, creall(it.h), kept_h);
    if (k->hs) wanted(s, k->hs + row * s->S + i, creall(it.h) * it.scale, bound);
    if (k->q) wanted(s, k->q + e * H + i, creall(it.q), bound);
    if (s->spec.cell != LC_LSTM) return;
    wanted(s, k->c1 + u * k->c_block + k->to[e] * vl + v, creall(it.c), kept_c);
    if (k->fresh) wanted(s, k->fresh + (u * ENTRIES + e) * vl + v, creall(it.fresh), bound);
    for (int j = 0; j < 3 && s->S > H; j++) {
        wanted(s, k->h1 + k->to[e] * s->S + (j + 1) * H + i, creall(it.state[j]), bound);
        if (k->hs) wanted(s, k->hs + row * s->S + (j + 1) * H + i, creall(it.state[j]), bound);
    }
}

/* The gradients of dh h + dc c + ds (i f o) + dq q along one input. */
static wide slope_of(const step *s, int e, int64_t i, int input) {
    const cell_args *k = &s->args;
    const int64_t vl = kernels->lanes, at = (i / vl * BATCH + k->row[e]) * vl + i % vl;
    const real *dh = s->dh_given + at;
    unit it = unit_of(s, e, i);
    it.in[input] += 1e-30L * I;
    one_unit(&s->spec, &it);
    cwide loss = (dh[0] + (s->dy ? (wide)s->dy[k->row[e] * k->dy_row + i] : 0)) * it.h;
    if (s->spec.cell == LC_LSTM) loss += s->dc_given[at] * it.c;
    for (int j = 0; j < 3 && s->S > s->H; j++) loss += dh[(j + 1) * k->gate_block] * it.state[j];
    if (s->dq) loss += s->dq[at] * it.q;
    return cimagl(loss) / 1e-30L;
}

static void check_backward_unit(step *s, int e, int64_t i) {
    const cell_args *k = &s->args;
    const int64_t vl = kernels->lanes, u = i / vl, v = i % vl, at = (u * BATCH + k->row[e]) * vl + v;
    const unit it = unit_of(s, e, i);
    const wide bound = 8 * cell_bound(&it); /* times a slope and two gradients of up to 2 */
    for (int g = 0; g < s->lay.stage[0].wide; g++)
        wanted(s, k->z + u * k->z_block + e * s->lay.stage[0].row + g * vl + v, slope_of(s, e, i, g), bound);
    if (s->projected) wanted(s, s->projected + (u * ENTRIES + e) * vl + v, slope_of(s, e, i, PROJECTED), bound);
    if (s->lay.direct) wanted(s, k->dh + at, slope_of(s, e, i, H0), bound);
    if (s->spec.cell == LC_LSTM) wanted(s, k->dc + at, slope_of(s, e, i, C0), bound);
    for (int j = 0; j < 3 && s->S > s->H && s->lay.direct; j++) wanted(s, k->dh + at + (j + 1) * k->gate_block, 0, 0);
}

/* Lanes of the last block that are no units may hold anything where a register is stored whole: z, c, fresh, dh, dc. */
static void forget_padding(step *s, real *p, int64_t blocks_apart, int64_t registers) {
    const int64_t vl = kernels->lanes, u = s->UB - 1;
    for (int i = 0; i < s->outs && p; i++) {
        if (p < s->out[i].p || p >= s->out[i].p + s->out[i].n) continue;
        const int64_t at = p - s->out[i].p + u * blocks_apart;
        for (int64_t r = 0; r < registers; r++)
            for (int64_t v = s->H - u * vl; v < vl; v++)
                s->out[i].before[at + r * vl + v] = p[u * blocks_apart + r * vl + v];
    }
}

static void forget_paddings(step *s) {
    const cell_args *k = &s->args;
    forget_padding(s, k->z, k->z_block, ENTRIES * s->lay.stage[0].wide);
    for (int e = 0; e < ENTRIES; e++) {
        const int64_t vl = kernels->lanes, row = k->row[e] * vl;
        if (s->spec.cell == LC_LSTM) forget_padding(s, k->c1 + k->to[e] * vl, k->c_block, 1);
        forget_padding(s, k->dc + row, k->dh_block, 1);
        for (int j = 0; j < s->lay.parts; j++) forget_padding(s, k->dh + row + j * k->gate_block, k->dh_block, 1);
        if (k->fresh) forget_padding(s, k->fresh + e * vl, ENTRIES * vl, 1);
        forget_padding(s, s->projected ? s->projected + e * vl : NULL, ENTRIES * vl, 1);
    }
}

/* The stages in their order, or backward. A stage that makes q for the next one finds its gradient in dq. */
static void run_stages(step *s, int back) {
    for (int i = 0; i < s->lay.stages; i++) {
        const lc_stage *st = &s->lay.stage[back ? s->lay.stages - 1 - i : i];
        cell_args k = s->args;
        const int last = st + 1 == s->lay.stage + s->lay.stages;
        k.stage = st, k.dy = back && last ? s->dy : NULL, k.direct = last && s->lay.direct;
        if (!st->makes) k.q = NULL;
        else if (back) k.dq = s->dq;
        if (!last) k.y = k.hs = NULL, k.keep_h = NULL;
        if (st->wide && st > s->lay.stage) k.z = s->projected, k.z_block = ENTRIES * st->row;
        (back ? parts_now->backward : parts_now->forward)[st->kernel](&k, 0, s->UB);
    }
}

static void check_cell(const cell_case *given, int64_t units, int extras, int keep) {
    CHECKING("%s, %d units, forward", given->name, (int)units);
    step s;
    new_step(&s, given, units, extras);
    s.args.save_gates = keep;
    run_stages(&s, 0);
    for (int e = 0; e < ENTRIES; e++)
        for (int64_t i = 0; i < s.H; i++) check_forward_unit(&s, e, i);
    forget_paddings(&s);
    all_else_unchanged(&s);
    if (!s.args.save_gates) {
        drop();
        return;
    }
    CHECKING("%s, %d units, backward", given->name, (int)units);
    run_stages(&s, 1);
    for (int e = 0; e < ENTRIES; e++)
        for (int64_t i = 0; i < s.H; i++) check_backward_unit(&s, e, i);
    forget_paddings(&s);
    all_else_unchanged(&s);
    drop();
}

static void check_cells(void) {
    const int vl = kernels->lanes;
    const int64_t units[] = {1, vl - 1, vl, 2 * vl + 1};
    for (size_t c = 0; c < sizeof cell_cases / sizeof *cell_cases; c++)
        for (int i = 0; i < 16; i++)
            if (units[i / 4]) check_cell(&cell_cases[c], units[i / 4], i & 1, i >> 1 & 1);
}

static void bench_cells(void) {
    for (size_t c = 0; c < sizeof cell_cases / sizeof *cell_cases; c++) {
        step s;
        new_step(&s, &cell_cases[c], 16 * kernels->lanes, 0);
        const double units = (double)(ENTRIES * s.H);
        CHECKING("%s, forward", cell_cases[c].name);
        BENCH(units, "unit", run_stages(&s, 0));
        CHECKING("%s, backward", cell_cases[c].name);
        BENCH(units, "unit", run_stages(&s, 1));
        drop();
    }
}
