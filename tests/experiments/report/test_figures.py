"""What figures show, read from their text."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from wis.experiments.pages.svg import COLOURS
from wis.experiments.report.figures import accuracy_figure, critical_difference_figure, group_styles, styles
from wis.experiments.report.findings import read_findings
from wis.experiments.report.labels import short_labels
from wis.experiments.sweep.plan import load_plan


def test_no_accuracy_beyond_100_percent_is_on_the_axis(run_folder):
    group = read_findings(run_folder).groups[0]
    looks = styles(group.ranking, group.baseline)
    wide = group.accuracy[group.accuracy["method"] == group.baseline].assign(low=-40.0, high=140.0)
    assert wide["mean"].between(0, 100).all()
    svg = accuracy_figure(dataclasses.replace(group, accuracy=wide), looks, "wide")
    ticks = [float(text) for text in re.findall(r">\s*(-?\d+)\s*</text>", svg.replace("−", "-"))]
    assert max(ticks) == 100
    assert min(ticks) == 0


def _texts(svg):
    return re.findall(r">([^<>]*\S[^<>]*)</text>", svg)


@pytest.fixture
def crowded(run_folder):
    """A group of 24 methods: the first has the best mean, random removal the last but four."""
    group = read_findings(run_folder).groups[0]
    methods = list(load_plan("rivals/cora").methods)
    ranking = [*methods[1:20], "random", *methods[20:]]
    of_random = group.accuracy[group.accuracy["method"] == "random"]
    tables = [of_random.assign(method=m, mean=of_random["mean"] - place) for place, m in enumerate(ranking)]
    return dataclasses.replace(group, accuracy=pd.concat(tables), ranking=ranking, published=group.published[:0])


def test_of_many_methods_the_best_have_colours_and_names(crowded):
    looks = group_styles(crowded, styles(sorted(crowded.ranking), "random"))
    best = crowded.ranking[:8]
    assert [looks[method].color for method in best] == list(COLOURS)
    assert {looks[m] for m in crowded.ranking} - {looks[m] for m in (*best, "random")} == {looks["local"]}
    svg = accuracy_figure(crowded, looks, "crowded")
    named = [text for text in _texts(svg) if text in short_labels(crowded.ranking) or "others" in text]
    assert sorted(named) == sorted([*short_labels([*best, "random"]), "15 others"])


def test_few_methods_keep_their_styles_in_every_group(run_folder):
    group = read_findings(run_folder).groups[0]
    looks = styles(group.ranking, group.baseline)
    assert group_styles(group, looks) is looks


def test_the_legend_is_as_wide_as_the_plot(crowded):
    """Names too long for three columns stand in two, or below each other."""
    for length, columns in ((10, 3), (30, 2), (60, 1)):
        longer = {method: letter + "x" * length for method, letter in zip(crowded.ranking, "abcdef", strict=False)}
        table = crowded.accuracy[crowded.accuracy["method"].isin(longer)]
        figure = dataclasses.replace(crowded, accuracy=table.assign(method=table["method"].map(longer)))
        svg = accuracy_figure(figure, styles(list(longer.values()), None), "long")
        at = re.findall(r'x="([\d.]+)"[^>]*>[^<>]*xx</text>', svg)
        assert len(set(at)) == columns


def test_numbers_of_many_ranks_do_not_touch():
    def numbers(count):
        methods = [f"method-{place}" for place in range(count)]
        ranks = pd.DataFrame({"within": "Cora, gcn", "method": methods, "mean_rank": np.arange(1.0, count + 1)})
        texts = _texts(critical_difference_figure(ranks.assign(critical_difference=2.5)))
        return [int(text) for text in texts if text.isdigit()]

    assert numbers(11) == list(range(1, 12))
    assert numbers(24) == [1, 5, 9, 13, 17, 21]
