"""Pages: what a reader sees of tables and figures."""

from __future__ import annotations

import pandas as pd
from wis.experiments.pages.page import Section, figure, legend_above, write_page


def test_page_escapes_text_and_sets_sentences_flush_left(tmp_path):
    long = "a claim of more than thirty characters <b>"
    table = pd.DataFrame({"claim": [long, "short"], "n & m": [0.123456, float("nan")]})
    write_page(tmp_path / "page.html", "Title", "wis lm x", [Section("Heading", "One.\n\nTwo.", [table])])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<th class="words">claim</th>' in page
    assert '<td class="words">a claim of more than thirty characters &lt;b&gt;</td>' in page
    assert '<td class="words">short</td>' in page
    assert "<th>n &amp; m</th>" in page
    assert "<td>0.1235</td>" in page
    assert "<td>–</td>" in page
    assert "<p>Two.</p>" in page


def test_legend_covers_no_data(tmp_path):
    with figure(tmp_path / "f.svg", columns=2) as (left, right):
        for axes in (left, right):
            axes.plot([0, 1], [0, 1], label="a long name of a line")
            axes.plot([0, 1], [1, 0], label="another long name")
            legend_above(axes, columns=1)
        left.figure.canvas.draw()
        for axes in (left, right):
            legend = axes.get_legend().get_window_extent()
            assert legend.y0 >= axes.get_window_extent().y1
            assert legend.y1 <= left.figure.bbox.y1


def test_figures_are_the_same_bytes_each_time(tmp_path):
    for name in ("a.svg", "b.svg"):
        with figure(tmp_path / name) as (axes,):
            axes.plot([0, 1], [0, 1])
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
