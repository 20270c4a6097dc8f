/* The parts that the kernels are made of, as a table: for each of them an instruction set has the common text or one of
 * its own, and a harness can run each alone. The types here depend on REAL_F64, not on a register.
 *
 * The kernels call every part through the table. It is a constant of the file that they are compiled in, so a compiler
 * makes the same calls of this as of the functions' names, and what a file has overwritten is what its products use. */
#ifndef LC_PARTS_H
#define LC_PARTS_H
#include "internal.h"

#if REAL_F64
typedef double real;
#else
typedef float real;
#endif

/* A product's operand: A, strided, with its part of the panels of B. k is `reps` repeats of n steps; element (r, k) of
 * repeat j stands at a[rows[r]*row + k*col + j*a_rep], the panel's row k of repeat j at b[k*b_row + j*b_rep]. Where
 * weights have a format of fewer bytes (formats.h), b has words, a row for each `group` steps of k; with a dot product
 * A has words, too, and n counts them. */
typedef struct operand {
    const real *a;
    const int32_t *rows; /* NULL: 0, 1, 2 ... */
    ptrdiff_t row, col, a_rep;
    const real *b;
    ptrdiff_t b_row, b_rep;
    ptrdiff_t b_vec; /* from one register of a row of B to the next; 0: they follow each other */
    ptrdiff_t n, reps;
    const char *ahead; /* what the next stretch will read: it comes from L3 while this one computes */
    ptrdiff_t pace;    /* bytes of it a step; more than the cache can have under way at a time would stall the loads */
} operand;

/* A strided view of C: register j of row r in panel u is at p[rows[r]*row + j*vec + u*panel]. */
typedef struct view {
    real *p;
    ptrdiff_t row, vec, panel;
} view;

/* The same of what is only read: where a product's sums start. */
typedef struct const_view {
    const real *p;
    ptrdiff_t row, vec, panel;
} const_view;

static inline const_view to_read(view c) { return (const_view){c.p, c.row, c.vec, c.panel}; }

/* What a cell's kernel gets: rows of blocks of units at one step. cells/cell.h says what it does with them. */
typedef struct cell_args {
    const lc_spec *spec;
    const lc_layout *lay;
    const lc_stage *stage;
    int64_t n;                          /* entries */
    int lanes;                          /* of the block that are units */
    int save_gates;                     /* forward: z is the tape */
    const int32_t *row, *from, *to;     /* of h */
    const int32_t *c_from, *c_to;       /* of c */
    const real *h0, *c0, *vectors;      /* before the step; [V][VL] */
    real *h1, *c1, *z;                  /* after the step */
    int64_t z_block, c_block, dh_block; /* from one block of units to the next, of z, c, and dh and dc */
    int64_t fresh_block;
    real *q;                        /* NULL, or what a stage makes for the next one, [entries][units] */
    real *statistics;               /* NULL, or of normalized rows, [entries][NORMS][2] */
    real *fresh;                    /* NULL, or where the cell before zoneout goes */
    int64_t state_stride, h_stride; /* S; from a row of y or of [B][units] to the next */
    real *y;                        /* NULL, or where h goes too, [B][H] */
    real *hs;                       /* NULL, or where the state times h_scale goes, [B][S] */
    const real *h_scale;            /* NULL, or [B][H] */
    const real *keep_h, *keep_c;    /* NULL, or zoneout, [B][H] */
    int direct;                     /* backward: of dh the part that goes round the products is wanted in dh */
    const real *dy;                 /* NULL, or the gradient of y; dy_row from row to row */
    real *dh, *dc;                  /* by row, VL apart: of the state after the step in, before it out */
    const real *dq;                 /* NULL, or the gradient of q, as dh */
    real *dz, *dn; /* backward, normalized: gradients of the sums; of the output activation's argument */
    int64_t dz_block, dn_block;
    int64_t dy_row, gate_block; /* gate_block: from dh to the gradients of i, f, o as parts of S */
} cell_args;

enum { LC_TILE_ROWS = 6 }; /* of the tallest tile */

/* C = from + A B for rows of one panel; the operands, C's rows. */
typedef void tile_fn(const operand *, int operands, const int32_t *rows, const_view from, view to);
/* The same for one row and several panels, b_panel reals from one to the next. */
typedef void row_fn(const operand *, int operands, ptrdiff_t b_panel, const_view from, view to);
/* A stage of a cell behind its product, on blocks [u0, u1) of units. */
typedef void cell_fn(const cell_args *, int64_t u0, int64_t u1);

/* C = from + A B for all rows and panels [u0, u1). */
struct product_args;
typedef void product_fn(const struct product_args *, ptrdiff_t u0, ptrdiff_t u1);

/* What makes products of weights in one format. */
typedef struct product_parts {
    int format;                     /* lc_format; where a dot product is, its file's: formats.h */
    int row_panels;                 /* of row_np */
    tile_fn *tile[LC_TILE_ROWS][4]; /* [rows - 1][registers - 1], up to the table's tile_rows */
    tile_fn *beside[LC_TILE_ROWS];  /* [rows - 1], of four panels of one register: B's are b_vec, C's vec apart */
    row_fn *row_1, *row_np;
    /* Of dot products alone: a row of A, n reals that are `col` apart, as words of the format. */
    void (*to_words)(const real *x, ptrdiff_t col, int64_t n, real *words);
    product_fn *product;      /* NULL: by the tiles above */
    void (*thread_end)(void); /* NULL, or what follows all products that a thread makes in a call */
} product_parts;

/* What product() needs to know besides the operands. */
typedef struct product_args {
    const operand *op;
    int ops, nv;
    ptrdiff_t b_panel;   /* from one panel of B to the next */
    ptrdiff_t n;         /* rows of A and C */
    const int32_t *rows; /* C's; NULL: 0, 1, 2 ... */
    const_view from;
    view to;
    const product_parts *by; /* what makes it; NULL: of reals */
} product_args;

typedef struct kernel_parts {
    product_parts product[LC_FORMAT_COUNT]; /* LC_REALS, and weights that are widened on load */
    cell_fn *forward[LC_KERNEL_COUNT], *backward[LC_KERNEL_COUNT];
} kernel_parts;

#endif
