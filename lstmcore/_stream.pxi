# Streams: a chain of layers that is fed step by step, its states kept in between.
#
# A Program is what streams share: the layers, with their weights packed, which nobody changes. A Stream
# is a batch of rows and their states, one array [batch][width] after the other:
#
#     layer 1: h [batch][H1] c [batch][H1]   layer 2: h [batch][H2] ...

from libc.stdlib cimport malloc
from libc.string cimport memcpy
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

DEF AT_ONCE = 64          # steps of a long chunk: memory does not grow with it
DEF BETWEEN = 1 << 20     # reals between two layers, beyond which fewer steps go at once
DEF LARGEST = 0x7fffffff  # batch

cdef enum: OP_RECURRENT, OP_DENSE

cdef struct stream_op:
    int kind, activation  # of lc_activate after a dense layer; 0: none
    bint sequences
    lc_spec spec
    const void *packed
    lc_product product
    int64_t outputs
    int arrays            # of state
    int64_t width[3]
    int64_t at[3]         # where each begins, in reals for each row of the batch


cdef class Program:
    """Layers as a stream runs them; see the stub."""

    cdef stream_op *ops
    cdef int count, type
    cdef readonly int64_t inputs, outputs, width
    cdef readonly bint sequences  # whether there is an output for every step
    cdef list kept                # what the pointers point into
    cdef object real              # dtype

    def __cinit__(self, int64_t inputs, list parts):
        if not parts:
            raise ValueError("parts: expected one or more")
        self.ops = <stream_op *>malloc(len(parts) * sizeof(stream_op))
        if self.ops is NULL:
            raise MemoryError()
        self.kept, self.type, self.sequences = [], -1, True
        self.inputs = self.outputs = inputs
        for part in parts:
            memset(&self.ops[self.count], 0, sizeof(stream_op))
            if isinstance(part[0], Packed):
                self.add_recurrent(part[0], part[1])
            else:
                self.add_dense(part[0], part[1], part[2])
            self.outputs = self.ops[self.count].outputs
            self.count += 1
        self.real = np.dtype(self.dtype)

    def __dealloc__(self):
        free(self.ops)

    @property
    def dtype(self):
        return dtype_name(self.type)

    cdef expect(self, int type, int64_t inputs):
        if inputs != self.outputs or (self.type >= 0 and type != self.type):
            raise ValueError("parts: a layer does not fit the one before it")
        self.type = type

    cdef add_recurrent(self, Packed packed, bint sequences):
        cdef stream_op *op = &self.ops[self.count]
        self.expect(packed.spec.type, packed.spec.inputs)
        op.kind, op.spec, op.packed, op.sequences = OP_RECURRENT, packed.spec, packed.buffer.p, sequences
        op.outputs, op.arrays = packed.spec.units, packed.cell.states
        for i in range(op.arrays):
            op.width[i], op.at[i] = op.outputs * (3 if i == 2 else 1), self.width
            self.width += op.width[i]
        self.sequences = self.sequences and sequences
        self.kept.append(packed)

    cdef add_dense(self, kernel, bias, str activation):
        cdef Arrays arrays = Arrays()
        cdef stream_op *op = &self.ops[self.count]
        cdef Py_buffer *w = arrays.take(kernel, "kernel", 2)
        cdef size_t bytes = 0
        self.expect(arrays.type, w.shape[0])
        op.kind, op.outputs, op.activation = OP_DENSE, w.shape[1], 0
        if activation != "linear":
            op.activation = kernel_of(activation)
            if not op.activation:
                raise ValueError(f"activation {activation!r}: the kernels do not have it")
        op.product = product(arrays, 1, op.outputs, w.shape[0], 0, False)
        op.product.isa = lc_isa_now()
        op.product.b = lc_matrix(arrays.exact(kernel, "kernel", (op.product.k, op.outputs)), op.outputs, 1)
        op.product.bias = arrays.exact(bias, "bias", (op.outputs,))
        check(lc_gemm_work(&op.product, &bytes))
        cdef Buffer packed = Buffer(bytes)
        check(lc_gemm_pack(&op.product, packed.p))
        op.product.packed, op.product.b.p, op.product.bias = packed.p, NULL, NULL
        self.kept.append(packed)

    cdef int64_t measure(self, int64_t batch, int64_t steps, int64_t *work) except -1:
        """Reals of the widest array between two layers; bytes of the largest workspace."""
        cdef lc_sizes sizes
        cdef int64_t widest = 0
        work[0] = 0
        for i in range(self.count):
            op = &self.ops[i]
            widest = max(widest, op.outputs * batch * steps)
            if op.kind == OP_RECURRENT:
                op.spec.batch, op.spec.steps, op.spec.flags = batch, steps, LC_SEQUENCES
                check(lc_measure(&op.spec, &sizes))
                work[0] = max(work[0], <int64_t>sizes.work)
        return (widest + 15) // 16 * 16


