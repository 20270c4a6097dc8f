/* Weights into panels and weight gradients out of them; internal.h draws the buffers. */
#ifndef LC_PACK_H
#define LC_PACK_H
#include "pack_words.h"
#include "simd.h"
#include "tuning.h"

/* The lanes of unit block u that are units; the rest of the register is padding. */
INLINE int lanes_of(int64_t units, int64_t u) {
    LC_ASSERT(0 <= u && u * VL < units);
    int64_t left = units - u * VL;
    return left < VL ? (int)left : VL;
}

/* VL columns of dst [n][width] <- the transposed of src: element (v, c) is src[c*stride + v]; columns from `valid` on
 * are zero. By way of a square of registers, so that neither side is walked against the grain of the cache. */
static void transpose(real *dst, int64_t width, const real *src, int64_t stride, int n, int valid) {
    LC_ASSERT(0 < n && n <= VL && 0 <= valid && valid <= VL);
    real square[VL][VL];
    for (int c = 0; c < VL; c++) {
        vec x = {0};
        if (c < valid) x = n == VL ? load(src + c * stride) : load_n(src + c * stride, n);
        store(square[c], x);
    }
    for (int v = 0; v < n; v++)
        for (int c = 0; c < VL; c++) dst[v * width + c] = square[c][v];
}

/* An array of weights, or of their gradients, by its number. */
INLINE const real *weight_array(const lc_weights *weights, int which) {
    const void *const arrays[] = {weights->W, weights->R,  weights->b,    weights->P,
                                  weights->F, weights->Rp, weights->gain, weights->c_norm};
    return arrays[which];
}
INLINE real *gradient_array(const lc_backward_io *io, int which) {
    void *const arrays[] = {io->dW, io->dR, io->db, io->dP, io->dF, io->dRp, io->dgain, io->dc_norm};
    return arrays[which];
}

/* Where row k of a stage's forward panels comes from, and where in that array the row starts. */
INLINE const lc_source *find_row(const lc_stage *st, int64_t k, int64_t *start) {
    const lc_source *source = st->source;
    LC_ASSERT(0 <= k && k < st->k);
    while (k >= source->rows) k -= source++->rows;
    *start = k * source->gates * st->units;
    return source;
}

/* VL columns of a panel of the weights that turn dz into dh (R, F) or dx (W): rows [k, k + valid) of the forward
 * panels' weights. The panel's rows have the order (block, register, unit), as dz stands in memory. */
static void pack_back(real *dst, int64_t width, const lc_stage *st, const lc_weights *weights, int64_t k, int valid) {
    int64_t start;
    const lc_source *source = find_row(st, k, &start);
    const real *src = weight_array(weights, source->weight) + start;
    for (int64_t u = 0; u < st->ub; u++)
        for (int g = 0; g < st->ng; g++) {
            const int n = lanes_of(st->units, u), from = source->map[g];
            const real *block = src + (from < 0 ? 0 : from) * st->units + u * VL;
            transpose(dst, width, block, source->gates * st->units, n, from < 0 ? 0 : valid);
            dst += n * width;
        }
}

/* The same in words. */
static void pack_back_words(real *dst, int64_t width, const lc_stage *st, const lc_weights *weights, int64_t k,
                            int valid) {
    int64_t start;
    const lc_source *source = find_row(st, k, &start);
    const real *src = weight_array(weights, source->weight) + start;
    for (int64_t u = 0; u < st->ub; u++) {
        const int n = lanes_of(st->units, u);
        for (int g = 0; g < st->ng; g++, dst += VL / 2 * width) {
            real square[VL][VL] = {{0}};
            const int from = source->map[g];
            if (from >= 0)
                transpose(square[0], VL, src + from * st->units + u * VL, source->gates * st->units, n, valid);
            for (int i = 0; i < VL / 2; i++) pair_words(dst + i * width, load(square[2 * i]), load(square[2 * i + 1]));
        }
        for (int64_t i = st->pw / 2; i < st->back.words; i++, dst += width) store(dst, (vec){0});
    }
}

