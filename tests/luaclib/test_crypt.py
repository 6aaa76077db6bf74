"""skynet.crypt; the vectors are those of the reference, and Python's own implementations where it has them."""

import base64
import hashlib
import hmac
import os
import random
import re

import pytest
from bare_vm import bare_vm, lupa
from mutation import mutated

A = bytes.fromhex("0102030405060708")
B = bytes.fromhex("1112131415161718")
# The original's arithmetic takes 17 characters up to "g" for digits.
HEX = {**{c: c - 48 for c in range(48, 58)}, **{c: c - 87 for c in range(87, 104)}}
BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


@pytest.fixture(scope="module")
def crypt():
    return bare_vm("crypt").execute('return (require "skynet.crypt")')


def call(crypt, name, *args):
    return crypt[name.encode()](*args)


def test_client_crypt_is_the_same_module():
    vm = bare_vm("crypt")

    assert vm.execute("""
        local a, b = require "skynet.crypt", require "client.crypt"
        for k, v in pairs(a) do if k ~= "padding" and b[k] ~= v then return k end end
        return "same"
    """) == b"same"


def test_the_module_has_the_names_of_the_original(crypt):
    assert {key.decode() for key in crypt} == {
        "base64decode", "base64encode", "desdecode", "desencode", "dhexchange", "dhsecret", "hashkey", "hexdecode",
        "hexencode", "hmac64", "hmac64_md5", "hmac_hash", "hmac_sha1", "padding", "randomkey", "sha1", "xor_str",
    }


@pytest.mark.parametrize(("name", "args", "expected"), [
    ("hashkey", (b"",), "05150000a7c6674e"),
    ("hashkey", (b"hello",), "9930920fcbef1867"),
    ("hashkey", (b"\xff\xfe",), "228c59000666a8a4"),
    ("hmac64", (A, B), "d57d01ec003f67fc"),
    ("hmac64", (B, A), "21c9cc2dc9243334"),
    ("hmac64_md5", (A, B), "96a426cb1ef9f754"),
    ("hmac_hash", (A, b"hello"), "7a3851a6280017c1"),
    ("dhexchange", (A,), "984e1418283235ed"),
    ("dhexchange", (B,), "09d6bbb70ed9cc3a"),
    ("dhsecret", (bytes.fromhex("984e1418283235ed"), B), "98c8a946ef79df88"),
    ("dhexchange", (b"\xff" * 8,), "4e2ea6baf651b377"),
    ("dhsecret", (b"\xff" * 8, b"\2" + bytes(7)), "240d000000000000"),
    ("desencode", (b"12345678", b""), "8d3d438a718b4510"),
    ("desencode", (b"12345678", b"hello"), "7e38177924357156"),
    ("desencode", (b"12345678", b"ABCDEFGH"), "96de603eaed6256f8d3d438a718b4510"),
    ("desencode", (b"12345678", b"", 1), "feb959b7d4642fcb"),
    ("desencode", (b"12345678", b"hello", 1), "ba16c6a0257125af"),
    ("desencode", (b"12345678", b"ABCDEFGH", 1), "96de603eaed6256ffeb959b7d4642fcb"),
    ("xor_str", (b"hello", b"\1\2"), "69676d6e6e"),
    ("xor_str", (b"", b"\1\2"), ""),
    ("sha1", (b"abc",), "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("hmac_sha1", (b"key", b"The quick brown fox jumps over the lazy dog"),
     "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"),
    ("hmac_sha1", (b"k" * 80, b"x"), "fe27386664b46849e7ba6899ae428c1d408ff40e"),
    ("base64decode", (b"YQ==YWI=",), b"aab".hex()),
    ("base64decode", (b"Y\nQ",), b"a".hex()),
    ("base64decode", (b"",), ""),
    ("hexdecode", (b"00ff7f",), "00ff7f"),
    ("hexdecode", (b"WXg0",), "0100"),
])
def test_vectors(crypt, name, args, expected):
    assert call(crypt, name, *args).hex() == expected


@pytest.mark.parametrize(("name", "args", "error"), [
    ("hmac64", (A[:7], B), "Invalid uint64 x"),
    ("hmac64", (A, B + b"x"), "Invalid uint64 y"),
    ("hmac64_md5", (A[:7], B), "Invalid uint64 x"),
    ("hmac_hash", (b"", b"text"), "Invalid uint64 key"),
    ("dhexchange", (b"1234567",), "Invalid dh uint64 key"),
    ("dhexchange", (bytes(8),), "Can't be 0"),
    ("dhsecret", (bytes(8), A), "Can't be 0"),
    ("dhsecret", (A, bytes(8)), "Can't be 0"),
    ("dhsecret", (b"", A), "Invalid uint64 x"),
    ("dhsecret", (A, b""), "Invalid uint64 y"),
    ("desencode", (b"1234567", b""), "Invalid key size 7, need 8 bytes"),
    ("desencode", (b"12345678", b"", 2), "Invalid padding mode 2"),
    ("desdecode", (b"12345678", b""), "Invalid des crypt text length 0"),
    ("desdecode", (b"12345678", b"123456789"), "Invalid des crypt text length 9"),
    ("desdecode", (b"12345678", bytes(8)), "Invalid des crypt text"),
    ("desdecode", (b"12345678", bytes(8), 1), "Invalid des crypt text"),
    ("hexdecode", (b"abc",), "Invalid hex text size 3"),
    ("hexdecode", (b"AB",), "Invalid hex text"),
    ("hexdecode", (b"0h",), "Invalid hex text"),
    ("base64decode", (b"YQ==\n",), "Invalid base64 text"),
    ("base64decode", (b"Y",), "Invalid base64 text"),
    ("base64decode", (b"YR==",), "Invalid base64 text"),
    ("base64decode", (b"YWJ=",), "Invalid base64 text"),
    ("base64decode", (b"====",), "Invalid base64 text"),
    ("xor_str", (b"hello", b""), "Can't xor empty string"),
])
def test_errors(crypt, name, args, error):
    with pytest.raises(lupa.LuaError) as caught:
        call(crypt, name, *args)

    assert error in str(caught.value)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 54, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 5000])
