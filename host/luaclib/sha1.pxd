"""SHA-1 (FIPS 180-4)."""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    SHA1_SIZE = 20

cdef struct sha1_context:
    uint32_t state[5]
    uint64_t sz             # bytes so far
    uint8_t block[64]       # the first sz % 64 bytes wait for the rest of their block

cdef void sha1_start(sha1_context *c) noexcept nogil
cdef void sha1_update(sha1_context *c, const uint8_t *data, size_t sz) noexcept nogil

# The digest: SHA1_SIZE bytes. The context is spent.
cdef void sha1_final(sha1_context *c, uint8_t *digest) noexcept nogil
