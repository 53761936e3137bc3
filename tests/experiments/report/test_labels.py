from __future__ import annotations

import sys

import pandas as pd
import pytest
from wis.experiments.report.figures import has_bands, styles
from wis.experiments.report.labels import method_label, short_labels
from wis.experiments.report.table import signed, unsigned


def test_labels_are_short_where_the_name_is_enough() -> None:
    methods = ["random", "ugs:epochs=100,lr=0.005", "wis:depth=3", "wis:depth=3,ties=random", "spanner:stretch=3"]
    assert short_labels(methods) == ["Random", "UGS", "2-WIS", "2-WIS (ties=random)", "Spanner"]
    assert short_labels(["k-neighbor", "local-degree", "rank-degree"]) == ["K-Neighbor", "LocalDegree", "RankDegree"]
    assert short_labels(["ugs", "ugs:epochs=100"]) == ["UGS", "UGS (epochs=100)"]
    assert short_labels(["mine:rank:bias=2", "mine:other"]) == ["mine:rank", "mine:other"]
    assert short_labels(["mine:rank:bias=2", "mine:rank"]) == ["mine:rank (bias=2)", "mine:rank"]


def test_a_method_is_not_imported_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    assert method_label("this:d") == "this:d"
    assert "this" not in sys.modules


def test_thirty_methods_all_look_different() -> None:
    looks = styles([f"method-{i}" for i in range(30)], "method-0")
    assert len(set(looks.values())) == 30


def test_bands_only_where_they_do_not_cover_each_other() -> None:
    assert has_bands(pd.DataFrame({"method": list("abcdef")}))
    assert not has_bands(pd.DataFrame({"method": list("abcdefg")}))


@pytest.mark.parametrize(
    ("value", "plain", "with_sign"),
    [(0.04, "0.0", "0.0"), (-0.04, "0.0", "0.0"), (0.0, "0.0", "0.0"), (1.26, "1.3", "+1.3"), (-1.26, "−1.3", "−1.3")],
)
def test_zero_has_no_sign(value: float, plain: str, with_sign: str) -> None:
    assert unsigned(value) == plain
    assert signed(value) == with_sign