def test_digests_and_codecs_agree_with_pythons(crypt, n):
    data = os.urandom(n)

    assert call(crypt, "sha1", data) == hashlib.sha1(data).digest()
    assert call(crypt, "hmac_sha1", data, b"text") == hmac.digest(data, b"text", "sha1")
    assert call(crypt, "base64encode", data) == base64.b64encode(data)
    assert call(crypt, "base64decode", base64.b64encode(data)) == data
    assert call(crypt, "base64decode", base64.b64encode(data).rstrip(b"=")) == data
    assert call(crypt, "hexencode", data) == data.hex().encode()
    assert call(crypt, "hexdecode", data.hex().encode()) == data


@pytest.mark.parametrize("mode", [0, 1])
def test_what_des_encodes_it_decodes(crypt, mode):
    for n in (*range(34), 1023, 1024, 1025, 5000):
        key, text = os.urandom(8), os.urandom(n)
        code = call(crypt, "desencode", key, text, mode)
        assert len(code) == n // 8 * 8 + 8
        assert call(crypt, "desdecode", key, code, mode) == text


def test_des_ignores_the_parity_bits_of_the_key(crypt):
    key = os.urandom(8)
    other = bytes(b ^ 1 for b in key)

    assert call(crypt, "desencode", key, b"text") == call(crypt, "desencode", other, b"text")


def test_both_sides_of_an_exchange_reach_the_same_secret(crypt):
    for _ in range(200):
        a, b = call(crypt, "randomkey"), call(crypt, "randomkey")
        ours = call(crypt, "dhsecret", call(crypt, "dhexchange", b), a)
        theirs = call(crypt, "dhsecret", call(crypt, "dhexchange", a), b)
        assert ours == theirs
        p = 2 ** 64 - 59
        expected = pow(5, int.from_bytes(a, "little") * int.from_bytes(b, "little"), p)
        assert ours == expected.to_bytes(8, "little")


def test_random_keys_differ(crypt):
    keys = [call(crypt, "randomkey") for _ in range(3000)]

    assert {len(key) for key in keys} == {8}
    assert len(set(keys)) == len(keys)


def test_garbage_is_decoded_or_refused_but_never_misread(crypt):
    rng = random.Random(7)
    alphabet = b"ABCabc+/=\n 019_-"
    for _ in range(20000):
        text = bytes(rng.choice(alphabet) for _ in range(rng.randrange(40)))
        try:
            decoded = call(crypt, "base64decode", text)
        except lupa.LuaError:
            continue
        clean = bytes(c for c in text if c not in b"\n _-")
        groups = [clean[i:i + 4] for i in range(0, len(clean), 4)]
        assert decoded == b"".join(base64.b64decode(g + b"=" * (-len(g) % 4)) for g in groups)


def answer(crypt, name, *args):
    """The result, or None when the text is refused, which must be said in the module's own words."""
    try:
        return call(crypt, name, *args)
    except lupa.LuaError as error:
        assert re.search("Invalid (base64 text|hex text|des crypt text)", str(error)), error
        return None


@pytest.mark.timeout(120)
def test_decoders_take_a_hundred_thousand_mutated_texts(crypt):
    rng = random.Random(3)
    for _ in range(33334):
        plain = rng.randbytes(rng.randrange(1, 40))
        key = rng.randbytes(8)

        text = mutated(rng, base64.b64encode(plain))
        decoded = answer(crypt, "base64decode", text)
        if decoded is not None:
            # What is let pass says what Python reads in it; blanks are passed over by both.
            kept = bytes(c for c in text if c in BASE64)
            assert decoded == b"".join(
                base64.b64decode(kept[i:i + 4] + b"=" * (-len(kept[i:i + 4]) % 4)) for i in range(0, len(kept), 4))

        text = mutated(rng, plain.hex().encode())
        digits = [HEX.get(c) for c in text]
        expected = None
        if len(text) % 2 == 0 and None not in digits:
            expected = bytes((high << 4 | low) & 255 for high, low in zip(digits[::2], digits[1::2], strict=True))
        assert answer(crypt, "hexdecode", text) == expected

        mode = rng.randrange(2)
        text = mutated(rng, call(crypt, "desencode", key, plain, mode))
        decoded = answer(crypt, "desdecode", key, text, mode)
        assert (len(text) % 8 == 0 and text != b"") or decoded is None
        if decoded is not None:
            assert len(text) - 8 <= len(decoded) <= len(text)
