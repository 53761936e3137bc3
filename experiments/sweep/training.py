"""What a sweep needs of datasets, models and training, and nothing else of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments import datasets
from experiments.sweep.runs import Run


def load_dataset(name: str, data_root: Path | None) -> Any:
    """Load a dataset; see :func:`experiments.datasets.load`."""
    return datasets.load(name, data_root)
