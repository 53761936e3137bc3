"""Arithmetic modulo the prime 2**31 - 1: a product of two numbers below it fits into 64 bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from wis.kernels import inlined

MODULUS = 2**31 - 1

_P = np.uint64(MODULUS)
_BITS = np.uint64(31)


@inlined
def reduced(x: Any) -> Any:
    """A uint64 below 2**62 - 1 modulo the prime. 2**31 is 1, so the high bits are added to the low ones."""
    x = (x & _P) + (x >> _BITS)
    return x - _P if x >= _P else x


@inlined
def times(a: Any, b: Any) -> Any:
    """The product of two numbers below the prime, as uint64."""
    return reduced(np.uint64(a) * np.uint64(b))