/* VL columns of a backward panel, as the layout wants them. */
static void pack_backward(real *dst, int64_t width, const lc_layout *lay, const lc_stage *st, const lc_weights *weights,
                          int64_t k, int valid) {
    (lay->words ? pack_back_words : pack_back)(dst, width, st, weights, k, valid);
}

/* Panel p of a stage's dh, counted through all parts: 4 blocks of units, a part's last panel fewer. */
static void pack_dh(const lc_layout *lay, const lc_stage *st, const lc_weights *weights, int64_t p, real *packed) {
    const int64_t part = p / st->jb, u0 = 4 * (p % st->jb), left = st->tb - u0, blocks = left < 4 ? left : 4;
    const int64_t first = st->rows[LC_FROM_X] + part * st->to;
    real *dst = packed + st->dh + (part * st->tb + u0) * st->kbp * VL;
    for (int64_t j = 0; j < blocks; j++) {
        const int64_t u = u0 + j;
        pack_backward(dst + j * VL, blocks * VL, lay, st, weights, first + u * VL, lanes_of(st->to, u));
    }
}

/* Panel p of dx: 4 registers of inputs, the last panel fewer. */
static void pack_dx(const lc_spec *spec, const lc_layout *lay, const lc_weights *weights, int64_t p, real *packed) {
    const lc_stage *st = lay->stage;
    const int64_t left = lc_ceil(spec->inputs, VL) - 4 * p, blocks = left < 4 ? left : 4;
    real *dst = packed + lay->dx + p * st->kbp * 4 * VL;
    for (int64_t j = 0; j < blocks; j++)
        pack_backward(dst + j * VL, blocks * VL, lay, st, weights, (4 * p + j) * VL, lanes_of(spec->inputs, 4 * p + j));
}

typedef struct stage_weights {
    const lc_stage *st;
    const lc_weights *weights;
    int64_t u;
} stage_weights;

/* Register g of row k of unit block u's forward panel of a stage. */
static vec stage_register(const void *stage, int64_t k, int g) {
    const stage_weights *s = stage;
    int64_t start;
    const lc_source *source = find_row(s->st, k, &start);
    const int from = source->map[g], n = lanes_of(s->st->units, s->u);
    const real *row = weight_array(s->weights, source->weight) + start + s->u * VL;
    return from < 0 ? (vec){0} : load_n(row + from * s->st->units, n);
}

/* A name for the column of weights that register g of a stage holds: W's and R's columns of a gate are one, wherever
 * they are multiplied, with one scale. */
INLINE int column_name(const lc_stage *st, int g) {
    const int weight = st->source[0].weight;
    for (const lc_source *source = st->source; source < st->source + LC_SOURCES && source->rows; source++)
        if (source->map[g] >= 0) return (weight == LC_WEIGHT_W ? LC_WEIGHT_R : weight) * LC_WIDE + source->map[g];
    return -1;
}

/* The forward panel of a stage's unit block u in words. */
static void pack_forward_words(const lc_layout *lay, const lc_stage *st, const lc_weights *weights, int64_t u,
                               real *panel) {
    const stage_weights own = {st, weights, u};
    word_packer packer = {.storage = &lay->storage, .at = stage_register, .weights = &own, .registers = st->ng};
    for (int i = 0; i < lay->stages && lay->storage.scaled; i++) {
        const stage_weights others = {&lay->stage[i], weights, u};
        word_packer other = {.at = stage_register, .weights = &others, .registers = others.st->ng};
        for (int to = 0; to < st->ng; to++) {
            int column[LC_WIDE];
            for (int g = 0; g < other.registers; g++)
                column[g] = column_name(others.st, g) == column_name(st, to) ? to : -1;
            into_scales(&packer, &other, others.st->k, column);
        }
    }
    find_scales(&packer);
    for (int64_t i = 0, k = 0; i < LC_FROM_COUNT; k += st->run[i++].n)
        if (st->run[i].n) pack_run(&packer, &st->run[i], k, panel + st->run[i].at * st->pw);
}

