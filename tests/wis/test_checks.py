"""Checks of arguments: what they return, and the words of their errors."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from wis.checks import check_bytes, check_flag, check_number, check_numbers
from wis.engine.options import check_options


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[1, 2], [3, 4]], [[1.0, 2.0], [3.0, 4.0]]),
        (np.array([1, 2], dtype=np.uint8), [1.0, 2.0]),
        ([True, False], [1.0, 0.0]),
        ([Fraction(1, 2)], [0.5]),
        (torch.tensor([0.5], dtype=torch.bfloat16, requires_grad=True), [0.5]),
        (np.ma.array([1.0, 2.0]), [1.0, 2.0]),
        ([torch.tensor(1.0), torch.tensor(2.0)], [1.0, 2.0]),
        (3, 3.0),
    ],
)
def test_numbers_of_any_kind(values: Any, expected: Any) -> None:
    found = check_numbers("x", values)
    assert found.dtype == np.float64
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([[1], [2, 3]], ValueError, "x must be numbers in a full array; do that"),
        ([1.0, math.nan], ValueError, r"x must be finite, got nan at \[1\]"),
        (-math.inf, ValueError, "x must be finite, got -inf$"),
        (None, (TypeError, ValueError), "x must be"),
        ("1", TypeError, "x must be real numbers, got an array of str"),
        (["1", "2"], TypeError, "x must be real numbers, got an array of str"),
        ([1, {}], TypeError, "x must be real numbers, got list"),
        (np.array([1j]), TypeError, "got an array of complex128"),
        (torch.tensor([1j]), TypeError, "got an array of complex64"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), TypeError, "real numbers"),
        ([torch.ones(1, requires_grad=True)], TypeError, "real numbers"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), ValueError, "x is a masked array.*; do that"),
        ([np.ma.array([1.0, 2.0], mask=[0, 1])], ValueError, "x is a masked array"),
    ],
)
def test_what_is_no_numbers(values: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_numbers("x", values, advice="; do that")


def test_one_number() -> None:
    assert check_number("x", np.float32(0.5), at_least=0) == 0.5
    assert check_number("x", -math.inf) == -math.inf
    for value in (-1e-9, math.inf, math.nan):
        with pytest.raises(ValueError, match="x must be finite and at least 0"):
            check_number("x", value, at_least=0)
    for wrong in (True, "1", None, 1j, np.ones(1), torch.tensor(1.0)):
        with pytest.raises(TypeError, match="x must be a number"):
            check_number("x", wrong)


def test_a_flag_is_no_number() -> None:
    assert check_flag("x", np.True_) is True
    for wrong in (1, 0, None, "yes", torch.tensor(True)):
        with pytest.raises(TypeError, match="x must be True or False"):
            check_flag("x", wrong)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (5, 5),
        ("5", 5),
        ("5 b", 5),
        ("2K", 2 << 10),
        ("2k", 2 << 10),
        ("2KiB", 2 << 10),
        ("2KB", 2000),
        ("1.5M", 3 << 19),
        ("4G", 4 << 30),
        ("4 GiB", 4 << 30),
        ("4GB", 4 * 10**9),
        ("1T", 1 << 40),
    ],
)
def test_bytes_are_read_as_gnu_reads_them(size: int | str, expected: int) -> None:
    assert check_bytes("x", size) == expected


@pytest.mark.parametrize("size", ["", "G", "-1G", "1e9", "4 X", "4 iB", "4 GG", "1_000"])
def test_what_is_no_number_of_bytes(size: str) -> None:
    with pytest.raises(ValueError, match="x must be bytes, an integer or a text such as '4G', '500MiB' or '2GB', got"):
        check_bytes("x", size)


def test_memory_and_max_memory_read_sizes_alike() -> None:
    options = check_options(depth=3, memory="2GB", num_nodes=3)
    assert options.memory == check_bytes("max_memory", "2GB") == 2 * 10**9
