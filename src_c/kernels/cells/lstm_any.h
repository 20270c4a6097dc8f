/* The LSTM with everything an lc_spec can ask for: the variants of Greff et al. 2017, any activations, a cell clip,
 * zoneout (Krueger et al. 2017). With a gate that is lacking 1, and peepholes p that are lacking 0:
 *
 *     i = s(zi + pi c)   f = s(zf + pf c), or 1 - i   g = a(zg)
 *     n = clip(f c + i g)   o = s(zo + po n)   h' = zone_h(o b(n), h)   c' = zone_c(n, c)
 *
 * With LC_FULL_GATES i, f and o are parts of the state that goes round. */
#ifndef LC_LSTM_ANY_H
#define LC_LSTM_ANY_H
#include "cell.h"

typedef struct lstm_parts {
    int i, f, o, coupled, full, peep; /* which there are */
    activator a, b, s;                /* of g, of n on its way out, of the gates */
    int usual;                        /* a and s are those of the plain cell */
    int at_f, at_g, at_o, wide;       /* reals from z to f, g, o (i is the first), and in a row */
    real clip;
} lstm_parts;

INLINE lstm_parts lstm_parts_of(const cell_args *k) {
    const lc_spec *spec = k->spec;
    const uint32_t v = spec->variant;
    lstm_parts p = {.i = !(v & LC_NO_INPUT_GATE),
                    .coupled = (v & LC_COUPLED) != 0,
                    .o = !(v & LC_NO_OUTPUT_GATE),
                    .f = !(v & (LC_NO_FORGET_GATE | LC_COUPLED)),
                    .full = (v & LC_FULL_GATES) != 0,
                    .peep = (v & LC_PEEPHOLE) != 0,
                    .a = value_activator(spec),
                    .b = activator_of(spec->output_activation, LC_TANH, spec->output_ramp),
                    .s = gate_activator(spec),
                    .clip = (real)spec->clip};
    p.usual = p.a.kind == LC_TANH && p.s.kind == LC_SIGMOID;
    p.at_f = p.i * VL, p.at_g = p.at_f + p.f * VL, p.at_o = p.at_g + VL, p.wide = p.at_o + p.o * VL;
    return p;
}

/* n from the gates and the old cell; backward makes it again. */
INLINE vec lstm_new_cell(const lstm_parts *p, vec i, vec f, vec g, vec c0) {
    vec c = madd(f, c0, i * g);
    return p->clip > 0 ? clamp(c, p->clip) : c;
}

INLINE void lstm_any_forward_rows(const cell_args *k) {
    const lstm_parts p = lstm_parts_of(k);
    const vec one = set(1), none = {0};
    vec peep[3] = {none, none, none};
    if (p.peep) UNROLL for (int j = 0; j < 3; j++) peep[j] = load(k->vectors + j * VL);
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * p.wide;
        const vec c0 = load(k->c0 + k->c_from[e] * VL);
        vec z[3] = {p.i ? madd(peep[0], c0, load(at)) : none, p.f ? madd(peep[1], c0, load(at + p.at_f)) : none,
                    load(at + p.at_g)};
        if (p.usual) squash(3, z, 1 << 2);
        else {
            if (p.i) z[0] = activate(p.s, z[0]);
            if (p.f) z[1] = activate(p.s, z[1]);
            z[2] = activate(p.a, z[2]);
        }
        const vec i = p.i ? z[0] : one, f = p.f ? z[1] : p.coupled ? 1 - i : one;
        const vec c = lstm_new_cell(&p, i, f, z[2], c0);
        vec out[2] = {c, p.o ? madd(peep[2], c, load(at + p.at_o)) : none};
        if (p.usual && p.b.kind == LC_TANH) squash(2, out, 1);
        else out[0] = activate(p.b, out[0]), out[1] = activate(p.s, out[1]);
        const vec o = p.o ? out[1] : one;
        vec h = o * out[0];
        vec c1 = c;
        if (k->keep_c) c1 = zone(c, c0, load_lanes(k->keep_c + k->row[e] * k->h_stride, k->lanes));
        if (k->fresh) store(k->fresh + e * VL, c);
        store(k->c1 + k->c_to[e] * VL, c1);
        put_h(k, e, zone_h(k, e, h));
        if (p.full) {
            real *state = k->h1 + k->to[e] * k->state_stride + k->h_stride,
                 *scaled = k->hs ? k->hs + k->row[e] * k->state_stride : NULL;
            const vec gates[3] = {i, f, o};
            UNROLL for (int j = 0; j < 3; j++) {
                store_lanes(state + j * k->h_stride, gates[j], k->lanes);
                if (scaled) store_lanes(scaled + (j + 1) * k->h_stride, gates[j], k->lanes);
            }
        }
        if (!k->save_gates) continue;
        if (p.i) store(at, i);
        if (p.f) store(at + p.at_f, f);
        store(at + p.at_g, z[2]);
        if (p.o) store(at + p.at_o, o);
    }
}

/* d is the gradient of n, ds of the gates as a part of the state. */
INLINE void lstm_any_backward_rows(const cell_args *k) {
    const lstm_parts p = lstm_parts_of(k);
    const vec one = set(1), none = {0};
    vec peep[3] = {none, none, none};
    if (p.peep) UNROLL for (int j = 0; j < 3; j++) peep[j] = load(k->vectors + j * VL);
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * p.wide, *dc_at = k->dc + k->row[e] * VL, *dh_at = k->dh + k->row[e] * VL;
        const vec i = p.i ? load(at) : one, g = load(at + p.at_g), o = p.o ? load(at + p.at_o) : one;
        const vec f = p.f ? load(at + p.at_f) : p.coupled ? 1 - i : one;
        const vec c0 = load(k->c0 + k->c_from[e] * VL), n = lstm_new_cell(&p, i, f, g, c0);
        const vec y = activate(p.b, n);
        vec dh = take_zoned_dh(k, e), dc = load(dc_at), old = none, ds[3] = {none, none, none};
        if (k->keep_c) {
            const vec keep = load_lanes(k->keep_c + k->row[e] * k->h_stride, k->lanes);
            old = keep * dc, dc *= 1 - keep;
        }
        if (p.full) UNROLL for (int j = 0; j < 3; j++) {
                ds[j] = load(dh_at + (j + 1) * k->gate_block);
                if (k->direct) store(dh_at + (j + 1) * k->gate_block, none);
            }
        const vec dzo = p.o ? madd(dh, y, ds[2]) * slope(p.s, o) : none;
        vec d = madd(peep[2], dzo, madd(dh * o, slope(p.b, y), dc));
        if (p.clip > 0) d = where((n < p.clip) & (n > -p.clip), d, none);
        const vec dzi = p.i ? madd(d, p.coupled ? g - c0 : g, ds[0]) * slope(p.s, i) : none;
        const vec dzf = p.f ? madd(d, c0, ds[1]) * slope(p.s, f) : none;
        if (p.i) store(at, dzi);
        if (p.f) store(at + p.at_f, dzf);
        store(at + p.at_g, d * i * slope(p.a, g));
        if (p.o) store(at + p.at_o, dzo);
        store(dc_at, madd(peep[1], dzf, madd(peep[0], dzi, madd(d, f, old))));
    }
}
BLOCKS(lstm_any_forward)
BLOCKS(lstm_any_backward)

#endif
