/* Programs, streams and sampling, held to layers that are called one by one; and what they refuse. Writes the tokens
 * and the outputs of a model that tests/core/test_embed.py makes in Python, too: there they must be the same bits. */
#include "arrays.h"

#include <math.h>

enum { V = 11, E = 5, C1 = 12, H1 = 9, H2 = 7, OPS = 4, T = 150, B = 3, DRAWN = 200 };

static int bad;

static void expect(int right, const char *what) {
    if (right) return;
    bad = 1;
    printf("%s: wrong on %s\n", what, lc_isa_name(lc_isa_now()));
}

/* n reals that any language can make again without rounding. */
static void *reals(int type, int64_t n, int salt) {
    void *p = allocate((size_t)n * size_of(type));
    for (int64_t i = 0; i < n; i++) put(type, p, i, (double)((i * 31 + salt * 17) % 67 - 33) / 64);
    return p;
}

/* ---- the model: an embedding, a projected LSTM, a GRU and logits ---- */

typedef struct model {
    lc_op ops[OPS];
    void *owned[16];
    int count;
} model;

static void *own(model *m, void *p) { return m->owned[m->count++] = p; }

static void add_recurrent(model *m, lc_op *op, lc_spec spec, int salt) {
    lc_cell_info info;
    lc_sizes sizes;
    void *array[LC_WEIGHTS] = {0};
    op->kind = LC_OP_RECURRENT, op->sequences = 1;
    op->spec = spec, op->spec.steps = op->spec.batch = 1;
    const int type = spec.type;
    check(lc_cell_describe(&op->spec, &info));
    for (int i = 0; i < LC_WEIGHTS; i++)
        if (info.axes[i])
            array[i] = own(m, reals(type, info.shape[i][0] * (info.axes[i] > 1 ? info.shape[i][1] : 1), salt + i));
    check(lc_measure(&op->spec, &sizes));
    void *packed = own(m, allocate(sizes.packed));
    const lc_weights weights = {array[0], array[1], array[2], array[3], array[4], array[5], array[6], array[7]};
    check(lc_pack(&op->spec, &weights, 0, packed));
    op->packed = packed;
}

static void add_dense(model *m, lc_op *op, int type, int64_t inputs, int64_t units, int salt) {
    lc_product p = {.type = type, .m = 1, .n = units, .k = inputs};
    size_t bytes;
    p.b = (lc_matrix){own(m, reals(type, inputs * units, salt)), units, 1};
    p.bias = own(m, reals(type, units, salt + 1));
    check(lc_gemm_packed(&p, &bytes));
    void *packed = own(m, allocate(bytes));
    check(lc_gemm_pack(&p, packed));
    op->kind = LC_OP_DENSE, op->packed = packed;
    op->spec = (lc_spec){.type = type, .inputs = inputs, .units = units};
}

static model make(int type) {
    model m = {.count = 0};
    m.ops[0] = (lc_op){.kind = LC_OP_EMBEDDING, .spec = {.type = type, .inputs = V, .units = E}};
    m.ops[0].packed = own(&m, reals(type, V * E, 1));
    add_recurrent(&m, &m.ops[1], (lc_spec){.cell = LC_LSTM, .type = type, .inputs = E, .units = C1, .projection = H1},
                  2);
    add_recurrent(&m, &m.ops[2], (lc_spec){.cell = LC_GRU, .type = type, .inputs = H1, .units = H2}, 7);
    add_dense(&m, &m.ops[3], type, H2, V, 12);
    return m;
}

static void drop(model *m) {
    while (m->count) free(m->owned[--m->count]);
}

static lc_stream begin(const lc_program *program, int64_t batch) {
    lc_stream s = {.program = program, .batch = batch};
    check(lc_stream_prepare(&s));
    s.states = allocate(s.state_bytes);
    return s;
}

/* ---- streams ---- */

