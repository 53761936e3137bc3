"""Claims of Shah et al., A Comedy of Estimators, on how the KL penalty of RL finetuning is estimated and placed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd
from wis.experiments.claims.claim import Claim, Measured, Region
from wis.experiments.claims.stored import Stored
from wis.experiments.report.analysis import summarise

SOURCE = "Shah et al. (arXiv:2512.21852)"
_EXACT = 1e-9
_UNBIASED = Region("0, to rounding", high=_EXACT)
_BIASED = Region("above 0", low=_EXACT)
_NO_GRADIENT = Region("1, to rounding", 1 - _EXACT, 1 + _EXACT)
_ABOVE = Region("above 0", low=1e-12)
_ERROR = "relative error of the expected gradient to that of the reverse KL"

# Setting, table, where the claim says its error lies, and what it claims.
_ON_POLICY = (
    ("K1 in reward, full return", _UNBIASED, "K1 in the reward has an unbiased gradient"),
    ("K1 in loss", _NO_GRADIENT, "K1 in the loss has no gradient in expectation"),
    ("K3 in loss, token", _BIASED, "K3 in the loss is biased"),
    ("K3 in reward", _BIASED, "K3 in the reward is biased"),
)
_OFF_POLICY = (
    ("K1 in reward, no ratio", _BIASED, "off policy, K1 in the reward is biased without the sequence's ratio"),
    ("K1 in reward, sequence ratio", _UNBIASED, "off policy, the sequence's ratio makes K1 in the reward unbiased"),
)


def claims() -> Iterator[Claim]:
    """All its claims."""
    claim = partial(Claim, SOURCE)
    for table, settings in (("on_policy.csv", _ON_POLICY), ("off_policy.csv", _OFF_POLICY)):
        for setting, region, text in settings:
            yield claim(
                "analysis of gradients", text, about="enumerated policies", quantity=_ERROR, agrees=region,
                results="kl/bias", measure=partial(_error, table=table, setting=setting),
            )  # fmt: skip
    stable = partial(claim, "experiments, training", results="kl/train")
    for arm, text in (("K1 in loss", "K1 in the loss"), ("K3 in loss", "K3 in the loss")):
        yield stable(
            text="unbiased gradients train better", about=f"tabular sequences, K1 in the reward beside {text}",
            quantity="nats nearer the exact optimum", agrees=_ABOVE,
            measure=partial(_lead, study="sequence", column="optimum", arm=arm, rival="K1 in reward"),
        )  # fmt: skip
    yield stable(
        text="K3 in the reward collapses", about="bandit to convergence", quantity="share of runs that diverge",
        agrees=Region("all", low=1), measure=_collapses,
    )  # fmt: skip
    for part in ("in", "out of"):
        yield stable(
            text="unbiased gradients do better in domain and out of domain",
            about=f"tiny GPT-2, {part} domain, K1 in the reward beside K3 in the loss", agrees=_ABOVE,
            quantity="lead in accuracy",
            measure=partial(
                _lead, study="transfer", column=f"{part} domain: accuracy", arm="K1 in reward", rival="K3 in loss"
            ),
        )  # fmt: skip
    for arm in ("K1 in reward", "K3 in loss, token ratio"):
        yield stable(
            text="KL regularisation stabilises off-policy training", about=f"tiny GPT-2, ten steps stale, {arm}",
            quantity="reward above training without a penalty", agrees=_ABOVE,
            measure=partial(
                _lead, study="transfer", column="in domain: reward", arm=arm, rival="no penalty", staleness=10
            ),
        )  # fmt: skip
    yield claim(
        "experiments", "all of it for Qwen2.5-7B, Llama-3.1-8B-Instruct and Qwen3-4B-Instruct-2507",
        why_not="needs GPUs; `python -m wis.experiments.kl.real` runs a model and an arm",
    )  # fmt: skip


def _error(stored: Stored, table: str, setting: str) -> Measured:
    rows = stored.table("kl/bias", table)
    row = rows[rows["configuration"] == setting].iloc[0]
    return Measured(row["relative error, median"], row["smallest"], row["largest"], "median and range of 60 policies")


def _lead(stored: Stored, study: str, column: str, arm: str, rival: str, staleness: int = 0) -> Measured:
    """``arm`` minus ``rival``, paired by seed."""
    rows = stored.rows("kl/train", "training.jsonl")
    own = rows[(rows["study"] == study) & (rows["staleness"] == staleness)]
    wide = own.pivot_table(index="seed", columns="arm", values=column)
    found = summarise(pd.Series(wide[arm] - wide[rival]).dropna())
    return Measured(found["mean"], found["low"], found["high"], f"{found['seeds']} seeds")


def _collapses(stored: Stored) -> Measured:
    rows = stored.rows("kl/train", "training.jsonl")
    own = rows[(rows["study"] == "bandit") & (rows["arm"] == "K3 in reward")]
    return Measured.exactly(float(own["failed"].mean()), f"{len(own)} seeds")