cdef lc_status run_recurrent(const stream_op *op, char *states, size_t item, int64_t batch, lc_sequence x,
                             int64_t steps, void *y, void *work) noexcept nogil:
    cdef lc_spec spec = op.spec
    cdef lc_forward_io io
    memset(&io, 0, sizeof(lc_forward_io))
    spec.batch, spec.steps, spec.flags = batch, steps, LC_SEQUENCES if op.sequences else 0
    io.x, io.y = x, y
    io.h0 = io.hT = states + op.at[0] * batch * item
    if op.arrays > 1:
        io.c0 = io.cT = states + op.at[1] * batch * item
    if op.arrays > 2:
        io.g0 = io.gT = states + op.at[2] * batch * item
    return lc_forward(&spec, op.packed, &io, NULL, work)


cdef lc_status run_dense(const stream_op *op, size_t item, int64_t batch, lc_sequence x, int64_t steps,
                         char *y) noexcept nogil:
    cdef lc_product p = op.product
    cdef lc_status status = LC_OK
    cdef int64_t rows = batch * steps, t
    p.m, p.c = rows, y
    p.a = lc_matrix(x.p, x.row, 1)
    if batch == 1:
        p.a.row = x.step
    if batch == 1 or steps == 1 or x.step == batch * x.row:
        status = lc_gemm(&p, NULL)
    else:
        p.m = batch
        for t in range(steps):
            p.a.p, p.c = <char *>x.p + t * x.step * item, y + t * batch * op.outputs * item
            status = lc_gemm(&p, NULL)
    if status == LC_OK and op.activation:
        status = lc_activate(p.type, p.isa, op.activation, rows, op.outputs, y)
    return status


cdef struct stream_call:
    const stream_op *ops
    int count
    bint sequences
    int64_t batch
    int64_t at_once
    size_t item, apart  # bytes of a real; from one array between layers to the other
    char *states
    char *scratch


cdef lc_status run_stream(const stream_call *s, lc_sequence x, int64_t steps, char *out) noexcept nogil:
    """All layers over `steps` steps; out is [steps][batch][outputs], or [batch][outputs]."""
    cdef int64_t t = 0, n, now
    cdef int i
    cdef char *y
    cdef const stream_op *op
    cdef lc_sequence at
    cdef lc_status status = LC_OK
    while t < steps and status == LC_OK:
        n = now = steps - t if steps - t < s.at_once else s.at_once
        at = lc_sequence(<char *>x.p + t * x.step * s.item, x.step, x.row)
        for i in range(s.count):
            op = &s.ops[i]
            y = s.scratch + (i & 1) * s.apart
            if i + 1 == s.count:
                y = out + (t * s.batch * op.outputs * s.item if s.sequences else 0)
            if op.kind == OP_DENSE:
                status = run_dense(op, s.item, s.batch, at, now, y)
            else:
                status = run_recurrent(op, s.states, s.item, s.batch, at, now, y, s.scratch + 2 * s.apart)
                if not op.sequences:
                    if t + n < steps:
                        break  # what comes after it sees only the last step
                    memcpy(y, s.states + op.at[0] * s.batch * s.item, s.batch * op.outputs * s.item)
                    now = 1
            if status != LC_OK:
                break
            at = lc_sequence(y, s.batch * op.outputs, op.outputs)
        t += n
    return status


