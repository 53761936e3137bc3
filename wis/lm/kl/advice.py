"""What a library's KL settings optimise, and which of its own options to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wis.lm.kl.explain import Explanation, explain
from wis.lm.kl.libraries import Reading, find, read
from wis.lm.kl.verdict import SAMPLING, is_unbiased

_PROBES = (  # for each kind of setting, at least two values
    "true", "false", "0.123", "0.2", "k1", "k3", "grpo", "rloo", "dapo", "token", "sequence", "none", "group",
    "token-mean", "seq-mean-token-sum", "token_mean", "sequence_mean", "17", "19",
    "vanilla", "gspo", "fixed", "adaptive", "sum_then_normalize", "normalize_then_sum",
)  # fmt: skip


@dataclass(frozen=True)
class Advice:
    """What `advise` found.

    Attributes
    ----------
    reading
        The settings in this package's words.
    explanations
        One for each KL term.
    ignored
        Settings that were given, are known and change nothing in the KL terms.
    change
        Options of the library that make the gradient unbiased, empty if it is, None if the library has none.
    samplings
        Ways of sampling for which it then is.
    """

    reading: Reading
    explanations: tuple[Explanation, ...]
    ignored: tuple[str, ...]
    change: dict[str, Any] | None
    samplings: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.reading.library} {self.reading.version}"]
        if not self.explanations:
            lines.append("no KL term: its coefficient is 0 or it is not turned on")
        for explanation in self.explanations:
            lines += [str(explanation.configuration), *explanation.lines()]
        lines += [f"note: {note}" for note in self.reading.notes]
        if self.reading.unknown:
            lines.append(f"not known here, and not read: {', '.join(self.reading.unknown)}")
        if self.ignored:
            lines.append(f"given, and without effect on the KL term: {', '.join(self.ignored)}")
        return "\n".join([*lines, *self._advice()])

    def _advice(self) -> list[str]:
        if not self.explanations:
            return []
        if self.change is None:
            told = ", ".join(f"{name}={value!r}" for name, value in self.explanations[0].change.items())
            return [
                f"{self.reading.library} has no option that makes it unbiased; wis.lm.kl.objective does, with {told}"
            ]
        where = ", ".join(self.samplings)
        if not self.change:
            return [f"unbiased ({where}): nothing to change"]
        told = " ".join(f"{name}={value}" for name, value in self.change.items())
        return [f"to be unbiased ({where}): {told}"]


def advise(library: str, settings: Mapping[str, Any], version: str | None = None) -> Advice:
    """Explain a library's settings, and try its options until the gradient is unbiased.

    Parameters
    ----------
    library, settings, version
        Those of `wis.lm.kl.libraries.read`.
    """
    reading = read(library, settings, version)
    change, samplings = _change(library, settings, version, reading)
    return Advice(
        reading=reading,
        explanations=tuple(explain(term) for term in reading.terms),
        ignored=_ignored(library, settings, version, reading),
        change=change,
        samplings=samplings,
    )


def advise_config(config: Any) -> Advice:
    """`advise` for a TRL ``GRPOConfig`` or ``RLOOConfig`` object, of the TRL that is installed.

    Raises
    ------
    TypeError
        If it is another object.
    """
    if type(config).__name__ not in ("GRPOConfig", "RLOOConfig"):
        raise TypeError(f"config must be TRL's GRPOConfig or RLOOConfig, got {type(config).__name__}")
    trl = find("trl")
    return advise("trl", trl.settings_of(config), trl.installed())


def _ignored(library: str, settings: Mapping[str, Any], version: str | None, reading: Reading) -> tuple[str, ...]:
    """Settings for which no value that was tried changes the terms, or what is said beside them."""

    def changes(name: str, value: str) -> bool:
        try:
            found = read(library, {**settings, name: value}, version)
        except ValueError:
            return False
        return (found.terms, found.notes) != (reading.terms, reading.notes)

    known = [name for name in settings if name not in reading.unknown]
    return tuple(name for name in known if not any(changes(name, value) for value in _PROBES))


def _change(
    library: str, settings: Mapping[str, Any], version: str | None, reading: Reading
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Of nothing and the library's own changes, the first that is unbiased for most ways of sampling."""
    best: tuple[dict[str, Any] | None, tuple[str, ...]] = (None, ())
    for change in ({}, *find(library).CHANGES) if reading.terms else ():
        terms = read(library, {**settings, **change}, version).terms
        found = tuple(name for name in SAMPLING if terms and all(is_unbiased(term, (name,)) for term in terms))
        if len(found) > len(best[1]):
            best = change, found
    return best
