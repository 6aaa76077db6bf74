# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""The tables are those of the standard: bit numbers count from 1 at the most significant end."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef int[64] INITIAL
cdef int[64] FINAL
cdef int[56] KEY_CHOICE
cdef int[48] ROUND_CHOICE
cdef int[16] KEY_SHIFTS
cdef uint32_t[8][64] BOXES      # S-box and the permutation P after it, by the six input bits

INITIAL[:] = [
    58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4,
    62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24, 16, 8,
    57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3,
    61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
]
KEY_CHOICE[:] = [
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18,
    10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
    63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22,
    14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
]
ROUND_CHOICE[:] = [
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
    41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
]
KEY_SHIFTS[:] = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1]

S_BOXES = (
    (14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8,
     4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13),
    (15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5,
     0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9),
    (10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1,
     13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12),
    (7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9,
     10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14),
    (2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6,
     4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5, 3),
    (12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11, 3, 8,
     9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13),
    (4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6,
     1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12),
    (13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2,
     7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11),
)
P_BOX = (
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10,
    2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
)

for _place, _bit in enumerate(INITIAL):
    FINAL[_bit - 1] = _place + 1
for _box in range(8):
    for _six in range(64):
        # the outer two bits choose the row, the inner four the column
        _row = (_six >> 4 & 2) | (_six & 1)
        _four = S_BOXES[_box][_row * 16 + (_six >> 1 & 15)] << (28 - 4 * _box)
        BOXES[_box][_six] = sum(1 << (31 - _place) for _place, _bit in enumerate(P_BOX) if _four >> (32 - _bit) & 1)


cdef uint64_t permute(uint64_t x, int width, const int *table, int n) noexcept nogil:
    """Choose n bits of a number that is `width` bits wide."""
    cdef uint64_t result = 0
    cdef int i
    for i in range(n):
        result = result << 1 | (x >> (width - table[i]) & 1)
    return result


cdef inline uint64_t rotate28(uint64_t x, int n) noexcept nogil:
    return (x << n | x >> (28 - n)) & 0xfffffff


cdef inline uint64_t read_block(const uint8_t *p) noexcept nogil:
    cdef uint64_t x = 0
    cdef int i
    for i in range(8):
        x = x << 8 | p[i]
    return x


cdef void des_schedule(const uint8_t *key, uint64_t *schedule) noexcept nogil:
    cdef uint64_t chosen = permute(read_block(key), 64, KEY_CHOICE, 56)
    cdef uint64_t left = chosen >> 28
    cdef uint64_t right = chosen & 0xfffffff
    cdef int i
    for i in range(16):
        left = rotate28(left, KEY_SHIFTS[i])
        right = rotate28(right, KEY_SHIFTS[i])
        schedule[i] = permute(left << 28 | right, 56, ROUND_CHOICE, 48)


cdef inline uint32_t feistel(uint32_t half, uint64_t round_key) noexcept nogil:
    """The expansion gives each box six neighbouring bits, four further on for each; the first of box 1 is the last bit."""
    cdef uint32_t result = 0
    cdef uint32_t six
    cdef uint32_t turned = half >> 1 | half << 31
    cdef uint64_t twice = <uint64_t>turned << 32 | turned
    cdef int box
    for box in range(8):
        six = <uint32_t>(twice >> (58 - 4 * box)) & 63
        six ^= <uint32_t>(round_key >> (42 - 6 * box)) & 63
        result |= BOXES[box][six]
    return result


cdef void des_block(const uint64_t *schedule, int direction, const uint8_t *text, uint8_t *result) noexcept nogil:
    cdef uint64_t x = permute(read_block(text), 64, INITIAL, 64)
    cdef uint32_t left = <uint32_t>(x >> 32)
    cdef uint32_t right = <uint32_t>x
    cdef uint32_t next
    cdef int i
    for i in range(16):
        next = left ^ feistel(right, schedule[15 - i if direction == DES_DECRYPT else i])
        left = right
        right = next
    x = permute(<uint64_t>right << 32 | left, 64, FINAL, 64)
    for i in range(8):
        result[i] = <uint8_t>(x >> (56 - 8 * i))
