# Memory: blocks that wait for the next call, and arrays on them.

# Tapes and workspaces come and go with every training step, and fresh pages cost more than small layers
# compute; so freed blocks wait here for the next call, up to this many bytes. The GIL guards the pool:
# the module does not say that it runs without one, so that a free-threaded interpreter brings it back.
cdef enum: POOL_LIMIT = 1 << 29

cdef dict pool = {}  # size class -> addresses
cdef size_t pooled = 0

cdef size_t size_class(size_t n) noexcept:
    """Eight classes to each power of two: batches of nearly one size share blocks."""
    cdef size_t step = 64
    while step * 16 < n:
        step *= 2
    return (n + step - 1) // step * step


# Under guard every block is fresh, filled with NaN and fenced on both sides; a fence that was written to when
# its block is freed counts as a violation. For the tests.
cdef enum: FENCE = 256
cdef bint guarding = False
cdef int violations = 0


def guard(bint on):
    """Turns the guard on or off; returns the number of violations since it was turned on."""
    global guarding, violations
    count, violations = violations, 0 if on else violations
    guarding = on
    return count


cdef class Buffer:
    """A block of memory, 64-byte aligned; NumPy arrays may be views of it and keep it alive."""

    cdef void *p
    cdef size_t size
    cdef Py_ssize_t length
    cdef bint fenced

    def __cinit__(self, size_t size):
        global pooled
        if guarding:
            self.fence(size)
            return
        self.size = size_class(size if size else 1)
        self.length = <Py_ssize_t>self.size
        waiting = pool.get(self.size)
        if waiting:
            self.p = <void *><uintptr_t>waiting.pop()
            pooled -= self.size
        elif posix_memalign(&self.p, 64 if self.size < 1 << 22 else 1 << 21, self.size):
            self.p = NULL
            raise MemoryError(f"could not allocate {size} bytes")

    cdef int fence(self, size_t size) except -1:
        if posix_memalign(&self.p, 64, size + 2 * FENCE):
            self.p = NULL
            raise MemoryError(f"could not allocate {size} bytes")
        memset(self.p, 0xff, size + 2 * FENCE)
        self.p = <char *>self.p + FENCE
        self.fenced, self.size, self.length = True, size, <Py_ssize_t>size

    cdef void inspect(self) noexcept:
        global violations
        cdef unsigned char *first = <unsigned char *>self.p - FENCE
        for i in range(FENCE):
            if first[i] != 0xff or first[FENCE + self.size + i] != 0xff:
                violations += 1
                return

    def __dealloc__(self):
        global pooled
        if self.p is NULL:
            return
        if self.fenced:
            self.inspect()
            free(<char *>self.p - FENCE)
        elif pooled + self.size <= POOL_LIMIT:
            pool.setdefault(self.size, []).append(<uintptr_t>self.p)
            pooled += self.size
        else:
            free(self.p)

    def __getbuffer__(self, Py_buffer *view, int flags):
        view.buf = self.p
        view.obj = self
        view.len = self.length
        view.readonly = 0
        view.itemsize = 1
        view.format = NULL
        view.ndim = 1
        view.shape = &self.length
        view.strides = NULL
        view.suboffsets = NULL
        view.internal = NULL

    def __releasebuffer__(self, Py_buffer *view):
        pass


# Below this many bytes malloc keeps the pages that it has.
cdef enum: LEAST_POOLED = 1 << 16

cdef object new(tuple shape, str dtype):
    """An uninitialised array for the core to write; a large one has its memory from the pool."""
    cdef size_t bytes = 8 if dtype == "float64" else 4
    for n in shape:
        bytes *= <size_t>n  # should it wrap, np.ndarray refuses so small a block
    if not guarding and bytes < LEAST_POOLED:
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, Buffer(bytes))


def empty(tuple shape, dtype):
    char = dtype.char
    if char != "f" and char != "d":
        raise TypeError(f"dtype: expected float32 or float64, got {dtype}")
    return new(shape, "float64" if char == "d" else "float32")


def trim():
    """Gives the memory that waits for the next call back to the system."""
    global pooled
    for addresses in pool.values():
        for address in addresses:
            free(<void *><uintptr_t>address)
    pool.clear()
    pooled = 0


def pooled_bytes():
    return pooled
