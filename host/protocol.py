"""Message types, and the named protocols that services written in Python and the embedding API speak.

A protocol says how values become a payload and back, as the table given to `skynet.register_protocol` does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack

from host.core.pyseri import pack, unpack

__all__ = [
    "PTYPE_CLIENT",
    "PTYPE_DEBUG",
    "PTYPE_ERROR",
    "PTYPE_LUA",
    "PTYPE_MSGPACK",
    "PTYPE_RESPONSE",
    "PTYPE_SYSTEM",
    "PTYPE_TEXT",
    "PTYPE_TRACE",
    "Protocol",
    "protocols",
    "result",
]

PTYPE_TEXT = 0
PTYPE_RESPONSE = 1
PTYPE_CLIENT = 3
PTYPE_SYSTEM = 4
PTYPE_ERROR = 7
PTYPE_DEBUG = 9
PTYPE_LUA = 10
PTYPE_TRACE = 12
# The first number that skynet leaves to users is 13; lualib/msgpack.lua has the same 20.
PTYPE_MSGPACK = 20


@dataclass(frozen=True)
class Protocol:
    """A named message type.

    Attributes:
        name: what `call`, `send` and `dispatch` take.
        id: message type, 0..255.
        pack: values -> payload; raises what it likes for a value it cannot pack.
        unpack: payload -> values; ValueError for bytes that are none of its own.
    """

    name: str
    id: int
    pack: Callable[..., bytes]
    unpack: Callable[[bytes], tuple[Any, ...]]


def _pack_text(*values: str | bytes) -> bytes:
    return b"".join(v.encode("utf-8", "surrogateescape") if isinstance(v, str) else bytes(v) for v in values)


def _unpack_text(payload: bytes) -> tuple[str]:
    return (payload.decode("utf-8", "surrogateescape"),)


def _pack_msgpack(*values: Any) -> bytes:
    """Concatenate the msgpack encodings of the values."""
    packer = msgpack.Packer(autoreset=False)
    for value in values:
        packer.pack(value)
    return bytes(packer.bytes())


def _unpack_msgpack(payload: bytes) -> tuple[Any, ...]:
    unpacker = msgpack.Unpacker(strict_map_key=False, max_buffer_size=max(len(payload), 1))
    unpacker.feed(payload)
    try:
        values = tuple(unpacker)
    # TypeError: a map with an array or a map as key, which Python cannot hash.
    except (ValueError, TypeError) as e:
        raise ValueError(f"Invalid msgpack stream: {str(e) or type(e).__name__}") from e
    if unpacker.tell() != len(payload):
        raise ValueError(f"Invalid msgpack stream: {len(payload) - unpacker.tell()} bytes left")
    return values


def result(values: tuple[Any, ...]) -> Any:
    """Return what a call gives for an answer: None for no values, the value if it is one, a tuple of several."""
    return values[0] if len(values) == 1 else values or None


TEXT = Protocol("text", PTYPE_TEXT, _pack_text, _unpack_text)
LUA = Protocol("lua", PTYPE_LUA, pack, unpack)
MSGPACK = Protocol("msgpack", PTYPE_MSGPACK, _pack_msgpack, _unpack_msgpack)
DEBUG = Protocol("debug", PTYPE_DEBUG, pack, unpack)

protocols: dict[str, Protocol] = {p.name: p for p in (TEXT, LUA, MSGPACK, DEBUG)}
"""The predefined protocols by name."""
