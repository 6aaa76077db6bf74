# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset


cdef inline uint32_t rotate(uint32_t x, int n) noexcept nogil:
    return x << n | x >> (32 - n)


cdef void add_block(uint32_t *state, const uint8_t *p) noexcept nogil:
    cdef uint32_t w[80]
    cdef uint32_t a = state[0]
    cdef uint32_t b = state[1]
    cdef uint32_t c = state[2]
    cdef uint32_t d = state[3]
    cdef uint32_t e = state[4]
    cdef uint32_t f
    cdef int i
    for i in range(16):
        w[i] = <uint32_t>p[0] << 24 | <uint32_t>p[1] << 16 | <uint32_t>p[2] << 8 | p[3]
        p += 4
    for i in range(16, 80):
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1)
    for i in range(80):
        if i < 20:
            f = ((b & c) | (~b & d)) + <uint32_t>0x5a827999
        elif i < 40:
            f = (b ^ c ^ d) + <uint32_t>0x6ed9eba1
        elif i < 60:
            f = ((b & c) | (b & d) | (c & d)) + <uint32_t>0x8f1bbcdc
        else:
            f = (b ^ c ^ d) + <uint32_t>0xca62c1d6
        f += rotate(a, 5) + e + w[i]
        e = d
        d = c
        c = rotate(b, 30)
        b = a
        a = f
    state[0] += a
    state[1] += b
    state[2] += c
    state[3] += d
    state[4] += e


cdef void sha1_start(sha1_context *c) noexcept nogil:
    c.state[0] = 0x67452301
    c.state[1] = 0xefcdab89
    c.state[2] = 0x98badcfe
    c.state[3] = 0x10325476
    c.state[4] = 0xc3d2e1f0
    c.sz = 0


cdef void sha1_update(sha1_context *c, const uint8_t *data, size_t sz) noexcept nogil:
    cdef size_t used = c.sz & 63
    cdef size_t room = 64 - used
    c.sz += sz
    if sz >= room:
        memcpy(c.block + used, data, room)
        add_block(c.state, c.block)
        data += room
        sz -= room
        used = 0
        while sz >= 64:
            add_block(c.state, data)
            data += 64
            sz -= 64
    memcpy(c.block + used, data, sz)


cdef void sha1_final(sha1_context *c, uint8_t *digest) noexcept nogil:
    cdef uint64_t bits = c.sz << 3
    cdef uint8_t tail[72]
    cdef size_t padding = (119 - (c.sz & 63)) % 64 + 1
    cdef int i
    memset(tail, 0, sizeof(tail))
    tail[0] = 0x80
    for i in range(8):
        tail[padding + i] = <uint8_t>(bits >> (56 - 8 * i))
    sha1_update(c, tail, padding + 8)
    for i in range(SHA1_SIZE):
        digest[i] = <uint8_t>(c.state[i >> 2] >> (24 - 8 * (i & 3)))
