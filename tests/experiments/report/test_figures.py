"""What figures show, read from their text."""

from __future__ import annotations

import dataclasses
import re

from wis.experiments.report.figures import accuracy_figure, styles
from wis.experiments.report.findings import read_findings


def test_no_accuracy_beyond_100_percent_is_on_the_axis(run_folder):
    group = read_findings(run_folder).groups[0]
    looks = styles(group.ranking, group.baseline)
    wide = group.accuracy[group.accuracy["method"] == group.baseline].assign(low=-40.0, high=140.0)
    assert wide["mean"].between(0, 100).all()
    svg = accuracy_figure(dataclasses.replace(group, accuracy=wide), looks, "wide")
    ticks = [float(text) for text in re.findall(r">\s*(-?\d+)\s*</text>", svg.replace("−", "-"))]
    assert max(ticks) == 100
    assert min(ticks) == 0
