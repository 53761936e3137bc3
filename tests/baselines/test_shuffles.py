"""Shuffles on disk are those of NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from wis.baselines import shuffles

HERE = Path()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 17, 1000])
@pytest.mark.parametrize("memory", [0, 100, 2_000, 1 << 20])
@pytest.mark.parametrize("chunk", [1, 5, 1 << 16])
def test_is_the_inverse_of_the_permutation(
    monkeypatch: pytest.MonkeyPatch, count: int, memory: int, chunk: int
) -> None:
    monkeypatch.setattr(shuffles, "_CHUNK", chunk)
    count = min(count, 100 if memory == 0 else count)  # a file for each number
    expected = np.empty(count)
    expected[np.random.default_rng(5).permutation(count)] = np.arange(count)
    found = list(shuffles.shuffled_places(np.random.default_rng(5), count, HERE, memory))
    assert all(len(block) <= max(memory // 16, 1) for block in found)
    assert np.concatenate([np.empty(0), *found]).tolist() == expected.tolist()


def test_draws_of_more_than_32_bits_take_whole_words() -> None:
    """Around 2**32 places, by the rule: bits of 64 above, of 32 below, until they are no more than the place."""
    places = np.arange((1 << 32) + 40, (1 << 32) - 40, -1)
    words = iter(np.random.default_rng(1).bit_generator.random_raw(2_000).tolist())
    halves: list[int] = []
    expected = []
    for place in places.tolist():
        mask = (1 << place.bit_length()) - 1
        value = place + 1
        while value > place:
            if place >= 1 << 32:
                value = next(words) & mask
            else:
                if not halves:
                    word = next(words)
                    halves = [word & 0xFFFFFFFF, word >> 32]
                value = halves.pop(0) & mask
        expected.append(value)
    draws = shuffles._Draws(np.random.default_rng(1))
    assert draws.up_to(places).tolist() == expected


def test_another_rule_of_numpy_is_an_error_and_not_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    shuffles._check_rule.cache_clear()
    made = np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda seed: _Backwards(made(seed)))
    with pytest.raises(RuntimeError, match="shuffles by a rule that is not known here"):
        next(shuffles.shuffled_places(made(5), 10, HERE, 1 << 20))
    monkeypatch.undo()
    assert len(next(shuffles.shuffled_places(made(5), 10, HERE, 1 << 20))) == 10


class _Backwards:
    """A generator of another NumPy."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self.bit_generator = random.bit_generator

    def permutation(self, count: int) -> np.ndarray:
        return self._random.permutation(count)[::-1]