/* The layers one after the other over all of the steps; tokens [T][B], y [T][B][V]. */
static void one_by_one(const model *m, int type, const int64_t *tokens, void *y) {
    const size_t size = size_of(type);
    char *x = allocate(T * B * E * size), *h1 = allocate(T * B * H1 * size), *h2 = allocate(T * B * H2 * size);
    char *to[] = {h1, h2}, *from = x;
    for (int i = 0; i < T * B; i++)
        memcpy(x + i * E * size, (const char *)m->ops[0].packed + (size_t)tokens[i] * E * size, E * size);
    for (int i = 0; i < 2; from = to[i++]) {
        lc_spec spec = m->ops[i + 1].spec;
        lc_sizes sizes;
        spec.steps = T, spec.batch = B, spec.flags = LC_SEQUENCES;
        check(lc_measure(&spec, &sizes));
        void *work = allocate(sizes.work);
        const lc_forward_io io = {.x = {from, B * spec.inputs, spec.inputs}, .y = to[i]};
        check(lc_forward(&spec, m->ops[i + 1].packed, &io, NULL, work));
        free(work);
    }
    lc_product p = {.type = type, .m = T * B, .n = V, .k = H2, .packed = m->ops[3].packed, .c = y};
    p.a = (lc_matrix){h2, H2, 1};
    check(lc_gemm(&p, NULL));
    free(x), free(h1), free(h2);
}

static void run_in_pieces(const lc_stream *s, const int64_t *tokens, int piece, char *y, size_t row, void *work) {
    for (int t = 0; t < T; t += piece) {
        const int n = T - t < piece ? T - t : piece;
        check(lc_stream_run(s, (lc_sequence){tokens + t * B, B, 1}, n, y + (size_t)t * row, work));
    }
}

static void streams(int type) {
    const size_t size = size_of(type), row = B * V * size, all = T * row;
    model m = make(type);
    lc_program program = {.ops = m.ops, .count = OPS};
    check(lc_program_measure(&program));
    expect(program.inputs == V && program.outputs == V && program.width == H1 + C1 + H2 && program.sequences,
           "a program");
    int64_t tokens[T * B], offset, width;
    for (int i = 0; i < T * B; i++) tokens[i] = i * 7 % V;
    char *want = allocate(all), *y = allocate(all);
    one_by_one(&m, type, tokens, want);
    static const int pieces[] = {T, 1, 64, 65, 3};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        lc_stream s = begin(&program, B);
        void *work = allocate(pieces[i] == 1 ? s.step_work : s.work);
        run_in_pieces(&s, tokens, pieces[i], y, row, work);
        expect(!memcmp(y, want, all), "a stream in pieces");
        lc_stream one = begin(&program, 1);
        check(lc_stream_copy_rows(&s, 1, &one, 0, 1));
        for (int j = 0; j < 3; j++) {
            check(lc_program_state(&program, j < 2 ? 1 : 2, j & 1, &offset, &width));
            static const int widths[] = {H1, C1, H2}, starts[] = {0, H1, H1 + C1};
            expect(width == widths[j] && offset == starts[j], "where states are");
            expect(!memcmp((char *)one.states + (size_t)offset * size,
                           (char *)s.states + (size_t)(offset * B + width) * size, (size_t)width * size),
                   "a copied row");
        }
        free(work), free(s.states), free(one.states);
    }
    m.ops[2].sequences = 0; /* now the last step's output alone */
    check(lc_program_measure(&program));
    lc_stream s = begin(&program, B);
    void *work = allocate(s.work);
    check(lc_stream_run(&s, (lc_sequence){tokens, B, 1}, T, y, work));
    expect(!program.sequences && !memcmp(y, want + (T - 1) * row, row), "the last output");
    free(work), free(s.states), free(want), free(y);
    drop(&m);
}

