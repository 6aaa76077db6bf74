# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""`skynet.crypt`, also called `client.crypt`: the hashes, the key exchange and the codecs of the login protocol.

Every function depends on its arguments only, except randomkey. All of them raise while they hold nothing but Lua values.
Integers in 8-byte strings are little-endian. The 64-bit key exchange, DES and MD5 protect nothing today; they are here for
the protocol's sake. Source: lua-crypt.c, lsha1.c.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy, memset

from host.core cimport lua
from host.core.lua cimport lua_State
from host.luaclib.des cimport DES_DECRYPT, DES_ENCRYPT, des_block, des_schedule
from host.luaclib.md5 cimport md5_start, md5_steps, md5_sum
from host.luaclib.scratch cimport SCRATCH, scratch
from host.luaclib.sha1 cimport SHA1_SIZE, sha1_context, sha1_final, sha1_start, sha1_update

cdef extern from "sys/random.h" nogil:
    ssize_t getrandom(void *buffer, size_t sz, unsigned int flags) noexcept

cdef extern from *:
    """
    /* a * b mod p */
    static inline uint64_t dh_multiply(uint64_t a, uint64_t b, uint64_t p)
    {
        return (uint64_t)((unsigned __int128)a * b % p);
    }
    """
    uint64_t dh_multiply(uint64_t a, uint64_t b, uint64_t p) noexcept nogil

cdef enum:
    PADDING_ISO7816_4 = 0
    PADDING_PKCS7 = 1

cdef uint64_t DH_PRIME = 0xffffffffffffffc5     # 2^64 - 59
cdef uint64_t DH_GENERATOR = 5


cdef inline uint32_t word_at(const uint8_t *p) noexcept nogil:
    return p[0] | <uint32_t>p[1] << 8 | <uint32_t>p[2] << 16 | <uint32_t>p[3] << 24


cdef inline uint64_t long_at(const uint8_t *p) noexcept nogil:
    return word_at(p) | <uint64_t>word_at(p + 4) << 32


cdef inline int push_words(lua_State *L, uint32_t low, uint32_t high) noexcept nogil:
    cdef uint8_t bytes[8]
    cdef int i
    for i in range(4):
        bytes[i] = <uint8_t>(low >> (8 * i))
        bytes[4 + i] = <uint8_t>(high >> (8 * i))
    lua.lua_pushlstring(L, <const char *>bytes, 8)
    return 1


cdef inline int push_long(lua_State *L, uint64_t n) noexcept nogil:
    return push_words(L, <uint32_t>n, <uint32_t>(n >> 32))


cdef inline const uint8_t *check_long(lua_State *L, int arg, const char *error) noexcept nogil:
    """Eight bytes; raises `error` when the string has another length."""
    cdef size_t sz
    cdef const char *s = lua.luaL_checklstring(L, arg, &sz)
    if sz != 8:
        lua.luaL_error(L, error)
    return <const uint8_t *>s


# -- keys and hashes

# crypt.randomkey() -> 8 bytes that are never all zero
cdef int lrandomkey(lua_State *L) noexcept nogil:
    """The bytes come from the system's generator; the original's are predictable."""
    cdef uint8_t key[8]
    cdef uint8_t x = 0
    cdef int i
    if getrandom(key, 8, 0) != 8:
        return lua.luaL_error(L, "no random bytes")
    for i in range(8):
        x ^= key[i]
    if x == 0:
        key[0] |= 1
    lua.lua_pushlstring(L, <const char *>key, 8)
    return 1


cdef void hash_text(const uint8_t *s, size_t sz, uint32_t *low, uint32_t *high) noexcept nogil:
    cdef uint32_t h1 = 5381
    cdef uint32_t h2 = 1315423911
    cdef size_t i
    for i in range(sz):
        h1 += (h1 << 5) + s[i]
        h2 ^= (h2 << 5) + s[i] + (h2 >> 2)
    low[0] = h1
    high[0] = h2


# crypt.hashkey(s) -> 8 bytes
cdef int lhashkey(lua_State *L) noexcept nogil:
    cdef size_t sz
    cdef const char *s = lua.luaL_checklstring(L, 1, &sz)
    cdef uint32_t low, high
    hash_text(<const uint8_t *>s, sz, &low, &high)
    return push_words(L, low, high)


