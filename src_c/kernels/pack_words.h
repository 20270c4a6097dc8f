/* Weights into panels of words, whoever's weights they are: formats.h draws a word. */
#ifndef LC_PACK_WORDS_H
#define LC_PACK_WORDS_H
#include "formats.h"
#include "parts.h"

#if REAL_F64
enum { LC_HAS_WORDS = 0 };
#else
enum { LC_HAS_WORDS = 1 };
#endif

/* Register g of step k of a panel: VL columns' weights, zeros where there are none. */
typedef vec weight_register(const void *weights, int64_t k, int g);

typedef struct word_packer {
    const lc_storage *storage;
    weight_register *at;
    const void *weights;
    int registers;
    vec most[4], spoilt[4], scale[4]; /* int8, of each register's columns: see into_scales */
} word_packer;

#if REAL_F64
static void pack_run(const word_packer *p, const lc_run *run, int64_t k0, real *panel) {
    (void)p, (void)run, (void)k0, (void)panel;
}
static void into_scales(word_packer *p, const word_packer *other, int64_t steps, const int *column) {
    (void)p, (void)other, (void)steps, (void)column;
}
static void find_scales(word_packer *p) { (void)p; }
#else

/* A run of the panel: its first step of k is row k0 of the weights. */
static void pack_run(const word_packer *p, const lc_run *run, int64_t k0, real *panel) {
    const int group = p->storage->group;
    bits sums[4] = {{0}};
    for (int64_t w = 0; w < run->words; w++)
        for (int g = 0; g < p->registers; g++, panel += VL) {
            vec steps[4];
            for (int s = 0; s < group; s++) {
                const int64_t k = w * group + s;
                steps[s] = k < run->n ? p->at(p->weights, k0 + k, g) : (vec){0};
                if (p->storage->scaled) sums[g] += __builtin_convertvector(int8_round(steps[s], p->scale[g]), bits);
            }
            pack_words(p->storage->format, panel, steps, p->scale[g]);
        }
    if (!p->storage->scaled) return;
    for (int g = 0; g < p->registers; g++) {
        store(panel + g * VL, (vec)(sums[g] * 128));
        store(panel + (p->registers + g) * VL, p->scale[g]);
    }
}

/* Collects what find_scales needs: column[g] is the register of p whose columns register g of `other` has, too, or -1.
 * `other` may be p itself. */
static void into_scales(word_packer *p, const word_packer *other, int64_t steps, const int *column) {
    for (int64_t k = 0; k < steps; k++)
        for (int g = 0; g < other->registers; g++) {
            if (column[g] < 0) continue;
            const vec w = other->at(other->weights, k, g), size = where(w < 0, -w, w), most = p->most[column[g]];
            p->most[column[g]] = where(size > most, size, most);
            p->spoilt[column[g]] += w * 0;
        }
}

/* The scales of int8. Of a column with NaN or infinity NaN, so that its outputs are. */
static void find_scales(word_packer *p) {
    for (int g = 0; g < p->registers; g++) p->scale[g] = int8_scale(p->most[g] + p->spoilt[g]);
}
#endif

#endif
