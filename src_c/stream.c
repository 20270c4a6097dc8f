/* Streams of models, in the caller's memory: the stream, its states, its work. */
#include "model.h"
#include <string.h>

/* Lays a stream out behind itself; where place->base is NULL, only `bare` is filled. */
static lc_status lay_out(const lc_model *model, int64_t rows, lc_stream *bare, lc_place *place, lc_stream **made) {
    if (!model) return LC_NULL;
    *bare = (lc_stream){.program = &model->program, .batch = rows};
    lc_status status = lc_stream_prepare(bare);
    lc_stream *stream = lc_take(place, sizeof *stream, &status);
    bare->states = lc_take(place, bare->state_bytes, &status);
    bare->room = lc_take(place, bare->work, &status);
    if (status || !stream) return status;
    *stream = *bare;
    memset(stream->states, 0, stream->state_bytes);
    *made = stream;
    return LC_OK;
}

lc_status lc_stream_measure(const lc_model *model, int64_t rows, size_t *memory) {
    if (!memory) return LC_NULL;
    lc_stream bare;
    lc_place place = {0};
    lc_status status = lay_out(model, rows, &bare, &place, NULL);
    if (status) return status;
    return __builtin_add_overflow(place.at, (size_t)LC_SLACK, memory) ? LC_TOO_LARGE : LC_OK;
}

lc_status lc_stream_open(const lc_model *model, int64_t rows, void *memory, lc_stream **stream) {
    if (!memory || !stream) return LC_NULL;
    lc_stream bare;
    lc_place place = lc_place_in(memory);
    return lay_out(model, rows, &bare, &place, stream);
}

lc_status lc_stream_feed(lc_stream *stream, const void *x, int64_t steps, void *y) {
    if (!stream || !stream->program || !stream->room) return LC_NULL;
    const int64_t row = stream->program->ops[0].kind == LC_OP_EMBEDDING ? 1 : stream->program->inputs;
    return lc_stream_run(stream, (lc_sequence){x, stream->batch * row, row}, steps, y, stream->room);
}

lc_status lc_stream_step(lc_stream *stream, const void *x, void *y) { return lc_stream_feed(stream, x, 1, y); }

/* ---- the states of rows ---- */

enum { READ, WRITE, CLEAR };

/* Goes through the arrays of states: those of a row <- 0 or `given`, or they go to `given`. */
static lc_status move(const lc_stream *s, int64_t row, int how, char *to, const char *from) {
    const lc_program *p = s ? s->program : NULL;
    if (!p || !p->ops || (p->width && (!s->states || (how == READ && !to) || (how == WRITE && !from)))) return LC_NULL;
    if (row < 0 || row >= s->batch) return LC_OUT_OF_RANGE;
    const size_t size = lc_real_bytes(p->type);
    int64_t offset, width;
    for (int i = 0; i < p->count; i++)
        for (int j = 0; lc_program_state(p, i, j, &offset, &width) == LC_OK; j++) {
            char *own = (char *)s->states + (size_t)(offset * s->batch + row * width) * size;
            if (how == READ) memcpy(to + (size_t)offset * size, own, (size_t)width * size);
            else if (how == WRITE) memcpy(own, from + (size_t)offset * size, (size_t)width * size);
            else memset(own, 0, (size_t)width * size);
        }
    return LC_OK;
}

lc_status lc_stream_reset(lc_stream *stream, int64_t row) {
    if (row != -1) return move(stream, row, CLEAR, NULL, NULL);
    if (!stream || !stream->states) return LC_NULL;
    memset(stream->states, 0, stream->state_bytes);
    return LC_OK;
}

lc_status lc_stream_state(const lc_stream *stream, int64_t row, void *state) {
    return move(stream, row, READ, state, NULL);
}

lc_status lc_stream_set_state(lc_stream *stream, int64_t row, const void *state) {
    return move(stream, row, WRITE, NULL, state);
}
