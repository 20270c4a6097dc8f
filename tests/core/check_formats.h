/* Operands in words of a storage format, which kernels/formats.h draws, written and read here one number at a time; and
 * the conversion of A's rows into words against its rule. */
#ifndef CHECK_FORMATS_H
#define CHECK_FORMATS_H
#include "check_kernels.h"

/* ---- the format that is being checked ---- */
static lc_storage storage;
static const product_parts *by;
static int byte_of_zero; /* int8 of a dot product: A's bytes are 128 too large, or signed */

static const char *storage_name(void) {
    static const char *const names[] = {"", "float16", "bfloat16", "int8"};
    static char name[32];
    snprintf(name, sizeof name, storage.parts ? "%s %s" : "%s", names[storage.format], lc_dot_name(storage.dot));
    return name;
}

/* 0: this CPU has it not. Products by it stand between this and leave_storage. */
static int enter_storage(int format, int dot) {
    if (lc_find_storage(isa_now, TYPE, format, dot, &storage)) return 0;
    by = storage.parts ? storage.parts : &parts_now->product[format];
    if (storage.parts) {
        real zero = 0, words[32];
        by->to_words(&zero, 1, 1, words);
        byte_of_zero = storage.scaled ? *(uint8_t *)words : 0;
    }
    return 1;
}
static void leave_storage(void) {
    if (by->thread_end) by->thread_end();
}

/* ---- a number of a format ---- */
static wide binary(unsigned code, int exponent_bits, int fraction_bits) {
    const int most = (1 << exponent_bits) - 1, e = (int)(code >> fraction_bits) & most;
    const int hidden = 1 << fraction_bits, fraction = (int)code & (hidden - 1);
    const wide sign = code >> (exponent_bits + fraction_bits) ? -1 : 1;
    if (e == most) return fraction ? (wide)NAN : sign * (wide)INFINITY;
    return sign * ldexpl(e ? fraction + hidden : fraction, (e ? e : 1) - most / 2 - fraction_bits);
}
static wide number_of_code(unsigned code) {
    if (storage.format == LC_INT8) return (int8_t)code;
    return storage.format == LC_FLOAT16 ? binary(code, 5, 10) : binary(code, 8, 7);
}
/* Up to 2, down to halves without the hidden bit. */
static unsigned random_code(void) {
    const unsigned sign = below(2) ? 0x8000 : 0;
    if (storage.format == LC_INT8) return (unsigned)(below(255) - 127) & 0xff;
    return sign + (unsigned)below(16 << (storage.format == LC_FLOAT16 ? 10 : 7)) +
           (storage.format == LC_FLOAT16 ? 0 : 112 << 7);
}
/* Of a column, or of a row of A: 16 bits, so that its product with a whole number of 8 is exact. */
static real random_scale(void) { return (real)ldexpl(1 + below(65535), -23); }

static void put_code(char *at, unsigned code) {
    const uint8_t bytes[2] = {(uint8_t)code, (uint8_t)(code >> 8)};
    memcpy(at, bytes, 4 / (size_t)storage.group);
}
static unsigned get_code(const char *at) {
    uint8_t bytes[2] = {0, 0};
    memcpy(bytes, at, 4 / (size_t)storage.group);
    return bytes[0] | (unsigned)bytes[1] << 8;
}
/* Step g of column `lane` in a panel's row of words. */
static char *weight_in(real *row, int lane, int64_t g) {
    const int vl = kernels->lanes, v = lane % vl;
    const int64_t place = storage.format == LC_FLOAT16 ? g * vl + v : v * storage.group + g;
    return (char *)(row + lane - v) + 4 / storage.group * place;
}
/* Step k of a row of A in words, without its scale. */
static wide number_in(const real *row, int64_t k) {
    const unsigned code = get_code((const char *)row + 4 / storage.group * k);
    return number_of_code(byte_of_zero ? (code - 128) & 0xff : code);
}

