/* All cells: their loops over rows, and the kernels that cells.def makes of them. */
#ifndef LC_CELLS_H
#define LC_CELLS_H
#include "lstm.h"
#include "lstm_any.h"
#include "gru.h"
#include "gru_before.h"
#include "projection.h"
#include "rnn.h"

#define KERNEL(name, NAME) BLOCKS(name##_forward) BLOCKS(name##_backward)
#include "cells.def"
#undef KERNEL

#endif
