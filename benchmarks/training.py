"""Our training loop beside a plain PyG loop, in one run: ``python -m benchmarks.training``.

Both train the same model from the same weights with Adam on the full graph. The plain loop does it in the usual way:
dense features, PyG's message passing over ``edge_index``, and forward passes of their own for training, validation and
test. Ours keeps sparse features sparse, sorts and normalises the edges once, and measures accuracies on as few passes
as the model allows. CPU seconds of one thread are taken in turns, so the ratio holds whatever the machine was doing.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable
from typing import Any

from wis.baselines.gnn.protocol import MODEL_NAMES

from benchmarks.timing import Spread, describe, in_child, interleave, machine, one_core


def plain_epochs(model: Any, data: Any, epochs: int) -> None:
    """Train in the plain way, with the step size and weight decay of the reduced protocol."""
    import torch

    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-3)
    for _ in range(epochs):
        model.train()
        optimizer.zero_grad()
        out = model(data.x, data.edge_index)
        torch.nn.functional.cross_entropy(out[data.train_mask], data.y[data.train_mask]).backward()
        optimizer.step()
        model.eval()
        for mask in (data.val_mask, data.test_mask):
            with torch.no_grad():
                right = model(data.x, data.edge_index)[mask].argmax(dim=1) == data.y[mask]
            float(right.float().mean())


def our_epochs(model: Any, ready: Any, epochs: int) -> None:
    """Train in our way, with the reduced protocol."""
    from wis.baselines.gnn.protocol import Protocol
    from wis.baselines.gnn.training import train

    train(model, ready, Protocol(epochs=epochs))


def loops(dataset: str, model_name: str, data_root: str | None, epochs: int) -> dict[str, Callable[[], None]]:
    """Both loops by name, each from the same weights at every call."""
    import torch
    from wis.baselines.gnn.data import TrainingData
    from wis.baselines.gnn.models import build
    from wis.experiments.datasets.load import load

    torch.set_num_threads(1)
    data = load(dataset, data_root)
    torch.manual_seed(0)
    model = build(model_name, data.num_features, int(data.y.max()) + 1)

    def plain() -> None:
        plain_epochs(copy.deepcopy(model), data, epochs)

    ready: list[Any] = []

    def ours() -> None:
        # Prepared in the first call, which is not counted: it is done once a graph, not once an epoch.
        ready[:] = ready or [TrainingData.from_pyg(data)]
        our_epochs(copy.deepcopy(model), ready[0], epochs)

    return {"ours": ours, "plain": plain}


def output_difference(dataset: str, model_name: str, data_root: str | None) -> float:
    """The largest difference between the logits of both ways, after the weights were trained for a while."""
    import torch
    from wis.baselines.gnn.data import TrainingData
    from wis.baselines.gnn.models import build
    from wis.baselines.gnn.training import predict
    from wis.experiments.datasets.load import load

    data = load(dataset, data_root)
    ready = TrainingData.from_pyg(data)
    torch.manual_seed(0)
    model = build(model_name, ready.num_features, ready.num_classes)
    our_epochs(model, ready, 10)
    with torch.no_grad():
        return float((predict(model, ready) - model.eval()(data.x, data.edge_index)).abs().max())


def measure(dataset: str, model_name: str, data_root: str | None, epochs: int, runs: int) -> dict[str, Any]:
    """Time both loops in turns, and their peak memory in processes of their own."""
    times = interleave(loops(dataset, model_name, data_root, epochs), runs, clock=time.process_time)
    milliseconds = {name: spread / (epochs / 1e3) for name, spread in times.items()}
    child = ["benchmarks.training", "--dataset", dataset, "--model", model_name, "--epochs", "2"]
    child += ["--data-root", data_root] if data_root else []
    return {
        "dataset": dataset,
        "model": model_name,
        "milliseconds": milliseconds,
        "ratio": milliseconds["plain"].median / milliseconds["ours"].median,
        "difference": output_difference(dataset, model_name, data_root),
        "peak_mib": {name: in_child([*child, "--only", name]).peak_bytes / 2**20 for name in ("ours", "plain")},
    }


def print_row(row: dict[str, Any]) -> None:
    """One line for people."""
    times: dict[str, Spread] = row["milliseconds"]
    print(
        f"{row['dataset']:>10} {row['model']:>7}   ours {times['ours']!s:>20}   plain {times['plain']!s:>20}   "
        f"ratio {row['ratio']:.1f}   difference {row['difference']:.1e}   "
        f"peak {row['peak_mib']['ours']:.0f} / {row['peak_mib']['plain']:.0f} MiB",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", action="append", help="may be given several times (default: digits)")
    parser.add_argument("--model", action="append", choices=MODEL_NAMES, help="default: all")
    parser.add_argument("--data-root", help="folder of the raw files, see experiments/datasets/load.py")
    parser.add_argument("--epochs", type=int, default=10, help="epochs a timed call (default: 10)")
    parser.add_argument("--runs", type=int, default=5, help="timed calls of each loop (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("--only", choices=("ours", "plain"), help="run one loop once, for measuring its memory")
    arguments = parser.parse_args()
    one_core()
    datasets, models = arguments.dataset or ["digits"], arguments.model or list(MODEL_NAMES)
    if arguments.only:
        loops(datasets[0], models[0], arguments.data_root, arguments.epochs)[arguments.only]()
        return
    facts = machine("torch", "torch-geometric")
    print(describe(facts))
    print("CPU milliseconds an epoch of one thread, minimum / median / maximum; peak memory of the whole process")
    rows = []
    for dataset in datasets:
        for model in models:
            rows.append(measure(dataset, model, arguments.data_root, arguments.epochs, arguments.runs))
            print_row(rows[-1])
    if arguments.json:
        print(json.dumps({"machine": facts, "rows": rows}, default=vars))


if __name__ == "__main__":
    main()
