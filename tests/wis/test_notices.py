from __future__ import annotations

from pathlib import Path

import pytest

import wis
from wis.notices import tell


def test_a_notice_is_for_the_caller_of_the_package(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="look here") as told:
        tell("look here")
    assert told[0].filename == __file__
    (tmp_path / "in.csv").write_text("0,1\n1,2\n")
    with pytest.warns(UserWarning, match="its first row, 0,1, is read as an edge") as told:
        wis.read_graph(tmp_path / "in.csv")
    assert told[0].filename == __file__
