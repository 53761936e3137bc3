from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest
from wis.experiments.sweep import runs
from wis.experiments.sweep.plan import Plan
from wis.experiments.sweep.runs import Sparsifier, canonical_json, expand

FIELDS = {"name": "mine", "datasets": ["digits"], "methods": ["random", "wis:depth=2", "dspar-reweighted"]}


def cells(**changes):
    return expand(Plan.from_dict(FIELDS | changes), "cpu")


def test_one_cell_for_every_combination():
    found = cells(models=["gcn", "gin"], removed=[0, 0.25, 0.5], seeds=2)
    assert len(found) == 2 * 3 * 3 * 2
    assert len({(c.model, c.method, c.removed, c.seed) for c in found}) == len(found)


def test_all_methods_share_the_runs_where_nothing_or_everything_is_removed():
    found = cells(removed=[0, 0.5, 1], seeds=2)
    for removed, distinct in ((0.0, 2), (0.5, 6), (1.0, 2)):
        assert len({c.run.key for c in found if c.removed == removed}) == distinct
    assert all(c.run.sparsifier is None for c in found if c.removed != 0.5)


def test_one_order_serves_all_shares_models_and_where_it_can_all_seeds():
    found = cells(models=["gcn", "gin"], removed=[0.25, 0.5], seeds=3)
    keys = {m: {c.run.sparsifier.key for c in found if c.method == m} for m in FIELDS["methods"]}
    assert {m: len(k) for m, k in keys.items()} == {"random": 3, "wis:depth=2": 1, "dspar-reweighted": 3}
    assert [c.run.sparsifier.has_order for c in found[:3]] == [True, True, False]


def test_one_seed_after_the_other():
    assert [c.seed for c in cells(removed=[0.5], seeds=2)] == [0, 0, 0, 1, 1, 1]


def test_defaults_are_part_of_the_configuration():
    first, second = (cells(methods=[m], removed=[0.5])[0].run for m in ("wis", "wis:depth=3"))
    assert first.key == second.key
    assert first.sparsifier.options["ties"] == "first"


def test_keys_differ_by_every_part_of_the_configuration():
    base = {"removed": [0.5], "seeds": [0], "methods": ["random"]}
    changes = [
        {}, {"datasets": ["Cora"]}, {"models": ["gin"]}, {"removed": [0.25]}, {"seeds": [1]}, {"epochs": 7},
        {"protocol": "paper"}, {"methods": ["wis"]}, {"methods": ["wis:depth=2"]}, {"methods": ["wis:ties=random"]},
        {"split_seeds": [2]}, {"split": [0.6, 0.2, 0.2]},
    ]  # fmt: skip
    keys = [cells(**(base | change))[0].run.key for change in changes]
    assert len(set(keys)) == len(changes)
    plan = Plan.from_dict(FIELDS | base)
    assert expand(plan, "cuda")[0].run.key != keys[0]


def test_keys_change_with_the_version_of_the_results(monkeypatch):
    before = cells()[0].run.key
    monkeypatch.setattr(runs, "RESULTS_VERSION", runs.RESULTS_VERSION + 1)
    assert cells()[0].run.key != before


def test_the_key_is_the_hash_of_sorted_json():
    sparsifier = Sparsifier("digits", "wis", {"ties": "first", "depth": 2}, None)
    text = '{"order":{"dataset":"digits","method":"wis","options":{"depth":2,"ties":"first"},"seed":null'
    text += ',"split":null},"version":4}'
    assert sparsifier.key == hashlib.sha256(text.encode()).hexdigest()
    assert Sparsifier("digits", "wis", {"depth": 2, "ties": "first"}, None).key == sparsifier.key


def test_keys_are_the_same_in_another_process():
    script = (
        "from wis.experiments.sweep.plan import load_plan; from wis.experiments.sweep.runs import expand; "
        "print(expand(load_plan('quick'), 'cpu')[9].run.key)"
    )
    from wis.experiments.sweep.plan import load_plan

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == expand(load_plan("quick"), "cpu")[9].run.key


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": object()}])
def test_a_configuration_is_made_of_json_values(value):
    with pytest.raises(ValueError, match="a configuration must be made of JSON values"):
        canonical_json(value)


def splits(found):
    return [(c.seed, c.split) for c in found]


def test_every_seed_meets_every_split_or_its_own():
    assert splits(cells(methods=["random"], removed=[0.5], seeds=2, split_seeds="4:6")) == [
        (0, 4),
        (0, 5),
        (1, 4),
        (1, 5),
    ]
    assert splits(cells(methods=["random"], removed=[0.5], seeds=2, split_seeds="seeds")) == [(0, 0), (1, 1)]


def test_orders_belong_to_a_split_only_where_they_are_learned():
    changes = {"removed": [0.5], "seeds": [0], "split_seeds": [1, 2]}
    keys = {m: {c.run.sparsifier.key for c in cells(methods=[m], **changes)} for m in ("random", "wis", "ugs")}
    assert {m: len(k) for m, k in keys.items()} == {"random": 1, "wis": 1, "ugs": 2}


def test_a_single_published_split_is_run_once():
    found = cells(datasets=["ogbn-arxiv", "Cora"], methods=["random"], removed=[0.5], seeds=1, split_seeds=[1, 2])
    assert [(c.dataset, c.split) for c in found] == [("ogbn-arxiv", 0), ("Cora", 1), ("Cora", 2)]
    drawn = cells(
        datasets=["ogbn-arxiv"], methods=["random"], removed=[0.5], seeds=1, split_seeds=[1, 2], split=[0.8, 0.1, 0.1]
    )
    assert [c.split for c in drawn] == [1, 2]


def test_the_paper_s_rates_follow_data_set_and_model():
    found = cells(datasets=["Cora", "DBLP"], models=["gcn", "gin"], removed=[0], seeds=1, protocol="paper", epochs=7)
    rates = [(c.run.protocol["lr"], c.run.protocol["weight_decay"], c.run.protocol["epochs"]) for c in found[::3]]
    assert rates == [(5e-4, 1e-3, 7), (1e-3, 1e-3, 7), (1e-3, 1e-4, 7), (1e-3, 1e-3, 7)]


def test_a_score_that_is_learned_is_learned_like_the_method_itself():
    changes = {"removed": [0.5], "seeds": [0], "split_seeds": [1, 2], "models": ["gin"]}
    found = [c.run.sparsifier for c in cells(methods=["local:score='ugs:prune=0.1'"], **changes)]
    assert [s.split.number for s in found] == [1, 2]
    assert {s.options["score"] for s in found} == {"ugs:model=gin,prune=0.1"}
    (stated,) = cells(methods=["local:score=ugs:model=gcn"], **changes | {"split_seeds": [1]})
    assert stated.run.sparsifier.options["score"] == "ugs:model=gcn"
    (other,) = cells(methods=["local:score=jaccard"], **changes | {"split_seeds": [1]})
    assert (other.run.sparsifier.options["score"], other.run.sparsifier.split) == ("jaccard", None)
