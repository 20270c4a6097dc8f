/* What the cell of a spec is made of: its stages, and where the weights of each come from. */
#include "internal.h"

static int is(int32_t activation, int32_t usual) { return activation == LC_DEFAULT || activation == usual; }

static int plain(const lc_spec *spec) {
    return !spec->variant && spec->clip == 0 && !(spec->flags & LC_ZONED) && is(spec->activation, LC_TANH) &&
           is(spec->output_activation, LC_TANH) && is(spec->gate_activation, LC_SIGMOID);
}

int64_t lc_width(const lc_spec *spec) { return spec->projection ? spec->projection : spec->units; }

int lc_state_count(const lc_spec *spec) {
    if (spec->cell != LC_LSTM) return 1;
    return spec->variant & LC_FULL_GATES ? 3 : 2;
}

/* Adds rows to a stage's panels. */
static lc_source *add_source(lc_stage *st, int weight, int from, int64_t rows, int gates, const int8_t map[LC_WIDE]) {
    lc_source *source = st->source;
    while (source->rows) source++;
    *source = (lc_source){.weight = weight, .from = from, .rows = rows, .gates = gates};
    for (int r = 0; r < LC_WIDE; r++) source->map[r] = map[r];
    st->rows[from] += rows, st->k += rows;
    return source;
}

/* The stage that multiplies x and the state, of `ng` registers; W and R have `gates`. */
static lc_stage *add_first_stage(const lc_spec *spec, lc_layout *l, int kernel, int ng, int gates,
                                 const int8_t inputs[LC_WIDE], const int8_t units[LC_WIDE]) {
    lc_stage *st = &l->stage[l->stages++];
    *st = (lc_stage){.kernel = kernel, .biases = 1, .ng = ng, .wide = ng, .units = spec->units};
    add_source(st, LC_WEIGHT_W, LC_FROM_X, spec->inputs, gates, inputs);
    add_source(st, LC_WEIGHT_R, LC_FROM_STATE, l->h, gates, units);
    return st;
}

static const int8_t in_order[LC_WIDE] = {0, 1, 2, 3};

/* i and f see the cell before the step, o, whose register is the last, the new one. */
static void add_peepholes(const lc_spec *spec, lc_layout *l, int i, int f, int o) {
    const int there[] = {i, f, o}, gates[] = {0, i, l->stage[0].ng - 1};
    int row = 0;
    for (int j = 0; j < 3; j++)
        l->vector[l->vectors++] = (lc_vector){.weight = LC_WEIGHT_P,
                                              .row = (int8_t)(there[j] ? row++ : -1),
                                              .gate = (int8_t)gates[j],
                                              .sees = j < 2 ? LC_SEES_OLD_CELL : LC_SEES_NEW_CELL};
    l->fresh |= o && spec->flags & LC_ZONED;
}

/* Behind the stages that there are. */
static void add_projection(const lc_spec *spec, lc_layout *l) {
    lc_stage *st = &l->stage[l->stages++];
    st[-1].makes = 1;
    *st = (lc_stage){.kernel = LC_KERNEL_PROJECTION, .ng = 1, .wide = 1, .units = spec->projection};
    add_source(st, LC_WEIGHT_RP, LC_FROM_STAGE, spec->units, 1, in_order);
}

/* A stage without a product: it needs what the one before it has made of all units. */
static void add_whole_rows(const lc_spec *spec, lc_layout *l, int kernel) {
    l->stage[l->stages++] = (lc_stage){.kernel = kernel, .units = spec->units};
}

/* The products of a normalized LSTM: one, or with LC_NORM_BOTH one of x and one of the state. */
static void add_normalized_sums(const lc_spec *spec, lc_layout *l, int ng) {
    const int products = spec->layer_norm == LC_NORM_BOTH ? 2 : 1;
    l->norm = (lc_norm){.gates = products * ng};
    for (int i = 0; i < products; i++) {
        lc_stage *st = &l->stage[l->stages++];
        *st = (lc_stage){.kernel = LC_KERNEL_LSTM_NORM, .ng = ng, .at = i * ng, .units = spec->units};
        st->apart = 1, st->later = i + 1 < products, st->wide = i ? 0 : (products + 1) * ng;
        if (i == 0) add_source(st, LC_WEIGHT_W, LC_FROM_X, spec->inputs, ng, in_order);
        if (i == products - 1) add_source(st, LC_WEIGHT_R, LC_FROM_STATE, l->h, ng, in_order);
    }
    add_whole_rows(spec, l, LC_KERNEL_LSTM_NORM_GATES);
    if (lc_norm_waits(spec)) add_whole_rows(spec, l, LC_KERNEL_LSTM_NORM_OUTPUT);
    l->fresh = (spec->flags & LC_ZONED) != 0;
}

