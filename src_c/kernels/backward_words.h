/* Training with a dot product of bfloat16: what the products of the backward pass multiply, in words.
 *
 *     dh, dx <- dz W'          A: a row of dz, block by block, each filled up to whole words; B is packed the same way
 *     dp += [1 x h]' dz        k are rows of z: A: columns of [1 x h]; B: dz; both have words of two rows
 *
 * A chunk's rows of dz become words in the step that makes them, in one of two buffers that take turns, since a thread
 * may be a chunk ahead. The words of two rows are made when all of the chunk is there. */
#ifndef LC_BACKWARD_WORDS_H
#define LC_BACKWARD_WORDS_H
#include "forward.h"

/* Words of so many rows of z, and the distance from column to column: no power of 2, which caches do not like. */
INLINE int64_t row_pairs(const lc_pass *w, int64_t rows) { return lc_make_run(&w->lay.storage, rows, 0).words; }
INLINE int64_t columns_apart(const lc_pass *w, int64_t rows) { return row_pairs(w, rows) + 16; }

/* Of a chunk: whose turn it is, of two, and its first row of z. */
typedef struct chunk_place {
    int64_t turn, first;
} chunk_place;

/* A stage's dz from row q of z on. */
INLINE view dz_from(const lc_pass *w, const lc_stage *st, chunk_place chunk, int64_t q) {
    if (!st->apart) return (view){(real *)w->tape + st->z + q * st->row + st->dz * VL, st->row, VL, st->block};
    const int64_t block = lc_odd_lines(w->lay.chunk * w->spec->batch * st->pw);
    real *own = (real *)w->work + st->own_dz + chunk.turn * st->ub * block;
    return (view){own + (q - chunk.first) * st->pw, st->pw, VL, block};
}

/* Row `row` of a turn's dz in words. */
INLINE real *dz_words(const lc_pass *w, const lc_stage *st, int64_t turn, int64_t row) {
    return (real *)w->work + st->dz_words + (turn * w->lay.chunk * w->spec->batch + row) * st->kbp;
}

/* n rows of a stage's dz, `to` the first of them in words. */
static void dz_to_words(const lc_pass *w, const lc_stage *st, view dz, int64_t n, real *to) {
    for (int64_t r = 0; r < n; r++, to += st->kbp)
        for (int64_t u = 0; u < st->ub; u++)
            w->lay.storage.parts->to_words(dz.p + r * dz.row + u * dz.panel, 1, st->pw, to + u * st->back.words);
}

/* The chunk's rows of block u's dz, two by two. */
static void dz_to_pairs(const lc_pass *w, const lc_stage *st, int64_t u, chunk_place chunk, int64_t rows) {
    const view from = dz_from(w, st, chunk, chunk.first);
    const int64_t words = row_pairs(w, rows);
    real *to = (real *)w->work + st->dz_pairs + u * row_pairs(w, w->lay.chunk * w->spec->batch) * st->pw;
    for (int64_t i = 0; i < words; i++, to += st->pw)
        for (int g = 0; g < st->ng; g++) {
            const real *dz = from.p + u * from.panel + 2 * i * from.row + g * VL;
            pair_words(to + g * VL, 2 * i < rows ? load(dz) : (vec){0},
                       2 * i + 1 < rows ? load(dz + from.row) : (vec){0});
        }
}

/* A piece of a row of [1 x h], times its scales if they are not NULL. */
typedef struct column_piece {
    const real *p, *scale;
    int64_t n;
} column_piece;

INLINE vec piece_register(const column_piece *piece, int64_t c, int lanes) {
    const vec x = load_n(piece->p + c, lanes);
    return piece->scale ? x * load_n(piece->scale + c, lanes) : x;
}

/* A piece's columns of two rows, of which the second may be missing: a word each, `apart` from column to column. */
static void pair_columns(real *to, int64_t apart, const column_piece *a, const column_piece *b) {
    for (int64_t c = 0; c < a->n; c += VL) {
        const int lanes = a->n - c < VL ? (int)(a->n - c) : VL;
        real words[VL];
        pair_words(words, piece_register(a, c, lanes), b ? piece_register(b, c, lanes) : (vec){0});
        for (int i = 0; i < lanes; i++) to[(c + i) * apart] = words[i];
    }
}

#endif
