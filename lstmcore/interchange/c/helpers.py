"""C functions that layers are made of, each with those that it needs; only these are written.

In a text ``@`` stands for the model's name, ``@@`` for that in capitals, ``RESTRICT`` for C's word
or C++'s, ``LANES`` for the numbers in a register.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .arithmetic import EXP2_TERMS, LANES, LOG2E, MAGIC, NARROW, WIDE
from .expressions import literal


class Helper(NamedTuple):
    """A function's text, and the names of the helpers that it calls."""

    text: str
    needs: tuple[str, ...] = ()


def _power(a: float) -> str:
    """Return C for 2^(a x), which is s (1 + p): s is 2^m, m whole, and p a polynomial."""
    magic, first, *rest = (literal(x) for x in (MAGIC, *EXP2_TERMS))
    terms = "\n".join(f"    p = @madd(p, f, {term});" for term in rest)
    return f"""\
    union {{ float number; uint32_t bits; }} s;
    const float m = @madd(x, {literal(a)}, {magic});
    const float f = @madd(x, {literal(a)}, -(m - {magic}));
    float p = {first};
    s.number = m;
    s.bits = (s.bits << 23) + 0x3f800000u;
{terms}
    p *= f;
"""


HELPERS = {
    "flush": Helper("""\
/* 0 for numbers that are too small for an exponent: the library computes without them. */
static inline float @flush(float x) {
    union { float number; uint32_t bits; } u;
    u.number = x;
    u.bits = u.bits & 0x7f800000u ? u.bits : u.bits & 0x80000000u;
    return u.number;
}
"""),
    "clamp": Helper("""\
/* x cut at -limit and limit, NaN left; by bits, for compilers turn comparisons into branches. */
static inline float @clamp(float x, float limit) {
    union { float number; uint32_t bits; } u, most;
    u.number = x;
    most.number = limit;
    {
        const uint32_t size = u.bits & 0x7fffffffu, sign = u.bits & 0x80000000u;
        u.bits = size > most.bits && size <= 0x7f800000u ? most.bits | sign : u.bits;
    }
    return u.number;
}
"""),
    "sigmoid": Helper(
        f"""\
/* 1 / (1 + e^-x); e^y is 2^m (1 + p), m whole and p a polynomial. */
static inline float @sigmoid(float x) {{
    x = @clamp(x, {literal(WIDE)});
{_power(-LOG2E)}\
    return 1.0f / @madd(p, s.number, s.number + 1.0f);
}}
""",
        ("madd", "clamp"),
    ),
    "tanh": Helper(
        f"""\
/* e / (e + 2), e = e^(2x) - 1 */
static inline float @tanh(float x) {{
    x = @clamp(x, {literal(NARROW)});
{_power(2 * LOG2E)}\
    p = @madd(p, s.number, s.number - 1.0f);
    return p * (1.0f / (p + 2.0f));
}}
""",
        ("madd", "clamp"),
    ),
    "exp": Helper(
        f"""\
/* e^x up to 87; 0 below -87. */
static inline float @exp(float given) {{
    const float x = @clamp(given, {literal(WIDE)});
{_power(LOG2E)}\
    p = @madd(s.number, p, s.number);
    return given < {literal(-WIDE)} ? 0.0f : p;
}}
""",
        ("madd", "clamp"),
    ),
    "copy": Helper("""\
static void @copy(int n, const float *RESTRICT x, float *RESTRICT y) {
    for (int j = 0; j < n; j++) y[j] = x[j];
}
"""),
    "zero": Helper("""\
static void @zero(int n, float *y) {
    for (int j = 0; j < n; j++) y[j] = 0.0f;
}
"""),
    "take": Helper(
        """\
static void @take(int n, const float *RESTRICT x, float *RESTRICT y) {
    for (int j = 0; j < n; j++) y[j] = @flush(x[j]);
}
""",
        ("flush",),
    ),
    "look_up": Helper("""\
static void @look_up(int rows, int n, const float *RESTRICT table, int32_t token,
                     float *RESTRICT y) {
    const int there = token >= 0 && token < rows;
    const float *row = table + (size_t)(there ? token : 0) * (size_t)n;
    for (int j = 0; j < n; j++) y[j] = there ? row[j] : 0.0f;
}
"""),
    "look_up8": Helper("""\
static void @look_up8(int rows, int n, const int8_t *RESTRICT table, const float *RESTRICT scale,
                      int32_t token, float *RESTRICT y) {
    const int there = token >= 0 && token < rows;
    const int8_t *row = table + (size_t)(there ? token : 0) * (size_t)n;
    const float by = there ? scale[token] : 0.0f;
    for (int j = 0; j < n; j++) y[j] = (float)row[j] * by;
}
"""),
    "product": Helper(
        """\
/* z += x W, for each number one chain of multiply-adds in rising k; W has rows of `row` numbers. */
static void @product(int n, int row, int k, const float *RESTRICT x, const float *RESTRICT w,
                     float *RESTRICT z) {
    for (; k >= 4; k -= 4, x += 4, w += 4 * row) {
        const float *w1 = w + row, *w2 = w1 + row, *w3 = w2 + row;
        const float x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
        for (int j = 0; j < n; j++)
            z[j] = @madd(x3, w3[j], @madd(x2, w2[j], @madd(x1, w1[j], @madd(x0, w[j], z[j]))));
    }
    for (; k > 0; k--, x++, w += row)
        for (int j = 0; j < n; j++) z[j] = @madd(x[0], w[j], z[j]);
}
""",
        ("madd",),
    ),
    "product8": Helper(
        """\
/* z += x W of whole numbers, for each number one chain in rising k; W has rows of `row`. */
static void @product8(int n, int row, int k, const float *RESTRICT x, const int8_t *RESTRICT w,
                      float *RESTRICT z) {
    for (; k >= 4; k -= 4, x += 4, w += 4 * row) {
        const int8_t *w1 = w + row, *w2 = w1 + row, *w3 = w2 + row;
        const float x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
        for (int j = 0; j < n; j++)
            z[j] = @madd(x3, (float)w3[j], @madd(x2, (float)w2[j],
                   @madd(x1, (float)w1[j], @madd(x0, (float)w[j], z[j]))));
    }
    for (; k > 0; k--, x++, w += row)
        for (int j = 0; j < n; j++) z[j] = @madd(x[0], (float)w[j], z[j]);
}
""",
        ("madd",),
    ),
    "scale": Helper(
        """\
static void @scale(int n, const float *RESTRICT sum, const float *RESTRICT by, float *RESTRICT z) {
    for (int j = 0; j < n; j++) z[j] = @madd(sum[j], by[j], z[j]);
}
""",
        ("madd",),
    ),
    "softmax": Helper(
        """\
/* The sum is made lane by lane, as registers of LANES numbers make it. */
static void @softmax(int n, float *x) {
    float most = x[0], sum = 0.0f, lane[LANES] = {0.0f};
    for (int j = 1; j < n; j++) most = x[j] > most || x[j] != x[j] ? x[j] : most;
    for (int j = 0; j < n; j++) x[j] = @exp(x[j] - most);
    for (int j = 0; j < n; j++) lane[j % LANES] += x[j];
    for (int j = 0; j < LANES; j++) sum += lane[j];
    for (int j = 0; j < n; j++) x[j] = @flush(x[j] / sum);
}
""",
        ("exp", "flush"),
    ),
    "sqrt": Helper("""\
/* Newton's steps in double, near enough to the root that its float is the root's. */
static float @sqrt(float x) {
    union { float number; uint32_t bits; } start;
    double y;
    if (!(x > 0.0f)) return x;
    start.number = x;
    start.bits = (start.bits >> 1) + 0x1fbd1df5u;
    y = start.number;
    for (int i = 0; i < 5; i++) y = 0.5 * (y + x / y);
    return (float)y;
}
"""),
    "across": Helper("""\
/* The sum of LANES numbers, by halves. */
static float @across(float *lane) {
    for (int w = LANES / 2; w > 0; w /= 2)
        for (int j = 0; j < w; j++) lane[j] += lane[j + w];
    return lane[0];
}
"""),
    "mean": Helper(
        """\
static float @mean(int n, const float *x) {
    float lane[LANES] = {0.0f};
    for (int j = 0; j < n; j++) lane[j % LANES] += x[j];
    return @across(lane) / (float)n;
}
""",
        ("across",),
    ),
    "variance": Helper(
        """\
static float @variance(int n, const float *x, float mean) {
    float lane[LANES] = {0.0f};
    for (int j = 0; j < n; j++) {
        const float off = x[j] - mean;
        lane[j % LANES] = @madd(off, off, lane[j % LANES]);
    }
    return @across(lane) / (float)n;
}
""",
        ("across", "madd"),
    ),
    "time_mean": Helper("""\
static void @time_mean(int n, int steps, const float *RESTRICT x, float *RESTRICT y) {
    const float by = 1.0f / (float)(steps > 1 ? steps : 1);
    for (int j = 0; j < n; j++) y[j] = 0.0f;
    for (int t = 0; t < steps; t++)
        for (int j = 0; j < n; j++) y[j] += x[t * n + j];
    for (int j = 0; j < n; j++) y[j] *= by;
}
"""),
    "time_most": Helper("""\
static void @time_most(int n, int steps, const float *RESTRICT x, float *RESTRICT y) {
    for (int j = 0; j < n; j++) y[j] = steps > 0 ? x[j] : 0.0f;
    for (int t = 1; t < steps; t++)
        for (int j = 0; j < n; j++) y[j] = x[t * n + j] > y[j] ? x[t * n + j] : y[j];
}
"""),
}
MADD = {
    "plain": "#define @madd(a, b, c) ((a) * (b) + (c))\n",
    "fma": "#define @madd(a, b, c) fmaf(a, b, c)\n",
}


def text_of(names: Iterable[str], arithmetic: str) -> str:
    """Return the text of helpers and of what they need, each behind those that it calls."""
    wanted: dict[str, None] = {}

    def add(name: str) -> None:
        if name == "madd" or name in wanted:
            return
        for needed in HELPERS[name].needs:
            add(needed)
        wanted[name] = None

    for name in HELPERS:  # in the order of the table, whatever asked for them first
        if name in names:
            add(name)
    text = "\n".join(HELPERS[name].text for name in wanted)
    return text.replace("LANES", str(LANES[arithmetic])).replace("RESTRICT", "@@_RESTRICT")
