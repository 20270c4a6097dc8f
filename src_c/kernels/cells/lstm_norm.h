/* The layer-normalized LSTM in two forms, with all that lstm_any.h has but full gates. A normalization n(v) is over a
 * row's sums v, (v - mean) / sqrt(variance + epsilon); gains, biases and offsets have a number for each unit:
 *
 *     LC_NORM_BOTH   z = gain n(x W) + gain' n(h R) + b, n over all gates at once    h' = o b(gain n(c') + offset)
 *     LC_NORM_SUM    z = gain n(x W + h R + p c) + b, n over one gate at a time      h' = o b(c')
 *
 * The first is that of Ba, Kiros and Hinton (2016), supplement, equations 20 to 22; the second TensorFlow Lite's.
 *
 * Three kinds of stages. Behind a product lstm_norm adds the peepholes to the sums. Then norm_gates, which needs the
 * sums of all units of a row, makes gates, c' and h'. Where h' waits for c' of all units (lc_norm_waits: they are
 * normalized, or o's peephole sees them) it is norm_output that makes h'. In reverse each leaves gradients of what was
 * normalized, times nothing yet, for the one before it, which needs them of all units. Each has a place of its own: the
 * sums, as the products made them, and the gates, later the gradients of their pre-activations, in a row of z; the
 * gradients of the sums in dz; that of b's argument in dn. So nobody overwrites what another thread still reads. */
#ifndef LC_LSTM_NORM_H
#define LC_LSTM_NORM_H
#include "lstm_any.h"

enum { NORM_ROWS = 8 }; /* whose statistics are taken at a time */

typedef struct norm_parts {
    lstm_parts l;
    lc_norm n;
    int ng, row, both; /* gates; reals in a row of z */
    int waits;         /* h' is norm_output's */
    int early;         /* SUM: gates whose sums are complete before c' is there */
} norm_parts;

INLINE norm_parts norm_parts_of(const cell_args *k) {
    norm_parts p = {lstm_parts_of(k),
                    k->lay->norm,
                    k->lay->stage[0].ng,
                    (int)k->stage->row,
                    k->spec->layer_norm == LC_NORM_BOTH,
                    lc_norm_waits(k->spec),
                    0};
    p.early = p.ng - p.waits;
    return p;
}

/* Mean and scale, 1 / sqrt(variance + epsilon), of a row. */
INLINE vec normalized(const real *at, const real *statistics) { return (load(at) - statistics[0]) * statistics[1]; }

/* Statistics of n registers at `at` in all blocks of units: of each, or together of all. */
INLINE void measure_registers(const int n, const real *at, int64_t block, const cell_args *k, int together,
                              real (*statistics)[2]) {
    const int64_t units = k->h_stride, blocks = k->lay->ub;
    const real epsilon = (real)lc_epsilon(k->spec);
    vec sum[LC_WIDE] = {{0}}, square[LC_WIDE] = {{0}};
    real mean[LC_WIDE], variance[LC_WIDE], mean_all = 0, variance_all = 0;
    for (int64_t u = 0; u < blocks; u++)
        UNROLL for (int j = 0; j < n; j++) sum[j] += first_lanes(load(at + u * block + j * VL), lanes_of(units, u));
    UNROLL for (int j = 0; j < n; j++) mean_all += mean[j] = across(sum[j]) / (real)units;
    UNROLL for (int j = 0; together && j < n; j++) mean[j] = mean_all / n;
    for (int64_t u = 0; u < blocks; u++) UNROLL for (int j = 0; j < n; j++) {
            const vec off = first_lanes(load(at + u * block + j * VL) - mean[j], lanes_of(units, u));
            square[j] = madd(off, off, square[j]);
        }
    UNROLL for (int j = 0; j < n; j++) variance_all += variance[j] = across(square[j]) / (real)units;
    if (together) statistics[0][0] = mean[0], statistics[0][1] = 1 / SQRT(variance_all / n + epsilon);
    else
        for (int j = 0; j < n; j++) statistics[j][0] = mean[j], statistics[j][1] = 1 / SQRT(variance[j] + epsilon);
}

static void measure(int n, const real *at, int64_t block, const cell_args *k, int together, real (*statistics)[2]) {
    switch (n) {
    case 1: measure_registers(1, at, block, k, together, statistics); break;
    case 2: measure_registers(2, at, block, k, together, statistics); break;
    case 3: measure_registers(3, at, block, k, together, statistics); break;
    case 4: measure_registers(4, at, block, k, together, statistics); break;
    default: break;
    }
}