/* ---- operands ---- */
static void draw_column(real *words, real *values, const lc_run *run, int width, int lane) {
    const real scale = storage.scaled ? random_scale() : 1;
    int32_t sum = 0;
    for (int64_t k = 0; k < run->n; k++) {
        const unsigned code = random_code();
        put_code(weight_in(words + k / storage.group * width, lane, k % storage.group), code);
        values[k * width + lane] = (real)(number_of_code(code) * scale);
        sum += (int32_t)number_of_code(code);
    }
    if (!storage.scaled) return;
    sum *= 128;
    memcpy(words + run->words * width + lane, &sum, sizeof sum);
    words[(run->words + 1) * width + lane] = scale;
}

/* Random weights in words; what they are worth takes the place of op's. */
static void weights_to_words(operand *op, operand *words, int width, int panels, ptrdiff_t *b_panel) {
    const lc_run run = lc_make_run(&storage, op->n, 0);
    const int64_t blocks = panels * op->reps, size = run.rows * width;
    real *b = fence(blocks * size);
    memset(b, 0, (size_t)(blocks * size) * sizeof(real));
    for (int64_t i = 0; i < blocks; i++)
        for (int lane = 0; lane < width; lane++)
            draw_column(b + i * size, (real *)op->b + i * op->b_rep, &run, width, lane);
    words->b = b, words->ahead = (const char *)b, words->b_rep = size, *b_panel = op->reps * size;
}

/* A's rows in words, the array's last number the last that a product may read; what they are worth takes the place of
 * op's. AMX wants rows that follow each other. */
static void rows_to_words(operand *op, operand *words, int m) {
    const lc_run run = lc_make_run(&storage, op->n, 0);
    int32_t last = m - 1;
    for (int r = 0; !by->product && r < m; r++) last = op->rows[r] > last ? op->rows[r] : last;
    real *a = fence(last * run.a_row + run.words + storage.scaled);
    for (int r = 0; r < m; r++) {
        real *row = a + (by->product ? r : op->rows[r]) * run.a_row, *x = (real *)op->a + op->rows[r] * op->row;
        by->to_words(x, op->col, op->n, row);
        if (storage.scaled && !isnan(row[run.words])) row[run.words] = random_scale();
        for (int64_t k = 0; k < op->n; k++)
            x[k * op->col] = (real)(number_in(row, k) * (storage.scaled ? row[run.words] : 1));
    }
    words->a = a, words->rows = by->product ? NULL : op->rows;
    words->row = run.a_row, words->col = 1, words->n = run.words;
}

/* An operand of reals as the format's kernel gets it; op keeps the numbers that are in the words. */
static operand to_words(operand *op, int m, int width, int panels, ptrdiff_t *b_panel) {
    operand words = *op;
    if (storage.format != LC_REALS) weights_to_words(op, &words, width, panels, b_panel);
    if (storage.parts) rows_to_words(op, &words, m);
    return words;
}

/* ---- conversions ---- */
static void same_value(int64_t at, wide got, wide wanted) {
    checks++;
    if (got != wanted && !(isnan(got) && isnan(wanted))) fail("is converted wrongly", at, got, wanted);
}

/* Every half that there is, at each step of a word, widened. */
static void check_halves(void) {
    const int vl = kernels->lanes, width = 4 * vl;
    int32_t zero = 0;
    CHECKING("%s, widened", storage_name());
    for (int g = 0; g < 2; g++)
        for (unsigned first = 0; first < 1 << 16; first += (unsigned)width) {
            real *b = fence(width), *c = fence(width), *a = fence(1 + g);
            memset(b, 0, (size_t)width * sizeof(real)), memset(c, 0, (size_t)width * sizeof(real));
            for (int i = 0; i <= g; i++) a[i] = i == g;
            for (int lane = 0; lane < width; lane++) put_code(weight_in(b, lane, g), first + (unsigned)lane);
            const operand op = {.a = a, .rows = &zero, .col = 1, .b = b, .b_row = width, .n = 1 + g, .reps = 1};
            const view to = {c, 0, vl, 0};
            by->tile[0][3](&op, 1, &zero, to_read(to), to);
            for (int lane = 0; lane < width; lane++) same_value(lane, c[lane], number_of_code(first + (unsigned)lane));
            drop();
        }
}

