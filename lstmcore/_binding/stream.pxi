# Streams and sampling: what goes in and comes out is checked here; what runs is src_c/program.c and src_c/sample.c.

from libc.string cimport memcpy
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

cdef enum: LARGEST = 0x7fffffff  # batch


cdef class Program:
    """Layers as a stream runs them; see the stub. After it is made nothing writes to it."""

    cdef lc_program chain
    cdef lc_op *ops
    cdef list owners  # of what the ops point to
    cdef object real  # dtype

    def __cinit__(self, int64_t inputs, list parts):
        cdef lc_status status
        cdef int i
        if not parts:
            raise ValueError("parts: expected one or more")
        self.owners = []
        self.ops = <lc_op *>calloc(len(parts), sizeof(lc_op))
        if self.ops is NULL:
            raise MemoryError()
        for i, part in enumerate(parts):
            if isinstance(part[0], Packed):
                self.set_recurrent(&self.ops[i], part[0], part[1])
            else:
                self.set_dense(&self.ops[i], part[0], part[1], part[2])
        self.chain.ops, self.chain.count = self.ops, <int32_t>len(parts)
        status = lc_program_measure(&self.chain)
        if status == LC_BAD_SPEC or self.chain.inputs != inputs:
            raise ValueError("parts: a layer does not fit the one before it")
        check(status)
        self.real = np.dtype(self.dtype)

    def __dealloc__(self):
        free(self.ops)

    @property
    def dtype(self):
        return dtype_name(self.chain.type)

    @property
    def inputs(self):
        return self.chain.inputs

    @property
    def outputs(self):
        return self.chain.outputs

    @property
    def width(self):
        return self.chain.width

    @property
    def sequences(self):
        return self.chain.sequences != 0

    cdef set_recurrent(self, lc_op *op, Packed packed, bint sequences):
        op.kind, op.spec, op.packed, op.sequences = LC_OP_RECURRENT, packed.spec, packed.buffer.p, sequences
        self.owners.append((packed, packed.buffer))

    cdef set_dense(self, lc_op *op, kernel, bias, activation):
        cdef PackedDense packed = kernel if isinstance(kernel, PackedDense) else pack_dense(kernel, bias)
        cdef lc_product *p = &packed.product
        op.spec.activation, (op.spec.ramp.slope, op.spec.ramp.offset) = activation_numbers(activation)
        op.kind, op.packed = LC_OP_DENSE, p.packed
        op.spec.type, op.spec.isa, op.spec.inputs, op.spec.units = p.type, p.isa, p.k, p.n
        op.spec.weights, op.spec.dot = p.weights, p.dot
        self.owners.append(packed)