/* The new cell before zoneout, in blocks. */
INLINE const real *new_cells(const cell_args *k, int64_t e, int64_t *block) {
    *block = k->fresh ? k->fresh_block : k->c_block;
    return k->fresh ? k->fresh + e * VL : k->c1 + k->c_to[e] * VL;
}

/* Moves on to entries [e, e + n). */
INLINE void to_rows(cell_args *k, int64_t e, int64_t n) {
    k->n = n;
    k->row += e, k->from += e, k->to += e, k->c_from += e, k->c_to += e;
    k->z += e * k->stage->row;
    if (k->dz) k->dz += e * k->lay->stage[0].pw, k->dn += e * VL;
    if (k->q) k->q += e * k->h_stride;
    if (k->fresh) k->fresh += e * VL;
    if (k->statistics) k->statistics += e * LC_NORMS * 2;
}

typedef real row_statistics[LC_NORMS][2];

/* The kernel of a stage that needs whole rows: measure_rows of some rows at a time, then rows of own blocks. `take`,
 * of NORM_ROWS rows, is for what the one tells the other. */
#define WHOLE_ROWS(kernel)                                                                                             \
    static void kernel(const cell_args *given, int64_t u0, int64_t u1) {                                               \
        check_entries(given, u0, u1);                                                                                  \
        const norm_parts p = norm_parts_of(given);                                                                     \
        for (int64_t e = 0; e < given->n && u0 < u1; e += NORM_ROWS) {                                                 \
            cell_args some = *given;                                                                                   \
            row_statistics found[NORM_ROWS];                                                                           \
            to_rows(&some, e, given->n - e < NORM_ROWS ? given->n - e : NORM_ROWS);                                    \
            kernel##_measure(&some, &p, found, u0 == 0);                                                               \
            for (int64_t u = u0; u < u1; u++) {                                                                        \
                cell_args k = some;                                                                                    \
                to_block(&k, u);                                                                                       \
                kernel##_rows(&k, &p, found);                                                                          \
            }                                                                                                          \
        }                                                                                                              \
    }

/* The tape gets what was measured, from one of the threads that share a row. */
INLINE void keep_statistics(const cell_args *k, int64_t e, int first, int count, int mine, row_statistics *found) {
    for (int j = first; k->statistics && mine && j < first + count; j++)
        for (int i = 0; i < 2; i++) k->statistics[(e * LC_NORMS + j) * 2 + i] = found[e][j][i];
}

/* ---- forward ---- */

/* Peepholes of i and f; that of o follows when c' is there. */
INLINE void lstm_norm_forward_rows(const cell_args *k) {
    const norm_parts p = norm_parts_of(k);
    if (!p.l.peep) return;
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * p.row;
        const vec c = load(k->c0 + k->c_from[e] * VL);
        if (p.l.i) store(at, madd(load(k->vectors), c, load(at)));
        if (p.l.f) store(at + p.l.at_f, madd(load(k->vectors + VL), c, load(at + p.l.at_f)));
    }
}

BLOCKS(lstm_norm_forward)

/* The pre-activation of gate g. */
INLINE vec pre_activation(const cell_args *k, const norm_parts *p, const real *at, int g, row_statistics statistics) {
    const real *gains = k->vectors + (p->n.gain + g) * VL;
    const vec b = load(k->vectors + (p->n.bias + g) * VL);
    if (!p->both) return madd(load(gains), normalized(at + g * VL, statistics[g]), b);
    const vec of_h = load(gains + p->ng * VL) * normalized(at + (p->ng + g) * VL, statistics[1]);
    return madd(load(gains), normalized(at + g * VL, statistics[0]), of_h) + b;
}

INLINE void lstm_norm_gates_forward_measure(const cell_args *k, const norm_parts *p, row_statistics *found, int mine) {
    for (int64_t e = 0; e < k->n; e++) {
        const real *at = k->z + e * p->row;
        measure(p->both ? p->ng : p->early, at, k->z_block, k, p->both, found[e]);
        if (p->both) measure(p->ng, at + p->ng * VL, k->z_block, k, 1, found[e] + 1);
        keep_statistics(k, e, 0, p->both ? 2 : p->early, mine, found);
    }
}

