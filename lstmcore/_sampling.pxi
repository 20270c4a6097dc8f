# Sampling: tokens drawn one after another from a stream's outputs, each fed back to it, without Python.
# `distribution` of lstmcore/text/sampling.py is the same in NumPy.

from libc.math cimport INFINITY, exp, isfinite, pow

cdef struct sampler:
    int64_t tokens, top_k, never  # top_k: how many are drawn from at most; never: a token that is not drawn
    double temperature, top_p     # 0: the likeliest
    bint logits
    double *weight
    int64_t *order                # a heap of tokens; those taken from it stand behind it, the first one last
    int64_t left                  # in the heap


cdef bint before(const sampler *s, int64_t i, int64_t j) noexcept nogil:
    """Whether token i is likelier than token j; of two alike, the lower number."""
    return s.weight[i] > s.weight[j] or (s.weight[i] == s.weight[j] and i < j)


cdef void sink(const sampler *s, int64_t at) noexcept nogil:
    """Makes a heap of the order from `at` on, where all but its first entry are one."""
    cdef int64_t token = s.order[at], child = 2 * at + 1
    while child < s.left:
        if child + 1 < s.left and before(s, s.order[child + 1], s.order[child]):
            child += 1
        if not before(s, s.order[child], token):
            break
        s.order[at] = s.order[child]
        at, child = child, 2 * child + 1
    s.order[at] = token


cdef int64_t likeliest(sampler *s, int64_t place) noexcept nogil:
    """The token of this place, 0 the likeliest; places come one after another, or were asked for before."""
    cdef int64_t last
    if s.tokens - s.left <= place:
        s.left -= 1
        last = s.order[s.left]
        s.order[s.left] = s.order[0]
        s.order[0] = last
        sink(s, 0)
    return s.order[s.tokens - 1 - place]


cdef bint weigh(sampler *s, int type, const void *y) noexcept nogil:
    """Weights of all tokens, the likeliest 1; False if an output is NaN or infinite."""
    cdef int64_t i
    cdef double largest = -INFINITY, w
    for i in range(s.tokens):
        w = (<const float *>y)[i] if type == LC_F32 else (<const double *>y)[i]
        if not isfinite(w):
            return False
        s.weight[i] = w
        if w > largest and i != s.never:
            largest = w
    for i in range(s.tokens):
        w = s.weight[i]
        if i == s.never:
            w = 0
        elif s.temperature == 0:
            w = 1 if w == largest else 0
        elif s.logits:
            w = exp((w - largest) / s.temperature)
        else:
            w = w / largest if s.temperature == 1 else pow(w / largest, 1 / s.temperature)
        s.weight[i] = w
    return True


cdef int64_t draw(sampler *s, double uniform) noexcept nogil:
    """The token that a number from 0 to below 1 stands for, the likeliest ones at 0."""
    cdef int64_t i, most = s.top_k
    cdef double total = 0, sum = 0
    s.left = s.tokens
    for i in range(s.tokens):
        s.order[i] = i
    for i in range(s.tokens // 2 - 1, -1, -1):
        sink(s, i)
    if most < s.tokens:
        for i in range(most):
            total += s.weight[likeliest(s, i)]
    else:
        for i in range(s.tokens):
            total += s.weight[i]
    if s.top_p < 1:
        for i in range(most):
            sum += s.weight[likeliest(s, i)]
            if sum >= s.top_p * total:
                most = i + 1
                break
        total, sum = sum, 0
    for i in range(most):
        sum += s.weight[likeliest(s, i)]
        if sum > uniform * total or i + 1 == most or s.weight[likeliest(s, i + 1)] == 0:
            break
    return likeliest(s, i)


def sample(Stream stream not None, table, y, double[::1] uniforms, int64_t[::1] tokens, *, double temperature=1,
           int64_t top_k=0, double top_p=1, bint logits=False, int64_t never=-1):
    """Draws tokens and feeds them; see the stub."""
    cdef Program program = stream.program
    cdef Arrays arrays = Arrays()
    cdef int64_t n = program.outputs, i = 0
    cdef lc_status status = LC_OK
    arrays.type = program.type
    cdef char *rows = <char *>arrays.exact(table, "table", (n, program.inputs))
    cdef char *at = <char *>arrays.exact(y, "y", (n,), True)
    if stream.batch_size != 1:
        raise ValueError(f"stream: expected a batch of 1, got {stream.batch_size}")
    if tokens.shape[0] != uniforms.shape[0]:
        raise ValueError("tokens: expected as many as there are uniforms")
    if not (0 <= temperature < INFINITY and 0 < top_p <= 1 and 0 <= top_k <= n and never < n and n > 1):
        raise ValueError("sample: an option is out of its range")
    cdef Buffer memory = Buffer(16 * n), scratch = stream.scratch(1)
    cdef sampler s = sampler(n, top_k if top_k else n, never, temperature, top_p, logits, <double *>memory.p,
                             <int64_t *>memory.p + n, n)
    cdef stream_call call = stream.prepare(scratch, 1)
    stream.rest()
    stream.busy = True
    with nogil:
        while i < tokens.shape[0] and status == LC_OK and weigh(&s, program.type, at):
            tokens[i] = draw(&s, uniforms[i])
            status = run_stream(&call, lc_sequence(rows + tokens[i] * program.inputs * stream.item, 0,
                                                   program.inputs), 1, at)
            i += 1
    stream.busy = False
    check(status)
    if i < tokens.shape[0]:
        raise FloatingPointError("the model's output is NaN or infinite")
