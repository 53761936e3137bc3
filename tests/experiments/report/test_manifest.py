"""No file of the user's is lost in a report folder."""

from __future__ import annotations

import json

import pytest
from wis.experiments.report import manifest
from wis.experiments.report.manifest import MANIFEST_NAME, check_folder, write_files

NAMES = ("index.html", "accuracy-*.svg", "ranks.csv")


def content(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.name != MANIFEST_NAME}


def test_only_what_an_earlier_report_wrote_is_removed(tmp_path):
    write_files(tmp_path, {"index.html": "1", "accuracy-a.svg": "a", "ranks.csv": "r"})
    (tmp_path / "accuracy-mine.svg").write_text("mine")
    write_files(tmp_path, {"index.html": "2"})
    assert content(tmp_path) == {"index.html": "2", "accuracy-mine.svg": "mine"}


def test_files_of_a_report_that_were_changed_since_are_the_users(tmp_path):
    write_files(tmp_path, {"index.html": "1", "ranks.csv": "r"})
    check_folder(tmp_path, NAMES)
    (tmp_path / "ranks.csv").write_text("edited")
    with pytest.raises(FileExistsError, match=r"changed since: ranks\.csv; .*--force"):
        check_folder(tmp_path, NAMES)
    write_files(tmp_path, {"index.html": "2"})
    assert content(tmp_path) == {"index.html": "2", "ranks.csv": "edited"}


def test_foreign_files_of_these_names_are_refused(tmp_path):
    check_folder(tmp_path / "absent", NAMES)
    for name in ("notes.md", "difference.txt"):
        (tmp_path / name).write_text("mine")
    check_folder(tmp_path, NAMES)
    for name in ("index.html", "accuracy-x.svg"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(FileExistsError, match=r"no report of wis wrote.*: accuracy-x\.svg and 1 more; "):
        check_folder(tmp_path, NAMES)


def test_a_report_killed_anywhere_can_be_written_again(tmp_path, monkeypatch):
    old, new = {"index.html": "1", "ranks.csv": "r"}, {"accuracy-a.svg": "a", "index.html": "2"}
    replace_file = manifest.replace_file
    for at in range(5):
        folder = tmp_path / str(at)
        write_files(folder, old)
        calls = []

        def fail(path, at=at, calls=calls):
            calls.append(path)
            if len(calls) > at:
                raise KeyboardInterrupt
            return replace_file(path)

        monkeypatch.setattr(manifest, "replace_file", fail)
        if at < 4:
            with pytest.raises(KeyboardInterrupt):
                write_files(folder, new)
        monkeypatch.setattr(manifest, "replace_file", replace_file)
        check_folder(folder, NAMES)
        write_files(folder, new)
        assert content(folder) == new


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"ranks.csv": 3}', "\ud800"])
def test_a_damaged_list_lists_nothing(tmp_path, text):
    (tmp_path / MANIFEST_NAME).write_bytes(text.encode("utf-8", "surrogatepass"))
    (tmp_path / "ranks.csv").write_text("mine")
    with pytest.raises(FileExistsError, match=r"ranks\.csv"):
        check_folder(tmp_path, NAMES)


def test_a_list_cannot_name_files_elsewhere(tmp_path):
    (tmp_path / "elsewhere.csv").write_text("mine")
    out = tmp_path / "out"
    write_files(out, {"index.html": "1"})
    stamp = manifest._hash(b"mine")
    (out / MANIFEST_NAME).write_text(json.dumps({"../elsewhere.csv": [stamp]}))
    write_files(out, {"index.html": "2"})
    assert (tmp_path / "elsewhere.csv").read_text() == "mine"