/* Biases, gains, and the gain and offset of the cell. */
static void add_norm_vectors(const lc_spec *spec, lc_layout *l, int ng) {
    const int both = spec->layer_norm == LC_NORM_BOTH;
    lc_vector *v = &l->vector[l->vectors];
    l->norm.bias = l->vectors, l->norm.gain = l->norm.bias + ng, l->norm.state = l->norm.gain + (1 + both) * ng;
    for (int g = 0; g < ng; g++) *v++ = (lc_vector){LC_WEIGHT_B, (int8_t)g, 0, LC_SEES_NORMALIZED};
    for (int j = 0; j < (1 + both) * ng; j++) *v++ = (lc_vector){LC_WEIGHT_GAIN, (int8_t)j, 0, LC_SEES_NORMALIZED};
    for (int j = 0; both && j < 2; j++) *v++ = (lc_vector){LC_WEIGHT_C_NORM, (int8_t)j, 0, LC_SEES_NORMALIZED};
    l->vectors = (int)(v - l->vector);
}

static int norm_fits(const lc_spec *spec) {
    const int form = spec->layer_norm, none = form == LC_NORM_NONE;
    if (form < 0 || form > LC_NORM_SUM || !(spec->epsilon >= 0) || spec->epsilon > 1e30) return 0;
    if (spec->cell != LC_LSTM || spec->variant & LC_FULL_GATES) return none;
    return form != LC_NORM_BOTH || !(spec->variant & LC_PEEPHOLE);
}

/* Registers in Keras's order i f c o, without those that the variant lacks. */
static lc_status describe_lstm(const lc_spec *spec, lc_layout *l) {
    const uint32_t v = spec->variant, few = LC_NO_INPUT_GATE | LC_NO_FORGET_GATE | LC_NO_OUTPUT_GATE | LC_COUPLED;
    const int i = !(v & LC_NO_INPUT_GATE), f = !(v & (LC_NO_FORGET_GATE | LC_COUPLED)), o = !(v & LC_NO_OUTPUT_GATE);
    const int full = (v & LC_FULL_GATES) != 0, ng = 1 + i + f + o;
    const int8_t gates[LC_WIDE] = {0, 1, -1, 2};
    if (v >= 2 * LC_FULL_GATES || (full && (v & few || spec->projection))) return LC_BAD_SPEC;
    if (v & LC_COUPLED && v & (LC_NO_INPUT_GATE | LC_NO_FORGET_GATE)) return LC_BAD_SPEC;
    if (spec->layer_norm) add_normalized_sums(spec, l, ng);
    else add_first_stage(spec, l, plain(spec) ? LC_KERNEL_LSTM : LC_KERNEL_LSTM_ANY, ng, ng, in_order, in_order);
    if (full) {
        add_source(l->stage, LC_WEIGHT_F, LC_FROM_STATE, 3 * spec->units, 3, gates);
        l->s = 4 * spec->units;
    }
    l->direct = (spec->flags & LC_ZONED) != 0;
    if (v & LC_PEEPHOLE) add_peepholes(spec, l, i, f, o);
    if (spec->layer_norm) add_norm_vectors(spec, l, ng);
    if (spec->projection) add_projection(spec, l);
    return LC_OK;
}

/* The candidate's register, the last, has x W of the first stage; the second adds q R. */
static void describe_gru_before(const lc_spec *spec, lc_layout *l) {
    const int8_t units[LC_WIDE] = {0, 1, -1, -1}, candidate[LC_WIDE] = {2, -1, -1, -1};
    add_first_stage(spec, l, LC_KERNEL_GRU_BEFORE, 3, 3, in_order, units)->makes = 1;
    lc_stage *st = &l->stage[l->stages++];
    *st = (lc_stage){.kernel = LC_KERNEL_GRU_CANDIDATE, .adds = 1, .ng = 1, .at = 2, .dz = 2, .units = spec->units};
    add_source(st, LC_WEIGHT_R, LC_FROM_STAGE, spec->units, 3, candidate);
}

/* Four registers: z, r, and the candidate's sum in two parts, since the reset gate comes between the inputs' and the
 * units'. So W and R each have a register of zeros. */
static void describe_gru(const lc_spec *spec, lc_layout *l) {
    const int8_t inputs[LC_WIDE] = {0, 1, 2, -1}, units[LC_WIDE] = {0, 1, -1, 2};
    l->direct = 1;
    if (spec->variant & LC_RESET_BEFORE) describe_gru_before(spec, l);
    else add_first_stage(spec, l, LC_KERNEL_GRU, 4, 3, inputs, units)->biases = 2;
}

