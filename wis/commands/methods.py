"""``wis methods``."""

from __future__ import annotations

from wis.commands.messages import print_list


def methods() -> None:
    """List the sparsification methods with their options and sources.

    Write a method with options as name:option=value, as in wis:depth=2,ties=random.
    Every method has the option keep_connected=True: a spanning forest goes last.
    """
    from wis import registry

    entries = []
    for record in registry.methods():
        summary = record.summary.replace("``", "")
        if record.kind == "select":
            summary += " (one budget at a time: no order)"
        options = ", ".join(f"{name}={value}" for name, value in record.options.items())
        weights = f"edge weights: {'read' if record.reads_weights else 'not read'}"
        entries.append((record.name, summary, f"options: {options or 'none'}", weights, f"source: {record.source}"))
    print_list(entries)