cdef void hmac_words(const uint32_t *x, const uint32_t *y, uint32_t *result) noexcept nogil:
    """The MD5 steps over x and y, four times, folded to two words; without MD5's final addition."""
    cdef uint32_t state[4]
    cdef uint32_t words[16]
    cdef int i
    for i in range(0, 16, 4):
        words[i] = x[1]
        words[i + 1] = x[0]
        words[i + 2] = y[1]
        words[i + 3] = y[0]
    md5_start(state)
    md5_steps(state, words)
    result[0] = state[2] ^ state[3]
    result[1] = state[0] ^ state[1]


cdef inline void read_words(const uint8_t *p, uint32_t *words) noexcept nogil:
    words[0] = word_at(p)
    words[1] = word_at(p + 4)


# crypt.hmac64(x, y) -> 8 bytes; x and y are 8 bytes
cdef int lhmac64(lua_State *L) noexcept nogil:
    cdef const uint8_t *px = check_long(L, 1, "Invalid uint64 x")
    cdef const uint8_t *py = check_long(L, 2, "Invalid uint64 y")
    cdef uint32_t x[2]
    cdef uint32_t y[2]
    cdef uint32_t result[2]
    read_words(px, x)
    read_words(py, y)
    hmac_words(x, y, result)
    return push_words(L, result[0], result[1])


# crypt.hmac64_md5(x, y) -> 8 bytes; x and y are 8 bytes
cdef int lhmac64_md5(lua_State *L) noexcept nogil:
    cdef const uint8_t *x = check_long(L, 1, "Invalid uint64 x")
    cdef const uint8_t *y = check_long(L, 2, "Invalid uint64 y")
    cdef uint8_t text[48]
    cdef uint8_t digest[16]
    cdef int i
    for i in range(3):
        memcpy(text + 16 * i, x, 8)
        memcpy(text + 16 * i + 8, y, 8)
    md5_sum(text, sizeof(text), digest)
    for i in range(8):
        digest[i] ^= digest[8 + i]
    lua.lua_pushlstring(L, <const char *>digest, 8)
    return 1


# crypt.hmac_hash(key, text) -> 8 bytes; key is 8 bytes
cdef int lhmac_hash(lua_State *L) noexcept nogil:
    cdef const uint8_t *key = check_long(L, 1, "Invalid uint64 key")
    cdef size_t sz
    cdef const char *s = lua.luaL_checklstring(L, 2, &sz)
    cdef uint32_t x[2]
    cdef uint32_t y[2]
    cdef uint32_t result[2]
    hash_text(<const uint8_t *>s, sz, &x[0], &x[1])
    read_words(key, y)
    hmac_words(x, y, result)
    return push_words(L, result[0], result[1])


# crypt.sha1(s) -> 20 raw bytes
cdef int lsha1(lua_State *L) noexcept nogil:
    cdef size_t sz
    cdef const char *s = lua.luaL_checklstring(L, 1, &sz)
    cdef sha1_context c
    cdef uint8_t digest[SHA1_SIZE]
    sha1_start(&c)
    sha1_update(&c, <const uint8_t *>s, sz)
    sha1_final(&c, digest)
    lua.lua_pushlstring(L, <const char *>digest, SHA1_SIZE)
    return 1


cdef void hmac_sha1_pass(
        const uint8_t *key, uint8_t pad, const uint8_t *text, size_t sz, uint8_t *digest) noexcept nogil:
    cdef sha1_context c
    cdef uint8_t block[64]
    cdef int i
    for i in range(64):
        block[i] = key[i] ^ pad
    sha1_start(&c)
    sha1_update(&c, block, 64)
    sha1_update(&c, text, sz)
    sha1_final(&c, digest)


# crypt.hmac_sha1(key, text) -> 20 raw bytes
cdef int lhmac_sha1(lua_State *L) noexcept nogil:
    cdef size_t key_sz, sz
    cdef const char *key = lua.luaL_checklstring(L, 1, &key_sz)
    cdef const char *text = lua.luaL_checklstring(L, 2, &sz)
    cdef sha1_context c
    cdef uint8_t block[64]
    cdef uint8_t digest[SHA1_SIZE]
    memset(block, 0, sizeof(block))
    if key_sz > sizeof(block):
        sha1_start(&c)
        sha1_update(&c, <const uint8_t *>key, key_sz)
        sha1_final(&c, block)
    else:
        memcpy(block, key, key_sz)
    hmac_sha1_pass(block, 0x36, <const uint8_t *>text, sz, digest)
    hmac_sha1_pass(block, 0x5c, digest, SHA1_SIZE, digest)
    lua.lua_pushlstring(L, <const char *>digest, SHA1_SIZE)
    return 1