/* Layers above one that gives its last output alone see one step of a call, however many chunks it takes. */
static void last_step_alone(int type) {
    model m = make(type);
    m.ops[1].sequences = 0;
    lc_program whole = {.ops = m.ops, .count = OPS}, below = {.ops = m.ops, .count = 2};
    lc_program above = {.ops = m.ops + 2, .count = 2};
    check(lc_program_measure(&whole));
    check(lc_program_measure(&below));
    check(lc_program_measure(&above));
    lc_stream s[] = {begin(&whole, B), begin(&below, B), begin(&above, B)};
    int64_t tokens[T * B];
    for (int i = 0; i < T * B; i++) tokens[i] = i * 5 % V;
    const size_t size = size_of(type);
    void *y = allocate(B * V * size), *want = allocate(B * V * size), *h = allocate(B * H1 * size);
    void *work = allocate(s[0].work);
    check(lc_stream_run(&s[0], (lc_sequence){tokens, B, 1}, T, y, work));
    check(lc_stream_run(&s[1], (lc_sequence){tokens, B, 1}, T, h, work));
    check(lc_stream_run(&s[2], (lc_sequence){h, 0, H1}, 1, want, work));
    expect(!memcmp(y, want, B * V * size), "layers above the last output");
    for (int i = 0; i < 3; i++) free(s[i].states);
    free(y), free(want), free(h), free(work);
    drop(&m);
}

/* A wide layer behind a narrow one: the work is that of the one which takes more. */
static void room(int type) {
    model m = {.count = 0};
    add_recurrent(&m, &m.ops[0], (lc_spec){.cell = LC_GRU, .type = type, .inputs = E, .units = 3}, 1);
    add_recurrent(&m, &m.ops[1], (lc_spec){.cell = LC_LSTM, .type = type, .inputs = 3, .units = 70}, 2);
    lc_program program = {.ops = m.ops, .count = 2};
    check(lc_program_measure(&program));
    lc_stream s = {.program = &program, .batch = B};
    check(lc_stream_prepare(&s));
    lc_spec spec = m.ops[1].spec;
    for (int i = 0; i < 2; i++) {
        lc_sizes sizes;
        spec.batch = B, spec.steps = i ? s.at_once : 1, spec.flags = LC_SEQUENCES;
        check(lc_measure(&spec, &sizes));
        expect(s.between[i] >= spec.steps * B * 70, "room between two layers");
        expect((i ? s.work : s.step_work) >= sizes.work + 2 * (size_t)s.between[i] * size_of(type),
               "room for the work");
    }
    drop(&m);
}

/* ---- sampling ---- */

/* Draws with the embedding in the program, and with its table beside a program without. */
static void draw(int type, lc_sampling how, int aloud) {
    const size_t size = size_of(type);
    model m = make(type);
    double uniforms[DRAWN];
    int64_t tokens[2][DRAWN], drawn;
    char y[2][V * 8];
    size_t bytes;
    how.type = type, how.logits = 1, how.tokens = V;
    for (int i = 0; i < DRAWN; i++) uniforms[i] = (double)(i * 389 % 1000) / 1000;
    check(lc_sample_measure(&how, &bytes));
    for (int i = 0; i < 2; i++) {
        lc_program program = {.ops = m.ops + i, .count = OPS - i};
        check(lc_program_measure(&program));
        lc_stream s = begin(&program, 1);
        void *work = allocate(s.step_work), *own = allocate(bytes), *start = reals(type, V, 14);
        memcpy(y[i], start, V * size);
        check(lc_stream_sample(&s, &how, i ? m.ops[0].packed : NULL, y[i], DRAWN, uniforms, tokens[i], &drawn, work,
                               own));
        expect(drawn == DRAWN, "how many were drawn");
        int64_t first;
        check(lc_sample(&how, start, uniforms[0], &first, own));
        expect(first == tokens[i][0], "one token alone");
        free(work), free(own), free(start), free(s.states);
    }
    expect(!memcmp(tokens[0], tokens[1], sizeof tokens[0]) && !memcmp(y[0], y[1], V * size),
           "a table beside a program");
    for (int i = 0; aloud && i < DRAWN; i++) printf("%d%c", (int)tokens[0][i], i + 1 < DRAWN ? ' ' : '\n');
    for (int i = 0; aloud && i < (int)(V * size); i++) printf("%02x", (unsigned char)y[0][i]);
    if (aloud) printf("\n");
    drop(&m);
}