static void pack_forward_reals(const lc_stage *st, const lc_weights *weights, int64_t u, real *panel) {
    const int n = lanes_of(st->units, u);
    for (int64_t k = 0; k < st->k; k++) {
        int64_t start;
        const lc_source *source = find_row(st, k, &start);
        const real *row = weight_array(weights, source->weight) + start + u * VL;
        for (int g = 0; g < st->ng; g++, panel += VL) {
            const int from = source->map[g];
            const real *src = row + (from < 0 ? 0 : from) * st->units;
            store(panel, from < 0 ? (vec){0} : n == VL ? load(src) : load_n(src, n));
        }
    }
}

/* Bias and forward panel of a stage's unit block u. */
static void pack_forward(const lc_layout *lay, const lc_stage *st, const lc_weights *weights, int64_t u, real *packed) {
    const int64_t at = u * VL, bias = st->source[0].gates * st->units;
    real *panel = packed + st->panels + u * st->kp * st->pw;
    const int n = lanes_of(st->units, u);
    for (int g = 0; g < st->ng; g++) {
        vec sum = {0};
        for (int i = 0; weights->b && i < st->biases; i++) {
            const int from = st->source[i].map[g];
            if (from >= 0) sum += load_n((const real *)weights->b + i * bias + from * st->units + at, n);
        }
        store(packed + st->bias + u * st->pw + g * VL, sum);
    }
    if (LC_HAS_WORDS && lay->storage.format != LC_REALS) pack_forward_words(lay, st, weights, u, panel);
    else pack_forward_reals(st, weights, u, panel);
}

/* The vectors of unit block u. */
static void pack_unit_vectors(const lc_spec *spec, const lc_layout *lay, const lc_weights *weights, int64_t u,
                              real *packed) {
    real *to = packed + lay->packed_v + u * lay->vectors * VL;
    for (const lc_vector *v = lay->vector; v < lay->vector + lay->vectors; v++, to += VL) {
        const real *from = weight_array(weights, v->weight);
        store(to,
              v->row < 0 || !from ? (vec){0} : load_n(from + v->row * spec->units + u * VL, lanes_of(spec->units, u)));
    }
}

typedef struct pack_call {
    const lc_spec *spec;
    const lc_layout *lay;
    const lc_weights *weights;
    int both;
    real *packed;
} pack_call;

/* All panels in one row, cut in equal shares: of each stage forward, then of each stage's dh, then of dx. */
static void pack_thread(void *arg, int id, int n) {
    const pack_call *call = arg;
    const lc_layout *lay = call->lay;
    const lc_stage *const stages_end = lay->stage + lay->stages;
    int64_t all = 0, at, end;
    for (const lc_stage *st = lay->stage; st < stages_end; st++) all += st->ub + (call->both ? st->parts * st->jb : 0);
    lc_share(all + (call->both ? lay->xb : 0), id, n, &at, &end);
    for (; at < end; at++) {
        int64_t j = at;
        const lc_stage *st = lay->stage;
        for (; st < stages_end && j >= st->ub; st++) j -= st->ub;
        if (st < stages_end) {
            pack_forward(lay, st, call->weights, j, call->packed);
            if (st == lay->stage) pack_unit_vectors(call->spec, lay, call->weights, j, call->packed);
            continue;
        }
        for (st = lay->stage; st < stages_end && j >= st->parts * st->jb; st++) j -= st->parts * st->jb;
        if (st < stages_end) pack_dh(lay, st, call->weights, j, call->packed);
        else pack_dx(call->spec, lay, call->weights, j, call->packed);
    }
}

static void pack(const lc_spec *spec, const lc_layout *lay, const lc_weights *weights, int both, void *packed) {
    pack_call call = {spec, lay, weights, both, packed};
    const double each = both ? LC_PACK_BOTH_FLOPS : LC_PACK_FLOPS;
    lc_parallel(lc_worth_threads(spec->threads, each * (double)lay->weights), pack_thread, &call);
}

