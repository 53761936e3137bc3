"""Pages: what a reader sees of tables and figures."""

from __future__ import annotations

import pandas as pd
from wis.experiments.pages.page import Section, write_page


def test_page_escapes_text_and_sets_sentences_flush_left(tmp_path):
    long = "a claim of more than thirty characters <b>"
    table = pd.DataFrame({"claim": [long, "short"], "n & m": [0.123456, float("nan")]})
    write_page(tmp_path / "page.html", "Title", "wis lm x", [Section("Heading", "One.\n\nTwo.", [table])])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<th scope="col" class="words">claim</th>' in page
    assert '<th scope="row" class="words">a claim of more than thirty characters &lt;b&gt;</th>' in page
    assert '<th scope="row" class="words">short</th>' in page
    assert '<th scope="col">n &amp; m</th>' in page
    assert "tbody tr + tr > *" in page  # the style sheet is not escaped
    assert "<td>0.1235</td>" in page
    assert "<td>–</td>" in page
    assert "<p>Two.</p>" in page
