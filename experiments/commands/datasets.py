"""``wis datasets``."""

from __future__ import annotations

import typer


def datasets() -> None:
    """List the data sets that wis sweep knows, and where their files go."""
    from wis.experiments.datasets import catalogue

    from wis.commands.messages import print_list

    entries = []
    for record in catalogue.datasets():
        size = (
            f"{record.num_nodes:,} vertices, {record.num_pairs:,} edges, {record.num_features:,} features, "
            f"{record.num_classes} classes"
        )
        place = "built in" if record.built_in else f"files: DATA_ROOT/{record.folder}/raw, downloaded if absent"
        cautions = [f"caution: {record.caution}"] if record.caution else []
        entries.append((record.name, record.summary, size, f"source: {record.source}", place, *cautions))
    print_list(entries)
    typer.echo("DATA_ROOT is the folder given by --data-root, or else by the environment variable WIS_DATA_ROOT.")
