# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""`md5.core`: digest, exclusive or, and a stream cipher of MD5 in cipher-feedback mode. lualib/md5.lua adds the rest.

No function holds anything but Lua values when it raises. Source: 3rd/lua-md5.
"""

from libc.math cimport fabs, sin
from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy, memset
from posix.time cimport CLOCK_REALTIME, clock_gettime, timespec

from host.core cimport lua
from host.core.lua cimport lua_State
from host.luaclib.scratch cimport SCRATCH, scratch

cdef enum:
    BLOCK = 16              # bytes of a digest, and of the seed part of the cipher's block
    MAX_KEY = 256

cdef uint32_t[64] SINES     # RFC 1321, 3.4: floor(2^32 * abs(sin(i + 1)))
cdef int[16] SHIFTS         # four a round

SHIFTS[:] = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]


cdef void compute_sines() noexcept nogil:
    cdef int i
    for i in range(64):
        SINES[i] = <uint32_t><uint64_t>(fabs(sin(i + 1.0)) * 4294967296.0)


compute_sines()


cdef inline uint32_t word_at(const uint8_t *p) noexcept nogil:
    return p[0] | <uint32_t>p[1] << 8 | <uint32_t>p[2] << 16 | <uint32_t>p[3] << 24


cdef void md5_start(uint32_t *state) noexcept nogil:
    state[0] = 0x67452301
    state[1] = 0xefcdab89
    state[2] = 0x98badcfe
    state[3] = 0x10325476


cdef void md5_steps(uint32_t *state, const uint32_t *words) noexcept nogil:
    cdef uint32_t a = state[0]
    cdef uint32_t b = state[1]
    cdef uint32_t c = state[2]
    cdef uint32_t d = state[3]
    cdef uint32_t f
    cdef int i, k, s
    for i in range(64):
        if i < 16:
            f = (b & c) | (~b & d)
            k = i
        elif i < 32:
            f = (d & b) | (~d & c)
            k = (5 * i + 1) & 15
        elif i < 48:
            f = b ^ c ^ d
            k = (3 * i + 5) & 15
        else:
            f = c ^ (b | ~d)
            k = (7 * i) & 15
        f = f + a + SINES[i] + words[k]
        s = SHIFTS[(i >> 4) * 4 + (i & 3)]
        a = d
        d = c
        c = b
        b = b + (f << s | f >> (32 - s))
    state[0] = a
    state[1] = b
    state[2] = c
    state[3] = d


cdef void add_block(uint32_t *state, const uint8_t *block) noexcept nogil:
    cdef uint32_t words[16]
    cdef uint32_t before[4]
    cdef int i
    for i in range(16):
        words[i] = word_at(block + 4 * i)
    memcpy(before, state, sizeof(before))
    md5_steps(state, words)
    for i in range(4):
        state[i] += before[i]


cdef void md5_sum(const uint8_t *data, size_t sz, uint8_t *digest) noexcept nogil:
    cdef uint32_t state[4]
    cdef uint8_t last[128]
    cdef size_t rest = sz & 63
    cdef size_t padded = 64 if rest < 56 else 128
    cdef uint64_t bits = <uint64_t>sz << 3
    cdef size_t i
    md5_start(state)
    for i in range(sz >> 6):
        add_block(state, data + 64 * i)
    memset(last, 0, sizeof(last))
    if rest:
        memcpy(last, data + sz - rest, rest)
    last[rest] = 0x80
    for i in range(8):
        last[padded - 8 + i] = <uint8_t>(bits >> (8 * i))
    add_block(state, last)
    if padded == 128:
        add_block(state, last + 64)
    for i in range(16):
        digest[i] = <uint8_t>(state[i >> 2] >> (8 * (i & 3)))


# md5.core.sum(s) -> 16 raw bytes
cdef int lsum(lua_State *L) noexcept nogil:
    cdef size_t sz
    cdef const char *s = lua.luaL_checklstring(L, 1, &sz)
    cdef uint8_t digest[BLOCK]
    md5_sum(<const uint8_t *>s, sz, digest)
    lua.lua_pushlstring(L, <const char *>digest, BLOCK)
    return 1


# md5.core.exor(s1, s2) -> string as long as both
cdef int lexor(lua_State *L) noexcept nogil:
    cdef size_t sz, sz2, i
    cdef const char *a = lua.luaL_checklstring(L, 1, &sz)
    cdef const char *b = lua.luaL_checklstring(L, 2, &sz2)
    cdef char small[SCRATCH]
    cdef char *result
    if sz != sz2:
        return lua.luaL_argerror(L, 2, "lengths must be equal")
    result = scratch(L, small, sz)
    for i in range(sz):
        result[i] = a[i] ^ b[i]
    lua.lua_pushlstring(L, result, sz)
    return 1


cdef void cipher(
        uint8_t *block, size_t block_sz, const char *text, char *result, size_t sz, bint encrypt) noexcept nogil:
    """Cipher feedback: the key stream is the digest of the block, whose head is then the cipher text just made or read."""
    cdef uint8_t stream[BLOCK]
    cdef size_t done = 0
    cdef size_t n, i
    while done < sz:
        n = sz - done if sz - done < BLOCK else BLOCK
        md5_sum(block, block_sz, stream)
        for i in range(n):
            result[done + i] = text[done + i] ^ <char>stream[i]
        if encrypt:
            memcpy(block, result + done, n)
        else:
            memcpy(block, text + done, n)
        done += n


cdef size_t cipher_block(lua_State *L, uint8_t *block, const char *seed, size_t seed_sz) noexcept nogil:
    """Fill the block with the seed and the key, which is argument 2; its size."""
    cdef size_t key_sz
    cdef const char *key = lua.luaL_checklstring(L, 2, &key_sz)
    if key_sz > MAX_KEY:
        return lua.luaL_error(L, "key too long (> %d)", <int>MAX_KEY)
    memset(block, 0, BLOCK)
    memcpy(block, seed, seed_sz)
    memcpy(block + BLOCK, key, key_sz)
    return BLOCK + key_sz


# md5.core.crypt(msg, key, seed?) -> cipher text, with the seed in front
cdef int lcrypt(lua_State *L) noexcept nogil:
    cdef size_t sz, seed_sz, block_sz
    cdef const char *text = lua.luaL_checklstring(L, 1, &sz)
    cdef const char *seed
    cdef uint8_t block[BLOCK + MAX_KEY]
    cdef char small[SCRATCH]
    cdef char *result
    cdef timespec now
    lua.luaL_checklstring(L, 2, NULL)
    clock_gettime(CLOCK_REALTIME, &now)
    seed = lua.luaL_optlstring(L, 3, NULL, &seed_sz)
    if seed == NULL:
        seed = <const char *>&now.tv_sec
        seed_sz = sizeof(now.tv_sec)
    if seed_sz > BLOCK:
        return lua.luaL_error(L, "seed too long (> %d)", <int>BLOCK)
    block_sz = cipher_block(L, block, seed, seed_sz)
    result = scratch(L, small, 1 + seed_sz + sz)
    result[0] = <char>seed_sz
    memcpy(result + 1, seed, seed_sz)
    cipher(block, block_sz, text, result + 1 + seed_sz, sz, True)
    lua.lua_pushlstring(L, result, 1 + seed_sz + sz)
    return 1


# md5.core.decrypt(cipher, key) -> msg
cdef int ldecrypt(lua_State *L) noexcept nogil:
    cdef size_t sz, seed_sz, block_sz
    cdef const char *text = lua.luaL_checklstring(L, 1, &sz)
    cdef uint8_t block[BLOCK + MAX_KEY]
    cdef char small[SCRATCH]
    cdef char *result
    lua.luaL_checklstring(L, 2, NULL)
    seed_sz = <uint8_t>text[0] if sz > 0 else 0
    if sz < 1 + seed_sz or seed_sz > BLOCK:
        return lua.luaL_argerror(L, 1, "invalid cyphered string")
    block_sz = cipher_block(L, block, text + 1, seed_sz)
    sz -= 1 + seed_sz
    result = scratch(L, small, sz)
    cipher(block, block_sz, text + 1 + seed_sz, result, sz, False)
    lua.lua_pushlstring(L, result, sz)
    return 1


cdef lua.luaL_Reg[5] functions
functions[0] = lua.luaL_Reg("sum", lsum)
functions[1] = lua.luaL_Reg("exor", lexor)
functions[2] = lua.luaL_Reg("crypt", lcrypt)
functions[3] = lua.luaL_Reg("decrypt", ldecrypt)
functions[4] = lua.luaL_Reg(NULL, NULL)


cdef public int luaopen_md5_core(lua_State *L) noexcept nogil:
    lua.lua_createtable(L, 0, 8)
    lua.luaL_setfuncs(L, functions, 0)
    lua.lua_pushstring(L, "MD5 1.2")
    lua.lua_setfield(L, -2, "_VERSION")
    lua.lua_pushstring(L, "Basic cryptographic facilities")
    lua.lua_setfield(L, -2, "_DESCRIPTION")
    lua.lua_pushstring(L, "The snhost developers")
    lua.lua_setfield(L, -2, "_COPYRIGHT")
    return 1


def openers() -> dict[str, int]:
    """Return the address of the opener of each Lua module in here, by the name that Lua requires it with."""
    return {"md5.core": <uintptr_t>&luaopen_md5_core}