# -- key exchange

cdef uint64_t power(uint64_t base, uint64_t exponent) noexcept nogil:
    cdef uint64_t result = 1
    base %= DH_PRIME
    while exponent:
        if exponent & 1:
            result = dh_multiply(result, base, DH_PRIME)
        base = dh_multiply(base, base, DH_PRIME)
        exponent >>= 1
    return result


# crypt.dhexchange(key) -> 8 bytes: generator ^ key
cdef int ldhexchange(lua_State *L) noexcept nogil:
    cdef uint64_t key = long_at(check_long(L, 1, "Invalid dh uint64 key"))
    if key == 0:
        return lua.luaL_error(L, "Can't be 0")
    return push_long(L, power(DH_GENERATOR, key))


# crypt.dhsecret(peer, key) -> 8 bytes: peer ^ key
cdef int ldhsecret(lua_State *L) noexcept nogil:
    cdef uint64_t peer = long_at(check_long(L, 1, "Invalid uint64 x"))
    cdef uint64_t key = long_at(check_long(L, 2, "Invalid uint64 y"))
    if peer == 0 or key == 0:
        return lua.luaL_error(L, "Can't be 0")
    return push_long(L, power(peer, key))


# -- DES

cdef void check_key(lua_State *L, uint64_t *schedule) noexcept nogil:
    """Read the key, argument 1."""
    cdef size_t sz
    cdef const char *key = lua.luaL_checklstring(L, 1, &sz)
    if sz != 8:
        lua.luaL_error(L, "Invalid key size %d, need 8 bytes", <int>sz)
    des_schedule(<const uint8_t *>key, schedule)


cdef int check_padding(lua_State *L) noexcept nogil:
    """Read the padding mode, argument 3."""
    cdef lua.lua_Integer mode = lua.luaL_optinteger(L, 3, PADDING_ISO7816_4)
    if mode != PADDING_ISO7816_4 and mode != PADDING_PKCS7:
        lua.luaL_error(L, "Invalid padding mode %d", <int>mode)
    return <int>mode


# crypt.desencode(key, text, padding?) -> string, 1 to 8 bytes longer than text
cdef int ldesencode(lua_State *L) noexcept nogil:
    cdef uint64_t schedule[16]
    cdef size_t sz, whole, rest, i
    cdef const char *text
    cdef int mode
    cdef char small[SCRATCH]
    cdef char *result
    cdef uint8_t last[8]
    check_key(L, schedule)
    text = lua.luaL_checklstring(L, 2, &sz)
    mode = check_padding(L)
    whole = sz & ~<size_t>7
    rest = sz - whole
    result = scratch(L, small, whole + 8)
    for i in range(0, whole, 8):
        des_block(schedule, DES_ENCRYPT, <const uint8_t *>text + i, <uint8_t *>result + i)
    memset(last, 0 if mode == PADDING_ISO7816_4 else <int>(8 - rest), 8)
    memcpy(last, text + whole, rest)
    if mode == PADDING_ISO7816_4:
        last[rest] = 0x80
    des_block(schedule, DES_ENCRYPT, last, <uint8_t *>result + whole)
    lua.lua_pushlstring(L, result, whole + 8)
    return 1


cdef int padding_size(const uint8_t *last, int mode) noexcept nogil:
    """Bytes of padding in the last block, 1 to 8; 0 when it is not padded correctly."""
    cdef int n = 1
    cdef int i
    if mode == PADDING_ISO7816_4:
        while n < 8 and last[8 - n] == 0:
            n += 1
        return n if last[8 - n] == 0x80 else 0
    n = last[7]
    if n < 1 or n > 8:
        return 0
    for i in range(8 - n, 7):
        if last[i] != n:
            return 0
    return n


