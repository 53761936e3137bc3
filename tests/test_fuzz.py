"""The fuzzer: two seconds of it, that it sees what is wrong, and that what it prints repeats a case."""

from __future__ import annotations

import shlex

import numpy as np
import pytest

from tests import fuzz
from tests.graph_kinds import FILES, KINDS, columns_of_form, read_file, same_edges, write_file
from tests.strategies import family

CASES = {"oracle": 100, "engines": 5, "types": 12, "orders": 20}


@pytest.mark.parametrize("attack", fuzz.ATTACKS)
def test_some_cases_of_every_attack(attack: str) -> None:
    done, failures = fuzz.run(0, cases=CASES[attack], attack=attack)
    assert (done, failures) == (CASES[attack], [])


def test_every_attack_is_drawn_and_time_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    for name in fuzz.ATTACKS:
        monkeypatch.setitem(fuzz.ATTACKS, name, lambda rng, name=name: drawn.append(name))
    assert fuzz.main(["--cases", "60", "--seed", "0"]) == 0
    assert set(drawn) == set(fuzz.ATTACKS)
    assert fuzz.run(0, seconds=0) == (0, [])


@pytest.mark.parametrize("attack", ["oracle", "types", "orders"])
def test_a_wrong_engine_is_seen_and_the_command_repeats_it(
    attack: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = fuzz.rank

    def wrong(edges, **options):
        order = right(edges, **options)
        return np.concatenate([order[1:2], order[:1], order[2:]]) if options["chunk"] == 2 else order

    monkeypatch.setattr(fuzz, "rank", wrong)
    assert fuzz.main(["--seed", "0", "--cases", "80", "--attack", attack]) == 1
    printed = capsys.readouterr().out
    assert "'chunk': 2" in printed
    command = printed[printed.index("repeat: ") :].splitlines()[0]
    again = shlex.split(command.removeprefix("repeat: python -m tests.fuzz"))
    assert fuzz.main(again) == 1
    assert command in capsys.readouterr().out
    monkeypatch.undo()
    assert fuzz.main(again) == 0


def test_what_crashes_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "rank", lambda edges, **options: 1 // 0)
    done, failures = fuzz.run(0, cases=100, attack="oracle")
    assert done == len(failures) == 10
    assert "ZeroDivisionError" in failures[0].what


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.is_installed])
def test_a_graph_of_every_type_is_read_as_it_was_made(name: str) -> None:
    kind = KINDS[name]
    columns = columns_of_form(family("hub", 9, directed=True).pairs, kind.form)
    assert same_edges(kind.read(kind.make(columns, 10)), columns, kind.form)
    assert not same_edges(kind.read(kind.make(columns[:, 1:], 10)), columns, kind.form)


@pytest.mark.parametrize("suffix", FILES)
def test_a_graph_of_every_file_is_read_as_it_was_written(suffix: str, tmp_path) -> None:
    columns = family("hub", 9).pairs
    assert np.array_equal(read_file(write_file(columns, tmp_path, suffix)), columns)
