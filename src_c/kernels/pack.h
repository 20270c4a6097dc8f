/* Weights into panels and weight gradients out of them; internal.h draws the buffers. */
#ifndef LC_PACK_H
#define LC_PACK_H
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

/* Where row k of the forward panels' weights comes from: which array, 0 W, 1 R, 2 F (or R again, for a second product),
 * how its columns are spread over registers, and where in it the row starts. */
INLINE int find_row(const lc_spec *spec, const lc_layout *lay, int64_t k, const lc_source **source, int64_t *start) {
    int i = 0;
    LC_ASSERT(0 <= k && k < lay->kf);
    while (k >= lay->source[i].rows) k -= lay->source[i++].rows;
    *source = &lay->source[i];
    *start = k * lay->source[i].gates * spec->units;
    return i;
}

INLINE const real *weight_row(const lc_spec *spec, const lc_layout *lay, const lc_weights *weights, int64_t k,
                              const lc_source **source) {
    const real *const arrays[] = {weights->W, weights->R, lay->second ? weights->R : weights->F};
    int64_t start;
    const int i = find_row(spec, lay, k, source, &start);
    return arrays[i] + start;
}

/* The same row of the gradients; NULL: they are not wanted. */
INLINE real *gradient_row(const lc_spec *spec, const lc_layout *lay, const lc_backward_io *io, int64_t k,
                          const lc_source **source) {
    real *const arrays[] = {io->dW, io->dR, lay->second ? io->dR : io->dF};
    int64_t start;
    const int i = find_row(spec, lay, k, source, &start);
    return arrays[i] ? arrays[i] + start : NULL;
}

/* VL columns of a panel of the weights that turn dz into dh (R, F) or dx (W): rows [k, k + valid) of the forward
 * panels' weights. The panel's rows have the order (block, register, unit), as dz stands in memory. */
static void pack_back(real *dst, int64_t width, const lc_spec *spec, const lc_layout *lay, const lc_weights *weights,
                      int64_t k, int valid) {
    const lc_source *source;
    const int64_t H = spec->units;
    const real *src = weight_row(spec, lay, weights, k, &source);
    for (int64_t u = 0; u < lay->ub; u++)
        for (int g = 0; g < lay->ng; g++) {
            const int n = lanes_of(H, u), from = source->map[g];
            const real *block = src + (from < 0 ? 0 : from) * H + u * VL;
            transpose(dst, width, block, source->gates * H, n, from < 0 ? 0 : valid);
            dst += n * width;
        }
}

/* Panel p of dh, counted through all parts: 4 blocks of units, a part's last panel fewer. */
static void pack_dh(const lc_spec *spec, const lc_layout *lay, const lc_weights *weights, int64_t p, real *packed) {
    const int64_t part = p / lay->jb, u0 = 4 * (p % lay->jb), left = lay->ub - u0, blocks = left < 4 ? left : 4;
    real *dst = packed + lay->dh + (part * lay->ub + u0) * lay->kb * VL;
    for (int64_t j = 0; j < blocks; j++) {
        const int64_t u = u0 + j;
        pack_back(dst + j * VL, blocks * VL, spec, lay, weights, spec->inputs + part * spec->units + u * VL,
                  lanes_of(spec->units, u));
    }
}

/* Panel p of dx: 4 registers of inputs, the last panel fewer. */
static void pack_dx(const lc_spec *spec, const lc_layout *lay, const lc_weights *weights, int64_t p, real *packed) {
    const int64_t left = lc_ceil(spec->inputs, VL) - 4 * p, blocks = left < 4 ? left : 4;
    real *dst = packed + lay->dx + p * lay->kb * 4 * VL;
    for (int64_t j = 0; j < blocks; j++)
        pack_back(dst + j * VL, blocks * VL, spec, lay, weights, (4 * p + j) * VL, lanes_of(spec->inputs, 4 * p + j));
}