static void describe_rnn(const lc_spec *spec, lc_layout *l) {
    add_first_stage(spec, l, LC_KERNEL_RNN, 1, 1, in_order, in_order);
    l->direct = (spec->flags & LC_ZONED) != 0;
}

int lc_peepholes(const lc_layout *l) {
    int n = 0;
    for (int i = 0; i < l->vectors; i++) n += l->vector[i].weight == LC_WEIGHT_P && l->vector[i].row >= 0;
    return n;
}

lc_status lc_describe(const lc_spec *spec, lc_layout *l) {
    const int32_t activations[] = {spec->activation, spec->output_activation, spec->gate_activation};
    const lc_ramp ramps[] = {spec->ramp, spec->output_ramp, spec->gate_ramp};
    for (int i = 0; i < 3; i++) {
        if (activations[i] < 0 || activations[i] >= LC_ACTIVATION_COUNT) return LC_BAD_SPEC;
        if (activations[i] == LC_HARD_SIGMOID && !lc_is_ramp(ramps[i])) return LC_BAD_SPEC;
    }
    if (spec->projection < 0 || (spec->cell != LC_LSTM && spec->projection)) return LC_BAD_SPEC;
    if (!norm_fits(spec)) return LC_BAD_SPEC;
    if (!(spec->clip >= 0) || (spec->cell != LC_LSTM && spec->clip != 0)) return LC_BAD_SPEC;
    if (spec->variant & ~(spec->cell == LC_GRU ? LC_RESET_BEFORE : 0u) && spec->cell != LC_LSTM) return LC_BAD_SPEC;
    l->states = lc_state_count(spec);
    l->h = l->s = lc_width(spec);
    switch (spec->cell) {
    case LC_LSTM: return describe_lstm(spec, l);
    case LC_GRU: describe_gru(spec, l); return LC_OK;
    case LC_RNN: describe_rnn(spec, l); return LC_OK;
    default: return LC_BAD_SPEC;
    }
}

static void set_shape(lc_cell_info *info, int weight, int axes, int64_t rows, int64_t columns) {
    info->axes[weight] = axes, info->shape[weight][0] = rows, info->shape[weight][1] = columns;
}

/* The letters of an LSTM's gates are those that its variant has, of i f c o. */
static void name_gates(const lc_spec *spec, char *out) {
    static const struct {
        char name;
        uint32_t lacks;
    } lstm[] = {{'i', LC_NO_INPUT_GATE}, {'f', LC_NO_FORGET_GATE | LC_COUPLED}, {'c', 0}, {'o', LC_NO_OUTPUT_GATE}};
    const char *names = spec->cell == LC_GRU ? "zrh" : spec->cell == LC_RNN ? "h" : "";
    while (*names) *out++ = *names++;
    for (int i = 0; spec->cell == LC_LSTM && i < 4; i++)
        if (!(spec->variant & lstm[i].lacks)) *out++ = lstm[i].name;
}

lc_status lc_cell_describe(const lc_spec *spec, lc_cell_info *info) {
    lc_layout l = {0};
    lc_status status = lc_describe(spec, &l);
    if (status) return status;
    if (spec->inputs < 1 || spec->units < 1) return LC_BAD_SPEC;
    const int64_t H = spec->units, gates = l.stage[0].source[0].gates;
    int64_t wide;
    if (__builtin_mul_overflow(gates, H, &wide)) return LC_TOO_LARGE;
    *info = (lc_cell_info){.states = l.states, .peepholes = lc_peepholes(&l)};
    name_gates(spec, info->gates);
    set_shape(info, 0, 2, spec->inputs, wide);
    set_shape(info, 1, 2, l.h, wide);
    if (l.stage[0].biases == 2) set_shape(info, 2, 2, 2, wide);
    else set_shape(info, 2, 1, wide, 0);
    if (info->peepholes) set_shape(info, 3, 2, info->peepholes, H);
    if (spec->variant & LC_FULL_GATES) set_shape(info, 4, 2, 3 * H, 3 * H);
    if (spec->projection) set_shape(info, 5, 2, H, l.h);
    if (spec->layer_norm == LC_NORM_SUM) set_shape(info, 6, 1, wide, 0);
    if (spec->layer_norm == LC_NORM_BOTH) set_shape(info, 6, 2, 2, wide), set_shape(info, 7, 2, 2, H);
    return LC_OK;
}
