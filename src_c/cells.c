/* What the cell of a spec is made of: its kernel, the registers of a panel's row and where their weights come from. */
#include "internal.h"

static int is(int32_t activation, int32_t usual) { return activation == LC_DEFAULT || activation == usual; }

static int plain(const lc_spec *spec) {
    return !spec->variant && spec->clip == 0 && !(spec->flags & LC_ZONED) && is(spec->activation, LC_TANH) &&
           is(spec->output_activation, LC_TANH) && is(spec->gate_activation, LC_SIGMOID);
}

int lc_state_count(const lc_spec *spec) {
    if (spec->cell != LC_LSTM) return 1;
    return spec->variant & LC_FULL_GATES ? 3 : 2;
}

/* Registers in Keras's order i f c o, without those that the variant lacks. */
static lc_status describe_lstm(const lc_spec *spec, lc_layout *l) {
    const uint32_t v = spec->variant, few = LC_NO_INPUT_GATE | LC_NO_FORGET_GATE | LC_NO_OUTPUT_GATE | LC_COUPLED;
    const int i = !(v & LC_NO_INPUT_GATE), f = !(v & (LC_NO_FORGET_GATE | LC_COUPLED)), o = !(v & LC_NO_OUTPUT_GATE);
    const int full = (v & LC_FULL_GATES) != 0;
    if (v >= 2 * LC_FULL_GATES || (full && v & few)) return LC_BAD_SPEC;
    if (v & LC_COUPLED && v & (LC_NO_INPUT_GATE | LC_NO_FORGET_GATE)) return LC_BAD_SPEC;
    l->kernel = plain(spec) ? LC_KERNEL_LSTM : LC_KERNEL_LSTM_ANY;
    l->ng = 1 + i + f + o;
    l->s = full ? 4 * spec->units : spec->units;
    l->direct = (spec->flags & LC_ZONED) != 0;
    const int8_t same[LC_WIDE] = {0, 1, 2, 3}, gates[LC_WIDE] = {0, 1, -1, 2};
    for (int r = 0; r < LC_WIDE; r++)
        l->source[0].map[r] = l->source[1].map[r] = same[r], l->source[2].map[r] = gates[r];
    l->source[0].gates = l->source[1].gates = l->ng;
    l->source[2].gates = 3, l->source[2].rows = full ? 3 * spec->units : 0;
    if (v & LC_PEEPHOLE) {
        l->peep[0] = (int8_t)i, l->peep[1] = (int8_t)f, l->peep[2] = (int8_t)o;
        l->peepholes = i + f + o;
    }
    return LC_OK;
}

/* A panel's rows for W, R and, for the second product, R again. */
static void describe_gru_before(const lc_spec *spec, lc_layout *l) {
    const int8_t inputs[LC_WIDE] = {0, 1, 2, -1}, first[LC_WIDE] = {0, 1, -1, -1}, second[LC_WIDE] = {-1, -1, 2, -1};
    l->kernel = LC_KERNEL_GRU_BEFORE, l->ng = 3, l->second = 1;
    l->source[2].rows = spec->units, l->source[2].gates = 3;
    for (int r = 0; r < LC_WIDE; r++)
        l->source[0].map[r] = inputs[r], l->source[1].map[r] = first[r], l->source[2].map[r] = second[r];
}

/* Four registers: z, r, and the candidate's sum in two parts, since the reset gate comes between the inputs' and the
 * units'. So W and R each have a register of zeros. */
static void describe_gru(const lc_spec *spec, lc_layout *l) {
    const int8_t inputs[LC_WIDE] = {0, 1, 2, -1}, units[LC_WIDE] = {0, 1, -1, 2};
    l->direct = 1, l->s = spec->units;
    l->source[0].gates = l->source[1].gates = 3;
    if (spec->variant & LC_RESET_BEFORE) {
        describe_gru_before(spec, l);
        return;
    }
    l->kernel = LC_KERNEL_GRU, l->ng = 4;
    for (int r = 0; r < LC_WIDE; r++) l->source[0].map[r] = inputs[r], l->source[1].map[r] = units[r];
}

static void describe_rnn(const lc_spec *spec, lc_layout *l) {
    l->kernel = LC_KERNEL_RNN, l->ng = 1, l->s = spec->units;
    l->direct = (spec->flags & LC_ZONED) != 0;
    l->source[0].gates = l->source[1].gates = 1;
}

lc_status lc_describe(const lc_spec *spec, lc_layout *l) {
    const int32_t activations[] = {spec->activation, spec->output_activation, spec->gate_activation};
    const lc_ramp ramps[] = {spec->ramp, spec->output_ramp, spec->gate_ramp};
    for (int i = 0; i < 3; i++) {
        if (activations[i] < 0 || activations[i] >= LC_ACTIVATION_COUNT) return LC_BAD_SPEC;
        if (activations[i] == LC_HARD_SIGMOID && !lc_is_ramp(ramps[i])) return LC_BAD_SPEC;
    }
    if (!(spec->clip >= 0) || (spec->cell != LC_LSTM && spec->clip != 0)) return LC_BAD_SPEC;
    if (spec->variant & ~(spec->cell == LC_GRU ? LC_RESET_BEFORE : 0u) && spec->cell != LC_LSTM) return LC_BAD_SPEC;
    l->source[0].rows = spec->inputs, l->source[1].rows = spec->units;
    l->states = lc_state_count(spec);
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
    const int64_t H = spec->units, gates = l.source[0].gates;
    int64_t wide;
    if (__builtin_mul_overflow(gates, H, &wide)) return LC_TOO_LARGE;
    *info = (lc_cell_info){.states = l.states, .peepholes = l.peepholes};
    name_gates(spec, info->gates);
    set_shape(info, 0, 2, spec->inputs, wide);
    set_shape(info, 1, 2, H, wide);
    if (spec->cell == LC_GRU && !(spec->variant & LC_RESET_BEFORE)) set_shape(info, 2, 2, 2, wide);
    else set_shape(info, 2, 1, wide, 0);
    if (l.peepholes) set_shape(info, 3, 2, l.peepholes, H);
    if (spec->variant & LC_FULL_GATES) set_shape(info, 4, 2, 3 * H, 3 * H);
    return LC_OK;
}