/* Bias, peepholes and forward panel of unit block u. */
static void pack_forward(const lc_spec *spec, const lc_layout *lay, const lc_weights *weights, int64_t u,
                         real *packed) {
    const int64_t H = spec->units, at = u * VL;
    const int8_t *inputs = lay->source[0].map, *units = lay->source[1].map;
    const real *b = weights->b, *b_units = b && lay->kernel == LC_KERNEL_GRU ? b + 3 * H : NULL, *P = weights->P;
    real *panel = packed + lay->forward + u * lay->kf * lay->pw;
    const int n = lanes_of(H, u);
    for (int g = 0; g < lay->ng; g++) {
        vec sum = {0};
        if (b && inputs[g] >= 0) sum += load_n(b + inputs[g] * H + at, n);
        if (b_units && units[g] >= 0) sum += load_n(b_units + units[g] * H + at, n);
        store(packed + u * lay->pw + g * VL, sum);
    }
    for (int64_t k = 0; k < lay->kf; k++) {
        const lc_source *source;
        const real *row = weight_row(spec, lay, weights, k, &source) + at;
        for (int g = 0; g < lay->ng; g++, panel += VL) {
            const int from = source->map[g];
            store(panel, from < 0 ? (vec){0} : n == VL ? load(row + from * H) : load_n(row + from * H, n));
        }
    }
    if (!lay->peepholes) return;
    for (int j = 0; j < LC_PEEPS; j++) {
        store(packed + lay->peeps + (u * LC_PEEPS + j) * VL, lay->peep[j] ? load_n(P + at, n) : (vec){0});
        if (lay->peep[j]) P += H;
    }
}

typedef struct pack_call {
    const lc_spec *spec;
    const lc_layout *lay;
    const lc_weights *weights;
    int both;
    real *packed;
} pack_call;

/* The panels of all three parts in one row, cut in equal shares. */
static void pack_thread(void *arg, int id, int n) {
    const pack_call *call = arg;
    const lc_layout *lay = call->lay;
    int64_t at, end;
    const int64_t panels = lay->parts * lay->jb;
    lc_share(lay->ub + (call->both ? panels + lay->xb : 0), id, n, &at, &end);
    for (; at < end; at++) {
        const int64_t j = at - lay->ub, x = j - panels;
        if (j < 0) pack_forward(call->spec, lay, call->weights, at, call->packed);
        else if (x < 0) pack_dh(call->spec, lay, call->weights, j, call->packed);
        else pack_dx(call->spec, lay, call->weights, x, call->packed);
    }
}

static void pack(const lc_spec *spec, const lc_layout *lay, const lc_weights *weights, int both, void *packed) {
    pack_call call = {spec, lay, weights, both, packed};
    const double each = both ? LC_PACK_BOTH_FLOPS : LC_PACK_FLOPS;
    lc_parallel(lc_worth_threads(spec->threads, each * (double)(lay->kf * lay->kb)), pack_thread, &call);
}

/* dst[0:n] += src */
INLINE void add_n(real *dst, const real *src, int n) {
    if (n == VL) store(dst, load(dst) + load(src));
    else store_n(dst, load_n(dst, n) + load(src), n);
}

/* Adds rows [k0, k1) of panel u of the gradients, dp the first of them, to what the caller wants: row 0 is the bias's,
 * then come those of W, R and F. */
static void unpack_add(const lc_spec *spec, const lc_layout *lay, const real *dp, const lc_backward_io *io, int64_t u,
                       int64_t k0, int64_t k1) {
    const int64_t H = spec->units, at = u * VL;
    const int n = lanes_of(H, u);
    for (int64_t k = k0; k < k1; k++, dp += lay->pw) {
        const lc_source *source = &lay->source[0];
        real *row = k ? gradient_row(spec, lay, io, k - 1, &source) : io->db;
        if (!row) continue;
        for (int g = 0; g < lay->ng; g++)
            if (source->map[g] >= 0) add_n(row + source->map[g] * H + at, dp + g * VL, n);
        if (k || lay->kernel != LC_KERNEL_GRU) continue;
        for (int g = 0; g < lay->ng; g++)
            if (lay->source[1].map[g] >= 0) add_n(row + (3 + lay->source[1].map[g]) * H + at, dp + g * VL, n);
    }
}

/* Adds the gradients of block u's peepholes. */
static void unpack_peepholes(const lc_spec *spec, const lc_layout *lay, const real *dpeep, real *dP, int64_t u) {
    if (!dP) return;
    for (int j = 0; j < LC_PEEPS; j++) {
        if (!lay->peep[j]) continue;
        add_n(dP + u * VL, dpeep + j * VL, lanes_of(spec->units, u));
        dP += spec->units;
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
