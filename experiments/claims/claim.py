"""A claim, what was measured of it, and the one rule that gives the verdict."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from wis.experiments.claims.stored import Stored

Verdict = Literal["agrees", "disagrees", "not resolved", "not run here"]

RULE = (
    "The rule: a claim names a quantity and where it must lie. It agrees where the whole 95% interval of our number "
    "lies there, disagrees where none of it does, and is not resolved in between. Numbers without an interval are "
    "counts or computed exactly; times of single orders are taken as known "
    "within a factor of two. Intervals are not corrected for the number of claims."
)


@dataclass(frozen=True)
class Region:
    """Where a quantity must lie: from ``low`` to ``high``, both included, in words ``text``."""

    text: str
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True)
class Measured:
    """A number with its 95 % interval, which is the number itself where it is a count or exact.

    Attributes
    ----------
    value, low, high
        The number and its interval.
    basis
        What it rests on, such as ``"10 splits"``.
    """

    value: float
    low: float
    high: float
    basis: str = ""

    @classmethod
    def exactly(cls, value: float, basis: str = "") -> Measured:
        """A count, or a number that was computed exactly."""
        return cls(value, value, value, basis)

    @classmethod
    def within_a_factor_of_two(cls, value: float, basis: str = "") -> Measured:
        """A ratio of times of few orders, made while other work ran."""
        return cls(value, value / 2, 2 * value, basis)

    def __str__(self) -> str:
        text = _number(self.value)
        return text if self.low == self.high else f"{text} [{_number(self.low)}, {_number(self.high)}]"


def _number(value: float) -> str:
    return f"{value:,.3g}".replace("-", "−") if abs(value) < 1000 else f"{value:,.0f}".replace("-", "−")


@dataclass(frozen=True)
class Claim:
    """One claim of a source.

    Attributes
    ----------
    source
        The paper.
    where
        Its section, theorem or figure.
    text
        What it claims, in our words.
    about
        The part that this row is about, such as a data set and a model.
    quantity
        What is measured.
    agrees
        Where the quantity must lie.
    results
        Name of the stored results, one of :data:`wis.experiments.claims.stored.SETS`; empty: not run here.
    measure
        Reads the number from them, or None where they do not have it; None: not run here.
    why_not
        Why it was not run here.
    """

    source: str
    where: str
    text: str
    about: str = ""
    quantity: str = ""
    agrees: Region | None = None
    results: str = ""
    measure: Callable[[Stored], Measured | None] | None = None
    why_not: str = ""

    def measured(self, stored: Stored) -> Measured | None:
        """Our number; None where its results are not there."""
        if self.measure is None or not stored.has(self.results):
            return None
        return self.measure(stored)


def verdict(claim: Claim, measured: Measured | None) -> Verdict:
    """The verdict by :data:`RULE`."""
    if measured is None or claim.agrees is None:
        return "not run here"
    region = claim.agrees
    if region.low <= measured.low and measured.high <= region.high:
        return "agrees"
    if measured.high < region.low or measured.low > region.high:
        return "disagrees"
    return "not resolved"
