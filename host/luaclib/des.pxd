"""Single DES (FIPS 46-3), one block at a time."""

from libc.stdint cimport uint8_t, uint64_t

cdef enum:
    DES_ENCRYPT = 0
    DES_DECRYPT = 1

# Sixteen 48-bit round keys out of 8 bytes; the parity bits are not looked at.
cdef void des_schedule(const uint8_t *key, uint64_t *schedule) noexcept nogil

# 8 bytes to 8 bytes; both may be the same.
cdef void des_block(const uint64_t *schedule, int direction, const uint8_t *text, uint8_t *result) noexcept nogil
