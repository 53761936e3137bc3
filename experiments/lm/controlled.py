"""Controlled experiments: RFT against SFT with exact expected gradients, so that only vanishing gradients differ.

Every class is pretrained on a set of K labels, its own and random others. Finetuning keeps one of them for 90% of the
inputs (reward std about 0.8 for K = 5) and asks for a label outside the set for 10%, the modified ones (std about 0).
The reward is +1 for the label and −1 otherwise; in the variant the other labels of modified inputs get +0.5, so that
they start with a high reward.

Source: arXiv:2310.20703 [paper], settings of the published code [code].
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from wis.experiments.lm.controlled_data import SETUPS, Labelled, Setup
from wis.experiments.pages.page import Section, write_page
from wis.experiments.pages.svg import figure
from wis.experiments.pages.tables import write_csv, write_table
from wis.experiments.running.rows import Rows

from wis.files import replace_file
from wis.machine import find_device
from wis.progress import track

if TYPE_CHECKING:
    import pandas as pd

BATCH = 512
ADAM_RATE = 1e-4
MODIFIED_SHARE = 0.1
MEASUREMENTS = 100
GROUPS = ("modified", "unmodified")
QUANTITIES = {"reward": "reward", "accuracy": "accuracy", "gradient": "gradient norm", "std": "reward std"}


@dataclass(frozen=True)
class Arm:
    """One finetuning: what is optimised, by what, and the reward of modified inputs' other labels."""

    method: str
    optimizer: str
    other_reward: float = -1.0

    @property
    def name(self) -> str:
        """As tables call it."""
        variant = "" if self.other_reward == -1 else f", {self.other_reward:+g} variant"
        return f"{self.method} {self.optimizer}{variant}"


ARMS = (
    Arm("RFT", "Adam"), Arm("SFT", "Adam"), Arm("RFT", "SGD"), Arm("SFT", "SGD"),
    Arm("RFT", "Adam", 0.5), Arm("RFT", "SGD", 0.5),
)  # fmt: skip


@dataclass(frozen=True)
class Task:
    """Inputs with their pretraining distribution ``[n, C]``, finetuning labels ``[n]`` and who is modified ``[n]``."""

    inputs: Tensor
    targets: Tensor
    labels: Tensor
    modified: Tensor

    def rewards(self, other: float) -> Tensor:
        """Reward of every label, ``[n, C]``."""
        lost = torch.where(self.modified, other, -1.0)[:, None].expand_as(self.targets)
        return lost.scatter(1, self.labels[:, None], 1.0)


def make_task(data: Labelled, setup: Setup, seed: int) -> Task:
    """Choose the inputs, K labels for each class, and which inputs are modified."""
    generator = torch.Generator().manual_seed(seed)
    count = min(setup.train or len(data.labels), len(data.labels))
    chosen = torch.randperm(len(data.labels), generator=generator)[:count]
    inputs, own = data.inputs[chosen], data.labels[chosen]
    if own.min() < 0 or own.max() >= data.classes:
        raise ValueError(f"labels must lie in 0 … {data.classes - 1}, got {own.min().item()} … {own.max().item()}")
    # A row a class: its own label first, the others in random order; the first K are its set, the last is outside it.
    order = torch.rand(data.classes, data.classes, generator=generator).fill_diagonal_(-1.0).argsort(1)[own]
    targets = torch.zeros(count, data.classes).scatter(1, order[:, : setup.labels], 1 / setup.labels)
    outside = order[:, setup.labels :]
    asked = outside.gather(1, torch.randint(outside.shape[1], (count, 1), generator=generator))[:, 0]
    modified = torch.zeros(count, dtype=torch.bool)
    modified[torch.randperm(count, generator=generator)[: round(MODIFIED_SHARE * count)]] = True
    return Task(inputs, targets, torch.where(modified, asked, own), modified)