cdef class Stream:
    """Rows that are fed together; see the stub."""

    cdef Program program
    cdef readonly int64_t batch_size
    cdef bint looks_up  # a subclass turns numbers into vectors first, by _looked_up(x, ndim)
    cdef Buffer states
    cdef size_t item
    cdef int64_t at_once    # steps
    cdef int64_t widest[2]  # for one step and for at_once: reals between layers, bytes of work
    cdef int64_t work[2]
    cdef bint busy

    def __cinit__(self, Program program not None, batch_size=1, bint looks_up=False):
        if not 1 <= batch_size <= LARGEST:
            raise ValueError(f"batch_size: expected 1 to {LARGEST}, got {batch_size}")
        self.program, self.batch_size = program, batch_size
        self.looks_up = looks_up
        self.item = 8 if program.type == LC_F64 else 4
        self.widest[0] = program.measure(batch_size, 1, &self.work[0])
        self.at_once = min(AT_ONCE, max(1, BETWEEN // self.widest[0]))
        self.widest[1] = program.measure(batch_size, self.at_once, &self.work[1])
        self.states = Buffer(max(program.width * batch_size, 1) * self.item)
        memset(self.states.p, 0, self.states.size)

    def arrays(self):
        """The states as writable arrays (batch, width), the stream's own memory: a list for each layer."""
        self.rest()
        out = []
        for i in range(self.program.count):
            op = &self.program.ops[i]
            if op.arrays:
                out.append([np.ndarray((self.batch_size, op.width[j]), self.program.dtype, self.states,
                                       op.at[j] * self.batch_size * self.item) for j in range(op.arrays)])
        return out

    cdef stream_call prepare(self, Buffer scratch, int64_t steps) noexcept:
        cdef int which = 1 if steps > 1 else 0
        return stream_call(self.program.ops, self.program.count, self.program.sequences, self.batch_size,
                           self.at_once, self.item, self.widest[which] * self.item, <char *>self.states.p,
                           <char *>scratch.p)

    cdef Buffer scratch(self, int64_t steps):
        cdef int which = 1 if steps > 1 else 0
        return Buffer(2 * self.widest[which] * self.item + self.work[which])

    cdef object rest(self):
        """Sees to it that nobody feeds the stream now."""
        if self.busy:
            raise RuntimeError("stream: another thread is feeding it; each thread needs its own")

    cdef object go(self, Py_buffer *view, int64_t steps, lc_sequence x, out):
        """Checks out, or makes it, and runs."""
        cdef Program program = self.program
        cdef Py_buffer to
        cdef char *start = <char *>view.buf
        cdef Buffer apart, scratch = self.scratch(steps)
        cdef stream_call call = self.prepare(scratch, steps)
        cdef lc_status status
        shape = (self.batch_size, program.outputs)
        if program.sequences and steps:
            shape = (steps, self.batch_size, program.outputs)
        if out is None:
            large = self.batch_size * program.outputs * steps * self.item >= 1 << 20
            made = new(shape, program.dtype) if guarding or large else np.empty(shape, program.real)
        else:
            made = self.checked(out, shape)
        PyObject_GetBuffer(made, &to, PyBUF_WRITABLE)
        if out is not None and <char *>to.buf < start + view.len and start < <char *>to.buf + to.len:
            apart = Buffer(view.len)  # the layers read x while they write
            memcpy(apart.p, start, view.len)
            x.p = apart.p
        if self.busy:
            PyBuffer_Release(&to)
            self.rest()
        self.busy = True
        with nogil:
            status = run_stream(&call, x, steps if steps else 1, <char *>to.buf)
        self.busy = False
        PyBuffer_Release(&to)
        check(status)
        return made

    cdef object checked(self, out, tuple shape):
        cdef Arrays arrays = Arrays()
        arrays.type = self.program.type
        arrays.exact(out, "out", shape, True)
        return out

    cdef bint ready(self, Py_buffer *view) noexcept:
        """Whether x is (batch_size, features) of the program's type in one piece, and aligned."""
        cdef char form = 100 if self.program.type == LC_F64 else 102  # "d" or "f"
        cdef Py_ssize_t item = self.item
        return (view.ndim == 2 and view.format is not NULL and view.format[0] == form
                and view.format[1] == 0 and view.shape[0] == self.batch_size
                and view.shape[1] == self.program.inputs
                and (view.shape[1] == 1 or view.strides[1] == item)
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
        if self.looks_up:
            x = self._looked_up(x, 1)
        if type(x) is np.ndarray and x.dtype == self.program.real:
            PyObject_GetBuffer(x, &view, PyBUF_FORMAT | PyBUF_STRIDES)
            if not self.ready(&view):
                PyBuffer_Release(&view)
                x = self.arranged(x)
                PyObject_GetBuffer(x, &view, PyBUF_FORMAT | PyBUF_STRIDES)
        else:
            x = self.arranged(x)
            PyObject_GetBuffer(x, &view, PyBUF_FORMAT | PyBUF_STRIDES)
        try:
            return self.go(&view, 0, lc_sequence(view.buf, 0, self.program.inputs), out)
        finally:
            PyBuffer_Release(&view)

    cdef object arranged(self, x):
        """Any x for a step as `ready` wants it, or an error that says what is wrong."""
        x = np.array(self.convert(x, "x"), order="C")  # a copy: aligned
        if x.ndim == 1 and self.batch_size == 1:
            x = x[None]
        if x.ndim != 2 or x.shape[0] != self.batch_size or x.shape[1] != self.program.inputs:
            raise ValueError(f"x: expected shape ({self.batch_size}, {self.program.inputs}), "
                             f"got {x.shape}")
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
        if self.looks_up:
            chunk = self._looked_up(chunk, 2)
        cdef Arrays arrays = Arrays()
        arrays.type = self.program.type
        x = self.convert(chunk, "chunk")
        if x.ndim == 2 and self.batch_size == 1:
            x = x[None]
        if x.ndim != 3 or x.shape[0] != self.batch_size or x.shape[2] != self.program.inputs:
            raise ValueError(f"chunk: expected shape ({self.batch_size}, steps, "
                             f"{self.program.inputs}), got {x.shape}")
        odd = x.shape[2] > 1 and x.strides[2] != x.itemsize
        if odd or not x.flags.aligned or x.strides[0] % x.itemsize or x.strides[1] % x.itemsize:
            x = np.array(x, order="C")
        cdef lc_sequence sequence = arrays.sequence(x, "chunk")
        y = self.go(&arrays.view[0], x.shape[1], sequence, None)
        return y.swapaxes(0, 1) if self.program.sequences else y

    cdef object convert(self, x, str name):
        """An array of the program's type, under the rules of `predict`."""
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
        if (min(start, row, count) < 0 or count > min(other.batch_size, self.batch_size)
                or start > other.batch_size - count or row > self.batch_size - count):
            raise IndexError("rows: beyond the batch")
        self.rest()
        other.rest()
        cdef size_t item = self.item
        cdef size_t width
        for i in range(self.program.count):
            op = &self.program.ops[i]
            for j in range(op.arrays):
                width = op.width[j]
                memcpy(<char *>self.states.p + (op.at[j] * self.batch_size + row * width) * item,
                       <char *>other.states.p + (op.at[j] * other.batch_size + start * width) * item,
                       count * width * item)


def stream_seconds(Stream stream not None, int64_t repeats):
    """Seconds of each of so many steps without Python: the benchmarks' floor. Moves the states on."""
    cdef double[::1] out = np.empty(repeats)
    x = np.zeros((stream.batch_size, stream.program.inputs), stream.program.dtype)
    cdef Arrays arrays = Arrays()
    cdef Py_buffer *view = arrays.take(x, "x", 2)
    cdef lc_sequence at = lc_sequence(view.buf, 0, stream.program.inputs)
    cdef Buffer scratch = stream.scratch(1)
    cdef stream_call call = stream.prepare(scratch, 1)
    cdef Buffer result = Buffer(stream.batch_size * stream.program.outputs * stream.item)
    cdef char *result_at = <char *>result.p
    cdef timespec a, b
    cdef int64_t i
    with nogil:
        for i in range(repeats):
            clock_gettime(CLOCK_MONOTONIC, &a)
            run_stream(&call, at, 1, result_at)
            clock_gettime(CLOCK_MONOTONIC, &b)
            out[i] = <double>(b.tv_sec - a.tv_sec) + 1e-9 * <double>(b.tv_nsec - a.tv_nsec)
    return list(out)
