"""Importing `wis` is cheap."""

from __future__ import annotations

import subprocess
import sys


def test_import_loads_no_heavy_library() -> None:
    code = "import sys, wis; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "wis" in loaded
    assert not {"torch", "torch_geometric", "numba", "pandas", "networkx", "rich", "baselines", "experiments"} & set(
        loaded
    )
