"""States and files of a tracker: what rewards lead to is read as it was, everything else is refused."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wis.lm import RewardTracker
from wis.lm.tracker_state import COLUMNS


def _state(**changed: Any) -> dict[str, Any]:
    """The state of two inputs, rewards 0, 1, 1 and 0.5, 0.5, some of it changed."""
    tracker = RewardTracker(support=(0, 1))
    tracker.update(["a", 7], [[0, 1, 1], [0.5, 0.5, 0.5]])
    return tracker.state_dict() | changed


def _table(column: str, value: float, row: int = 0) -> dict[str, Any]:
    table = _state()["table"]
    table[COLUMNS.index(column), row] = value
    return {"table": table}


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", 3]), st.sampled_from([0.0, 0.1, 1 / 3, 1.0]) | st.floats(-1, 1)),
        min_size=1,
        max_size=40,
    ),
    st.floats(1e-3, 1e3),
    st.sampled_from([0.0, 1.0, -1e6]),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_what_rewards_lead_to_is_read_as_it_was(
    stream: list[tuple[str | int, float]], scale: float, offset: float
) -> None:
    tracker = RewardTracker()
    for part in (stream[: len(stream) // 2], stream[len(stream) // 2 :]):
        tracker.update([key for key, _ in part], [offset + scale * reward for _, reward in part])
    again = RewardTracker.from_state_dict(tracker.state_dict())
    assert again.keys == tracker.keys
    np.testing.assert_array_equal(again.state_dict()["table"], tracker.state_dict()["table"])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (_table("count", math.nan), r"table must be finite, got nan at \[0, 0\]"),
        (_table("mean", math.inf), "table must be finite"),
        (_table("count", -3), "count must be a whole number of at least 1; of 'a' it says: count -3"),
        (_table("count", 0, 1), "count must be a whole number of at least 1; of 7 it says"),
        (_table("count", 2.5), "count must be a whole number"),
        (_table("squares", -0.1), "squares must fit the range"),
        (_table("squares", 5.0), "squares must fit the range"),
        (_table("mean", 1.5), "mean must lie between lowest and highest"),
        (_table("lowest", 2.0), "lowest must not pass highest"),
        (_table("lowest", -1.0), r"lowest and highest must lie in the support \(0.0, 1.0\)"),
        (_table("at_lowest", -1), "at_lowest must be a whole number"),
        (_table("at_highest", 0.5), "at_highest must be a whole number"),
        (_table("at_highest", 3), "at_lowest and at_highest must fit count"),
        (_table("at_lowest", 2, 1), "at_lowest and at_highest must fit count"),
        ({"table": np.zeros((7, 1))}, r"2 keys, table \[7, 1\]"),
        ({"table": "x"}, "table must be real numbers"),
        ({"table": np.ma.array(_state()["table"], mask=np.eye(7, 2))}, "table is a masked array"),
        ({"keys": ["a", "a"]}, "keys has 'a' twice"),
        ({"keys": ["a", True]}, "a key must be a string or an integer, got True"),
        ({"keys": ["a", None]}, "a key must be a string or an integer, got None"),
        ({"keys": None}, "keys must be a list"),
        ({"binary": True}, r"lowest and highest must be one of the support \(0.0, 1.0\); of 7"),
        ({"binary": "yes"}, "binary must be True or False"),
        ({"support": (1, 0)}, "support must be"),
        ({"support": 3}, "support must be"),
        ({"level": math.nan}, "level must lie"),
        ({"level": None}, "level must be a number"),
        ({"format": True}, "format is True"),
        ({"format": np.ones(2)}, "format is array"),
    ],
)
def test_broken_states_do_not_load(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RewardTracker.from_state_dict(_state(**changed))


@pytest.mark.parametrize("field", ["format", "support", "binary", "level", "keys", "table"])
def test_a_missing_field_is_named(field: str) -> None:
    state = _state()
    del state[field]
    with pytest.raises(ValueError, match=field):
        RewardTracker.from_state_dict(state)


@pytest.mark.parametrize("state", [None, [1], "x", np.ones(3)])
def test_a_state_is_a_mapping(state: Any) -> None:
    with pytest.raises(TypeError, match="state must be what state_dict"):
        RewardTracker.from_state_dict(state)


def test_no_damaged_byte_gives_another_tracker(tmp_path: Path) -> None:
    path = tmp_path / "tracker.npz"
    tracker = RewardTracker.from_state_dict(_state())
    tracker.save(path)
    whole, right = path.read_bytes(), repr(tracker.state_dict())
    read = []
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        with contextlib.suppress(ValueError):
            read.append(repr(RewardTracker.load(path).state_dict()))
    assert set(read) == {right}  # where the byte is of a date, for example
    assert len(read) < len(whole) / 2


def test_no_cut_file_loads(tmp_path: Path) -> None:
    path = tmp_path / "tracker.npz"
    RewardTracker.from_state_dict(_state()).save(path)
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="is not a saved RewardTracker"):
            RewardTracker.load(path)


@pytest.mark.parametrize("header", [[1, 2], None, {"format": 1}, "x"])
def test_files_with_another_header(tmp_path: Path, header: Any) -> None:
    path = tmp_path / "tracker.npz"
    np.savez(path, header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8), table=np.ones((7, 1)))
    with pytest.raises(ValueError, match="is not a saved RewardTracker"):
        RewardTracker.load(path)
    np.save(path.with_suffix(".npy"), np.ones(3))
    with pytest.raises(ValueError, match="is not a saved RewardTracker"):
        RewardTracker.load(path.with_suffix(".npy"))


def test_masks_are_refused_and_empty_masks_taken() -> None:
    rewards = np.ma.array([[0.0, 1.0], [1.0, 0.0]], mask=[[0, 1], [0, 0]])
    for call in (RewardTracker.from_rewards, lambda values: RewardTracker().update(["a", "b"], values)):
        with pytest.raises(ValueError, match=r"rewards is a masked array.*one reward a key"):
            call(rewards)
        with pytest.raises(ValueError, match="rewards is a masked array"):
            call(list(rewards))
    assert RewardTracker.from_rewards(np.ma.array([[0.0, 1.0]])).mean().tolist() == [0.5]
