/* All cells. */
#ifndef LC_CELLS_H
#define LC_CELLS_H
#include "lstm.h"
#include "lstm_any.h"
#include "gru.h"
#include "gru_before.h"
#include "lstm_norm.h"
#include "projection.h"
#include "rnn.h"

#endif