INLINE void lstm_norm_gates_forward_rows(const cell_args *k, const norm_parts *p, row_statistics *found) {
    const lstm_parts *l = &p->l;
    const vec one = set(1), none = {0};
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * p->row, *gates = at + p->n.gates * VL;
        const vec c0 = load(k->c0 + k->c_from[e] * VL);
        const int g = l->at_g / VL;
        vec z[4] = {l->i ? pre_activation(k, p, at, 0, found[e]) : none,
                    l->f ? pre_activation(k, p, at, l->i, found[e]) : none, pre_activation(k, p, at, g, found[e]),
                    l->o && (p->both || !p->waits) ? pre_activation(k, p, at, g + 1, found[e]) : none};
        if (l->usual) squash(4, z, 1 << 2);
        else
            z[0] = activate(l->s, z[0]), z[1] = activate(l->s, z[1]), z[2] = activate(l->a, z[2]),
            z[3] = activate(l->s, z[3]);
        const vec i = l->i ? z[0] : one, f = l->f ? z[1] : l->coupled ? 1 - i : one;
        const vec c = lstm_new_cell(l, i, f, z[2], c0);
        vec c1 = c;
        if (k->keep_c) c1 = zone(c, c0, load_lanes(k->keep_c + k->row[e] * k->h_stride, k->lanes));
        if (k->fresh) store(k->fresh + e * VL, c);
        store(k->c1 + k->c_to[e] * VL, c1);
        if (!p->waits) put_h(k, e, zone_h(k, e, (l->o ? z[3] : one) * activate(l->b, c)));
        else if (!p->both) store(at + l->at_o, madd(load(k->vectors + 2 * VL), c, load(at + l->at_o)));
        if (l->o && (p->both || (!p->waits && k->save_gates))) store(gates + l->at_o, z[3]);
        if (!k->save_gates) continue;
        if (l->i) store(gates, i);
        if (l->f) store(gates + l->at_f, f);
        store(gates + l->at_g, z[2]);
    }
}
WHOLE_ROWS(lstm_norm_gates_forward)

/* b's argument. */
INLINE vec normalized_cell(const cell_args *k, const norm_parts *p, const real *cell, row_statistics statistics) {
    const real *norm = k->vectors + p->n.state * VL;
    return p->both ? madd(load(norm), normalized(cell, statistics[2]), load(norm + VL)) : load(cell);
}

INLINE void lstm_norm_output_forward_measure(const cell_args *k, const norm_parts *p, row_statistics *found, int mine) {
    const int which = p->both ? 2 : p->ng - 1;
    for (int64_t e = 0; e < k->n; e++) {
        int64_t block = k->z_block;
        const real *at = p->both ? new_cells(k, e, &block) : k->z + e * p->row + p->l.at_o;
        measure(1, at, block, k, 0, found[e] + which);
        keep_statistics(k, e, which, 1, mine, found);
    }
}

INLINE void lstm_norm_output_forward_rows(const cell_args *k, const norm_parts *p, row_statistics *found) {
    const lstm_parts *l = &p->l;
    for (int64_t e = 0; e < k->n; e++) {
        int64_t block;
        real *at = k->z + e * p->row, *gates = at + p->n.gates * VL;
        const vec y = activate(l->b, normalized_cell(k, p, new_cells(k, e, &block), found[e]));
        vec o = set(1);
        if (l->o && p->both) o = load(gates + l->at_o);
        else if (l->o) o = activate(l->s, pre_activation(k, p, at, p->ng - 1, found[e]));
        vec h = o * y;
        put_h(k, e, zone_h(k, e, h));
        if (l->o && !p->both && k->save_gates) store(gates + l->at_o, o);
    }
}
WHOLE_ROWS(lstm_norm_output_forward)

/* ---- backward ----
 *
 * With d the gradient of gain n(v): of v it is scale (d gain - M1 - n M2), M1 and M2 the means over the row of d gain
 * and of d gain n. */

/* Adds d gain and d gain n of one register, of all blocks. */
INLINE void add_gradients(const cell_args *k, const real *d, int64_t d_block, const real *v, int64_t v_block, int gain,
                          const real *statistics, vec sums[2]) {
    const int64_t apart = k->lay->vectors * VL;
    for (int64_t u = 0; u < k->lay->ub; u++) {
        const vec of =
            first_lanes(load(d + u * d_block) * load(k->vectors + u * apart + gain * VL), lanes_of(k->h_stride, u));
        sums[0] += of;
        sums[1] = madd(of, normalized(v + u * v_block, statistics), sums[1]);
    }
}