cdef class Stream:
    """Rows that are fed together; see the stub."""

    cdef Program program
    cdef lc_stream stream
    cdef readonly int64_t batch_size
    cdef bint takes_tokens  # a subclass turns their numbers into vectors first, by _embed(x, ndim)
    cdef Buffer states
    cdef size_t item
    cdef bint busy

    def __cinit__(self, Program program not None, batch_size=1, bint takes_tokens=False):
        if not 1 <= batch_size <= LARGEST:
            raise ValueError(f"batch_size: expected 1 to {LARGEST}, got {batch_size}")
        self.program, self.batch_size, self.takes_tokens = program, batch_size, takes_tokens
        self.item = 8 if program.chain.type == LC_F64 else 4
        self.stream.program, self.stream.batch = &program.chain, batch_size
        check(lc_stream_prepare(&self.stream))
        self.states = Buffer(self.stream.state_bytes)
        memset(self.states.p, 0, self.states.size)
        self.stream.states = self.states.p

    def arrays(self):
        """The states as writable arrays (batch, width), the stream's own memory: a list for each layer."""
        cdef int64_t offset, width
        cdef int i, j
        self.require_idle()
        out = []
        for i in range(self.program.chain.count):
            layer = []
            for j in range(3):
                if lc_program_state(&self.program.chain, i, j, &offset, &width) != LC_OK:
                    break
                layer.append(np.ndarray((self.batch_size, width), self.program.real, self.states,
                                        offset * self.batch_size * self.item))
            if layer:
                out.append(layer)
        return out

    cdef object require_idle(self):
        if self.busy:
            raise RuntimeError("stream: another thread is feeding it; each thread needs its own")

    cdef object run(self, Py_buffer *view, int64_t steps, lc_sequence x, out):
        """Checks out, or makes it, and runs; steps 0: one, whose output has no axis of time."""
        cdef const lc_program *chain = &self.program.chain
        cdef Py_buffer to
        cdef char *start = <char *>view.buf
        cdef Buffer apart, work = Buffer(self.stream.work if steps > 1 else self.stream.step_work)
        cdef lc_status status
        shape = (self.batch_size, chain.outputs)
        if chain.sequences and steps:
            shape = (steps, self.batch_size, chain.outputs)
        if out is None:
            large = self.batch_size * chain.outputs * steps * self.item >= 1 << 20
            made = new(shape, self.program.dtype) if guarding or large else np.empty(shape, self.program.real)
        else:
            made = self.checked(out, shape)
        PyObject_GetBuffer(made, &to, PyBUF_WRITABLE)
        if out is not None and <char *>to.buf < start + view.len and start < <char *>to.buf + to.len:
            apart = Buffer(view.len)  # the layers read x while they write
            memcpy(apart.p, start, view.len)
            x.p = apart.p
        if self.busy:
            PyBuffer_Release(&to)
            self.require_idle()
        self.busy = True
        with nogil:
            status = lc_stream_run(&self.stream, x, steps if steps else 1, to.buf, work.p)
        self.busy = False
        PyBuffer_Release(&to)
        check(status)
        return made

    cdef object checked(self, out, tuple shape):
        cdef Arrays arrays = Arrays()
        arrays.type = self.program.chain.type
        arrays.exact(out, "out", shape, True)
        return out

    cdef bint is_contiguous_input(self, Py_buffer *view) noexcept:
        """Return True if x can be read as it is: of the program's type, in one piece, aligned.

        Its shape is (batch_size, features), or (features,) for a batch of one."""
        cdef char form = 100 if self.program.chain.type == LC_F64 else 102  # "d" or "f"
        cdef Py_ssize_t item = self.item, last = view.ndim - 1
        if view.format is NULL or view.format[0] != form or view.format[1] != 0 or last < 0 or last > 1:
            return False
        if view.shape[last] != self.program.chain.inputs or (view.shape[last] > 1 and view.strides[last] != item):
            return False
        if last == 0:
            return self.batch_size == 1 and <uintptr_t>view.buf % <size_t>item == 0
        return (view.shape[0] == self.batch_size
                and (view.shape[0] == 1 or view.strides[0] == view.shape[1] * item)
                and <uintptr_t>view.buf % <size_t>item == 0)

    def step(self, x, out=None):
        """Feed one step.

        Parameters
        ----------
        x : array_like, (batch_size, features)
            With a batch of one also ``(features,)``; whole numbers ``(batch_size,)`` for a model
            that begins with `Embedding`.
        out : ndarray, (batch_size, outputs), optional
            Where the result goes, so that nothing is allocated.

        Returns
        -------
        ndarray, (batch_size, outputs)
            The model's output at this step.
        """
        cdef Py_buffer view
        if self.takes_tokens:
            x = self._embed(x, 1)
        if type(x) is np.ndarray and x.dtype == self.program.real:
            PyObject_GetBuffer(x, &view, PyBUF_FORMAT | PyBUF_STRIDES)
            if not self.is_contiguous_input(&view):
                PyBuffer_Release(&view)
                x = self.as_step_input(x)
                PyObject_GetBuffer(x, &view, PyBUF_FORMAT | PyBUF_STRIDES)
        else:
            x = self.as_step_input(x)
            PyObject_GetBuffer(x, &view, PyBUF_FORMAT | PyBUF_STRIDES)
        try:
            return self.run(&view, 0, lc_sequence(view.buf, 0, self.program.chain.inputs), out)
        finally:
            PyBuffer_Release(&view)

    cdef object as_step_input(self, x):
        """Any x for a step as a contiguous input, or an error that says what is wrong."""
        cdef int64_t inputs = self.program.chain.inputs
        x = np.array(self.convert(x, "x"), order="C")  # a copy: aligned
        if x.ndim == 1 and self.batch_size == 1:
            x = x[None]
        if x.ndim != 2 or x.shape[0] != self.batch_size or x.shape[1] != inputs:
            raise ValueError(f"x: expected shape ({self.batch_size}, {inputs}), got {x.shape}")
        return x

    def feed(self, chunk):
        """Feed several steps, with the interpreter free for other threads meanwhile.

        Parameters
        ----------
        chunk : array_like, (batch_size, steps, features)
            With a batch of one also ``(steps, features)``; whole numbers ``(batch_size, steps)``
            for a model that begins with `Embedding`.

        Returns
        -------
        ndarray
            ``(batch_size, steps, outputs)``, or ``(batch_size, outputs)`` after the last step
            where the model has no output for every step.
        """
        cdef int64_t inputs = self.program.chain.inputs
        cdef Arrays arrays = Arrays()
        if self.takes_tokens:
            chunk = self._embed(chunk, 2)
        arrays.type = self.program.chain.type
        x = self.convert(chunk, "chunk")
        if x.ndim == 2 and self.batch_size == 1:
            x = x[None]
        if x.ndim != 3 or x.shape[0] != self.batch_size or x.shape[2] != inputs:
            raise ValueError(f"chunk: expected shape ({self.batch_size}, steps, {inputs}), got {x.shape}")
        odd = x.shape[2] > 1 and x.strides[2] != x.itemsize
        if odd or not x.flags.aligned or x.strides[0] % x.itemsize or x.strides[1] % x.itemsize:
            x = np.array(x, order="C")
        cdef lc_sequence sequence = arrays.sequence(x, "chunk")
        y = self.run(&arrays.view[0], x.shape[1], sequence, None)
        return y.swapaxes(0, 1) if self.program.chain.sequences else y

    cdef object convert(self, x, str name):
        """An array of the program's type, under the rules of `predict`."""
        if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
            raise ValueError(f"{name}: expected no masked numbers: replace them (filled(0), say)")
        try:
            array = np.asarray(x)
        except ValueError as error:
            raise ValueError(f"{name}: expected an array of numbers: {error}") from None
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{name}: expected real numbers, got an array of dtype {array.dtype}")
        return array.astype(self.program.real, copy=False)

    def __reduce__(self):
        raise TypeError("a stream cannot be copied or pickled; snapshot() makes a second one")

    def copy_rows(self, Stream other not None, int64_t start, int64_t row, int64_t count):
        """Copies states: rows [start, start + count) of other to those from `row` on here."""
        if other.program is not self.program:
            raise ValueError("stream: expected one of the same model and weights")
        self.require_idle()
        other.require_idle()
        cdef lc_status status = lc_stream_copy_rows(&other.stream, start, &self.stream, row, count)
        if status == LC_OUT_OF_RANGE:
            raise IndexError("rows: beyond the batch")
        check(status)


