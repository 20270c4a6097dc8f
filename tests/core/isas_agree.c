/* Every instruction set of this machine against the baseline, which the Python tests hold to NumPy: for machines that
 * have no Python at hand, such as an emulated one. Outputs and all gradients of each kernel, both types, odd shapes.
 * With an argument it prints a hash of the bits of each instead, for two compilers to be compared. */
#include "arrays.h"

#include <math.h>

enum { Y, C, DX, DW, DR, DB, DP, DH0, DC0, PARTS };

typedef struct result {
    void *part[PARTS];
    int64_t n[PARTS];
} result;

/* Two steps of three count. */
static lc_mask random_mask(int64_t steps, int64_t batch) {
    uint8_t *p = allocate((size_t)(steps * batch));
    for (int64_t i = 0; i < steps * batch; i++) p[i] = rand() % 3 != 0;
    return (lc_mask){p, batch, 1};
}

static result run(lc_spec spec) {
    const int64_t T = spec.steps, B = spec.batch, I = spec.inputs, H = spec.units;
    lc_sizes sizes;
    srand(1);
    check(lc_measure(&spec, &sizes));
    const int64_t GH = sizes.gates * H, cells = spec.cell == LC_LSTM ? B * H : 0;
    const int two = spec.cell == LC_GRU && !(spec.variant & LC_RESET_BEFORE); /* biases */
    result out = {
        .n = {T * B * H, cells, T * B * I, I * GH, H * GH, (1 + two) * GH, sizes.peepholes * H, B * H, cells}};
    for (int i = 0; i < PARTS; i++) out.part[i] = allocate((size_t)out.n[i] * 8);
    void *packed = allocate(sizes.packed_both), *tape = allocate(sizes.tape), *work = allocate(sizes.work);
    lc_weights weights = {.W = random_reals(spec.type, out.n[DW], 1),
                          .R = random_reals(spec.type, out.n[DR], 0.3),
                          .b = random_reals(spec.type, out.n[DB], 1),
                          .P = random_reals(spec.type, out.n[DP], 1),
                          .gain = random_reals(spec.type, GH, 1)};
    lc_sequence x = {random_reals(spec.type, T * B * I, 2), I, T * I};
    lc_sequence dy = {random_reals(spec.type, T * B * H, 1), B * H, H};
    lc_forward_io forward = {.x = x, .cT = out.part[C]};
    if (spec.flags & LC_MASKED) forward.mask = random_mask(T, B);
    forward.h0 = random_reals(spec.type, B * H, 1), forward.c0 = random_reals(spec.type, B * H, 1);
    lc_backward_io backward = {.x = x,
                               .dy = dy,
                               .dhT = forward.h0,
                               .dcT = forward.c0,
                               .dx = out.part[DX],
                               .dW = out.part[DW],
                               .dR = out.part[DR],
                               .db = out.part[DB],
                               .dP = out.part[DP],
                               .dh0 = out.part[DH0],
                               .dc0 = out.part[DC0]};
    check(lc_pack(&spec, &weights, 1, packed));
    check(lc_forward(&spec, packed, &forward, tape, work));
    const size_t size = size_of(spec.type);
    memcpy(out.part[Y], (char *)tape + (size_t)(B * H) * size, (size_t)out.n[Y] * size);
    check(lc_backward(&spec, packed, &backward, tape, work));
    return out; /* what it allocated ends with the program */
}

/* Of the norm, or of that of numbers of 0.3: where sums cancel, what is left is rounding. */
static double distance(int type, const result *a, const result *b, int part) {
    double off = 0, norm = 0;
    for (int64_t i = 0; i < a->n[part]; i++) {
        const double x = get(type, a->part[part], i), y = get(type, b->part[part], i);
        off += (x - y) * (x - y), norm += y * y;
    }
    return off == 0 ? 0 : sqrt(off / fmax(norm, 0.09 * (double)a->n[part]));
}

static void print_bits(lc_spec spec, const char *name) {
    for (spec.isa = LC_BASE; spec.isa < LC_ISA_COUNT; spec.isa++) {
        if (!lc_isa_available(spec.isa)) continue;
        const result found = run(spec);
        uint64_t hash = 14695981039346656037u; /* FNV-1a */
        for (int part = 0; part < PARTS; part++) {
            const uint8_t *bytes = found.part[part];
            for (size_t i = 0; i < (size_t)found.n[part] * size_of(spec.type); i++)
                hash = (hash ^ bytes[i]) * 1099511628211u;
        }
        printf("%s, %s of float%d, %d units: %016llx\n", name, lc_isa_name(spec.isa), spec.type == LC_F64 ? 64 : 32,
               (int)spec.units, (unsigned long long)hash);
    }
}

/* How many parts of a spec some instruction set has otherwise than the baseline. */
static int disagreements(lc_spec spec, const char *name) {
    static const char *const parts[PARTS] = {"y", "c", "dx", "dW", "dR", "db", "dP", "dh0", "dc0"};
    const double eps = spec.type == LC_F64 ? 2.2e-16 : 1.2e-7;
    int bad = 0;
    spec.isa = LC_BASE;
    const result base = run(spec);
    for (spec.isa = LC_BASE + 1; spec.isa < LC_ISA_COUNT; spec.isa++) {
        if (!lc_isa_available(spec.isa)) continue;
        const result other = run(spec);
        for (int part = 0; part < PARTS; part++) {
            const double off = distance(spec.type, &other, &base, part);
            if (off <= 64 * eps) continue;
            bad++;
            printf("%s, %s of float%d, %d units, %s: off by %g\n", name, lc_isa_name(spec.isa),
                   spec.type == LC_F64 ? 64 : 32, (int)spec.units, parts[part], off);
        }
    }
    return bad;
}

int main(int count, char **arguments) {
    (void)arguments;
    static const int64_t shapes[][4] = {{1, 1, 1, 1}, {3, 2, 3, 5}, {5, 1, 9, 33}, {6, 16, 30, 70}, {4, 33, 5, 20}};
    static const struct {
        const char *name;
        lc_spec spec;
    } cells[] = {
        {"LSTM", {.cell = LC_LSTM}},
        {"masked peephole LSTM", {.cell = LC_LSTM, .variant = LC_PEEPHOLE, .flags = LC_MASKED}},
        {"coupled softsign LSTM", {.cell = LC_LSTM, .variant = LC_COUPLED, .activation = LC_SOFTSIGN, .clip = 0.7}},
        {"normalized LSTM", {.cell = LC_LSTM, .layer_norm = LC_NORM_SUM}},
        {"GRU", {.cell = LC_GRU}},
        {"GRU, reset before", {.cell = LC_GRU, .variant = LC_RESET_BEFORE}},
        {"simple RNN", {.cell = LC_RNN}}};
    int bad = 0;
    for (size_t c = 0; c < sizeof cells / sizeof *cells; c++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int type = LC_F32; type <= LC_F64; type++) {
                lc_spec spec = cells[c].spec;
                spec.type = type, spec.flags |= LC_TRAIN;
                spec.steps = shapes[s][0], spec.batch = shapes[s][1];
                spec.inputs = shapes[s][2], spec.units = shapes[s][3];
                if (count > 1) print_bits(spec, cells[c].name);
                else bad += disagreements(spec, cells[c].name);
            }
    if (count == 1) printf("%s\n", bad ? "they disagree" : "they agree");
    return bad > 0;
}