INLINE void to_means(const vec sums[2], real n, real means[2]) {
    means[0] = across(sums[0]) / n, means[1] = across(sums[1]) / n;
}

INLINE vec normalization_gradient(const cell_args *k, vec d, const real *v, int gain, const real *statistics,
                                  const real *means) {
    const vec off = madd(d, load(k->vectors + gain * VL), set(-means[0]));
    return statistics[1] * madd(normalized(v, statistics), set(-means[1]), off);
}

INLINE row_statistics *taped(const cell_args *k) { return (row_statistics *)k->statistics; }

INLINE void lstm_norm_output_backward_rows(const cell_args *k) {
    const norm_parts p = norm_parts_of(k);
    const lstm_parts *l = &p.l;
    for (int64_t e = 0; e < k->n; e++) {
        int64_t block;
        real *at = k->z + e * p.row, *gates = at + p.n.gates * VL;
        const vec o = l->o ? load(gates + l->at_o) : set(1);
        const vec y = activate(l->b, normalized_cell(k, &p, new_cells(k, e, &block), taped(k)[e]));
        vec dh = take_zoned_dh(k, e);
        store(k->dn + e * VL, dh * o * slope(l->b, y));
        if (l->o) store(gates + l->at_o, dh * y * slope(l->s, o));
    }
}

BLOCKS(lstm_norm_output_backward)

INLINE void lstm_norm_gates_backward_measure(const cell_args *k, const norm_parts *p, row_statistics *found, int mine) {
    (void)mine;
    if (!p->waits) return;
    for (int64_t e = 0; e < k->n; e++) {
        const real *at = k->z + e * p->row;
        int64_t block = k->z_block;
        vec sums[2] = {{0}, {0}};
        if (p->both) {
            const real *c = new_cells(k, e, &block);
            add_gradients(k, k->dn + e * VL, k->dn_block, c, block, p->n.state, taped(k)[e][2], sums);
        } else
            add_gradients(k, at + p->n.gates * VL + p->l.at_o, block, at + p->l.at_o, block, p->n.gain + p->ng - 1,
                          taped(k)[e][p->ng - 1], sums);
        to_means(sums, (real)k->h_stride, found[e][0]);
    }
}

INLINE void lstm_norm_gates_backward_rows(const cell_args *k, const norm_parts *p, row_statistics *found) {
    const lstm_parts *l = &p->l;
    const vec one = set(1), none = {0};
    for (int64_t e = 0; e < k->n; e++) {
        real *at = k->z + e * p->row, *gates = at + p->n.gates * VL, *dc_at = k->dc + k->row[e] * VL;
        const vec i = l->i ? load(gates) : one, g = load(gates + l->at_g);
        const vec f = l->f ? load(gates + l->at_f) : l->coupled ? 1 - i : one;
        const vec c0 = load(k->c0 + k->c_from[e] * VL), n = lstm_new_cell(l, i, f, g, c0);
        vec dc = load(dc_at), old = none, d = none;
        if (k->keep_c) {
            const vec keep = load_lanes(k->keep_c + k->row[e] * k->h_stride, k->lanes);
            old = keep * dc, dc *= 1 - keep;
        }
        int64_t block;
        if (p->waits) d = load(k->dn + e * VL);
        else {
            const vec o = l->o ? load(gates + l->at_o) : one, y = activate(l->b, n), dh = take_zoned_dh(k, e);
            d = dh * o * slope(l->b, y);
            if (l->o) store(gates + l->at_o, dh * y * slope(l->s, o));
        }
        if (p->both) d = normalization_gradient(k, d, new_cells(k, e, &block), p->n.state, taped(k)[e][2], found[e][0]);
        else if (p->waits) {
            const int last = p->ng - 1;
            const vec dzo = normalization_gradient(k, load(gates + l->at_o), at + l->at_o, p->n.gain + last,
                                                   taped(k)[e][last], found[e][0]);
            store(k->dz + e * p->ng * VL + l->at_o, dzo);
            d = madd(load(k->vectors + 2 * VL), dzo, d);
        }
        d += dc;
        if (l->clip > 0) d = where((n < l->clip) & (n > -l->clip), d, none);
        if (l->i) store(gates, d * (l->coupled ? g - c0 : g) * slope(l->s, i));
        if (l->f) store(gates + l->at_f, d * c0 * slope(l->s, f));
        store(gates + l->at_g, d * i * slope(l->a, g));
        store(dc_at, madd(d, f, old));
    }
}
WHOLE_ROWS(lstm_norm_gates_backward)

