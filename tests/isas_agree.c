/* Every instruction set of this machine against the baseline, which the Python tests hold to NumPy: for machines that
 * have no Python at hand, such as an emulated one. Outputs and all gradients, both types, odd shapes. */
#include "lstmcore.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 8 }; /* y or h, c, dx, dW, dR, db, dh0, dc0 */

typedef struct result {
    void *part[PARTS];
    int64_t n[PARTS];
} result;

static void *allocate(size_t bytes) {
    void *p = NULL;
    if (posix_memalign(&p, 64, bytes)) exit(2);
    memset(p, 0, bytes);
    return p;
}

static double get(int type, const void *p, int64_t i) { return type == LC_F64 ? ((double *)p)[i] : ((float *)p)[i]; }

static void *random_reals(int type, int64_t n, double scale) {
    void *p = allocate((size_t)n * 8);
    for (int64_t i = 0; i < n; i++) {
        const double x = scale * (2.0 * rand() / RAND_MAX - 1);
        if (type == LC_F64) ((double *)p)[i] = x;
        else ((float *)p)[i] = (float)x;
    }
    return p;
}

static void check(lc_status status) {
    if (status == LC_OK) return;
    printf("%s\n", lc_status_text(status));
    exit(2);
}

static result run(lc_spec spec) {
    const int64_t T = spec.steps, B = spec.batch, I = spec.inputs, H = spec.units, G = 4;
    const int64_t n[PARTS] = {B * H, B * H, T * B * I, I * G * H, H * G * H, G * H, B * H, B * H};
    lc_sizes sizes;
    srand(1);
    check(lc_measure(&spec, &sizes));
    void *packed = allocate(sizes.packed_both), *tape = allocate(sizes.tape), *work = allocate(sizes.work);
    result out;
    for (int i = 0; i < PARTS; i++) out.part[i] = allocate((size_t)n[i] * 8), out.n[i] = n[i];
    lc_weights weights = {random_reals(spec.type, n[3], 1), random_reals(spec.type, n[4], 0.3),
                          random_reals(spec.type, n[5], 1)};
    lc_sequence x = {random_reals(spec.type, T * B * I, 2), I, T * I};
    lc_sequence dy = {random_reals(spec.type, T * B * H, 1), B * H, H};
    lc_forward_io forward = {.x = x, .hT = out.part[0], .cT = out.part[1]};
    forward.h0 = random_reals(spec.type, B * H, 1), forward.c0 = random_reals(spec.type, B * H, 1);
    lc_backward_io backward = {.x = x,
                               .dy = dy,
                               .dhT = forward.h0,
                               .dcT = forward.c0,
                               .dx = out.part[2],
                               .dW = out.part[3],
                               .dR = out.part[4],
                               .db = out.part[5],
                               .dh0 = out.part[6],
                               .dc0 = out.part[7]};
    check(lc_pack(&spec, &weights, 1, packed));
    check(lc_forward(&spec, packed, &forward, tape, work));
    check(lc_backward(&spec, packed, &backward, tape, work));
    return out; /* what it allocated ends with the program */
}

static double distance(int type, const result *a, const result *b, int part) {
    double off = 0, norm = 0;
    for (int64_t i = 0; i < a->n[part]; i++) {
        const double x = get(type, a->part[part], i), y = get(type, b->part[part], i);
        off += (x - y) * (x - y), norm += y * y;
    }
    return sqrt(off / norm);
}

int main(void) {
    static const int64_t shapes[][4] = {{1, 1, 1, 1}, {3, 2, 3, 5}, {5, 1, 9, 33}, {6, 16, 30, 70}, {4, 33, 5, 20}};
    int bad = 0;
    for (int type = LC_F32; type <= LC_F64; type++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            lc_spec spec = {.type = type,
                            .isa = LC_BASE,
                            .steps = shapes[s][0],
                            .batch = shapes[s][1],
                            .inputs = shapes[s][2],
                            .units = shapes[s][3],
                            .flags = LC_TRAIN};
            const result base = run(spec);
            for (spec.isa = LC_BASE + 1; spec.isa < LC_ISA_COUNT; spec.isa++) {
                if (!lc_isa_available(spec.isa)) continue;
                const result other = run(spec);
                const double eps = type == LC_F64 ? 2.2e-16 : 1.2e-7;
                for (int part = 0; part < PARTS; part++) {
                    const double off = distance(type, &other, &base, part);
                    if (!(off <= 64 * eps)) {
                        bad = 1;
                        printf("%s, type %d, shape %d, part %d: off by %g\n", lc_isa_name(spec.isa), type, (int)s, part,
                               off);
                    }
                }
            }
        }
    printf("%s\n", bad ? "they disagree" : "they agree");
    return bad;
}
