/* Models in the caller's memory, from the bytes of a model file. All numbers of a file are little-endian; arrays are
 * Keras's, in the order of lc_weights, and begin at multiples of 64 bytes. A file is
 *
 *     header   one `header`; the CRC-32 is that of all bytes behind it
 *     table    `count` records, one for each layer
 *     arrays
 *
 * The numbers of lc_cell, lc_activation and the rest that stand in records are those of lstmcore.h, and so they stay.
 *
 * A file is data from outside: lay_out checks each number before it is used, and lc_model_measure and lc_model_open
 * both are this one function, so what is written never exceeds what was measured. */
#include "model.h"
#include <math.h>
#include <string.h>

enum { VERSION = 1, MOST_STEPS = 1 << 20 };
static const char magic[8] = "\x89LCM\r\n\x1a\n";

typedef struct header {
    char magic[8];
    uint32_t version, crc;
    uint64_t bytes;      /* of the file */
    int32_t type, count; /* lc_type; layers */
    int64_t steps;       /* of the probe */
    uint64_t x, y;       /* where the probe's inputs and outputs begin */
    uint64_t reserved;   /* 0 */
} header;

typedef struct record {
    int32_t kind, sequences;                                                                    /* as in lc_op */
    int32_t cell, variant, activation, output_activation, gate_activation, layer_norm, weights; /* as in lc_spec */
    int32_t reserved;                                                                           /* 0 */
    int64_t inputs, units, projection;
    double clip, epsilon;
    lc_ramp ramp, output_ramp, gate_ramp;
    uint64_t array[LC_WEIGHTS]; /* where each begins; 0: there is none. A dense layer has W and b, an embedding W */
} record;

_Static_assert(sizeof(header) == 64 && sizeof(record) == 192, "as the files have them");

/* ---- reading ---- */

typedef struct source {
    const char *file;
    size_t size;
    header head;
} source;

static uint32_t crc32(const unsigned char *p, size_t n) {
    uint32_t table[256], crc = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++) table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
    }
    for (size_t i = 0; i < n; i++) crc = table[(crc ^ p[i]) & 255] ^ crc >> 8;
    return ~crc;
}

static lc_status read_header(source *s, const void *file, size_t size) {
    if (!file) return LC_NULL;
    if (size < sizeof(header) || memcmp(file, magic, sizeof magic)) return LC_BAD_FILE;
    if ((uintptr_t)file % 8) return LC_MISALIGNED;
    header *h = &s->head;
    memcpy(h, file, sizeof *h);
    s->file = file, s->size = size;
    if (h->version > VERSION) return LC_BAD_VERSION;
    if (h->version < 1 || h->bytes != size || h->reserved) return LC_BAD_FILE;
    const uint64_t most = (size - sizeof *h) / sizeof(record);
    if (h->type < LC_F32 || h->type > LC_F64 || h->count < 1 || (uint64_t)h->count > most) return LC_BAD_FILE;
    if (h->steps < 1 || h->steps > MOST_STEPS) return LC_BAD_FILE;
    const uint32_t crc = crc32((const unsigned char *)file + sizeof *h, size - sizeof *h);
    return crc == h->crc ? LC_OK : LC_BAD_FILE;
}

/* An array [rows][columns] of items; NULL: it is not all in the file. */
static const void *array_at(const source *s, uint64_t at, int64_t rows, int64_t columns, size_t item) {
    size_t bytes;
    if (at % 64 || at < sizeof(header) || at > s->size) return NULL;
    if (__builtin_mul_overflow((uint64_t)rows, (uint64_t)columns, &bytes)) return NULL;
    if (__builtin_mul_overflow(bytes, item, &bytes) || bytes > s->size - at) return NULL;
    return s->file + at;
}

/* The shapes of a layer's arrays; 0 axes: it has none. */
static lc_status shapes_of(const lc_op *op, lc_cell_info *info) {
    if (op->kind == LC_OP_RECURRENT) return lc_cell_describe(&op->spec, info);
    *info = (lc_cell_info){.axes = {[LC_WEIGHT_W] = 2, [LC_WEIGHT_B] = op->kind == LC_OP_DENSE}};
    info->shape[LC_WEIGHT_W][0] = op->spec.inputs, info->shape[LC_WEIGHT_W][1] = op->spec.units;
    info->shape[LC_WEIGHT_B][0] = op->spec.units;
    return LC_OK;
}

/* Finds the arrays of a layer whose op was checked. */
static lc_status find_arrays(const source *s, const record *r, const lc_op *op, const void *arrays[LC_WEIGHTS]) {
    lc_cell_info info;
    lc_status status = shapes_of(op, &info);
    for (int i = 0; i < LC_WEIGHTS && !status; i++) {
        arrays[i] = NULL;
        if (!r->array[i]) {
            if (info.axes[i] && i != LC_WEIGHT_B) status = LC_BAD_FILE;
            continue;
        }
        const int64_t columns = info.axes[i] > 1 ? info.shape[i][1] : 1;
        if (!info.axes[i]) return LC_BAD_FILE;
        arrays[i] = array_at(s, r->array[i], info.shape[i][0], columns, lc_real_bytes(op->spec.type));
        if (!arrays[i]) status = LC_BAD_FILE;
    }
    return status;
}