# crypt.desdecode(key, text, padding?) -> string
cdef int ldesdecode(lua_State *L) noexcept nogil:
    cdef uint64_t schedule[16]
    cdef size_t sz, i
    cdef const char *text
    cdef int mode, padding
    cdef char small[SCRATCH]
    cdef char *result
    check_key(L, schedule)
    text = lua.luaL_checklstring(L, 2, &sz)
    if sz == 0 or sz & 7:
        return lua.luaL_error(L, "Invalid des crypt text length %d", <int>sz)
    mode = check_padding(L)
    result = scratch(L, small, sz)
    for i in range(0, sz, 8):
        des_block(schedule, DES_DECRYPT, <const uint8_t *>text + i, <uint8_t *>result + i)
    padding = padding_size(<const uint8_t *>result + sz - 8, mode)
    if padding == 0:
        return lua.luaL_error(L, "Invalid des crypt text")
    lua.lua_pushlstring(L, result, sz - padding)
    return 1


# -- encodings

# crypt.hexencode(s) -> lower-case text
cdef int lhexencode(lua_State *L) noexcept nogil:
    cdef const char *digits = "0123456789abcdef"
    cdef size_t sz, i
    cdef const uint8_t *s = <const uint8_t *>lua.luaL_checklstring(L, 1, &sz)
    cdef char small[SCRATCH]
    cdef char *result = scratch(L, small, sz * 2)
    for i in range(sz):
        result[2 * i] = digits[s[i] >> 4]
        result[2 * i + 1] = digits[s[i] & 15]
    lua.lua_pushlstring(L, result, sz * 2)
    return 1


cdef inline int hex_digit(uint8_t c) noexcept nogil:
    """0 to 16, or -1. The original's arithmetic also takes W to Z, [, \\, ], ^, _ and the backquote as 0 to 9, and g as 16;
    upper-case digits are refused."""
    c -= 0x30
    if c > 9:
        c -= 39
        if c > 16:
            return -1
    return c


# crypt.hexdecode(text) -> string
cdef int lhexdecode(lua_State *L) noexcept nogil:
    cdef size_t sz, i
    cdef const uint8_t *s = <const uint8_t *>lua.luaL_checklstring(L, 1, &sz)
    cdef char small[SCRATCH]
    cdef char *result
    cdef int high, low
    if sz & 1:
        return lua.luaL_error(L, "Invalid hex text size %d", <int>sz)
    result = scratch(L, small, sz >> 1)
    for i in range(sz >> 1):
        high = hex_digit(s[2 * i])
        low = hex_digit(s[2 * i + 1])
        if high < 0 or low < 0:
            return lua.luaL_error(L, "Invalid hex text")
        result[i] = <char>(high << 4 | low)
    lua.lua_pushlstring(L, result, sz >> 1)
    return 1


# crypt.base64encode(s) -> text with padding, without line breaks
cdef int lbase64encode(lua_State *L) noexcept nogil:
    cdef const char *alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    cdef size_t sz
    cdef const uint8_t *s = <const uint8_t *>lua.luaL_checklstring(L, 1, &sz)
    cdef size_t encoded = (sz + 2) // 3 * 4
    cdef char small[SCRATCH]
    cdef char *result = scratch(L, small, encoded)
    cdef char *out = result
    cdef size_t i = 0
    cdef uint32_t v
    while i + 3 <= sz:
        v = <uint32_t>s[i] << 16 | <uint32_t>s[i + 1] << 8 | s[i + 2]
        out[0] = alphabet[v >> 18]
        out[1] = alphabet[v >> 12 & 63]
        out[2] = alphabet[v >> 6 & 63]
        out[3] = alphabet[v & 63]
        out += 4
        i += 3
    if i < sz:
        v = <uint32_t>s[i] << 16
        if i + 1 < sz:
            v |= <uint32_t>s[i + 1] << 8
        out[0] = alphabet[v >> 18]
        out[1] = alphabet[v >> 12 & 63]
        out[2] = alphabet[v >> 6 & 63] if i + 1 < sz else c"="
        out[3] = c"="
    lua.lua_pushlstring(L, result, encoded)
    return 1


cdef inline int base64_digit(uint8_t c) noexcept nogil:
    """0 to 63, -2 for the padding character, -1 for what is skipped."""
    if c"A" <= c <= c"Z":
        return c - c"A"
    if c"a" <= c <= c"z":
        return c - c"a" + 26
    if c"0" <= c <= c"9":
        return c - c"0" + 52
    if c == c"+":
        return 62
    if c == c"/":
        return 63
    return -2 if c == c"=" else -1


