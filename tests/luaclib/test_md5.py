"""md5.core and lualib/md5.lua."""

import hashlib
import hmac
import os
import pathlib

import pytest
from bare_vm import bare_vm, lupa

LUALIB = pathlib.Path(__file__).parents[2] / "lualib"


@pytest.fixture(scope="module")
def md5():
    vm = bare_vm("md5")
    vm.execute(f'package.path = "{LUALIB}/?.lua"')
    return vm.execute('return (require "md5")')


@pytest.mark.parametrize("n", [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 121, 1000])
def test_digests_agree_with_pythons(md5, n):
    data = os.urandom(n)

    assert md5[b"sum"](data) == hashlib.md5(data).digest()
    assert md5[b"sumhexa"](data) == hashlib.md5(data).hexdigest().encode()


def test_hmac_takes_the_data_first(md5):
    assert md5[b"hmacmd5"](b"what do ya want for nothing?", b"Jefe") == b"750c783e6ab0b503eaa86e310a5db738"


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 200])
def test_hmac_agrees_with_pythons_for_any_key(md5, n):
    key = os.urandom(n)

    assert md5[b"hmacmd5"](b"data", key) == hmac.new(key, b"data", "md5").hexdigest().encode()


def test_crypt_vector(md5):
    assert md5[b"crypt"](b"hello world, this is a test", b"key", b"seed").hex() == (
        "0473656564c78025b74eeaf25687f4eaabf911327da70e275df474f7f20c85b4")


@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 1006, 1007, 1008, 4000])
def test_what_crypt_encodes_it_decrypts(md5, n):
    text = os.urandom(n)

    assert md5[b"decrypt"](md5[b"crypt"](text, b"key"), b"key") == text
    assert md5[b"decrypt"](md5[b"crypt"](text, b"k" * 256, b"s" * 16), b"k" * 256) == text
    assert md5[b"decrypt"](md5[b"crypt"](text, b"", b""), b"") == text


def test_exor(md5):
    assert md5[b"exor"](b"\x0f\xf0", b"\xff\xff") == b"\xf0\x0f"


@pytest.mark.parametrize(("name", "args", "error"), [
    ("exor", (b"a", b"ab"), "lengths must be equal"),
    ("crypt", (b"text", b"k" * 257), "key too long (> 256)"),
    ("crypt", (b"text", b"key", b"s" * 17), "seed too long (> 16)"),
    ("decrypt", (b"", b"key"), "invalid cyphered string"),
    ("decrypt", (b"\4abc", b"key"), "invalid cyphered string"),
    ("decrypt", (b"\x11" + b"s" * 20, b"key"), "invalid cyphered string"),
])
def test_errors(md5, name, args, error):
    with pytest.raises(lupa.LuaError) as caught:
        md5[name.encode()](*args)

    assert error in str(caught.value)


def test_the_module_tells_its_version(md5):
    assert md5[b"_VERSION"] == b"MD5 1.2"
    assert md5[b"_DESCRIPTION"] and md5[b"_COPYRIGHT"]
