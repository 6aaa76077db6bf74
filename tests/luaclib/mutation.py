"""Inputs that are almost right, for parsers."""

import random


def mutated(rng: random.Random, data: bytes) -> bytes:
    """Return the bytes with one to three of them, or parts of them, changed, doubled or missing."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << rng.randrange(8)
            case 1:
                changed[at:at] = rng.randbytes(rng.randrange(1, 9))
            case 2:
                del changed[at : at + rng.randrange(1, 9)]
            case 3:
                changed[at:at] = changed[at : at + rng.randrange(1, 65)]
            case 4 if at < len(changed):
                changed[at] = rng.randrange(256)
            case 5:
                del changed[at:]
    return bytes(changed)