/* The op of a record, before its weights are packed; `packed` is not NULL. */
static lc_op op_of(const source *s, const record *r) {
    lc_op op = {.kind = r->kind, .sequences = r->sequences, .packed = s->file};
    op.spec = (lc_spec){.cell = r->cell,
                        .type = s->head.type,
                        .isa = lc_isa_now(),
                        .steps = 1,
                        .batch = 1,
                        .inputs = r->inputs,
                        .units = r->units,
                        .variant = (uint32_t)r->variant,
                        .activation = r->activation,
                        .output_activation = r->output_activation,
                        .gate_activation = r->gate_activation,
                        .clip = r->clip,
                        .ramp = r->ramp,
                        .output_ramp = r->output_ramp,
                        .gate_ramp = r->gate_ramp,
                        .projection = r->kind == LC_OP_RECURRENT ? r->projection : 0,
                        .layer_norm = r->layer_norm,
                        .epsilon = r->epsilon,
                        .weights = r->weights};
    if (r->weights > LC_REALS && r->weights < LC_FORMAT_COUNT) op.spec.dot = lc_dot_now(op.spec.isa, r->weights);
    return op;
}

/* ---- laying out ---- */

/* Packs a layer's weights to where `place` is; an embedding's table is copied. */
static lc_status pack_op(lc_op *op, const void *const arrays[LC_WEIGHTS], lc_place *place) {
    const lc_spec *spec = &op->spec;
    lc_status status = LC_OK;
    lc_sizes sizes;
    lc_product product = {.type = spec->type, .isa = spec->isa, .m = 1, .n = spec->units, .k = spec->inputs};
    size_t bytes = 0;
    if (op->kind == LC_OP_RECURRENT) status = lc_measure(spec, &sizes), bytes = sizes.packed;
    else if (op->kind == LC_OP_DENSE) {
        product.b = (lc_matrix){arrays[LC_WEIGHT_W], spec->units, 1}, product.bias = arrays[LC_WEIGHT_B];
        product.weights = spec->weights, product.dot = spec->dot;
        status = lc_gemm_packed(&product, &bytes);
    } else bytes = (size_t)(spec->inputs * spec->units) * lc_real_bytes(spec->type);
    if (status) return status;
    void *to = lc_take(place, bytes, &status);
    if (!to) return status;
    op->packed = to;
    if (op->kind == LC_OP_EMBEDDING) memcpy(to, arrays[LC_WEIGHT_W], bytes);
    if (op->kind == LC_OP_DENSE) return lc_gemm_pack(&product, to);
    if (op->kind != LC_OP_RECURRENT) return LC_OK;
    const lc_weights weights = {.W = arrays[0],
                                .R = arrays[1],
                                .b = arrays[2],
                                .P = arrays[3],
                                .F = arrays[4],
                                .Rp = arrays[5],
                                .gain = arrays[6],
                                .c_norm = arrays[7]};
    return lc_pack(spec, &weights, 0, to);
}

static lc_status lay_out_op(const source *s, int i, lc_program *program, lc_room *room, lc_op *op, lc_place *place) {
    const void *arrays[LC_WEIGHTS];
    record r;
    memcpy(&r, s->file + sizeof(header) + (size_t)i * sizeof r, sizeof r);
    if (r.reserved || (r.sequences != 0 && r.sequences != 1)) return LC_BAD_FILE;
    *op = op_of(s, &r);
    lc_status status = lc_program_add(program, op, i);
    if (!status) status = find_arrays(s, &r, op, arrays);
    if (!status) status = lc_room_add(room, op, 1, 1);
    return status ? status : pack_op(op, arrays, place);
}

/* Copies the probe, and takes what lc_model_check works in. */
static lc_status lay_out_probe(const source *s, const lc_program *p, int tokens, const lc_room *room, lc_model *model,
                               lc_place *place) {
    const size_t size = lc_real_bytes(p->type), states = (size_t)p->width * size;
    const size_t x_row = tokens ? sizeof(int64_t) : (size_t)p->inputs * size, y_row = (size_t)p->outputs * size;
    const int64_t outputs = p->sequences ? s->head.steps : 1;
    const void *x = array_at(s, s->head.x, s->head.steps, 1, x_row), *y = array_at(s, s->head.y, outputs, 1, y_row);
    int64_t between;
    size_t work;
    if (!x || !y) return LC_BAD_FILE;
    for (int64_t t = 0; tokens && t < s->head.steps; t++)
        if (((const int64_t *)x)[t] < 0 || ((const int64_t *)x)[t] >= p->inputs) return LC_BAD_FILE;
    lc_status status = lc_room_measure(room, p->type, &between, &work);
    void *x_to = lc_take(place, (size_t)s->head.steps * x_row, &status);
    void *y_to = lc_take(place, (size_t)outputs * y_row, &status);
    void *probe_states = lc_take(place, states, &status), *probe_work = lc_take(place, work, &status);
    void *probe_output = lc_take(place, y_row, &status);
    if (status || !model) return status;
    model->steps = s->head.steps, model->probe_state_bytes = states;
    model->x = memcpy(x_to, x, (size_t)s->head.steps * x_row), model->y = memcpy(y_to, y, (size_t)outputs * y_row);
    model->probe_states = probe_states, model->probe_work = probe_work, model->probe_output = probe_output;
    return LC_OK;
}