/* A row of n numbers of a kind: 0 of all sizes, half of them halfway between two bfloat16; 1 halves up to 127, halfway
 * between two bytes; 2 with one that is no number; 3 zeros. From 2^-119 on: calls flush what is not normal to zero, and
 * a row of bytes whose largest number has a 127th that is not normal is zero with it. */
static real number_of(int kind, int64_t k) {
    static const uint32_t no_numbers[] = {0x7fc00000, 0xff800001, 0x7f800000, 0xff800000};
    const uint32_t low = below(2) ? 0x8000 : (uint32_t)below(1 << 16), sign = (uint32_t)below(2) << 31;
    uint32_t code = sign | (uint32_t)(8 + below(247)) << 23 | (uint32_t)below(128) << 16 | low;
    float x;
    if (kind == 1) return k ? (real)(below(508) - 254) / 2 : 127;
    if (kind == 3) return 0;
    if (kind == 2) code = k ? sign | (uint32_t)(100 + below(50)) << 23 | low : no_numbers[below(4)];
    memcpy(&x, &code, sizeof x);
    return (real)x;
}

/* To nearest, half to even, 8 bits; beyond the largest infinite. */
static wide to_nearest_bfloat16(wide x) {
    if (!isfinite(x) || x == 0) return x;
    int exponent;
    frexpl(x, &exponent);
    const wide rounded = ldexpl(rintl(ldexpl(x, 8 - exponent)), exponent - 8);
    return fabsl(rounded) < 0x1p128L ? rounded : copysignl((wide)INFINITY, x);
}

static void check_bytes(const real *x, ptrdiff_t col, const lc_run *run, const real *words) {
    wide most = 0, spoilt = 0;
    for (int64_t k = 0; k < run->n; k++) most = fmaxl(most, fabsl((wide)x[k * col])), spoilt += x[k * col] * (wide)0;
    if (isnan(spoilt)) {
        same_value(run->words, words[run->words], (wide)NAN);
        return;
    }
    near(run->words, words[run->words], most / 127, EPS * most / 127);
    for (int64_t k = 0; k < run->n; k++) {
        const wide exact = most > 0 ? (wide)x[k * col] * 127 / most : 0, got = number_in(words, k);
        if (most == 127) same_value(k, got, rintl(exact));
        else near(k, (real)got, exact, 0.5L + 256 * EPS);
    }
}

/* Every number, zeros up to the last word, and nothing read or written behind. */
static void check_to_words(void) {
    static const int lengths[] = {1, 2, 3, 4, 5, 15, 16, 17, 31, 33, 64, 67, 130};
    for (int trial = 0; trial < 8 * 13; trial++) {
        const int n = lengths[trial % 13], kind = trial / 13 % 4, col = 1 + 2 * below(2);
        CHECKING("%s, a row of %d numbers of kind %d as words", storage_name(), n, kind);
        const lc_run run = lc_make_run(&storage, n, 0);
        real *x = fence((n - 1) * col + 1), *words = fence(run.words + storage.scaled);
        for (int64_t k = 0; k < n; k++) x[k * col] = number_of(kind, (k + n / 2) % n);
        by->to_words(x, col, n, words);
        if (storage.scaled) check_bytes(x, col, &run, words);
        for (int64_t k = 0; !storage.scaled && k < n; k++)
            same_value(k, number_in(words, k), to_nearest_bfloat16(x[k * col]));
        for (int64_t k = n; k < run.words * storage.group; k++) same_value(k, number_in(words, k), 0);
        drop();
    }
}

static void check_conversions(void) {
    if (storage.format == LC_FLOAT16 && !storage.parts) check_halves();
    if (storage.parts) check_to_words();
}

#endif
