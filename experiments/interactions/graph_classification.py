"""Sparsifiers under graph classification, for users who have a TUDataset: ``wis interactions tu``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from wis.experiments.interactions.removals import METHODS
from wis.experiments.pages.page import Section, write_page
from wis.experiments.pages.svg import COLOURS, figure, legend_above
from wis.experiments.pages.tables import write_table
from wis.experiments.report.analysis import summarise
from wis.experiments.running.rows import Rows

from wis.progress import track

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Plan:
    """What is trained on what.

    Attributes
    ----------
    dataset
        ``"MUTAG"``, ``"PROTEINS"``, ``"NCI1"``, or another of Morris et al. (2020) with labels of vertices.
    removed
        Shares of the edges removed, of every graph.
    depth, hidden, epochs, batch, learning_rate
        Of the GIN.
    seeds
        Number of seeds, of the split, the sparsifiers that draw and the training.
    """

    dataset: str = "MUTAG"
    removed: tuple[float, ...] = (0.25, 0.5, 0.75)
    depth: int = 3
    hidden: int = 32
    epochs: int = 100
    batch: int = 64
    learning_rate: float = 1e-2
    seeds: int = 10


def load(data_root: Path | None, name: str) -> list[Any]:
    """The graphs of a TUDataset, from its text files in ``NAME/raw``; nothing is downloaded.

    Raises
    ------
    FileNotFoundError
        If the files are not there.
    ValueError
        If vertices have no labels or attributes.
    """
    from torch_geometric.datasets import TUDataset

    raw = (data_root or Path()) / name / "raw"
    if data_root is None or not (raw / f"{name}_A.txt").is_file():
        raise FileNotFoundError(
            f"there is no {raw / f'{name}_A.txt'}; put the text files of {name} (chrsmrrs.github.io/datasets) there "
            "and "
            "give --data-root"
        )
    graphs = [*TUDataset(str(data_root), name)]
    if graphs[0].x is None:
        raise ValueError(f"{name} has neither labels nor attributes of vertices; a GIN needs one of them")
    return graphs


def run_plan(out: Path, plan: Plan, data_root: Path | None, *, progress: bool = True) -> Rows:
    """Do the runs that ``out`` does not have yet; a row a method, share and seed."""
    import wis

    rows = Rows(out / "runs.jsonl", asdict(plan))
    grid = [
        (method, removed, seed)
        for seed in range(plan.seeds)
        for method, removed in [("none", 0.0), *((m, r) for m in METHODS for r in plan.removed)]
    ]
    todo = [cell for cell in grid if _key(*cell) not in rows]
    graphs = load(data_root, plan.dataset) if todo else []
    with track(len(todo), plan.dataset, unit="runs", enabled=progress) as advance:
        for method, removed, seed in todo:
            sparse = graphs
            if method != "none":
                options = METHODS[method] | ({"depth": plan.depth} if method.startswith("WIS") else {})
                sparse = wis.sparsify(graphs, 1 - removed, seed=seed, **options)
            row = {"method": method, "removed": removed, "seed": seed, "accuracy": train(sparse, plan, seed)}
            rows.add(_key(method, removed, seed), row)
            advance(1)
    return rows


def _key(method: str, removed: float, seed: int) -> str:
    return f"{method} | removed {removed:g} | seed {seed}"


def train(graphs: Sequence[Any], plan: Plan, seed: int) -> float:
    """Train a GIN on 80% of the graphs; test accuracy at the best epoch on 10%, on the other 10%."""
    import torch
    from torch_geometric.loader import DataLoader
    from torch_geometric.nn import GIN, global_add_pool

    order = np.random.default_rng(seed).permutation(len(graphs))
    train_set, val_set, test_set = (
        [graphs[i] for i in part] for part in np.split(order, [int(0.8 * len(order)), int(0.9 * len(order))])
    )
    classes = int(max(int(graph.y) for graph in graphs)) + 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GIN(graphs[0].num_features, plan.hidden, plan.depth, classes, jk="cat")
        optimizer = torch.optim.Adam(model.parameters(), plan.learning_rate)
        best = (-1.0, float("nan"))
        for _ in range(plan.epochs):
            model.train()
            for batch in DataLoader(train_set, plan.batch, shuffle=True):
                logits = global_add_pool(model(batch.x, batch.edge_index), batch.batch)
                loss = torch.nn.functional.cross_entropy(logits, batch.y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            val = _accuracy(model, val_set)
            if val > best[0]:
                best = val, _accuracy(model, test_set)
    return best[1]


def _accuracy(model: Any, graphs: Sequence[Any]) -> float:
    import torch
    from torch_geometric.data import Batch
    from torch_geometric.nn import global_add_pool

    model.eval()
    batch: Any = Batch.from_data_list([*graphs])
    with torch.no_grad():
        logits = global_add_pool(model(batch.x, batch.edge_index), batch.batch)
    return float((logits.argmax(1) == batch.y).float().mean())


def report_plan(out: Path, rows: Rows, plan: Plan, command: str) -> pd.DataFrame:
    """Write the table, the figure and the page; returns the table."""
    table = accuracy_table(rows.frame())
    write_table(table, out / "accuracy", command)
    with figure(out / "accuracy.svg") as axes:
        for colour, (method, group) in zip(COLOURS, table.groupby("method", sort=False), strict=False):
            axes[0].plot(100 * group.removed, group["accuracy %"], "o-", color=colour, label=method)
        axes[0].set(xlabel="edges removed, %", ylabel="test accuracy, %")
        legend_above(axes[0], columns=3)
    write_page(out / "report.html", f"{plan.dataset}: graph classification on sparsified graphs", command, [
        Section(
            f"{plan.dataset}, GIN",
            f"A share of the edges of every graph is removed; GIN of depth {plan.depth}, {plan.epochs} epochs, "
            "80/10/10 "
            "split by seed, test accuracy at the best validation epoch. Difference to random removal: paired by seed, "
            "with its 95% interval.",
            [table], [out / "accuracy.svg"],
        ),
    ], kicker="Walk index and interactions")  # fmt: skip
    return table


def accuracy_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean accuracy of every method and share, and the difference to random removal of as many edges."""
    import pandas as pd

    records = []
    for (method, removed), group in frame.groupby(["method", "removed"], sort=False):
        record = {"method": method, "removed": removed, "seeds": len(group), "accuracy %": 100 * group.accuracy.mean()}
        random = frame[(frame.method == "random") & (frame.removed == removed)].set_index("seed").accuracy
        if method != "random" and len(random):
            found = summarise(100 * (group.set_index("seed").accuracy - random).dropna())
            record |= {"− random": found["mean"], "from": found["low"], "to": found["high"]}
        records.append(record)
    return pd.DataFrame(records)
