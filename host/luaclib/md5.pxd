"""MD5 (RFC 1321) for the Lua modules that need it."""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t

# The initial state: four words.
cdef void md5_start(uint32_t *state) noexcept nogil

# The 64 steps over one block of 16 words, without the final addition of the state before them.
cdef void md5_steps(uint32_t *state, const uint32_t *words) noexcept nogil

# The digest of sz bytes: 16 bytes.
cdef void md5_sum(const uint8_t *data, size_t sz, uint8_t *digest) noexcept nogil