def run_controlled(
    out: Path,
    name: str = "digits",
    *,
    data_root: Path | None = None,
    seed: int = 0,
    pretraining: int | None = None,
    epochs: int | None = None,
    device: str = "cpu",
    progress: bool = True,
) -> Rows:
    """Do the arms that `out` does not have yet; one row an arm, one checkpoint for what was interrupted.

    Parameters
    ----------
    out
        Output folder.
    name
        ``"digits"``, ``"mnist"``, ``"cifar10"`` or ``"stsb"``.
    data_root
        Folder with the files of the last three.
    seed
        Of the choice of inputs and labels, the initial weights and the batches.
    pretraining, epochs
        Epochs of the two phases; by default the published ones [code].
    device
        Where to train.
    progress
        Whether to show how far it is.
    """
    if name not in SETUPS:
        raise ValueError(f"unknown data set {name!r}; choose from {', '.join(SETUPS)}")
    chosen = find_device(device)
    setup = SETUPS[name]
    lengths = {
        "pretraining": setup.pretraining if pretraining is None else pretraining,
        "epochs": setup.epochs if epochs is None else epochs,
    }
    if min(lengths.values()) < 1:
        raise ValueError(f"pretraining and epochs must be at least 1, got {lengths}")
    rows = Rows(out / "arms.jsonl", {"data": name, "seed": seed} | lengths)
    if all(arm.name in rows for arm in ARMS):
        return rows
    data = setup.load(data_root)
    task = make_task(data, setup, seed)
    task = Task(*(getattr(task, part).to(chosen) for part in ("inputs", "targets", "labels", "modified")))
    torch.manual_seed(seed)
    model = data.model().to(chosen)
    _pretrain(model, task, lengths["pretraining"], seed, out / "pretrained.pt", progress)
    start = {key: value.clone() for key, value in model.state_dict().items()}
    for arm in ARMS:
        if arm.name in rows:
            continue
        model.load_state_dict(start)
        rows.add(arm.name, asdict(arm) | _finetune(model, task, arm, setup, lengths["epochs"], seed, out, progress))
    return rows


def measure(model: nn.Module, task: Task, arm: Arm, group: str) -> dict[str, float]:
    """Exact reward, accuracy, gradient norm and reward std of one group, by the objective of `arm`.

    The gradient is that of the group's mean objective, all inputs at once; the reward std is exact for each input and
    then averaged.
    """
    chosen = task.modified if group == "modified" else ~task.modified
    inputs, labels, rewards = task.inputs[chosen], task.labels[chosen], task.rewards(arm.other_reward)[chosen]
    model.eval()
    model.zero_grad(set_to_none=True)
    sums = torch.zeros(3)
    for i in range(0, len(inputs), BATCH):
        batch = slice(i, i + BATCH)
        logits = model(inputs[batch])
        loss = objective(logits, labels[batch], rewards[batch], arm.method)
        (loss * len(logits) / len(inputs)).backward()
        with torch.no_grad():
            p = logits.double().softmax(1)
            value = (p * rewards[batch]).sum(1, keepdim=True)
            std = (p * (rewards[batch] - value) ** 2).sum(1).sqrt()
            right = (logits.argmax(1) == labels[batch]).double()
            sums += torch.stack([value.sum(), right.sum(), std.sum()]).cpu().float()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
    weights = math.sqrt(sum(float((p.detach() ** 2).sum()) for p in model.parameters()))
    model.zero_grad(set_to_none=True)
    reward, accuracy, deviation = (sums / len(inputs)).tolist()
    return {
        "reward": reward,
        "accuracy": accuracy,
        "std": deviation,
        "gradient": norm,
        "relative_gradient": norm / weights if weights else math.nan,
    }


def objective(logits: Tensor, labels: Tensor, rewards: Tensor, method: str) -> Tensor:
    """The loss: minus the exact expected reward (RFT), or the negative log-likelihood (SFT); means over the batch."""
    if method == "RFT":
        return -(logits.softmax(1) * rewards).sum(1).mean()
    return functional.cross_entropy(logits, labels)


def report_controlled(out: Path, rows: Rows, name: str, command: str) -> pd.DataFrame:
    """Write the table, the figure and the page; returns the table."""
    import pandas as pd

    table = pd.DataFrame(_record(row) for row in (row for arm in ARMS for row in rows if row["run"] == arm.name))
    write_table(table, out / "controlled", command)
    _draw(out / "controlled.svg", out)
    seconds = sum(row["seconds"] for row in rows)
    write_page(out / "report.html", f"Controlled experiments: RFT and SFT on {name}", command, [
        Section(
            "After finetuning",
            "Exact expected gradients. Modified inputs need a label outside the set that pretraining gave them: their "
            "reward std starts near 0. Settings [code]; numbers [ours]. "
            f"{SETUPS[name].note} Training took {seconds:.0f} s.",
            [table], [out / "controlled.svg"],
        ),
    ])  # fmt: skip
    return table


def _pretrain(model: nn.Module, task: Task, epochs: int, seed: int, path: Path, progress: bool) -> None:
    if path.exists():
        model.load_state_dict(torch.load(path, map_location=task.inputs.device, weights_only=True))
        return
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=ADAM_RATE)
    with track(epochs, "pretraining", unit="epochs", enabled=progress) as advance:
        for _ in range(epochs):
            model.train()
            for batch in _batches(len(task.labels), generator):
                loss = functional.cross_entropy(model(task.inputs[batch]), task.targets[batch])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
            advance(1)
    _save(model.state_dict(), path)


