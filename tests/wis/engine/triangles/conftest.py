"""What tests of 2-WIS have in common."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from wis.engine.triangles import cpu


@pytest.fixture(scope="module")
def to_the_end() -> Iterator[None]:
    """Lists and searches go on where no triangle is left, so that whole orders can be compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpu, "_are_gone", lambda _: False)
        yield
