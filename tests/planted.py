"""The faults that ``faults.py`` plants: for each file of the C core, what could be wrong in it."""

from typing import NamedTuple

CORE = ("test_core_cells.py", "test_core_masks.py", "test_core.py", "test_core_binding.py")
CELLS, MASKS, PLAIN = CORE[:1], CORE[1:2], CORE[2:3]
C_CALLS = ("test_embed.py",)
TRACE = ("test_core_trace.py",)
THREADS = ("test_core_binding.py", "test_robust.py")


class Fault(NamedTuple):
    """One place in the C sources to spoil."""

    file: str  # below src_c
    right: str  # stands there exactly once
    wrong: str
    what: str  # what goes wrong, for the table
    tests: tuple[str, ...] = CORE  # that must find it


def faults(file, *rows, tests=CORE):
    return [Fault(file, *row[:3], *(row[3:] or [tests])) for row in rows]


WAIT = "if (w->plan.by_units) lc_wait((lc_barrier *)&w->barrier, part->n);"

FAULTS = [
    *faults(
        "cells/lstm.h",
        ("z[1] * c + z[0]", "c + z[0]", "the cell forgets to forget"),
        ("d * c0 *", "d * c1 *", "forget gate's gradient: the state after the step"),
        ("(1 - y * y)", "(1 - y)", "the derivative of tanh"),
    ),
    *faults(
        "cells/lstm_any.h",
        ("+ peep[0] * c0 : none, p.f", ": none, p.f", "the input gate's peephole is shut"),
        ("+ peep[2] * c : none", "+ peep[2] * c0 : none", "the output gate sees the old cell"),
        ("+ peep[0] * dzi", "", "no gradient through the input gate's peephole"),
        ("+ peep[2] * dzo;", ";", "no gradient through the output gate's peephole"),
        ("z[1] : p.coupled ? 1 - i", "z[1] : p.coupled ? i", "CIFG: forgets what it takes in"),
        ("p.coupled ? g - c0 : g", "g", "CIFG: the gradient of 1 - i"),
        ("= {i, f, o};", "= {i, o, f};", "FGR: gates in the state in the wrong order"),
        ("if (scaled) N(", "if (0) N(", "FGR: no gates beside the state times its factors"),
        ("(dh * y + ds[2])", "(dh * y)", "FGR: the output gate's gradient as a state"),
        ("+ ds[1])", ")", "FGR: the forget gate's gradient as a state"),
        (
            "if (k->lay->direct) N(store)(dh_at + (j",
            "if (0) N(store)(dh_at + (j",
            "FGR with zoneout: the gates' gradients pile up",
        ),
        ("? N(clamp)(c, p->clip) : c", "? c : c", "the cell is not clipped"),
        ("if (p.clip > 0) d =", "if (0) d =", "a gradient goes through the clip"),
        ("if (k->keep_h)\n", "if (0)\n", "no zoneout of h"),
        ("N(zone)(c, c0,", "N(zone)(c0, c,", "zoneout keeps the wrong cells"),
        ("k->fresh + e * VL, c)", "k->fresh + e * VL, c1)", "fresh has the cell after zoneout"),
        (
            "N(store)(dh_at, keep * dh)",
            "N(store)(dh_at, none)",
            "no gradient to the h that is kept",
        ),
        ("dh *= 1 - keep;", "", "the h that was dropped gets its gradient"),
        ("old = keep * dc, ", "", "no gradient to the cell that is kept"),
        ("* N(slope)(p.b, y)", "* (1 - y * y)", "NOAF: tanh's slope for the output"),
        ("* N(slope)(p.a, g)", "* (1 - g * g)", "tanh's slope for any activation"),
        ("* N(slope)(p.s, o)", "* o * (1 - o)", "sigmoid's slope for any gate activation"),
    ),
    *faults(
        "cells/cell.h",
        ("k->h1 + k->to[e] *", "k->h1 + k->row[e] *", "the new h: not in its slot", MASKS),
        ("if (k->fresh) k->fresh += u", "if (0) k->fresh += u", "fresh: all blocks in one"),
        ("if (k->keep_c) k->keep_c +=", "if (0) k->keep_c +=", "zoneout: the first block's"),
        ("if (k->h_scale) k->h_scale +=", "if (0) k->h_scale +=", "dropout: the first block's"),
        ("k->y + k->row[e] *", "k->y + e *", "outputs of masked batches: another row's", MASKS),
        ("h * scale, k->lanes", "h, k->lanes", "recurrent dropout of the first step alone"),
        ("k->hs + k->row[e] *", "k->hs + e *", "the state times its factors: another row's"),
        ("k->dy + k->row[e] *", "k->dy + e *", "gradients of masked batches: another row's"),
        ("(1.0 / 6), (real)0.5)", "0.2, (real)0.5)", "hard_sigmoid: Keras 2's"),
        ("((real)(1.0 / 6)), zero)", "((real)0.2), zero)", "hard_sigmoid: Keras 2's slope"),
        ("(y > 0) & (y < 1)", "y > 0", "hard_sigmoid: a slope where it is 1"),
        ("return left * left;", "return left;", "the slope of softsign"),
        ("one, 1 + y)", "one, y)", "the slope of elu"),
        ("x, 2 * y / (1 - y))", "x, 2 * y)", "elu below 0"),
        ("where)(x < 0, N(set)(0), x)", "where)(x < 0, x, x)", "relu is linear"),
        (
            "(1 - keep) * fresh + keep * old",
            "fresh + keep * (old - fresh)",
            "zoneout keeps a state nearly, not exactly",
        ),
    ),
    *faults(
        "cells/gru.h",
        ("+ gate[1] * zh)", "+ zh)", "no reset gate behind the product"),
        ("at + 3 * VL, dn * r)", "at + 3 * VL, dn)", "the reset gate in the units' gradients"),
        ("dn * zh *", "dn * n *", "the reset gate's gradient"),
        ("dh * (h0 - n)", "dh * (n - h0)", "the update gate's gradient"),
        ("if (k->keep_h) h =", "if (0) h =", "no zoneout"),
        ("old + dh * z", "dh * z", "no gradient to the h that zoneout keeps"),
    ),
    *faults(
        "cells/gru_before.h",
        ("vec q = gate[1] * h0;", "vec q = h0;", "no reset gate before the product"),
        ("if (k->h_scale) q *=", "if (0) q *=", "no recurrent dropout in the second product"),
        ("if (k->h_scale) dq *=", "if (0) dq *=", "... nor in its gradient"),
        ("+ dq * r", "", "no gradient through the second product"),
        ("dq * h0 *", "dq *", "the reset gate's gradient"),
        ("k->gate_block, (vec){0});", "k->gate_block, z);", "the second part of dh: not zeros"),
        ("old + dh * z", "dh * z", "no gradient to the h that zoneout keeps"),
    ),
    *faults(
        "cells/rnn.h",
        ("if (k->keep_h)\n", "if (0)\n", "no zoneout"),
        ("dh * N(slope)(a,", "dh * N(slope)(LC_TANH,", "tanh's slope for any activation"),
        ("VL, keep * dh)", "VL, dh)", "all of dh goes round the product"),
    ),
    *faults(
        "vec.h",
        ("6.9314718802622878106e-1f", "6.9315e-1f", "float32 exp is off by 4e-6"),
        (
            "+ (IS_TANH ? s[j] - 1 : s[j] + 1)",
            "+ s[j] + (real)(IS_TANH ? -1 : 1)",
            "tanh of small numbers loses digits",
        ),
        tests=PLAIN,
    ),
    *faults(
        "pack.inc",
        ("+ k * lay->source[i].gates * ", "+ k * ", "weights: wrong row"),
        ("if (lay->peep[j]) P += H;", "P += H;", "peepholes of a variant that lacks some"),
        ("b_units && units[g] >= 0", "b_units && g < 2", "GRU: no bias of the units' candidate"),
        ("(row + (3 +", "(row + (0 +", "GRU: both biases' gradients in one"),
        ("scale + at, size", "scale, size", "dropout in the columns: factors of others"),
        ("from < 0 ? 0 : valid", "valid", "registers without weights get some", CELLS),
        ("dP += spec->units;", "", "gradients of all peepholes in one"),
    ),
    *faults(
        "forward.inc",
        ("h + (T & 1) * B * S", "h + B * S", "the final state after an even number of steps"),
        (
            "h + (~t & 1) * BS;\n    }",
            "h + (t & 1) * BS;\n    }",
            "h is overwritten while it is read",
        ),
        ("train ? k->from : k->row", "k->from", "inference: the cell has no slots that take turns"),
        ("(t - t0) * w->spec->batch + part->b0", "(t - t0) * w->spec->batch", "threads share z"),
        ("|| lay->second ||", "||", "the second product: all blocks in one"),
        ("steps[n] = (int32_t)(t - t0)", "steps[n] = (int32_t)t", "later chunks of a projection"),
        ("e, own) - first)", "e, e) - first)", "projection of two or three rows"),
        (WAIT, "", "no barrier before the second product"),
        (
            "(w->spec->inputs + H) * lay->pw",
            "w->spec->inputs * lay->pw",
            "the second product's weights",
        ),
        ("run[1].rows = k->row", "run[1].row = lay->s", "the state times its factors has slots"),
        (
            "run[0].a = work + lay->work_xs + (t & 1)",
            "run[0].a = work + lay->work_xs + (~t & 1)",
            "inputs times their factors: of another step",
        ),
        ("LC_ZERO_MASKED) __b", "LC_ZONED) __b", "zero_masked carries outputs on", MASKS),
        (
            ": N(states)(w) + b * S;",
            ": N(states)(w);",
            "before the first step: the first row's state",
        ),
        ("before + at, bytes);", "before, bytes);", "carried outputs: of the first units"),
        ("part_at < S;", "part_at < H;", "FGR: gates are not carried on beside the state"),
        ("if (!w->in->noise.h_scale) return;", "return;", "a masked step loses its carry"),
        ("w, t + 1, lo, hi)", "w, t + 1, 0, 1)", "dropout of the inputs: the first row's"),
        ("if (!by_units) lo = part.b0", "if (0) lo = part.b0", "dropout of rows that others own"),
        ("if (by_units) lc_wait(&w->barrier, n);", "", "no barrier between steps"),
        ("h + w->list.last[b] * S", "h + b * S", "the final state of a row: the initial one"),
        ("train ? w->list.last : NULL", "NULL", "the final cell of a row: the initial one"),
        ("N(scaled)(hs + b", "if (b) N(scaled)(hs + b", "recurrent dropout: not of the first h"),
    ),
    *faults(
        "backward.inc",
        ("(u * all + q0) * lay->pw", "u * all * lay->pw", "weight gradients of the first chunk"),
        ("(w, t0, w->list.first ? w->list.first[t0] : 0)", "(w, t0, 0)", "... with a mask", MASKS),
        ("N(backward_idle)(w, part, t);", "", "an idle row's gradient is lost", MASKS),
        (
            "|| w->spec->flags & LC_ZERO_MASKED) r",
            ") r",
            "zeros of masked steps have gradients",
            MASKS,
        ),
        (
            "N(store)(dh, N(load)(dh) + ",
            "N(store)(dh, ",
            "an idle row's gradient does not add",
            MASKS,
        ),
        (".c_to = list->to + e", ".c_to = list->from + e", "the cell after the step: its slot"),
        ("k.h_scale = noise->h_scale;", "", "dq without dropout"),
        ("if (k == 0) d *=", "if (0) d *=", "recurrent dropout: not in dh"),
        ("if (k == 0) d *=", "d *=", "FGR: recurrent dropout in the gates' gradients"),
        ("lay->direct ? N(load)(dh) + d : d", "d", "dropout: dh past the product is lost"),
        ("lay->direct && !scaled ? dh : none", "none", "dh past the product is lost"),
        (
            "[lay->kernel]);\n    " + WAIT,
            "[lay->kernel]);",
            "no barrier between the cells and dh",
        ),
        (
            "backward_second));\n        " + WAIT,
            "backward_second));",
            "no barrier behind the second product",
        ),
        ("q / B, q % B, q}", "q / B, q % B, q + B}", "recurrent gradients: h after the step"),
        ("l->row[q], l->from[q]", "l->row[q], l->to[q]", "... with a mask"),
        (
            "if (!l->first) return (N(entry))",
            "return (N(entry))",
            "a masked batch: all rows count",
            MASKS,
        ),
        ("scales + at.b * I + j", "scales + j", "dropout in dx: the first row's"),
        ("if (scales) N(scaled)(dx", "if (0) N(scaled)(dx", "no dropout in dx"),
        ("x_scale ? x_scale + at.b * I", "x_scale ? x_scale", "dropout in dW: the first row's"),
        ("h_scale ? h_scale + at.b * H", "0 ? h_scale", "no dropout in dR"),
        ("w->lay.tape_q + q * H", "w->lay.tape_q", "the second product's weight gradients"),
        ("j < 2 ? w->list.from : w->list.to", "w->list.from", "peephole of o: the old cell"),
        ("j < 2 ? 0 : B", "0", "... without a mask"),
        ("kept ? q : w", "w", "peephole of o with zoneout: its row of fresh"),
        ("kept ? (const real *)", "0 ? (const real *)", "peephole of o with zoneout: not fresh"),
        ("j < 2 ? at++ : lay->ng - 1", "j", "peepholes of a variant that lacks gates"),
        ("if (!w->back->dx || !w->list.first) return;", "return;", "dx of masked steps: garbage"),
        ("lc_wait(&w->barrier, n);\n", "\n", "no barrier before the weight gradients"),
        ("dc, B * VL, NULL, B", "dc, B * VL, w->list.last, B", "dc0: by slots", MASKS),
    ),
    *faults(
        "tile.inc",
        ("run->a += piece->n * run->col", "run->a += piece->n", "long products, strided columns"),
        (
            "run->b += piece->reps * run->b_rep",
            "run->b += run->b_rep",
            "long products of short runs",
        ),
        ("lists[j] ? lists[j] + r", "lists[j] ? lists[j]", "lists of rows: the first tile's"),
        ("part[i].rows[0] * part[i].row", "0", "a list of one row: the first row", MASKS),
        ("job->rows ? job->rows + r :", "job->rows ? job->rows :", "C's rows: the first tile's"),
    ),
    *faults(
        "gemm.inc",
        ("if (p->add) job.from", "if (0) job.from", "the last columns forget to add"),
        ("run.a = a + r * run.row", "run.a = a", "dense: many rows, last columns"),
        ("p->a.p + lo * p->a.row", "p->a.p + lo", "dense: a thread's own rows"),
        tests=PLAIN,
    ),
    *faults(
        "gemm.inc",
        (
            "(int)(lc_ceil(left, VL) * VL) : 4",
            "4 * VL : 4",
            "packed weights: the last panel's width",
        ),
        (
            "? (real *)(uintptr_t)p->packed : work",
            "? (real *)(uintptr_t)p->packed + VL : work",
            "...",
        ),
        tests=C_CALLS,
    ),
    *faults(
        "activate.inc",
        ("N(exponentials)(x, n, most)", "N(exponentials)(x, n, 0)", "softmax of large numbers"),
        ("j < lanes; j++) sum[j]", "j < VL; j++) sum[j]", "softmax: lanes past the end", C_CALLS),
        ("x + i, lanes)), lanes);", "x + i, lanes)), VL);", "...", C_CALLS),
        tests=C_CALLS,
    ),
    *faults(
        "gemm.c",
        ("if (!p->add) __builtin_memset", "if (0) __builtin_memset", "BLAS adds to garbage"),
        tests=PLAIN,
    ),
    *faults(
        "optim.inc",
        ("(SQRT(d) + epsilon)", "SQRT(d + epsilon)", "Adam: epsilon under the root"),
        ("momentum * v[i] - lr * g[i];\n        }", "v[i];\n        }", "SGD: no Nesterov"),
        ("real d = v[i] + epsilon;", "real d = v[i];", "RMSprop: no epsilon"),
        tests=PLAIN,
    ),
    *faults(
        "layout.c",
        ("l->work_dc = reserve(c, times(c, l->ub, blocks))", "l->work_dc = c->at", "dc overlaps"),
        ("l->work_ds = reserve(c, spec", "l->work_ds = reserve(c, 0 && spec", "ds overlaps"),
        ("if (c.bad ||", "if (", "sizes overflow unnoticed"),
        ("return 3 * slots + T + 1;", "return 2 * slots;", "a schedule's lists are too short"),
        ("fresh ? times(", "0 ? times(", "no room for fresh"),
    ),
    *faults(
        "cells.c",
        ("spec->clip == 0 &&", "1 &&", "the plain cell where a clip was asked for"),
        ("!(spec->flags & LC_ZONED) &&", "1 &&", "the plain cell where zoneout was asked for"),
        (
            "units[LC_WIDE] = {0, 1, -1, 2}",
            "units[LC_WIDE] = {0, 1, 2, -1}",
            "GRU: one candidate sum",
        ),
        (
            "gates[LC_WIDE] = {0, 1, -1, 2}",
            "gates[LC_WIDE] = {0, 1, 2, -1}",
            "FGR: its gates' columns",
        ),
        (
            "|| (spec->cell != LC_LSTM && spec->clip != 0)",
            "",
            "a clip for cells without one",
            C_CALLS,
        ),
    ),
    *faults(
        "schedule.c",
        ("l->from[e] = l->last[b]", "l->from[e] = (int32_t)b", "steps start from the first slot"),
        (
            "l->last[b] < B ? b + B : b",
            "(t & 1 ? b : b + B)",
            "slots take turns by time, not by row",
        ),
        ("(t + 1) * B + b)", "(t + 1) * B)", "slots of all rows in one"),
        ("2 * total * id) *b0", "2 * total * (id + 1)) *b0", "own rows: some are nobody's"),
        ("id + 1 < n && *b1 == B", "0", "own rows: all threads to the end"),
        (
            "return first ? first[t1] - first[t0]",
            "return first ? first[t1]",
            "counts from the start",
        ),
        ("row[mid] < b", "row[mid] <= b", "own entries begin too late"),
    ),
    *faults(
        "trace.c",
        ("? list->to[e]", "? list->from[e]", "the cell before the step"),
        ("if (t && end - e < B) memcpy", "if (0) memcpy", "cells are not carried through a mask"),
        ("memset(out, 0xff,", "memset(out, 0,", "gates of masked steps are 0, not NaN"),
        ("? e : t * B + e;", "? t * B + e : e;", "gates of other steps"),
        tests=TRACE,
    ),
    *faults(
        "threads.c",
        ("_mm_setcsr((unsigned)was);", "(void)was;", "denormals stay flushed in Python", PLAIN),
        (
            "left > 1 && !__atomic_exchange_n(&team.taken, 1, __ATOMIC_ACQ_REL)",
            "left > 1",
            "two calls have the team at once",
        ),
        ("if (id < n) take_part(id, n);", "take_part(id, n);", "threads that were not asked for"),
        tests=THREADS,
    ),
]