/* Lays a model out; where place->base is NULL, everything is checked and counted, and nothing written. */
static lc_status lay_out(const source *s, lc_place *place, lc_model **made) {
    lc_status status = LC_OK;
    lc_model *model = lc_take(place, sizeof *model, &status);
    lc_op *ops = lc_take(place, (size_t)s->head.count * sizeof *ops, &status), one;
    lc_program program = {.ops = ops, .count = s->head.count};
    lc_room room = {0};
    int tokens = 0;
    for (int i = 0; i < s->head.count && !status; i++) {
        lc_op *op = ops ? &ops[i] : &one;
        status = lay_out_op(s, i, &program, &room, op, place);
        tokens |= op->kind == LC_OP_EMBEDDING;
    }
    if (!status) status = lay_out_probe(s, &program, tokens, &room, model, place);
    if (status || !model) return status;
    model->program = program, model->owned = NULL;
    *made = model;
    return LC_OK;
}

/* What a layer's own check does not know is, here, the file's fault. */
static lc_status read_model(const void *file, size_t size, lc_place *place, lc_model **made) {
    source s;
    lc_status status = read_header(&s, file, size);
    if (!status) status = lay_out(&s, place, made);
    return status == LC_BAD_SPEC || status == LC_OUT_OF_RANGE ? LC_BAD_FILE : status;
}

lc_status lc_model_measure(const void *file, size_t size, size_t *memory) {
    lc_place place = {0};
    if (!memory) return LC_NULL;
    lc_status status = read_model(file, size, &place, NULL);
    if (status) return status;
    return __builtin_add_overflow(place.at, (size_t)LC_SLACK, memory) ? LC_TOO_LARGE : LC_OK;
}

lc_status lc_model_open(const void *file, size_t size, void *memory, lc_model **model) {
    if (!memory || !model) return LC_NULL;
    lc_place place = lc_place_in(memory);
    return read_model(file, size, &place, model);
}

/* ---- asking ---- */

int64_t lc_model_inputs(const lc_model *model) { return model->program.inputs; }
int64_t lc_model_outputs(const lc_model *model) { return model->program.outputs; }
int64_t lc_model_width(const lc_model *model) { return model->program.width; }
int lc_model_type(const lc_model *model) { return model->program.type; }
int lc_model_takes_tokens(const lc_model *model) { return model->program.ops[0].kind == LC_OP_EMBEDDING; }
int lc_model_sequences(const lc_model *model) { return model->program.sequences; }

static double real_at(int type, const void *p, int64_t i) {
    return type == LC_F64 ? ((const double *)p)[i] : (double)((const float *)p)[i];
}

/* The larger of `off` and the difference of two arrays; equal infinities and NaN are no difference. */
static double difference(int type, int64_t n, const void *a, const void *b, double off) {
    for (int64_t i = 0; i < n; i++) {
        const double p = real_at(type, a, i), q = real_at(type, b, i);
        if (p == q || (isnan(p) && isnan(q))) continue;
        const double d = fabs(p - q);
        if (!(d <= off)) off = d;
    }
    return off;
}

lc_status lc_model_check(const lc_model *model, double *off) {
    if (!model || !off) return LC_NULL;
    const lc_program *p = &model->program;
    const size_t size = lc_real_bytes(p->type), row = lc_model_takes_tokens(model) ? 8 : (size_t)p->inputs * size;
    lc_stream stream = {.program = p, .batch = 1, .states = model->probe_states};
    lc_status status = lc_stream_prepare(&stream);
    double most = 0;
    memset(model->probe_states, 0, model->probe_state_bytes);
    for (int64_t t = 0; t < model->steps && !status; t++) {
        const lc_sequence x = {(const char *)model->x + (size_t)t * row, 0, 0};
        status = lc_stream_run(&stream, x, 1, model->probe_output, model->probe_work);
        if (status || (!p->sequences && t + 1 < model->steps)) continue;
        const char *wanted = (const char *)model->y + (size_t)(p->sequences ? t * p->outputs : 0) * size;
        most = difference(p->type, p->outputs, model->probe_output, wanted, most);
    }
    *off = most;
    return status;
}