/* By hand: four tokens with probabilities 0.1 0.4 0.3 0.2. */
static void choices(void) {
    static const double p[] = {0.1, 0.4, 0.3, 0.2};
    static const struct {
        lc_sampling how;
        double uniform;
        int64_t token;
    } cases[] = {
        {{.never = -1, .temperature = 1, .top_p = 1}, 0, 1},
        {{.never = -1, .temperature = 1, .top_p = 1}, 0.39, 1},
        {{.never = -1, .temperature = 1, .top_p = 1}, 0.41, 2},
        {{.never = -1, .temperature = 1, .top_p = 1}, 0.71, 3},
        {{.never = -1, .temperature = 1, .top_p = 1}, 0.91, 0},
        {{.never = -1, .temperature = 0, .top_p = 1}, 0.99, 1},
        {{.never = 1, .temperature = 0, .top_p = 1}, 0.99, 2},
        {{.never = 1, .temperature = 1, .top_p = 1}, 0.51, 3}, /* of 3, 2, 1 in 6 */
        {{.never = -1, .temperature = 1, .top_p = 1, .top_k = 2}, 0.99, 2},
        {{.never = -1, .temperature = 1, .top_p = 1, .top_k = 2}, 0.56, 1}, /* of 4, 3 in 7 */
        {{.never = -1, .temperature = 1, .top_p = 0.69}, 0.99, 2},
        {{.never = -1, .temperature = 1, .top_p = 0.69}, 0.56, 1}, /* of 4, 3 in 7 */
        {{.never = -1, .temperature = 1, .top_p = 0.71}, 0.99, 3},
        {{.never = -1, .temperature = 1, .top_p = 0.39}, 0.99, 1},
        {{.never = -1, .temperature = 0.5, .top_p = 1}, 0.53, 1}, /* of 16, 9, 4, 1 in 30 */
        {{.never = -1, .temperature = 0.5, .top_p = 1}, 0.54, 2},
    };
    double work[2 * 4];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lc_sampling how = cases[i].how;
        int64_t token = -1;
        how.type = LC_F64, how.tokens = 4;
        check(lc_sample(&how, p, cases[i].uniform, &token, work));
        if (token == cases[i].token) continue;
        bad = 1;
        printf("choice %d: token %d\n", (int)i, (int)token);
    }
}

/* Where rounding leaves the sum of the weights below what the number asks for, a token of weight 0 is not drawn. */
static void rounded_sum(void) {
    const double tiny = 1e-16, p[] = {tiny, tiny, tiny, tiny, tiny, tiny, tiny, tiny, 1, 0};
    const lc_sampling how = {.type = LC_F64, .tokens = 10, .never = -1, .temperature = 1, .top_p = 1};
    double work[2 * 10];
    int64_t token = -1;
    check(lc_sample(&how, p, nextafter(1, 0), &token, work));
    expect(token == 7, "the least likely token that there is");
}

/* ---- what is refused ---- */

static void refuse(lc_status is, lc_status wanted, const char *what) {
    if (is == wanted) return;
    bad = 1;
    printf("%s: \"%s\", not \"%s\"\n", what, lc_status_text(is), lc_status_text(wanted));
}