/* Means of the gradients of n gates' sums in row e: of each gate, or with BOTH of all of x W and of all of h R. Two
 * chains of sums are shorter than one. */
INLINE void measure_gradients(const int n, const int both, const cell_args *k, const norm_parts *p, int64_t e,
                              real (*means)[2]) {
    const int64_t apart = k->lay->vectors * VL;
    const real *at = k->z + e * p->row, *d = at + p->n.gates * VL, *gains = k->vectors + p->n.gain * VL;
    const row_statistics *statistics = taped(k) + e;
    vec sums[2][LC_WIDE][2] = {{{{0}}}};
    for (int64_t u = 0; u < k->lay->ub; u++, at += k->z_block, d += k->z_block, gains += apart)
        UNROLL for (int g = 0; g < n; g++) {
            const vec there = first_lanes(load(d + g * VL), lanes_of(k->h_stride, u));
            UNROLL for (int j = 0; j <= both; j++) {
                vec *sum = sums[j][both ? g % 2 : g];
                const vec of = there * load(gains + (j * p->ng + g) * VL);
                sum[0] += of;
                sum[1] = madd(of, normalized(at + (j * p->ng + g) * VL, (*statistics)[both ? j : g]), sum[1]);
            }
        }
    for (int j = 0; j < (both ? 2 : n); j++) {
        if (!both) to_means(sums[0][j], (real)k->h_stride, means[j]);
        else {
            const vec all[2] = {sums[j][0][0] + sums[j][1][0], sums[j][0][1] + sums[j][1][1]};
            to_means(all, (real)(k->h_stride * p->ng), means[j]);
        }
    }
}

/* BOTH has a stage for x and one for h, whose gradients the latter makes. SUM makes those of all gates but that whose
 * gradient is there already. */
INLINE void lstm_norm_backward_measure(const cell_args *k, const norm_parts *p, row_statistics *found, int mine) {
    (void)mine;
    for (int64_t e = 0; e < k->n; e++) switch (p->both ? 4 + p->ng : p->early) {
        case 1: measure_gradients(1, 0, k, p, e, found[e]); break;
        case 2: measure_gradients(2, 0, k, p, e, found[e]); break;
        case 3: measure_gradients(3, 0, k, p, e, found[e]); break;
        case 4: measure_gradients(4, 0, k, p, e, found[e]); break;
        case 5: measure_gradients(1, 1, k, p, e, found[e]); break;
        case 6: measure_gradients(2, 1, k, p, e, found[e]); break;
        case 7: measure_gradients(3, 1, k, p, e, found[e]); break;
        case 8: measure_gradients(4, 1, k, p, e, found[e]); break;
        default: break;
        }
}

INLINE void lstm_norm_backward_rows(const cell_args *k, const norm_parts *p, row_statistics *found) {
    const int64_t to_x = p->both ? k->lay->stage[0].own_dz - k->lay->stage[1].own_dz : 0;
    for (int64_t e = 0; e < k->n; e++) {
        const real *at = k->z + e * p->row, *gates = at + p->n.gates * VL;
        real *dz = k->dz + e * p->ng * VL;
        for (int g = 0; g < (p->both ? p->ng : p->early); g++) {
            const vec d = load(gates + g * VL);
            for (int j = 0; j <= p->both; j++)
                store(dz + g * VL + (j ? 0 : to_x),
                      normalization_gradient(k, d, at + (j * p->ng + g) * VL, p->n.gain + j * p->ng + g,
                                             taped(k)[e][p->both ? j : g], found[e][p->both ? j : g]));
        }
        if (!p->l.peep) continue;
        real *dc = k->dc + k->row[e] * VL;
        vec sum = load(dc);
        if (p->l.i) sum = madd(load(k->vectors), load(dz), sum);
        if (p->l.f) sum = madd(load(k->vectors + VL), load(dz + p->l.at_f), sum);
        store(dc, sum);
    }
}
WHOLE_ROWS(lstm_norm_backward)

#endif
