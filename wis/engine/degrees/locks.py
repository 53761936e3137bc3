"""Locks for kernels that several threads run at once: one word of an array each, 0 while it is free.

Numba has no atomic operations on the CPU, but lets an extension emit those of LLVM.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from wis.kernels import inlined

_WORD_BYTES = 4


@intrinsic
def _exchange(typing: Any, words: Any, at: Any) -> Any:
    """Write 1 into a word of a uint32 array, and return what was there; later reads see what its last owner wrote."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = _place(context, builder, signature, given)
        return builder.atomic_rmw("xchg", place, context.get_constant(types.uint32, 1), "acquire")

    return types.uint32(words, at), emit


@intrinsic
def _clear(typing: Any, words: Any, at: Any) -> Any:
    """Write 0 into a word, after all that this thread wrote before."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = _place(context, builder, signature, given)
        builder.store_atomic(context.get_constant(types.uint32, 0), place, "release", _WORD_BYTES)
        return context.get_dummy_value()

    return types.void(words, at), emit


@intrinsic
def _add(typing: Any, numbers: Any, at: Any) -> Any:
    """Add 1 to one number of an int64 array, and return what was there."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = _place(context, builder, signature, given)
        return builder.atomic_rmw("add", place, context.get_constant(types.int64, 1), "monotonic")

    return types.int64(numbers, at), emit


def _place(context: Any, builder: Any, signature: Any, given: Any) -> Any:
    words = context.make_array(signature.args[0])(context, builder, given[0])
    return builder.gep(words.data, [given[1]])


@inlined
def try_lock(words: np.ndarray, at: int) -> bool:
    """Take the lock at a place of a uint32 array; False where another thread has it."""
    return bool(_exchange(words, np.int64(at)) == 0)


@inlined
def unlock(words: np.ndarray, at: int) -> None:
    """Give back a lock that this thread took."""
    _clear(words, np.int64(at))


@inlined
def take_number(numbers: np.ndarray, at: int) -> np.int64:
    """The number at a place of an int64 array, which is then one more: no two threads get the same."""
    return np.int64(_add(numbers, np.int64(at)))