# crypt.base64decode(text) -> string
cdef int lbase64decode(lua_State *L) noexcept nogil:
    """Group by group; the end of the text stands for missing padding. Only a group's own end may be padding."""
    cdef size_t sz
    cdef const uint8_t *s = <const uint8_t *>lua.luaL_checklstring(L, 1, &sz)
    cdef char small[SCRATCH]
    cdef char *result = scratch(L, small, (sz + 3) // 4 * 3)
    cdef size_t out = 0
    cdef size_t i = 0
    cdef uint32_t v
    cdef int n, padding, digit
    while i < sz:
        v = 0
        n = padding = 0
        while n < 4:
            digit = base64_digit(s[i]) if i < sz else -2
            i += 1
            if digit == -1:
                continue
            if digit == -2:
                padding += 1
                digit = 0
            elif padding:
                return lua.luaL_error(L, "Invalid base64 text")
            v = v << 6 | <uint32_t>digit
            n += 1
        if padding > 2 or (padding == 1 and v & 0xff) or (padding == 2 and v & 0xffff):
            return lua.luaL_error(L, "Invalid base64 text")
        result[out] = <char>(v >> 16)
        if padding < 2:
            result[out + 1] = <char>(v >> 8)
        if padding < 1:
            result[out + 2] = <char>v
        out += 3 - padding
    lua.lua_pushlstring(L, result, out)
    return 1


# crypt.xor_str(s, key) -> string as long as s; the key is repeated
cdef int lxor_str(lua_State *L) noexcept nogil:
    cdef size_t sz, key_sz, i
    cdef const char *s = lua.luaL_checklstring(L, 1, &sz)
    cdef const char *key = lua.luaL_checklstring(L, 2, &key_sz)
    cdef char small[SCRATCH]
    cdef char *result
    if key_sz == 0:
        return lua.luaL_error(L, "Can't xor empty string")
    result = scratch(L, small, sz)
    for i in range(sz):
        result[i] = s[i] ^ key[i % key_sz]
    lua.lua_pushlstring(L, result, sz)
    return 1


cdef lua.luaL_Reg[17] functions
functions[0] = lua.luaL_Reg("randomkey", lrandomkey)
functions[1] = lua.luaL_Reg("hashkey", lhashkey)
functions[2] = lua.luaL_Reg("hmac64", lhmac64)
functions[3] = lua.luaL_Reg("hmac64_md5", lhmac64_md5)
functions[4] = lua.luaL_Reg("hmac_hash", lhmac_hash)
functions[5] = lua.luaL_Reg("sha1", lsha1)
functions[6] = lua.luaL_Reg("hmac_sha1", lhmac_sha1)
functions[7] = lua.luaL_Reg("dhexchange", ldhexchange)
functions[8] = lua.luaL_Reg("dhsecret", ldhsecret)
functions[9] = lua.luaL_Reg("desencode", ldesencode)
functions[10] = lua.luaL_Reg("desdecode", ldesdecode)
functions[11] = lua.luaL_Reg("hexencode", lhexencode)
functions[12] = lua.luaL_Reg("hexdecode", lhexdecode)
functions[13] = lua.luaL_Reg("base64encode", lbase64encode)
functions[14] = lua.luaL_Reg("base64decode", lbase64decode)
functions[15] = lua.luaL_Reg("xor_str", lxor_str)
functions[16] = lua.luaL_Reg(NULL, NULL)


cdef public int luaopen_skynet_crypt(lua_State *L) noexcept nogil:
    lua.lua_createtable(L, 0, 17)
    lua.luaL_setfuncs(L, functions, 0)
    lua.lua_createtable(L, 0, 2)
    lua.lua_pushinteger(L, PADDING_ISO7816_4)
    lua.lua_setfield(L, -2, "iso7816_4")
    lua.lua_pushinteger(L, PADDING_PKCS7)
    lua.lua_setfield(L, -2, "pkcs7")
    lua.lua_setfield(L, -2, "padding")
    return 1


def openers() -> dict[str, int]:
    """Return the address of the opener of each Lua module in here, by the name that Lua requires it with."""
    return {name: <uintptr_t>&luaopen_skynet_crypt for name in ("skynet.crypt", "client.crypt")}
