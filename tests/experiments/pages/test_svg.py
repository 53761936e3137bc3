"""Figures: one style, the same bytes each time."""

from __future__ import annotations

import re

from wis.experiments.pages.svg import BLUE, drawing, figure, inline, legend_above


def test_legend_covers_no_data(tmp_path):
    with figure(tmp_path / "f.svg", columns=2) as (left, right):
        for axes in (left, right):
            axes.plot([0, 1], [0, 1], label="a long name of a line")
            axes.plot([0, 1], [1, 0], label="another long name")
            legend_above(axes, columns=1)
        left.figure.draw_without_rendering()
        for axes in (left, right):
            legend = axes.get_legend().get_window_extent()
            assert legend.y0 >= axes.get_window_extent().y1
            assert legend.y1 <= left.figure.bbox.y1


def test_figures_are_the_same_bytes_each_time(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        with figure(tmp_path / folder / "f.svg") as (axes,):
            axes.plot([0, 1], [0, 1])
    assert (tmp_path / "a" / "f.svg").read_bytes() == (tmp_path / "b" / "f.svg").read_bytes()


def test_a_drawing_scales_and_is_named():
    with drawing("Some title") as drawn:
        drawn.axes[0].plot([0, 1], [0, 1])
    assert drawn.svg.startswith("<svg")
    assert 'role="img" aria-label="Some title"' in drawn.svg
    head = drawn.svg[: drawn.svg.index(">")]
    assert "width=" not in head
    assert "height=" not in head


def test_figures_of_one_page_share_no_id_and_follow_its_colours():
    with drawing("A line") as drawn:
        drawn.axes[0].plot([0, 1], [0, 1], color=BLUE)
    ids = [set(re.findall(r'\bid="([^"]+)"', inline(drawn.svg, name))) for name in ("one", "two")]
    assert ids[0]
    assert not ids[0] & ids[1]
    used = set(re.findall(r'href="#([^"]+)"', inline(drawn.svg, "one")))
    assert used <= ids[0]
    assert "var(--blue)" in inline(drawn.svg, "one")


def test_logarithmic_axes_have_numbers_for_labels():
    with drawing("powers") as drawn:
        (axes,) = drawn.axes
        axes.plot([0.001, 1, 100], [1, 10, 1000])
        axes.set(xscale="log", yscale="log")
    assert "mathdefault" not in drawn.svg
    assert ">0.001<" in drawn.svg
    assert ">1000<" in drawn.svg
