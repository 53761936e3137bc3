"""The site's hook: what the pages link to outside their folder becomes part of the site, and strict links hold."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
_LINK = re.compile(r"(\]\(|src=\")([^)\s\"#]+)")
_OUTSIDE = "repository"


def on_files(files: Files, config: Any) -> Files:
    """Add the files that pages link to outside ``docs``, and those that these link to."""
    waiting = [ROOT / "docs" / file.src_uri for file in files.documentation_pages()]
    seen: set[Path] = set()
    while waiting:
        page = waiting.pop()
        for _, link in _LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / link).resolve()
            is_outside = target.is_file() and (ROOT / "docs") not in target.parents and ROOT in target.parents
            if not is_outside or target in seen:
                continue
            seen.add(target)
            uri = posixpath.join(_OUTSIDE, target.relative_to(ROOT).as_posix())
            files.append(File.generated(config, uri, abs_src_path=str(target)))
            if target.suffix == ".md":
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point links to where their targets lie in the site; those to folders become plain text."""
    uri = page.file.src_uri
    is_outside = uri.startswith(f"{_OUTSIDE}/")
    source = ROOT / (uri.removeprefix(f"{_OUTSIDE}/") if is_outside else f"docs/{uri}")

    def moved(found: re.Match[str]) -> str:
        target = (source.parent / found[2]).resolve()
        if re.match(r"[a-z]+:", found[2]) or not target.is_file():
            return found[0]
        inside = target.relative_to(ROOT).as_posix()
        place = inside.removeprefix("docs/") if inside.startswith("docs/") else f"{_OUTSIDE}/{inside}"
        return found[1] + posixpath.relpath(place, posixpath.dirname(uri) or ".")

    without_folders = re.sub(
        r"\[([^\]]+)\]\(([^)\s#:]+/?)\)",
        lambda found: found[1] if (source.parent / found[2]).is_dir() else found[0],
        markdown,
    )
    return _LINK.sub(moved, without_folders)


def on_page_content(html: str, page: Any, config: Any, files: Files) -> str:
    """Drop the roles of reStructuredText, which docstrings have for editors."""
    return re.sub(r":(?:func|class|meth|mod|data|attr|exc):(?=<code>)", "", html)
