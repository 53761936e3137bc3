"""``wis datasets``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wis.experiments.datasets.catalogue import Dataset


def datasets(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="All about one data set, or a graph file of your own.")
    ] = None,
    data_root: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of the data sets.", envvar="WIS_DATA_ROOT")
    ] = None,
) -> None:
    """List the data sets that wis sweep knows, and where their files go, or say all about one.

    [bold]Examples[/bold]

      wis datasets
      wis datasets cora --data-root data
      wis datasets graph.pt                  whether a sweep can use it
    """
    from wis.experiments.datasets import catalogue

    from wis.commands.messages import print_list

    if name is not None:
        record = catalogue.find(name)
        print_list([_own_entry(record) if record.own else (*_entry(record), *_more(record, data_root))])
        return
    print_list(_entry(record) for record in catalogue.datasets())
    typer.echo("DATA_ROOT is the folder given by --data-root, or else by the environment variable WIS_DATA_ROOT.")


def _entry(record: Dataset) -> tuple[str, ...]:
    size = (
        f"{record.num_nodes:,} vertices, {record.num_pairs:,} edges, {record.num_features:,} features, "
        f"{record.num_classes} classes"
    )
    place = "built in" if record.built_in else f"files: DATA_ROOT/{record.folder}/raw, downloaded if absent"
    cautions = [f"caution: {record.caution}"] if record.caution else []
    return record.name, record.summary, size, f"source: {record.source}", place, *cautions


def _more(record: Dataset, data_root: Path | None) -> tuple[str, ...]:
    """What the list of all data sets has no room for."""
    from wis.experiments.datasets.load import folder_of
    from wis.experiments.datasets.raw import missing

    splits = {0: "random, 80/10/10", 1: "the published one"}.get(record.num_splits, f"{record.num_splits} published")
    more = (f"splits: {splits}", f"measure: {record.metric}")
    if record.built_in:
        return more
    folder = folder_of(record, data_root)
    lacking = missing(record, folder)
    there = "all are there" if not lacking else f"{len(lacking)} of {len(record.files)} are missing"
    return (*more, f"raw files: {there}, in {folder}", *([f"missing: {', '.join(lacking)}"] if lacking else []))


def _own_entry(record: Dataset) -> tuple[str, ...]:
    """What a sweep finds in a user's own graph."""
    from wis.baselines.gnn.data import check_data
    from wis.experiments.datasets.own import read_own
    from wis.experiments.datasets.splits import MASKS, with_split

    from wis.graphs.load import load_graph

    data = read_own(record.name)
    try:
        check_data(with_split(data, 0))
    except ValueError as error:
        raise ValueError(f"{record.name}: {error}") from error
    masks = [name for name in MASKS if data.get(name) is not None]
    shape = ", ".join(f"{name} {list(data[name].shape)}" for name in masks)
    num_pairs = load_graph(data).edges.num_pairs
    return (
        Path(record.name).name,
        record.summary,
        f"{data.num_nodes:,} vertices, {num_pairs:,} edges, {data.num_node_features:,} features, "
        f"{int(data.y.max()) + 1} classes",
        f"vertices without a label: {int((data.y < 0).sum()):,}",
        f"edge weights: {'yes' if data.get('edge_weight') is not None else 'none'}",
        f"splits: {shape or 'no masks, so random ones'}",
        f"measure: {data.get('metric') or 'accuracy'}",
    )
