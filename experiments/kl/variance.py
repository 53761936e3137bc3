"""Variance of KL gradients: exact, against samples, and what dividing by a group's std does to the penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from wis.experiments.kl.named import VARIANCE

from wis.lm.kl.enumeration import Expectation, expect, make_case, objectives
from wis.lm.kl.verdict import SAMPLING, SPREAD

POLICIES = 10
SHAPE: dict[str, Any] = {"num_tokens": 2, "length": 8, "ends": False}
SAMPLES = (16, 256, 4096)
REPEATS = 100
GROUP, BETA, DRAWN = 8, 1e-3, 20_000
STD_FLOOR = 1e-6  # verl's


def exact_variance(policies: int = POLICIES) -> pd.DataFrame:
    """Variance of one output's gradient over the square of the true gradient, length 8: median over policies."""
    rows = []
    for item, sampling in VARIANCE:
        ratios = []
        for seed in range(policies):
            case = make_case(seed, scale=SPREAD, **SHAPE, **SAMPLING[sampling])
            true = objectives(case)["reverse"].square().sum()
            ratios.append(float(expect(item.configuration, case).variance / true))
        rows.append(
            {
                "configuration": item.name,
                "sampling": sampling,
                "variance / ‖∇KL‖², median": float(np.median(ratios)),
                "smallest": min(ratios),
                "largest": max(ratios),
                "reference": item.reference,
            }
        )
    return pd.DataFrame(rows)


def sampled_error(seed: int = 0) -> pd.DataFrame:
    """Mean squared error of the mean of n sampled gradients: ``bias² + variance / n``, and measured by sampling."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for item, sampling in VARIANCE:
        case = make_case(seed, scale=SPREAD, **SHAPE, **SAMPLING[sampling])
        found, true = expect(item.configuration, case), objectives(case)["reverse"]
        size = float(true.square().sum())
        row: dict[str, Any] = {"configuration": item.name, "sampling": sampling}
        weights = case.probabilities(case.rollout)
        for count in SAMPLES:
            bias = float((found.gradient - true).square().sum())
            row[f"n = {count}: expected"] = (bias + found.variance / count) / size
            row[f"n = {count}: measured"] = _measured(found, case.rows, weights, true, count, generator) / size
        rows.append(row)
    return pd.DataFrame(rows)


def dead_groups(seed: int = 0) -> pd.DataFrame:
    """Weight of the penalty −Δ where K1 in reward is divided by the std of its group: binary rewards, Δ normal."""
    rng = np.random.default_rng(seed)
    rows = []
    for chance, known in ((0.01, "298 to 17,395"), (0.5, "6 to 152")):
        for spread in (0.05, 0.3, 3.0):
            rewards = (rng.random((DRAWN, GROUP)) < chance).astype(float)
            shaped = rewards - BETA * spread * rng.standard_normal((DRAWN, GROUP))
            weight = 1 / (shaped.std(1, ddof=1) + STD_FLOOR)
            dead = rewards.std(1) == 0
            rows.append(
                {
                    "p": chance,
                    "std of Δ": spread,
                    "groups without reward spread": dead.mean(),
                    "expected": chance**GROUP + (1 - chance) ** GROUP,
                    "weight of −Δ over β, mean": weight.mean(),
                    "in groups with spread": weight[~dead].mean(),
                    "in groups without": weight[dead].mean(),
                    "reference (mean)": known,
                }
            )
    return pd.DataFrame(rows)


def _measured(
    found: Expectation, rows: torch.Tensor, weights: torch.Tensor, true: torch.Tensor, count: int, generator: Any
) -> float:
    """Mean over repeats of the squared distance between the mean of `count` samples and the true gradient."""
    each = found.samples / weights[:, None, None]
    errors = []
    for _ in range(REPEATS):
        drawn = torch.multinomial(weights, count, replacement=True, generator=generator)
        mean = torch.zeros_like(true).index_add_(0, rows[drawn].flatten(), each[drawn].flatten(0, 1)) / count
        errors.append(float((mean - true).square().sum()))
    return float(np.mean(errors))