static void refused_programs(void) {
    model m = make(LC_F32);
    lc_op ops[2] = {m.ops[1], m.ops[2]};
    lc_program p = {.ops = ops, .count = 0};
    int64_t offset, width;
    refuse(lc_program_measure(&p), LC_BAD_SPEC, "no layers");
    p.ops = NULL, p.count = 2;
    refuse(lc_program_measure(&p), LC_NULL, "no array of layers");
    p.ops = ops, ops[1].spec.inputs++;
    refuse(lc_program_measure(&p), LC_BAD_SPEC, "a layer that does not fit the one before");
    ops[1] = m.ops[2], ops[1].spec.type = LC_F64;
    refuse(lc_program_measure(&p), LC_BAD_SPEC, "layers of two types");
    ops[1] = m.ops[2], ops[1].packed = NULL;
    refuse(lc_program_measure(&p), LC_NULL, "a layer without weights");
    ops[1] = m.ops[2], ops[1].kind = 7;
    refuse(lc_program_measure(&p), LC_BAD_SPEC, "a layer of no kind");
    ops[1] = m.ops[2], ops[1].spec.cell = LC_CELL_COUNT;
    refuse(lc_program_measure(&p), LC_BAD_SPEC, "a cell that there is not");
    ops[1] = (lc_op){.kind = LC_OP_EMBEDDING, .spec = {.type = LC_F32, .inputs = H1, .units = 2}, .packed = ops};
    refuse(lc_program_measure(&p), LC_BAD_SPEC, "an embedding in the middle");
    ops[1].kind = LC_OP_DENSE, ops[1].spec.activation = LC_SOFTMAX + 1;
    refuse(lc_program_measure(&p), LC_BAD_SPEC, "an activation that there is not");
    ops[1] = m.ops[2];
    check(lc_program_measure(&p));
    static const int places[][2] = {{-1, 0}, {2, 0}, {0, -1}, {0, 2}, {1, 1}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        refuse(lc_program_state(&p, places[i][0], places[i][1], &offset, &width), LC_OUT_OF_RANGE, "a state");
    drop(&m);
}

static void refused_streams(void) {
    model m = make(LC_F32);
    lc_program p = {.ops = m.ops, .count = OPS}, other = p;
    check(lc_program_measure(&p));
    check(lc_program_measure(&other));
    lc_stream s = {.program = &p}, b = begin(&other, 2);
    refuse(lc_stream_prepare(&s), LC_BAD_SPEC, "a batch of 0");
    s.batch = INT64_C(1) << 31;
    refuse(lc_stream_prepare(&s), LC_TOO_LARGE, "a batch of 2^31");
    lc_program alone = {.ops = m.ops + 3, .count = 1};
    check(lc_program_measure(&alone));
    s.program = &alone;
    refuse(lc_stream_prepare(&s), LC_TOO_LARGE, "a batch of 2^31 for a dense layer");
    s = begin(&p, 2);
    lc_stream none = s;
    none.states = NULL;
    int64_t tokens[] = {1, 2, 0, V, -1, 0};
    float y[3 * 2 * V];
    void *work = allocate(s.work);
    const lc_sequence x = {tokens, 2, 1};
    refuse(lc_stream_run(&s, x, 0, y, work), LC_BAD_SPEC, "no steps");
    refuse(lc_stream_run(&s, (lc_sequence){NULL, 2, 1}, 1, y, work), LC_NULL, "no x");
    refuse(lc_stream_run(&s, x, 1, NULL, work), LC_NULL, "no y");
    refuse(lc_stream_run(&s, x, 1, y, NULL), LC_NULL, "no work");
    refuse(lc_stream_run(&none, x, 1, y, work), LC_NULL, "no states");
    refuse(lc_stream_run(&s, x, 2, y, work), LC_OUT_OF_RANGE, "a token past the table");
    refuse(lc_stream_run(&s, (lc_sequence){tokens + 4, 2, 1}, 1, y, work), LC_OUT_OF_RANGE, "a token below 0");
    refuse(lc_stream_copy_rows(&s, 0, &b, 0, 1), LC_BAD_SPEC, "a stream of another program");
    static const int64_t rows[][3] = {{-1, 0, 1}, {0, -1, 1}, {0, 0, -1}, {0, 0, 3}, {1, 0, 2}, {0, 1, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        refuse(lc_stream_copy_rows(&s, rows[i][0], &s, rows[i][1], rows[i][2]), LC_OUT_OF_RANGE, "rows");
    free(work), free(s.states), free(b.states);
    drop(&m);
}

static void refused_sampling(void) {
    static const lc_sampling bad_options[] = {
        {.tokens = 1, .temperature = 1, .top_p = 1},
        {.tokens = V, .temperature = -1, .top_p = 1},
        {.tokens = V, .temperature = NAN, .top_p = 1},
        {.tokens = V, .temperature = INFINITY, .top_p = 1},
        {.tokens = V, .temperature = 1, .top_p = 0},
        {.tokens = V, .temperature = 1, .top_p = 1.1},
        {.tokens = V, .temperature = 1, .top_p = NAN},
        {.tokens = V, .temperature = 1, .top_p = 1, .top_k = -1},
        {.tokens = V, .temperature = 1, .top_p = 1, .top_k = V + 1},
        {.tokens = V, .temperature = 1, .top_p = 1, .never = V},
        {.tokens = V, .temperature = 1, .top_p = 1, .type = LC_F64 + 1},
    };
    size_t bytes;
    for (size_t i = 0; i < sizeof bad_options / sizeof *bad_options; i++)
        refuse(lc_sample_measure(&bad_options[i], &bytes), LC_BAD_SPEC, "an option of sampling");
    model m = make(LC_F32);
    lc_program p = {.ops = m.ops, .count = OPS};
    check(lc_program_measure(&p));
    lc_stream s = begin(&p, 1), two = begin(&p, 2);
    lc_sampling how = {.tokens = V, .never = -1, .temperature = 1, .top_p = 1, .logits = 1}, few = how, real = how;
    float y[V] = {0}, odd[V] = {0};
    double u[2] = {0.1, 0.2}, own[2 * V];
    int64_t t[2], drawn = 9;
    void *work = allocate(two.step_work), *table = (void *)m.ops[1].packed;
    few.tokens = V - 1, real.type = LC_F64, odd[3] = NAN;
    refuse(lc_stream_sample(&s, &few, NULL, y, 2, u, t, NULL, work, own), LC_BAD_SPEC, "fewer tokens than outputs");
    refuse(lc_stream_sample(&s, &real, NULL, y, 2, u, t, NULL, work, own), LC_BAD_SPEC, "another type");
    refuse(lc_stream_sample(&two, &how, NULL, y, 2, u, t, NULL, work, own), LC_BAD_SPEC, "a batch of 2");
    refuse(lc_stream_sample(&s, &how, table, y, 2, u, t, NULL, work, own), LC_BAD_SPEC, "a table too many");
    refuse(lc_stream_sample(&s, &how, NULL, y, -1, u, t, NULL, work, own), LC_BAD_SPEC, "fewer than no tokens");
    refuse(lc_stream_sample(&s, &how, NULL, NULL, 2, u, t, NULL, work, own), LC_NULL, "no outputs");
    refuse(lc_stream_sample(&s, &how, NULL, y, 2, NULL, t, NULL, work, own), LC_NULL, "no uniforms");
    refuse(lc_stream_sample(&s, &how, NULL, y, 2, u, NULL, NULL, work, own), LC_NULL, "no room for tokens");
    refuse(lc_stream_sample(&s, &how, NULL, y, 2, u, t, NULL, work, NULL), LC_NULL, "no work for sampling");
    refuse(lc_stream_sample(&s, &how, NULL, odd, 2, u, t, &drawn, work, own), LC_NOT_FINITE, "NaN");
    expect(drawn == 0, "how many were drawn before NaN");
    refuse(lc_sample(&how, odd, 0.5, t, own), LC_NOT_FINITE, "NaN for one token");
    p.ops = m.ops + 1, p.count = OPS - 1;
    check(lc_program_measure(&p));
    refuse(lc_stream_sample(&s, &how, NULL, y, 2, u, t, NULL, work, own), LC_NULL, "no table");
    free(work), free(s.states), free(two.states);
    drop(&m);
}

int main(void) {
    static const lc_sampling hows[] = {{.never = -1, .temperature = 1, .top_p = 1},
                                       {.never = 3, .temperature = 0.7, .top_p = 0.9, .top_k = 6},
                                       {.never = -1, .temperature = 0, .top_p = 1}};
    const int asked = lc_isa_now();
    for (int isa = LC_BASE; isa < LC_ISA_COUNT; isa++) {
        if (lc_isa_force(isa)) continue;
        for (int type = LC_F32; type <= LC_F64; type++) {
            streams(type);
            last_step_alone(type);
            room(type);
            for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) draw(type, hows[i], isa == asked);
        }
    }
    choices();
    rounded_sum();
    refused_programs();
    refused_streams();
    refused_sampling();
    printf("%s\n", bad ? "something is wrong" : "all right");
    return bad;
}
