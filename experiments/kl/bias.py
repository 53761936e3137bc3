"""Bias of KL configurations by enumeration: those with a name, and all combinations of the options."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from wis.experiments.kl.named import LENGTHS, OFF_POLICY, ON_POLICY, Named

from wis.lm.kl.configuration import KLConfiguration
from wis.lm.kl.enumeration import Case, aggregation_factor, expect, make_case, objectives
from wis.lm.kl.verdict import SAMPLING, SPREAD, Verdict, name_gradients, with_differences
from wis.progress import track

if TYPE_CHECKING:
    from torch import Tensor

POLICIES = 60
GRID_POLICIES = 3
SHAPES = {3: {"num_tokens": 3, "length": 3}, 8: {"num_tokens": 2, "length": 8}}


def named_bias(policies: int = POLICIES) -> dict[str, pd.DataFrame]:
    """Relative error and cosine of the named configurations against the gradient of the sequence KL."""
    drifting = SAMPLING["old policy"]
    return {
        "on_policy": _table(ON_POLICY, _cases(policies, ends=False)),
        "off_policy": _table(OFF_POLICY, _cases(policies, ends=False, **drifting)),
        "lengths": _table(LENGTHS, _cases(policies, ends=True)),
    }


def grid_bias(policies: int = GRID_POLICIES, *, progress: bool = True) -> pd.DataFrame:
    """Class, error and cosine of every combination, on policy and off, for outputs of up to 3 and 8 tokens."""
    settings = list(combinations())
    situations = [(length, sampling) for length in SHAPES for sampling in ("on policy", "old policy")]
    cases = {
        (length, sampling): _cases(policies, ends=True, **SHAPES[length], **SAMPLING[sampling])
        for length, sampling in situations
    }
    found = []
    with track(len(settings), "enumerating KL configurations", unit="configurations", enabled=progress) as advance:
        for configuration in settings:
            row = {name: getattr(configuration, name) for name in _VARIED}
            for length, sampling in situations:
                verdict = _judge(configuration, cases[length, sampling])
                where = f"{length} tokens, {sampling}"
                row |= {f"{where}: class": verdict.kind, f"{where}: error": verdict.error}
                row |= {f"{where}: cosine": verdict.cosine}
            found.append(row)
            advance(1)
    return pd.DataFrame(found)


def grid_classes(grid: pd.DataFrame) -> pd.DataFrame:
    """How many combinations fall in each class, for each length and way of sampling."""
    columns = [name for name in grid.columns if name.endswith(": class")]
    counts = pd.DataFrame({name.removesuffix(": class"): grid[name].value_counts() for name in columns})
    return counts.fillna(0).astype(int).reset_index(names="class")


_VARIED = ("estimator", "placement", "level", "returns", "ratio", "ratio_differentiated", "aggregation")


def combinations() -> Iterator[KLConfiguration]:
    """All combinations of what decides the expected gradient, each once."""
    placements = [("loss", "full"), *itertools.product(("reward", "both"), ("full", "to-go", "none"))]
    ratios = [("none", True), *itertools.product(("token", "prefix", "sequence", "geometric"), (True, False))]
    aggregations = ("sum", "sequence-mean-token-mean", "token-mean", "constant")
    for estimator, (placement, returns), level, (ratio, differentiated), aggregation in itertools.product(
        ("k1", "k2", "k3", "abs", "full"), placements, ("token", "sequence"), ratios, aggregations
    ):
        if (placement == "reward" and not differentiated) or (level == "sequence" and returns != "full"):
            continue  # the option does nothing
        settings: dict[str, Any] = dict(
            zip(_VARIED, (estimator, placement, level, returns, ratio, differentiated, aggregation), strict=True)
        )
        try:
            yield KLConfiguration(coefficient=1.0, sampler="rollout-engine", **settings)
        except ValueError:
            continue


def worked_case() -> pd.DataFrame:
    """The four-token case that can be done by hand: π = (.4, .3, .2, .1), ref reversed."""
    case = make_case(0, num_tokens=4, length=1, ends=False)
    policy = torch.tensor([[0.4, 0.3, 0.2, 0.1]], dtype=torch.float64).log()
    case = Case(policy, policy.flip(1), policy, policy, case.outputs, case.rows, case.mask, case.rewards)
    difference = (policy - policy.flip(1)).flatten()
    weight = policy.exp().flatten()
    k3 = expect(KLConfiguration(coefficient=1.0, aggregation="sum"), case).gradient
    return pd.DataFrame(
        [
            ("KL(π ‖ ref)", _digits((weight * difference).sum()), ".4564"),
            ("∇KL by the logits", _digits(objectives(case)["reverse"]), ".3719 −.0153 −.1724 −.1843"),
            ("E[∇K3]", _digits(k3), ".3 .1 −.1 −.3"),
            ("E[K2]", _digits((weight * difference**2 / 2).sum()), ".5216"),
        ],
        columns=["quantity", "measured", "reference"],
    )


def schulman() -> pd.DataFrame:
    """Mean and standard deviation of K1, K2 and K3 over the true KL, for q = N(0, 1) and p = N(μ, 1), by quadrature."""
    from scipy.integrate import quad
    from scipy.stats import norm

    formulas = {"K1": lambda d: d, "K2": lambda d: d**2 / 2, "K3": lambda d: math.expm1(-d) + d}
    published = {0.1: {"K1": 20, "K2": 1.42, "K3": 1.42}, 1.0: {"K1": 2, "K2": 1.73, "K3": 1.7}}
    found = []
    for shift, known in published.items():
        true = shift**2 / 2
        for name, formula in formulas.items():
            # q is sampled, Δ = log q(x) − log p(x) = μ²/2 − μ x
            def moment(power: int, formula: Any = formula, shift: float = shift) -> float:
                return quad(lambda x: formula(shift**2 / 2 - shift * x) ** power * norm.pdf(x), -12, 12, limit=200)[0]

            mean = moment(1)
            std = math.sqrt(moment(2) - mean**2)
            found.append((shift, name, _clean(mean / true - 1), std / true, known[name]))
    return pd.DataFrame(found, columns=["μ", "estimator", "bias / KL", "std / KL", "reference std / KL"])


def _cases(policies: int, **options: Any) -> list[tuple[Case, dict[str, Tensor]]]:
    cases = [make_case(seed, scale=SPREAD, **options) for seed in range(policies)]
    return [(case, with_differences(objectives(case))) for case in cases]


def _judge(configuration: KLConfiguration, cases: list[tuple[Case, dict[str, Tensor]]]) -> Verdict:
    gradients = [
        (expect(configuration, case).gradient / aggregation_factor(configuration, case)).flatten() for case, _ in cases
    ]
    return name_gradients(gradients, [named for _, named in cases])


def _table(listed: tuple[Named, ...], cases: list[tuple[Case, dict[str, Tensor]]]) -> pd.DataFrame:
    rows = []
    for item in listed:
        each = [_judge(item.configuration, [case]) for case in cases]
        errors, whole = [verdict.error for verdict in each], _judge(item.configuration, cases)
        rows.append(
            {
                "configuration": item.name,
                "class": whole.kind,
                "relative error, median": _clean(whole.error),
                "smallest": _clean(min(errors)),
                "largest": _clean(max(errors)),
                "cosine, median": whole.cosine,
                "reference (error / cosine)": item.reference,
            }
        )
    return pd.DataFrame(rows)


def _clean(error: float) -> float:
    """An error of rounding is 0."""
    return 0.0 if abs(error) < 1e-9 else error


def _digits(values: Any) -> str:
    return " ".join(f"{value:.4f}".replace("-", "−") for value in torch.as_tensor(values).flatten().tolist())
