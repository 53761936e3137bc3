"""Libraries that not every user needs: which extra brings each, and an error that says so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

# The smallest extra of pyproject.toml that brings a library, by the name that it is imported by.
_EXTRA_OF = {
    "torch": "pyg",
    "torch_geometric": "pyg",
    "networkx": "networkx",
    "pyarrow": "files",
    "typer": "cli",
    "rich": "cli",
    "ogb": "sweep",
    "sklearn": "sweep",
    "pandas": "sweep",
    "matplotlib": "sweep",
    "jinja2": "sweep",
    "markupsafe": "sweep",
    "yaml": "sweep",
    "threadpoolctl": "sweep",
    "networkit": "networkit",
    "pyamg": "pyamg",
    "transformers": "lm",
    "trl": "lm",
    "datasets": "lm",
    "accelerate": "lm",
    "rouge_score": "lm",
    "sacrebleu": "lm",
    "nltk": "lm",
    "pygsp": "bench",
    "ray": "ray",
    "wandb": "wandb",
    "trackio": "trackio",
    "mlflow": "mlflow",
    "tensorboard": "tensorboard",
}


@contextlib.contextmanager
def needed_for(what: str, extra: str | None = None) -> Iterator[None]:
    """Say which command brings an optional library that the block, or the function decorated, finds missing.

    Parameters
    ----------
    what
        What needs the library, for the reader.
    extra
        The extra to name. Default: the smallest one that brings the library.

    Raises
    ------
    ImportError
        In place of the ``ModuleNotFoundError`` about a library of an extra. Other errors pass.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in _EXTRA_OF:
            raise
        raise ImportError(
            f"{what} needs {library}, which is not installed; "
            f"install it with: pip install 'wis-graph[{extra or _EXTRA_OF[library]}]'"
        ) from error
