"""The stored results that claims are read from: what makes each, how long it takes, and their tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from wis.experiments.pages.tables import read_csv
from wis.experiments.running.rows import read_rows

if TYPE_CHECKING:
    import pandas as pd

# The tables that are committed, which the wheel has too.
COMMITTED = Path(__file__).parents[1] / "results"


@dataclass(frozen=True)
class ResultSet:
    """Results of one command.

    Attributes
    ----------
    command
        Arguments of ``wis``, without the output folder.
    file
        The table that shows that they are there.
    minutes
        Roughly what it takes on two cores.
    folder
        Where they lie; their name if empty.
    data
        Whether it needs data sets in ``--data-root``.
    """

    command: Sequence[str]
    file: str
    minutes: float
    folder: str = ""
    data: bool = False


def _sweep(plan: str, minutes: float, *, data: bool = True, group: str = "reduced") -> tuple[str, ResultSet]:
    name = f"{group}/{plan}"
    return name, ResultSet(("sweep", name), "runs.csv", minutes, data=data)


SETS: Mapping[str, ResultSet] = MappingProxyType(dict([
    ("interactions/rank", ResultSet(("interactions", "rank"), "summary.csv", 10)),
    ("interactions/same-class", ResultSet(("interactions", "same-class"), "differences.csv", 20)),
    ("interactions/dose", ResultSet(("interactions", "dose"), "trend.csv", 15)),
    ("lm/theory", ResultSet(("lm", "theory"), "bounds.csv", 5)),
    ("lm/controlled", ResultSet(("lm", "controlled"), "controlled.csv", 5)),
    ("lm/small", ResultSet(("lm", "small"), "runs.jsonl", 80)),
    ("kl/bias", ResultSet(("lm", "kl", "bias"), "on_policy.csv", 5, "kl")),
    ("kl/train", ResultSet(("lm", "kl", "train"), "training.jsonl", 25, "kl")),
    _sweep("digits-gcn", 10, data=False),
    _sweep("cora-gcn-splits", 20), _sweep("cora-gin", 60), _sweep("cora-gat", 60), _sweep("cora-sage", 20),
    _sweep("dblp-gcn", 60), _sweep("dblp-gin", 132), _sweep("computers-gcn", 82), _sweep("chameleon-gcn", 15),
    _sweep("chameleon-filtered-gcn", 7), _sweep("squirrel-gcn", 30), _sweep("squirrel-filtered-gcn", 15),
    _sweep("minesweeper-gcn", 35), _sweep("cora-resgcn", 133), _sweep("cora", 20, group="rivals"),
    _sweep("squirrel-filtered", 17, group="rivals"),
]))  # fmt: skip


class Stored:
    """Results in a folder that is laid out as ``experiments/results`` is.

    Parameters
    ----------
    folder
        The folder.
    """

    def __init__(self, folder: Path = COMMITTED) -> None:
        self.folder = folder
        self._tables: dict[Path, pd.DataFrame] = {}

    def has(self, name: str) -> bool:
        """Whether results of this name are there."""
        return self._find(name, SETS[name].file) is not None

    def table(self, name: str, file: str) -> pd.DataFrame:
        """A table of a set of results, by the name of its CSV file, which may be packed.

        Raises
        ------
        ValueError
            If it is not there.
        """
        return self._once(self._path(name, file), read_csv)

    def rows(self, name: str, file: str) -> pd.DataFrame:
        """The finished runs of a file with one JSON object a line.

        Raises
        ------
        ValueError
            If it is not there.
        """
        import pandas as pd

        return self._once(self._path(name, file), lambda path: pd.DataFrame(read_rows(path)))

    def _once(self, path: Path, read: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
        if path not in self._tables:
            self._tables[path] = read(path)
        return self._tables[path]

    def _path(self, name: str, file: str) -> Path:
        path = self._find(name, file)
        if path is None:
            made_by = " ".join(("wis", *SETS[name].command))
            raise ValueError(f"{self._folder(name)} has no {file}; {made_by} -o {self._folder(name)} makes it")
        return path

    def _folder(self, name: str) -> Path:
        return self.folder / (SETS[name].folder or name)

    def _find(self, name: str, file: str) -> Path | None:
        # A sweep writes its tables into the folder `report` of its run folder.
        folder = self._folder(name)
        places = (place / known for place in (folder, folder / "report") for known in (file, f"{file}.gz"))
        return next((path for path in places if path.is_file()), None)
