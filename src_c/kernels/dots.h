/* The tile for one dot product, as a file of its own has it: what is multiplied is words. Such a file, after isa.h, has
 *
 *     DOTS             the name of its table; lc_find_storage knows it
 *     DOT(sum, x, w)   the sum and the dot products of the words x and w, lane by lane
 *     DOT_INT8_WORDS   words have 4 whole numbers; without it 2 bfloat16
 *     DOT_SIGNED       bytes are whole numbers from -127 to 127; without it 128 is added to A's
 *
 * or none of these, where it was compiled without its flags. */
#ifndef LC_DOTS_H
#define LC_DOTS_H
#include "internal.h"

#if !defined(DOT)
HIDDEN const struct product_parts *const DOTS = NULL;
#else
#define WORDS_MULTIPLE 1
#include "tile.h"
#include "to_words.h"

#if defined(DOT_INT8_WORDS)
#define DOT_FORMAT DOT_INT8
#define DOT_TO_WORDS to_int8_words
#else
#define DOT_FORMAT DOT_BFLOAT16
#define DOT_TO_WORDS to_bfloat16_words
#endif

TILES(dot, DOT_FORMAT)
static const product_parts dots = {.format = DOT_FORMAT, PRODUCT_PARTS(dot), .to_words = DOT_TO_WORDS};
HIDDEN const struct product_parts *const DOTS = &dots;
#endif

#endif
