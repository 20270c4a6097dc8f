# Attention: a mean of values for each query, weighted by the softmax of its scores.

cdef lc_vectors vectors(Arrays arrays, object x, str name, int ndim) except *:
    """A (B, T, n) array, of one head, or (B, T, heads, n) as the core wants it."""
    cdef Py_buffer *view = arrays.take(x, name, ndim)
    for i in range(ndim):
        if view.shape[i] < 1:
            raise ValueError(f"{name}: expected no empty dimension, got {shape_of(view)}")
    return lc_vectors(view.buf, view.strides[0] // view.itemsize,
                      view.strides[2] // view.itemsize if ndim == 4 else 0,
                      view.strides[1] // view.itemsize)


cdef class AttentionTape:
    """What `attention_forward` leaves for `attention_backward`: its arrays, and three reals a query."""

    cdef lc_attention a
    cdef Arrays arrays
    cdef Buffer rows
    cdef tuple kept  # arrays whose memory the core reads again
    cdef int ndim

    cdef tuple scores_shape(self):
        if self.ndim == 3:
            return (self.a.batch, self.a.queries, self.a.keys)
        return (self.a.batch, self.a.heads, self.a.queries, self.a.keys)

    cdef tuple of(self, int64_t steps, int64_t heads, int64_t n):
        if self.ndim == 3:
            return (self.a.batch, steps, n)
        return (self.a.batch, steps, heads, n)

    cdef object take_parts(self, query, key, value):
        cdef lc_attention *a = &self.a
        if not isinstance(query, np.ndarray) or query.ndim not in (3, 4):
            got = f"shape {query.shape}" if isinstance(query, np.ndarray) else type_name(query)
            raise ValueError(f"query: expected an array of 3 or 4 dimensions, got {got}")
        self.ndim = query.ndim
        a.q = vectors(self.arrays, query, "query", self.ndim)
        a.k = vectors(self.arrays, key, "key", self.ndim)
        a.v = vectors(self.arrays, value, "value", self.ndim)
        a.batch, a.queries, a.features = query.shape[0], query.shape[1], query.shape[-1]
        a.keys, a.values = key.shape[1], value.shape[-1]
        a.heads = query.shape[2] if self.ndim == 4 else 1
        a.key_heads = key.shape[2] if self.ndim == 4 else 1
        if a.heads % a.key_heads:
            raise ValueError(f"key: expected a divisor of {a.heads} heads, got {a.key_heads}")
        for name, part, n in (("key", key, a.features), ("value", value, a.values)):
            if part.shape != self.of(a.keys, a.key_heads, n):
                raise ValueError(f"{name}: expected shape {self.of(a.keys, a.key_heads, n)}, "
                                 f"got {part.shape}")

    cdef object take_seen(self, tuple seen):
        """Masks with four axes, each of size 1 or of that of the scores."""
        cdef lc_attention *a = &self.a
        cdef Py_buffer *view
        cdef int i
        whole = (a.batch, a.heads, a.queries, a.keys)
        if len(seen) > LC_SEEN:
            raise ValueError(f"seen: expected {LC_SEEN} masks at most, got {len(seen)}")
        for i in range(LC_SEEN):
            a.seen[i] = lc_seen(NULL, 0, 0, 0, 0)
        for i, mask in enumerate(seen):
            if not isinstance(mask, np.ndarray) or mask.dtype != bool:
                raise TypeError(f"seen: expected NumPy arrays of bool, got "
                                f"{getattr(mask, 'dtype', type_name(mask))}")
            if mask.ndim != 4 or any([n not in (1, most) for n, most in zip(mask.shape, whole)]):
                raise ValueError(f"seen: expected shapes that can be broadcast to {whole}, "
                                 f"got {mask.shape}")
            view = &self.arrays.view[self.arrays.count]
            PyObject_GetBuffer(mask, view, PyBUF_FORMAT | PyBUF_STRIDES)
            self.arrays.count += 1
            strides = [0 if n == 1 else step for n, step in zip(mask.shape, mask.strides)]
            a.seen[i] = lc_seen(<const uint8_t *>view.buf, strides[0], strides[1], strides[2], strides[3])


def attention_forward(query, key, value, *, weights=None, double scale=1, tuple seen=(), bint causal=False,
                      window=None, factors=None, bint dropped=False, bint scores=False, bint training=False,
                      int threads=0):
    cdef AttentionTape tape = AttentionTape()
    cdef Arrays arrays = Arrays(), out = Arrays()
    cdef lc_attention *a = &tape.a
    cdef lc_attention_io io
    cdef lc_status status
    tape.arrays = arrays
    tape.take_parts(query, key, value)
    tape.take_seen(seen)
    a.type, a.isa, a.threads, a.scale = arrays.type, 0, max(threads, 0), scale
    a.causal, a.dropped, a.window = causal, dropped, 0 if window is None else window
    if window is not None and window < 1:
        raise ValueError(f"window: expected 1 or more, got {window}")
    a.scores = LC_DOT_SCORES if weights is None else LC_ADDITIVE_SCORES
    a.w = arrays.exact(weights, "weights", (a.features,))
    a.factors = arrays.exact(factors, "factors", tape.scores_shape())
    tape.kept = (query, key, value, seen, weights, factors)
    check(lc_attention_measure(a))
    y = new(tape.of(a.queries, a.heads, a.values), dtype_name(a.type))
    used = new(tape.scores_shape(), dtype_name(a.type)) if scores else None
    out.type = a.type
    io.y, io.scores = out.exact(y, "y", y.shape, True), out.exact(used, "scores", tape.scores_shape(), True)
    tape.rows = Buffer(a.rows) if training else None
    cdef Buffer work = Buffer(a.work)
    cdef void *rows = tape.rows.p if training else NULL
    cdef void *at = work.p
    with nogil:
        status = lc_attention_forward(a, &io, rows, at)
    check(status)
    return y, used, tape if training else None


def attention_backward(AttentionTape tape not None, dy, dscores=None, *, dweights=None, dscale=None,
                       bint one_gradient=False):
    cdef Arrays arrays = Arrays()
    cdef lc_attention *a = &tape.a
    cdef lc_attention_back io
    cdef lc_status status
    cdef str dtype = dtype_name(a.type)
    arrays.type = a.type
    io.dy = lc_vectors(NULL, 0, 0, 0)
    if dy is not None:
        io.dy = vectors(arrays, dy, "dy", tape.ndim)
        if dy.shape != tape.of(a.queries, a.heads, a.values):
            raise ValueError(f"dy: expected shape {tape.of(a.queries, a.heads, a.values)}, got {dy.shape}")
    io.dscores = arrays.exact(dscores, "dscores", tape.scores_shape())
    io.dw = arrays.exact(dweights, "dweights", (a.features,), True)
    io.dscale = arrays.exact(dscale, "dscale", (), True)
    if one_gradient and a.features != a.values:
        raise ValueError(f"one_gradient: expected as many features as values, {a.values}, got {a.features}")
    dq = new(tape.of(a.queries, a.heads, a.features), dtype)
    dv = new(tape.of(a.keys, a.key_heads, a.values), dtype)
    dk = dv if one_gradient else new(tape.of(a.keys, a.key_heads, a.features), dtype)
    io.dq, io.dk = arrays.exact(dq, "dq", dq.shape, True), arrays.exact(dk, "dk", dk.shape, True)
    io.dv = arrays.exact(dv, "dv", dv.shape, True)
    cdef Buffer work = Buffer(a.back_work)
    cdef void *rows = tape.rows.p
    cdef void *at = work.p
    with nogil:
        status = lc_attention_backward(a, &io, rows, at)
    check(status)
    return dq, dk, dv