def sample(Stream stream not None, table, y, double[::1] uniforms, int64_t[::1] tokens, *, double temperature=1,
           int64_t top_k=0, double top_p=1, bint logits=False, int64_t never=-1):
    """Draws tokens and feeds them; see the stub."""
    cdef const lc_program *chain = &stream.program.chain
    cdef lc_sampling options = lc_sampling(chain.type, logits, chain.outputs, top_k, never, temperature, top_p)
    cdef Arrays arrays = Arrays()
    cdef int64_t n = tokens.shape[0]
    cdef size_t bytes = 0
    cdef lc_status status
    arrays.type = chain.type
    cdef void *rows = arrays.exact(table, "table", (chain.outputs, chain.inputs))
    cdef void *at = arrays.exact(y, "y", (chain.outputs,), True)
    if stream.batch_size != 1:
        raise ValueError(f"stream: expected a batch of 1, got {stream.batch_size}")
    if uniforms.shape[0] != n:
        raise ValueError("tokens: expected as many as there are uniforms")
    if lc_sample_measure(&options, &bytes) == LC_BAD_SPEC:
        raise ValueError("sample: an option is out of its range")
    stream.require_idle()
    if not n:
        return
    cdef Buffer work = Buffer(stream.stream.step_work), own = Buffer(bytes)
    stream.busy = True
    with nogil:
        status = lc_stream_sample(&stream.stream, &options, rows, at, n, &uniforms[0], &tokens[0], NULL, work.p, own.p)
    stream.busy = False
    if status == LC_NOT_FINITE:
        raise FloatingPointError("the model's output is NaN or infinite")
    check(status)


def stream_seconds(Stream stream not None, int64_t repeats):
    """Seconds of each of so many steps without Python: the benchmarks' floor. Moves the states on."""
    cdef double[::1] out = np.empty(repeats)
    cdef const lc_stream *it = &stream.stream
    x = np.zeros((stream.batch_size, it.program.inputs), stream.program.dtype)
    cdef Arrays arrays = Arrays()
    cdef Py_buffer *view = arrays.take(x, "x", 2)
    cdef lc_sequence at = lc_sequence(view.buf, 0, it.program.inputs)
    cdef Buffer work = Buffer(it.step_work)
    cdef Buffer result = Buffer(stream.batch_size * it.program.outputs * stream.item)
    cdef timespec a, b
    cdef int64_t i
    with nogil:
        for i in range(repeats):
            clock_gettime(CLOCK_MONOTONIC, &a)
            lc_stream_run(it, at, 1, result.p, work.p)
            clock_gettime(CLOCK_MONOTONIC, &b)
            out[i] = <double>(b.tv_sec - a.tv_sec) + 1e-9 * <double>(b.tv_nsec - a.tv_nsec)
    return list(out)
