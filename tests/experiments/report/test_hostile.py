"""A results file whose names were chosen to do harm: they are shown, and do none."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
import re
import sqlite3
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest
from wis.experiments.report.findings import read_findings
from wis.experiments.report.headline import summary
from wis.experiments.report.write import write_report
from wis.experiments.sweep.results import read_results
from wis.experiments.sweep.store import FILE_NAME

from tests.experiments.report.conftest import PLAN, fill

SMALL = dataclasses.replace(PLAN, datasets=("digits",), methods=("random", "spectral"), seeds=(0, 1))
NAMES = [
    '"><script>alert(1)</script>',
    "' onload='alert(1)",
    r"a\g<1>\1",
    r"$\frac",
    "../../up",
    "a|b\n<img src=x onerror=alert(1)>",
    "--><script>",
    "{{ 7 * 7 }}",
    "=HYPERLINK(1)",
    "\x1b[2J\x00\u2028",
]


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.harmful: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.harmful += [tag] * (tag in ("script", "img")) + [name for name, _ in attrs if name.startswith("on")]


def rename(folder, dataset: str, method: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as database:
        database.execute("UPDATE cells SET dataset = ?", (dataset,))
        database.execute("UPDATE cells SET method = ? WHERE method = 'spectral'", (method,))
        database.execute("UPDATE datasets SET name = ?, facts = ?", (dataset, json.dumps({dataset: dataset})))
        database.execute("UPDATE sweep SET command = ?", (dataset,))
        database.execute("UPDATE environments SET facts = ?", (json.dumps({dataset: dataset, "versions": dataset}),))
        plan = json.loads(database.execute("SELECT plan FROM sweep").fetchone()[0])
        database.execute("UPDATE sweep SET plan = ?", (json.dumps(plan | {"name": dataset, "datasets": [dataset]}),))
        database.execute("UPDATE runs SET message = ?, status = 'failed' WHERE rowid = 1", (dataset,))


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_do_no_harm(tmp_path, name):
    rename(fill(tmp_path / "run", SMALL), name, f"m{name}")
    out = tmp_path / "deep" / "er" / "report"
    findings = read_findings(tmp_path / "run")
    text = write_report(findings, out).read_text()
    assert Tags(text).harmful == []
    assert "49" not in "".join(re.findall(r"<h[1-3]>(.*?)</h", text))
    assert not re.search(r"[\x00-\x08\x1b\u2028]", text + summary(findings))
    for figure in out.glob("*.svg"):
        ElementTree.fromstring(figure.read_text())
    for table in out.glob("*.md"):
        assert not re.search(r"<[A-Za-z/!]", table.read_text())
    for table in out.glob("*.csv"):
        with table.open(newline="", encoding="utf-8") as file:
            assert not [cell for row in csv.reader(file) for cell in row if cell[:1] in ("=", "@")]
    assert {path.name for path in tmp_path.iterdir()} == {"run", "deep"}
    assert len(list(out.glob("accuracy-*.svg"))) == 1


def test_two_names_that_give_one_file_name_have_two_figures(tmp_path):
    fill(tmp_path / "run", dataclasses.replace(SMALL, datasets=("digits", "Cora")))
    with contextlib.closing(sqlite3.connect(tmp_path / "run" / FILE_NAME, isolation_level=None)) as database:
        database.execute("UPDATE cells SET dataset = CASE dataset WHEN 'digits' THEN 'a/b' ELSE 'a b' END")
    text = write_report(read_findings(tmp_path / "run"), tmp_path / "report").read_text()
    names = {path.name for path in (tmp_path / "report").glob("accuracy-*.svg")}
    assert names == {"accuracy-a-b-gcn.svg", "accuracy-a-b-gcn-2.svg"}
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE sweep SET plan = '['", "is damaged: "),
        ("UPDATE sweep SET plan = '3'", "is damaged: a JSON object was expected, got '3'"),
        ("UPDATE sweep SET plan = '{}'", "is damaged: its plan has no name"),
        ("UPDATE cells SET removed = 'half'", "is damaged: Unable to parse string"),
        ("UPDATE cells SET removed = 3", "is damaged: a removed share is not from 0 to 1"),
        ('UPDATE runs SET kept = \'{"a": "b"}\'', "is damaged: a is no number"),
        ("UPDATE runs SET kept = x'ff00'", "is damaged: "),
        (f"UPDATE sweep SET plan = '{'[' * 99999}'", "is damaged: maximum recursion depth exceeded"),
        ("ALTER TABLE orders RENAME TO o; CREATE VIEW orders AS SELECT * FROM o", "there is no table 'orders'"),
        ("DELETE FROM sweep", "holds no sweep yet"),
        ("DROP TABLE orders", "is not a results file: there is no table 'orders'"),
        ("ALTER TABLE runs DROP COLUMN kept", "is not a results file: there is no column 'kept' in its table 'runs'"),
        ("PRAGMA user_version = 99", "has format 99, this version reads "),
        ("PRAGMA user_version = 0", "is not a results file: it has no format"),
    ],
)
def test_damage_is_told_in_one_line(tmp_path, statement, message):
    fill(tmp_path, SMALL)
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as database:
        database.executescript(statement)
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        read_results(tmp_path)
    assert str(tmp_path / FILE_NAME) in str(caught.value)
    assert (tmp_path / FILE_NAME).read_bytes() == before
