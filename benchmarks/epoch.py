"""Where an epoch of GCN goes, and which part of it falls with the edges: ``python -m benchmarks.epoch``.

Every part is timed alone, forward and backward, on tensors of the sizes that it has in an epoch and as often as a layer
has it, in turns with whole epochs, five of each at a time. What the parts do not explain (addition of biases, autograd,
Python) is the rest. It may come out slightly negative, as each part calls autograd by itself.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.timing import Spread, describe, interleave, machine, one_core

_SHARES = (0.0, 0.5, 1.0)
_EPOCHS = 5
_PARTS = ("products with the graph", "features", "dense products", "ReLU, LayerNorm", "loss, scores", "Adam")


def parts(data: Any) -> dict[str, Callable[[], None]]:
    """Five times every part of an epoch of GCN on a labelled PyG graph, by name, and five whole ``"epochs"``."""
    import torch
    from torch.nn.functional import cross_entropy
    from wis.baselines.gnn.data import UNSEEN, TrainingData
    from wis.baselines.gnn.models import build
    from wis.baselines.gnn.protocol import Protocol
    from wis.baselines.gnn.scores import accuracy
    from wis.baselines.gnn.sparse import linear
    from wis.baselines.gnn.training import make_optimizer, train

    torch.manual_seed(0)
    ready = TrainingData.from_pyg(data)
    model: Any = build("gcn", ready.num_features, ready.num_classes)
    hidden = torch.randn(data.num_nodes, model.head.in_features).requires_grad_()
    gradient, logits = torch.randn(hidden.shape), model.head(hidden).detach().requires_grad_()
    optimizer = make_optimizer(model.parameters(), Protocol())
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    layers = list(zip(model.convolutions, model.norms, strict=True))

    def backward(out: torch.Tensor, *inputs: torch.Tensor) -> None:
        torch.autograd.grad(out, inputs, gradient[:, : out.shape[1]])

    def edges() -> None:
        for _ in layers:
            backward(ready.graph.normalised_sum(hidden), hidden)

    def features() -> None:
        weight = model.convolutions[0].lin.weight
        backward(linear(ready.features, weight), weight)

    def dense() -> None:
        for layer, _ in layers[1:]:
            backward(linear(hidden, layer.lin.weight), hidden, layer.lin.weight)
        backward(model.head(hidden), hidden, model.head.weight)

    def norms() -> None:
        for _, norm in layers:
            backward(norm(hidden.relu()), hidden, norm.weight, norm.bias)

    def scores() -> None:
        loss = cross_entropy(logits, ready.train_labels, ignore_index=UNSEEN)
        torch.autograd.grad(loss, logits)
        for part in (ready.val, ready.test):
            float(accuracy(logits.detach()[part], ready.labels[part]))

    def several(part: Callable[[], Any]) -> None:
        for _ in range(_EPOCHS):
            part()

    def epochs() -> None:
        train(copy.deepcopy(model), ready, Protocol(epochs=_EPOCHS))

    each = (edges, features, dense, norms, scores, optimizer.step)
    return {"epochs": epochs} | {name: partial(several, part) for name, part in zip(_PARTS, each, strict=True)}


def measure(dataset: str, data_root: str | None, share: float, runs: int) -> tuple[int, dict[str, Spread]]:
    """Directed edges left after random removal of a share of pairs, and milliseconds an epoch of every part."""
    from wis.experiments.datasets.load import load

    import wis

    data = load(dataset, data_root)
    if share:
        data = wis.sparsify(data, 1 - share, method="random", seed=0)
    times = interleave(parts(data), runs, clock=time.process_time)
    return data.num_edges, {name: spread / (_EPOCHS / 1e3) for name, spread in times.items()}


def main() -> None:
    """Measure and print."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", action="append", help="may be given several times (default: Cora, squirrel)")
    parser.add_argument("--data-root", help="folder of the raw files, see experiments/datasets/load.py")
    parser.add_argument("--runs", type=int, default=9, help="timed calls of each part (default: 9)")
    arguments = parser.parse_args()
    one_core()
    torch.set_num_threads(1)
    print(describe(machine("torch", "torch-geometric")))
    print("GCN, median CPU milliseconds an epoch of one thread, forward and backward")
    head = ["data set", "removed", "edges", "epoch", *_PARTS, "rest"]
    print(f"| {' | '.join(head)} |\n" + "|---" * len(head) + "|")
    for dataset in arguments.dataset or ["Cora", "squirrel"]:
        for share in _SHARES:
            left, times = measure(dataset, arguments.data_root, share, arguments.runs)
            epoch, medians = times["epochs"].median, [times[name].median for name in _PARTS]
            numbers = " | ".join(f"{number:.2f}" for number in (epoch, *medians, epoch - sum(medians)))
            print(f"| {dataset} | {share:.0%} | {left:,} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