/* dst[0:n] += src */
INLINE void add_n(real *dst, const real *src, int n) {
    if (n == VL) store(dst, load(dst) + load(src));
    else store_n(dst, load_n(dst, n) + load(src), n);
}

/* Adds the gradients of a stage's biases, of panel u, to what the caller wants. */
static void unpack_bias(const lc_stage *st, const real *dp, real *db, int64_t u) {
    for (int i = 0; db && i < st->biases; i++)
        for (int g = 0; g < st->ng; g++) {
            const int64_t from = st->source[i].map[g], column = i * st->source[0].gates + from;
            if (from >= 0) add_n(db + column * st->units + u * VL, dp + g * VL, lanes_of(st->units, u));
        }
}

/* Adds rows [k0, k1) of panel u of a stage's gradients, dp the first of them, to what the caller wants. Row 0 is the
 * bias's, where there is one; then come those of the weights. */
static void unpack_add(const lc_stage *st, const real *dp, const lc_backward_io *io, int64_t u, int64_t k0,
                       int64_t k1) {
    const int one = st->biases > 0, n = lanes_of(st->units, u);
    for (int64_t k = k0; k < k1; k++, dp += st->pw) {
        if (k < one) {
            unpack_bias(st, dp, io->db, u);
            continue;
        }
        int64_t start;
        const lc_source *source = find_row(st, k - one, &start);
        real *to = gradient_array(io, source->weight);
        if (!to) continue;
        to += start + u * VL;
        for (int g = 0; g < st->ng; g++)
            if (source->map[g] >= 0) add_n(to + source->map[g] * st->units, dp + g * VL, n);
    }
}

/* dst[0:n] = src * scale */
INLINE void multiply(real *dst, const real *src, const real *scale, int64_t n) {
    for (int64_t i = 0; i < n; i++) dst[i] = src[i] * scale[i];
}

/* Columns [c, c + n) of one row of a matrix kept in tiles of MR columns, `apart` from tile to tile; dst is the row in
 * the first tile. */
static void pack_columns(real *dst, int64_t apart, int64_t c, const real *src, int64_t n) {
    const int64_t end = c + n;
    for (; c < end && c % MR; c++) dst[c / MR * apart + c % MR] = *src++;
    for (dst += c / MR * apart; c + MR <= end; c += MR, src += MR, dst += apart)
        __builtin_memcpy(dst, src, MR * sizeof(real));
    for (int j = 0; c + j < end; j++) dst[j] = src[j];
}

/* The same times `scale`, if that is not NULL, by way of a piece that is multiplied in registers. */
static void pack_scaled_columns(real *dst, int64_t apart, int64_t c, const real *src, const real *scale, int64_t n) {
    real piece[40 * MR];
    if (!scale) pack_columns(dst, apart, c, src, n);
    else
        for (int64_t at = 0, size; at < n; at += size) {
            size = n - at < 40 * MR ? n - at : 40 * MR;
            multiply(piece, src + at, scale + at, size);
            pack_columns(dst, apart, c + at, piece, size);
        }
}

/* Columns of [B][..], `stride` reals a row, to blocks [UB][..][VL] and back; `block` is the distance from one block of
 * units to the next, slot[b] the place of row b in a block (NULL: b). */
static void to_blocks(real *dst, int64_t block, const real *src, int64_t stride, int64_t rows, int64_t units) {
    for (int64_t u = 0; u * VL < units; u++)
        for (int64_t b = 0; b < rows; b++)
            store(dst + u * block + b * VL, src ? load_n(src + b * stride + u * VL, lanes_of(units, u)) : (vec){0});
}
static void from_blocks(real *dst, int64_t stride, const real *src, int64_t block, const int32_t *slot, int64_t rows,
                        int64_t units) {
    for (int64_t u = 0; u * VL < units; u++)
        for (int64_t b = 0; b < rows; b++) {
            const real *from = src + u * block + (slot ? slot[b] : b) * VL;
            store_n(dst + b * stride + u * VL, load(from), lanes_of(units, u));
        }
}

#endif