def _finetune(
    model: nn.Module, task: Task, arm: Arm, setup: Setup, epochs: int, seed: int, out: Path, progress: bool
) -> dict[str, Any]:
    rate = ADAM_RATE if arm.optimizer == "Adam" else setup.sgd_rate
    kind = torch.optim.Adam if arm.optimizer == "Adam" else torch.optim.SGD
    optimizer = kind(model.parameters(), lr=rate)
    generator = torch.Generator().manual_seed(seed + 1)
    rewards = task.rewards(arm.other_reward)
    checkpoint = out / "interrupted.pt"
    curve, first, spent = _resume(checkpoint, arm, model, optimizer, generator)
    every = max(1, epochs // MEASUREMENTS)
    start = time.perf_counter()
    with track(epochs, arm.name, unit="epochs", enabled=progress) as advance:
        advance(first)
        for epoch in range(first, epochs + 1):
            if epoch % every == 0 or epoch == epochs:
                curve.append(_measure_both(model, task, arm, epoch))
                if not math.isfinite(curve[-1]["modified gradient"] + curve[-1]["unmodified gradient"]):
                    break
                if epoch % (10 * every) == 0 and epoch:
                    spent_now = spent + time.perf_counter() - start
                    _save(_state(arm, model, optimizer, generator, curve, epoch, spent_now), checkpoint)
            if epoch < epochs:
                _train_epoch(model, task, rewards, arm.method, optimizer, generator)
                advance(1)
    seconds = spent + time.perf_counter() - start
    _write_curve(out, arm, curve)
    checkpoint.unlink(missing_ok=True)
    diverged = not math.isfinite(sum(curve[-1].values()))
    ends = {f"first {key}": value for key, value in curve[0].items() if key != "epoch"}
    return curve[-1] | ends | {"diverged": diverged, "seconds": seconds}


def _train_epoch(
    model: nn.Module,
    task: Task,
    rewards: Tensor,
    method: str,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> None:
    model.train()
    for batch in _batches(len(task.labels), generator):
        loss = objective(model(task.inputs[batch]), task.labels[batch], rewards[batch], method)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def _measure_both(model: nn.Module, task: Task, arm: Arm, epoch: int) -> dict[str, float]:
    found: dict[str, float] = {"epoch": float(epoch)}
    for group in GROUPS:
        found |= {f"{group} {key}": value for key, value in measure(model, task, arm, group).items()}
    return found


def _batches(count: int, generator: torch.Generator) -> list[Tensor]:
    return list(torch.randperm(count, generator=generator).split(BATCH))


def _state(
    arm: Arm, model: Any, optimizer: Any, generator: Any, curve: Any, epoch: int, spent: float
) -> dict[str, Any]:
    return {
        "arm": arm.name, "model": model.state_dict(), "optimizer": optimizer.state_dict(),
        "generator": generator.get_state(), "curve": curve, "epoch": epoch, "seconds": spent,
    }  # fmt: skip


def _resume(
    path: Path, arm: Arm, model: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator
) -> tuple[list[dict[str, float]], int, float]:
    """The curve so far, the epoch to go on with and the seconds spent; the arm's state is put back."""
    if not path.exists():
        return [], 0, 0.0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["arm"] != arm.name:
        return [], 0, 0.0
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    generator.set_state(state["generator"])
    # The last measurement is repeated, and then training goes on.
    return state["curve"][:-1], state["epoch"], state["seconds"]


def _save(state: Any, path: str | os.PathLike[str]) -> None:
    with replace_file(path) as temporary:
        torch.save(state, temporary)


def _curve_path(out: Path, arm: Arm) -> Path:
    return out / f"curve_{arm.name.lower().replace(', ', '_').replace(' ', '_').replace('+', '')}.csv"


def _write_curve(out: Path, arm: Arm, curve: list[dict[str, float]]) -> None:
    import pandas as pd

    write_csv(pd.DataFrame(curve), _curve_path(out, arm))


def _record(row: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {"arm": row["run"]}
    for group in GROUPS:
        record |= {
            f"{group} reward": row[f"{group} reward"],
            f"{group} accuracy": row[f"{group} accuracy"],
            f"{group} gradient at start": row[f"first {group} gradient"],
            f"{group} std at start": row[f"first {group} std"],
        }
    return record | {"diverged": row["diverged"], "seconds": row["seconds"]}


def _draw(path: Path, out: Path) -> None:
    import pandas as pd

    with figure(path, columns=len(GROUPS), rows=len(QUANTITIES)) as axes:
        for i, (quantity, group) in enumerate((q, g) for q in QUANTITIES for g in GROUPS):
            for arm in ARMS:
                curve = pd.read_csv(_curve_path(out, arm))
                style = "-" if arm.other_reward == -1 else "--"
                axes[i].plot(curve.epoch, curve[f"{group} {quantity}"], style, lw=1.2, label=arm.name)
            axes[i].set(title=f"{group} inputs", xlabel="epoch", ylabel=QUANTITIES[quantity])
            if quantity == "gradient":
                axes[i].set_yscale("log")
        handles, names = axes[0].get_legend_handles_labels()
        axes[0].figure.legend(handles, names, loc="outside upper left", ncols=3, fontsize=8)
