"""Hashes of unknown words, the same as TensorFlow's and so Keras's.

Without a salt FarmHash's 64-bit fingerprint (Google, 2014), with a salt SipHash-2-4 (Aumasson and
Bernstein, 2012). All arithmetic is modulo 2**64.
"""

from __future__ import annotations

from collections.abc import Sequence

_M = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def bucket(text: bytes, buckets: int, salt: Sequence[int] | None = None) -> int:
    """Return the bucket of a word, from 0 to ``buckets - 1``."""
    value = fingerprint(text) if salt is None else siphash(text, salt[0], salt[1])
    return value % buckets


def _word(s: bytes, at: int) -> int:
    return int.from_bytes(s[at : at + 8], "little")


def _rotate_right(v: int, by: int) -> int:
    """Rotate a 64-bit word to the right."""
    return (v >> by | v << (64 - by)) & _M


def _rotate_left(v: int, by: int) -> int:
    return _rotate_right(v, 64 - by)


def _shift_mix(v: int) -> int:
    return v ^ v >> 47


def _hash_len_16(u: int, v: int, factor: int) -> int:
    """Hash two words into one (FarmHash's HashLen16)."""
    a = _shift_mix((u ^ v) * factor & _M)
    return _shift_mix((v ^ a) * factor & _M) * factor & _M


def fingerprint(s: bytes) -> int:
    """Return FarmHash's Fingerprint64."""
    n = len(s)
    if n > 64:
        return _hash_over_64(s)
    factor = _K2 + 2 * n
    if n > 16:
        return (
            _hash_33_to_64(s, factor)
            if n > 32
            else _hash_len_16(*_hash_ends(s, _K1, factor), factor)
        )
    if n >= 8:
        a, b = _word(s, 0) + _K2 & _M, _word(s, n - 8)
        c, d = _rotate_right(b, 37) * factor + a & _M, (_rotate_right(a, 25) + b) * factor & _M
        return _hash_len_16(c, d, factor)
    if n >= 4:
        first, last = (int.from_bytes(part, "little") for part in (s[:4], s[-4:]))
        return _hash_len_16(n + (first << 3), last, factor)
    if n:
        y, z = s[0] + (s[n >> 1] << 8), n + (s[-1] << 2)
        return _shift_mix(y * _K2 & _M ^ z * _K0 & _M) * _K2 & _M
    return _K2


def _hash_ends(s: bytes, first: int, factor: int) -> tuple[int, int]:
    """Hash the first and the last 16 bytes into two words."""
    n = len(s)
    a, b = _word(s, 0) * first & _M, _word(s, 8)
    c, d = _word(s, n - 8) * factor & _M, _word(s, n - 16) * _K2 & _M
    y = _rotate_right(a + b & _M, 43) + _rotate_right(c, 30) + d & _M
    return y, a + _rotate_right(b + _K2 & _M, 18) + c & _M


def _hash_33_to_64(s: bytes, factor: int) -> int:
    n, a = len(s), _word(s, 0) * _K2 & _M
    y, z = _hash_ends(s, _K2, factor)
    z = _hash_len_16(y, z, factor)
    e, f = _word(s, 16) * factor & _M, _word(s, 24)
    g = (y + _word(s, n - 32)) * factor & _M
    h = (z + _word(s, n - 24)) * factor & _M
    u = _rotate_right(e + f & _M, 43) + _rotate_right(g, 30) + h & _M
    return _hash_len_16(u, e + _rotate_right(f + a & _M, 18) + g & _M, factor)


def _weak_hash_32(s: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """Hash four words and two seeds into two words (FarmHash's WeakHashLen32WithSeeds)."""
    w, x, y, z = (_word(s, at + 8 * i) for i in range(4))
    a = a + w & _M
    b = _rotate_right(b + a + z & _M, 21)
    c, a = a, a + x + y & _M
    return a + z & _M, b + _rotate_right(a, 44) + c & _M


def _mix_64_bytes(s: bytes, at: int, state: list[int], factor: int, times: int) -> list[int]:
    """Update the state (x, y, z, v0, v1, w0, w1) with 64 bytes."""
    x, y, z, v0, v1, w0, w1 = state
    x = _rotate_right(x + y + v0 + _word(s, at + 8) & _M, 37) * factor & _M
    y = _rotate_right(y + v1 + _word(s, at + 48) & _M, 42) * factor & _M
    x ^= w1 * times & _M
    y = y + v0 * times + _word(s, at + 40) & _M
    z = _rotate_right(z + w0 & _M, 33) * factor & _M
    v0, v1 = _weak_hash_32(s, at, v1 * factor & _M, x + w0 & _M)
    w0, w1 = _weak_hash_32(s, at + 32, z + w1 & _M, y + _word(s, at + 16) & _M)
    return [z, y, x, v0, v1, w0, w1]


def _hash_over_64(s: bytes) -> int:
    seed, last = 81, (len(s) - 1) & 63
    y = seed * _K1 + 113 & _M
    state = [
        seed * _K2 + _word(s, 0) & _M,
        y,
        _shift_mix(y * _K2 + 113 & _M) * _K2 & _M,
        0,
        0,
        0,
        0,
    ]
    for at in range(0, (len(s) - 1) // 64 * 64, 64):
        state = _mix_64_bytes(s, at, state, _K1, 1)
    x, y, z, v0, v1, w0, w1 = state
    factor = _K1 + ((z & 0xFF) << 1)
    w0 = w0 + last & _M
    v0 = v0 + w0 & _M
    w0 = w0 + v0 & _M
    x, y, z, v0, v1, w0, w1 = _mix_64_bytes(s, len(s) - 64, [x, y, z, v0, v1, w0, w1], factor, 9)
    first = _hash_len_16(v0, w0, factor) + _shift_mix(y) * _K0 + z & _M
    return _hash_len_16(first, _hash_len_16(v1, w1, factor) + x & _M, factor)


def combine(first: int, second: int) -> int:
    """Return one word for two, as TensorFlow's FingerprintCat64 does."""
    factor = 0xC6A4A7935BD1E995
    word = (first ^ factor ^ _shift_mix(second * factor & _M) * factor & _M) * factor & _M
    return _shift_mix(_shift_mix(word) * factor & _M)


def siphash(s: bytes, key0: int, key1: int) -> int:
    """Return SipHash-2-4 with a key of two words."""
    key0, key1 = key0 & _M, key1 & _M
    v = [key0 ^ 0x736F6D6570736575, key1 ^ 0x646F72616E646F6D]
    v += [key0 ^ 0x6C7967656E657261, key1 ^ 0x7465646279746573]
    end = len(s) // 8 * 8
    words = [_word(s, at) for at in range(0, end, 8)]
    words.append(int.from_bytes(s[end:], "little") | (len(s) & 0xFF) << 56)
    for word in words:
        v[3] ^= word
        _sip_rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    _sip_rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _sip_rounds(v: list[int], count: int) -> None:
    a, b, c, d = v
    for _ in range(count):
        a, c = a + b & _M, c + d & _M
        b, d = _rotate_left(b, 13) ^ a, _rotate_left(d, 16) ^ c
        a, c = _rotate_left(a, 32) + d & _M, c + b & _M
        b, d = _rotate_left(b, 17) ^ c, _rotate_left(d, 21) ^ a
        c = _rotate_left(c, 32)
    v[:] = [a, b, c, d]
