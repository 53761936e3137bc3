"""The reward standard deviation of every input, from matrices or from a stream."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wis.checks import check_count, check_flag, check_number, check_numbers
from wis.files import DAMAGED_NPZ, replace_file
from wis.lm.intervals import binary_std_interval, bounded_std_interval, check_level, check_support
from wis.lm.mixture import SuccessMixture, fit_mixture
from wis.lm.moments import ROUNDING, all_in, merged, statistics_of
from wis.lm.summary import RewardSummary, fraction_below
from wis.lm.tracker_state import COLUMNS, check_state

Key = str | int
_FORMAT = 1
_FIELDS = ("support", "binary", "level", "keys", "table")
_ONE_A_KEY = "; groups of different sizes go through update(), one reward a key"
DEFAULT_THRESHOLDS = (0.01, 0.05, 0.1, 0.2)
DEFAULT_GROUP_SIZES = (2, 4, 8, 16)


class RewardTracker:
    """Mean and standard deviation of the reward of each input.

    Keeps seven numbers an input, whatever the number of samples; an update costs O(samples). Updates and merges may
    come in any order and give the same statistics up to rounding.

    Parameters
    ----------
    support
        ``(lowest, highest)`` possible reward. Needed for intervals; None where no range is known, and then intervals
        are NaN, since no honest one exists.
    binary
        Whether the reward takes only the two values of `support`. Intervals are then exact and narrower.
    level
        Probability with which each input's interval holds.

    Notes
    -----
    The standard deviation belongs to the policy that drew the samples. While a policy trains, start the statistics of
    an input over at each visit (``update(..., restart=True)``).

    Examples
    --------
    >>> tracker = RewardTracker(support=(0, 1), binary=True)
    >>> tracker.update(["a", "b"], [[0, 1, 1, 0], [0, 0, 0, 0]])
    >>> tracker.std().round(3)
    array([0.577, 0.   ])
    """

    def __init__(
        self, *, support: tuple[float, float] | None = None, binary: bool = False, level: float = 0.95
    ) -> None:
        if check_flag("binary", binary) and support is None:
            raise ValueError("binary=True needs support=(lower, higher): the two values that the reward takes")
        self.support = None if support is None else check_support(support)
        self.binary = bool(binary)
        self.level = check_level(level)
        self._keys: list[Key] = []
        self._row: dict[Key, int] = {}
        self._stored = np.zeros((len(COLUMNS), 0))  # has room for more inputs than there are

    @classmethod
    def from_rewards(cls, rewards: ArrayLike, keys: Sequence[Key] | None = None, **options: Any) -> RewardTracker:
        """Make a tracker from a matrix of rewards.

        Parameters
        ----------
        rewards
            ``[inputs, samples]``, at least two samples an input.
        keys
            One distinct key an input; by default 0, 1, ….
        **options
            Those of the class.

        Raises
        ------
        ValueError
            If groups are ragged, have one sample or masked ones, or rewards are not finite or out of range.
        TypeError
            If rewards are no numbers, or a key is neither a string nor an integer.
        """
        matrix = check_numbers("rewards", rewards, advice=_ONE_A_KEY)
        if matrix.ndim != 2:
            raise ValueError(f"rewards must have the shape [inputs, samples], got {list(matrix.shape)}")
        if matrix.shape[1] < 2:
            raise ValueError(f"rewards has {matrix.shape[1]} sample an input; a standard deviation needs at least two")
        names = list(range(len(matrix))) if keys is None else _as_keys(keys)
        if len(set(names)) != len(matrix):
            raise ValueError(f"keys must be {len(matrix)} distinct names, one an input, got {len(set(names))}")
        tracker = cls(**options)
        tracker.update(names, matrix)
        return tracker

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"RewardTracker({len(self)} inputs, support={self.support}, binary={self.binary}, level={self.level})"

    @property
    def _table(self) -> NDArray[np.float64]:
        return self._stored[:, : len(self._keys)]

    @property
    def keys(self) -> list[Key]:
        """The inputs, in the order in which they were first seen; every array follows it."""
        return list(self._keys)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of samples of each input."""
        return self._table[0].astype(np.int64)

    def update(self, keys: Iterable[Key], rewards: ArrayLike, *, restart: bool = False) -> None:
        """Add samples.

        Parameters
        ----------
        keys
            Names of the inputs, ``[N]``; one may come several times, so groups may differ in size.
        rewards
            ``[N]``, one sample each, or ``[N, samples]``.
        restart
            Whether the inputs named here forget what they had, because the policy has changed since.

        Raises
        ------
        ValueError
            If shapes disagree, or a reward is NaN, infinite, masked or out of range. The tracker is then unchanged.
        TypeError
            If rewards are no numbers, a key is neither a string nor an integer, or `keys` is a single string.
        """
        matrix, restart = check_numbers("rewards", rewards, advice=_ONE_A_KEY), check_flag("restart", restart)
        names = _as_keys(keys)
        if matrix.ndim not in (1, 2) or len(matrix) != len(names):
            raise ValueError(
                f"rewards must have the shape [{len(names)}] or [{len(names)}, samples], one row a key, "
                f"got {list(matrix.shape)}"
            )
        matrix = self._checked(matrix)
        if not matrix.size:
            return
        distinct = list(dict.fromkeys(names))
        place = {key: i for i, key in enumerate(distinct)}
        group = np.repeat([place[key] for key in names], matrix.size // len(names))
        self._absorb(distinct, statistics_of(group, matrix.ravel(), len(distinct)), restart=restart)

    def merge(self, other: RewardTracker, *, restart: bool = False) -> None:
        """Add the samples of another tracker, of another process for example.

        Parameters
        ----------
        other
            The other tracker; it is not changed.
        restart
            Whether the inputs of `other` forget what they had here.

        Raises
        ------
        ValueError
            If the two disagree on the range of rewards.
        TypeError
            If `other` is no tracker.
        """
        if not isinstance(other, RewardTracker):
            raise TypeError(f"other must be a RewardTracker, got {type(other).__name__}")
        if (self.support, self.binary) != (other.support, other.binary):
            raise ValueError(
                f"cannot merge trackers of different rewards: support {self.support} and {other.support}, "
                f"binary {self.binary} and {other.binary}"
            )
        self._absorb(other._keys, other._table, restart=check_flag("restart", restart))

    def mean(self) -> NDArray[np.float64]:
        """Mean reward of each input, float64 ``[inputs]``."""
        return self._table[1].copy()

    def std(self) -> NDArray[np.float64]:
        """Standard deviation of each input (root of the unbiased variance), NaN with fewer than two samples."""
        return np.sqrt(self._variance())

    def is_zero(self) -> NDArray[np.bool_]:
        """Whether all rewards of an input were equal, up to the rounding of float32."""
        lowest, highest = self._table[3], self._table[4]
        known = 0.0 if self.support is None else max(abs(end) for end in self.support)
        return highest - lowest <= ROUNDING * np.maximum(np.maximum(np.abs(lowest), np.abs(highest)), known)

    def interval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Confidence interval of each input's standard deviation.

        Exact for binary rewards, never too narrow for others inside `support` (`wis.lm.intervals`), NaN where no range
        is known or an input has fewer than two samples. Each holds by itself with probability `level`; they do not
        hold all at once.
        """
        low, high = np.full(len(self), np.nan), np.full(len(self), np.nan)
        use = self._table[0] >= 2
        if self.support is None or not use.any():
            return low, high
        count = self._table[0, use]
        if self.binary:
            low[use], high[use] = binary_std_interval(
                self._successes()[use], count, level=self.level, width=self._width()
            )
        else:
            low[use], high[use] = bounded_std_interval(
                self._table[1, use], self._variance()[use], count, support=self.support, level=self.level
            )
        return low, high

    def zero_group_probability(self, group_size: int) -> NDArray[np.float64]:
        """Probability that a group of samples of one input has no spread, for each input.

        Where an input has at least `group_size` samples it counts the groups of these that consist of the lowest, or of
        the highest, reward seen: for binary rewards an unbiased estimate of ``p^G + (1 - p)^G``, for others of a lower
        bound. With fewer samples no such estimate exists. For binary rewards it is then the expectation of
        ``p^G + (1 - p)^G`` given the input's samples and the mixture of all inputs (`mixture`), and otherwise NaN.

        Parameters
        ----------
        group_size
            Samples in a group, G of GRPO; at least 2.
        """
        size = check_count("group_size", group_size, at_least=2)
        few = self._table[0] < size
        return self._zero_groups(size, self.mixture() if self.binary and few.any() else None)

    def mixture(self) -> SuccessMixture:
        """How the probability of the higher reward is spread over inputs (`wis.lm.fit_mixture`).

        Raises
        ------
        ValueError
            If rewards are not binary, or there is no input yet.
        """
        if not self.binary:
            raise ValueError("a mixture needs binary rewards: RewardTracker(support=(lower, higher), binary=True)")
        return fit_mixture(self._successes(), self._table[0])

    def summary(
        self,
        *,
        thresholds: Sequence[float] = DEFAULT_THRESHOLDS,
        near_zero: float = 0.01,
        group_sizes: Sequence[int] = DEFAULT_GROUP_SIZES,
        intervals: bool = True,
        mixture: bool = True,
    ) -> RewardSummary:
        """Fractions and quantiles over the inputs.

        Parameters
        ----------
        thresholds
            Standard deviations, in units of the reward.
        near_zero
            Below it a standard deviation that is not zero is called near-zero.
        group_sizes
            Group sizes to give the expected fraction of groups without spread for. One above an input's number of
            samples is left out if rewards are not binary.
        intervals
            Whether to count the inputs surely and possibly below; a summary is much faster without.
        mixture
            Whether to fit the mixture of binary rewards, for true standard deviations and for groups larger than the
            samples; some milliseconds.

        Raises
        ------
        ValueError
            If no input has two samples, or a threshold or group size is out of range.
        TypeError
            If one is no number, or `thresholds` or `group_sizes` are not several.
        """
        thresholds = [check_number("a threshold", t, at_least=0) for t in _as_list("thresholds", thresholds)]
        near_zero = check_number("near_zero", near_zero, at_least=0)
        group_sizes = [check_count("a group size", g, at_least=2) for g in _as_list("group_sizes", group_sizes)]
        use = self._table[0] >= 2
        if not use.any():
            raise ValueError("no input has two samples yet, and a standard deviation needs at least two")
        std, zero = self.std()[use], self.is_zero()[use]
        low, high = (
            (end[use] for end in self.interval())
            if check_flag("intervals", intervals)
            else (np.full(len(std), np.nan),) * 2
        )
        fitted = self.mixture() if check_flag("mixture", mixture) and self.binary else None
        shares = [fitted.share_below(t, width=self._width()) if fitted else np.nan for t in thresholds]
        below = tuple(
            fraction_below(float(t), std, low, high, share) for t, share in zip(thresholds, shares, strict=True)
        )
        groups = [(size, float(self._zero_groups(size, fitted)[use].mean())) for size in group_sizes]
        return RewardSummary(
            inputs=int(use.sum()),
            too_few=int((~use).sum()),
            samples=int(self._table[0, use].sum()),
            mean_reward=float(self._table[1, use].mean()),
            mean_std=float(std.mean()),
            median_std=float(np.median(std)),
            p10_std=float(np.quantile(std, 0.1)),
            fraction_zero=float(zero.mean()),
            fraction_near_zero=float((~zero & (std < near_zero)).mean()),
            near_zero=float(near_zero),
            below=below,
            zero_groups=tuple((size, share) for size, share in groups if not np.isnan(share)),
            zero_groups_are_bounds=not self.binary,
        )

    def state_dict(self) -> dict[str, Any]:
        """Everything the tracker knows, as plain lists, numbers and one array; it can be gathered and checkpointed."""
        return {
            "format": _FORMAT,
            "support": None if self.support is None else list(self.support),
            "binary": self.binary,
            "level": self.level,
            "keys": list(self._keys),
            "table": self._table.copy(),
        }

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> RewardTracker:
        """Make the tracker that `state_dict` described.

        Raises
        ------
        ValueError
            If it is no such state, or describes what no rewards lead to; the message names the field and what is wrong.
        TypeError
            If `state` is no mapping.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be what state_dict() returned, got {type(state).__name__}")
        if repr(state.get("format")) != repr(_FORMAT):
            raise ValueError(f"this is not a tracker state of format {_FORMAT}: format is {state.get('format')!r}")
        missing = [field for field in _FIELDS if field not in state]
        if missing:
            raise ValueError(f"the tracker state is damaged: it has no {missing[0]!r}")
        try:
            tracker = cls(support=state["support"], binary=state["binary"], level=state["level"])
            keys, table = _as_keys(state["keys"]), check_numbers("table", state["table"])
            check_state(keys, table, tracker.support, tracker.binary)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the tracker state is damaged: {error}") from error
        tracker._absorb(keys, table, restart=False)
        return tracker

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tracker to an ``.npz`` file without pickles, whole or not at all."""
        state = self.state_dict()
        table = state.pop("table")
        header = np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)
        with replace_file(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, header=header, table=table)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> RewardTracker:
        """Read a tracker that `save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is something else, or damaged.
        """
        with Path(path).open("rb") as file:
            try:
                archive = np.load(file, allow_pickle=False)
                state = json.loads(archive["header"].tobytes().decode()) | {"table": archive["table"]}
                return cls.from_state_dict(state)
            except DAMAGED_NPZ as error:
                raise ValueError(f"{os.fspath(path)} is not a saved RewardTracker: {error}") from error

    def _width(self) -> float:
        lowest, highest = self.support or (np.nan, np.nan)
        return highest - lowest

    def _successes(self) -> NDArray[np.float64]:
        """Samples with the higher of two rewards."""
        higher = self.support and self.support[1]
        return np.where(self._table[4] == higher, self._table[6], 0.0)

    def _zero_groups(self, size: int, mixture: SuccessMixture | None) -> NDArray[np.float64]:
        count, zero = self._table[0], self.is_zero()
        enough = count >= size
        found = np.where(enough, np.where(zero, 1.0, 0.0), np.nan)
        for atom in self._table[5:7]:
            use = enough & ~zero & (atom >= size)
            found[use] += all_in(atom[use], count[use], size)
        if mixture is not None and not enough.all():
            found[~enough] = mixture.zero_group_probability(self._successes()[~enough], count[~enough], size)
        return found

    def _variance(self) -> NDArray[np.float64]:
        count = self._table[0]
        free = np.where(count >= 2, count - 1, np.nan)
        return np.where(self._table[3] == self._table[4], 0.0, self._table[2]) / free

    def _checked(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """The rewards, those a rounding away from an end of `support` moved onto it."""
        if self.support is None or not matrix.size:
            return matrix
        tolerance = ROUNDING * max(abs(end) for end in self.support)
        for end in self.support:
            matrix = np.where(np.abs(matrix - end) <= tolerance, end, matrix)
        lowest, highest = self.support
        outside = (matrix != lowest) & (matrix != highest) if self.binary else (matrix < lowest) | (matrix > highest)
        if outside.any():
            allowed = f"{lowest:g} or {highest:g}" if self.binary else f"between {lowest:g} and {highest:g}"
            raise ValueError(f"a reward must be {allowed} (support), got {matrix[outside].flat[0]:g}")
        return matrix

    def _absorb(self, keys: Sequence[Key], table: NDArray[np.float64], *, restart: bool) -> None:
        new = [key for key in keys if key not in self._row]
        self._make_room(len(new))
        for key in new:
            self._row[key] = len(self._keys)
            self._keys.append(key)
        rows = np.array([self._row[key] for key in keys], dtype=np.int64)
        if restart:
            self._stored[:, rows] = 0
        self._stored[:, rows] = merged(self._stored[:, rows], table)

    def _make_room(self, inputs: int) -> None:
        """Twice the room where it is too small, so that a stream of new inputs is copied O(1) times each."""
        needed = len(self) + inputs
        if needed > self._stored.shape[1]:
            larger = np.zeros((len(COLUMNS), max(needed, 2 * self._stored.shape[1])))
            larger[:, : len(self)] = self._table
            self._stored = larger


def _as_list(name: str, values: Any) -> list[Any]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list, got {values!r}")
    return list(values)


def _as_keys(keys: Any) -> list[Key]:
    if isinstance(keys, str):
        raise TypeError(f"keys must be a list of names, one a row of rewards; for one input pass [{keys!r}]")
    return [_as_key(key) for key in _as_list("keys", keys)]


def _as_key(key: Any) -> Key:
    if isinstance(key, str | int) and not isinstance(key, bool):
        return key
    if isinstance(key, np.integer):
        return int(key)
    raise TypeError(f"a key must be a string or an integer, got {key!r}")
