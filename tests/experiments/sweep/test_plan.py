from __future__ import annotations

import pytest
import yaml
from wis.experiments.datasets.catalogue import datasets
from wis.experiments.report.evidence import LEVEL
from wis.experiments.report.statistics import pairs_needed
from wis.experiments.sweep.plan import Plan, load_plan, packaged_plans, parse_shares, plan_text

from wis.registry import methods

FIELDS = {"name": "mine", "datasets": ["digits"], "methods": ["random", "wis:depth=2"]}


def test_defaults_and_lists_become_tuples():
    plan = Plan.from_dict(FIELDS)
    assert plan.datasets == ("digits",)
    assert plan.methods == ("random", "wis:depth=2")
    assert (plan.models, plan.seeds, plan.protocol, plan.epochs) == (("gcn",), (0, 1, 2), "reduced", None)


def test_a_single_entry_counts_as_a_list():
    plan = Plan.from_dict(FIELDS | {"datasets": "cora", "methods": "wis", "removed": 0.5, "seeds": [7]})
    assert (plan.datasets, plan.methods, plan.removed, plan.seeds) == (("Cora",), ("wis",), (0.5,), (7,))


def test_shares_are_sorted_rounded_and_may_be_a_range():
    assert Plan.from_dict(FIELDS | {"removed": [1, 0.1 + 0.2, 0]}).removed == (0.0, 0.3, 1.0)
    assert Plan.from_dict(FIELDS | {"removed": "0:1:0.25"}).removed == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert parse_shares("0.1:0.4:0.1") == [0.1, 0.2, 0.3, 0.4]
    assert parse_shares("0.5,0") == [0.5, 0.0]


def test_a_number_of_seeds_counts_from_zero():
    assert Plan.from_dict(FIELDS | {"seeds": 4}).seeds == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("datasets", ["corra"], r"datasets: unknown dataset 'corra'; did you mean 'Cora'\?"),
        ("datasets", [], r"datasets must be a list of at least one entry, got \[\]"),
        ("datasets", ["Cora", "cora"], r"datasets lists 'Cora' twice"),
        ("datasets", [3], r"datasets: the name of a dataset must be a string, got int"),
        ("methods", ["wiz"], r"methods: unknown method 'wiz'"),
        ("methods", ["wis:dept=2"], r"methods: method 'wis' has no option 'dept'"),
        ("methods", [2], r"methods must be strings such as 'wis:depth=2', got 2"),
        ("methods", ["wis", "wis:depth=3"], r"methods: 'wis:depth=3' is the same method as 'wis'"),
        ("methods", ["wis:depth=two"], r"methods: method 'wis:depth=two': depth must be an integer, got 'two'"),
        ("methods", ["wis:depth=1"], r"methods: .*: depth must be at least 2, got 1"),
        ("methods", ["wis:depth=3,depth=2"], r"methods: method 'wis:depth=3,depth=2': option 'depth' is given twice"),
        ("methods", ["wis:ties=last"], r"methods: .*: ties must be 'first' or 'random', got 'last'"),
        ("methods", ["wis:targets=all"], r"methods: .*: targets must be a list, got 'all'"),
        ("methods", ["spectral:tol=2"], r"methods: .*: tol must be at least 1e-12 and below 1, got 2"),
        ("methods", ["spectral-reweighted:k=0.5"], r"methods: .*: k must be an integer, got 0.5"),
        ("methods", ["forest-fire:burnt_ratio=0"], r"methods: .*: burnt_ratio must be positive and finite, got 0"),
        ("methods", ["algebraic-distance:systems=0"], r"methods: .*: systems must be at least 1, got 0"),
        ("methods", ["rank-degree:share=2"], r"methods: .*: share must be in \[0, 1\], got 2"),
        ("methods", ["spanning-forest:forests=0"], r"methods: .*: forests must be at least 1, got 0"),
        ("methods", ["spanner:lengths=long"], r"methods: .*: lengths must be 'inverse' or 'weight', got 'long'"),
        ("methods", ["local:score=spanner"], r"methods: .*: score must be a method that has an order"),
        ("methods", ["local:score=2"], r"methods: .*: score must be the name of a method, got 2"),
        ("methods", ["ugs:model=gcnn"], r"methods: .*: model must be among .*, got 'gcnn'"),
        ("methods", ["ugs:epochs=0"], r"methods: .*: epochs must be at least 1, got 0"),
        ("methods", ["ugs:hidden=wide"], r"methods: .*: hidden must be an integer, got 'wide'"),
        ("methods", ["ugs:s1=-1"], r"methods: .*: s1 must be finite and at least 0, got -1"),
        ("methods", ["random:keep_connected=2"], r"methods: .*: keep_connected must be True or False, got 2"),
        (
            "models",
            ["gcnn"],
            r"models must be among gcn, .*, sage, or .*, got 'gcnn'; did you mean 'gcn'\?",
        ),
        ("removed", [0.5, 1.5], r"removed must be shares from 0 to 1 .*, got 1.5"),
        ("removed", [True], r"removed must be shares from 0 to 1 .*, got True"),
        ("removed", [float("nan")], r"removed must be shares from 0 to 1 .*, got nan"),
        ("removed", [0.5, 0.5], r"removed lists 0.5 twice"),
        ("removed", "0:1", r"removed must be shares from 0 to 1 .*, got '0:1'"),
        ("removed", "0:2:0.5", r"removed must be shares from 0 to 1 .*, got '0:2:0.5'"),
        ("seeds", 0, r"seeds must be a number of seeds from 1, or a list of seeds, got 0"),
        ("seeds", [0, -1], r"seeds must be whole numbers from 0 to 2\*\*63 - 1, got -1"),
        ("seeds", [0.5], r"seeds must be whole numbers from 0 to .*, got 0.5"),
        (
            "split_seeds",
            "0-5",
            r"split_seeds must be whole numbers as '0,3,7', 'start:stop' as '0:5', or 'seeds', got '0-5'",
        ),
        ("split_seeds", "5:5", r"split_seeds must be whole numbers as .*, got '5:5'"),
        ("split_seeds", [-1], r"split_seeds must be whole numbers from 0 to .*, got -1"),
        ("split", [0.8, 0.2], r"split must be three shares above 0 that add up to at most 1, .*, got \[0.8, 0.2\]"),
        ("split", [0.8, 0.2, 0.1], r"split must be three shares .*, got \[0.8, 0.2, 0.1\]"),
        ("split", 0.8, r"split must be three shares .*, got 0.8"),
        ("protocol", "papers", r"protocol must be among .*, got 'papers'; did you mean 'paper'\?"),
        ("seeds", [2**70], r"seeds must be whole numbers from 0 to 2\*\*63 - 1, got 1180591620717411303424"),
        ("seeds", 10**9, r"seeds is the number of seeds, at most 1,000,000, got 1,000,000,000"),
        ("seeds", [[0]], r"seeds must list names or numbers, got list"),
        ("removed", "0:1:1e-9", r"removed would be 1,000,000,000 shares; at most 1,000,000 are allowed"),
        ("epochs", 0, r"epochs must be a whole number from 1 to 1,000,000, or left out, got 0"),
        ("epochs", 10**30, r"epochs must be a whole number from 1 to 1,000,000, or left out"),
        ("epochs", 1e30, r"epochs must be a whole number from 1 to 1,000,000, or left out"),
        ("device", "gpu", r"device must be among auto, cpu, cuda, got 'gpu'"),
        ("name", "../x", r"name must be letters, digits, '-' and '_', got '../x'"),
        ("method", ["random"], r"unknown field 'method'; did you mean 'methods'\?"),
    ],
)
def test_errors_name_the_field(field, value, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        Plan.from_dict(FIELDS | {field: value})


@pytest.mark.parametrize("field", ["name", "datasets", "methods"])
def test_missing_fields_are_named(field):
    with pytest.raises(ValueError, match=f"^{field} is missing$"):
        Plan.from_dict({key: value for key, value in FIELDS.items() if key != field})


def test_a_plan_is_a_mapping():
    with pytest.raises(ValueError, match="a plan must be a mapping of fields, got list"):
        Plan.from_dict([])


def test_packaged_plans_are_valid():
    names = packaged_plans()
    assert names == sorted(names)
    assert {"quick", "reduced/cora-gcn", "paper/dblp-gin", "rivals/minesweeper"} <= set(names)
    plans = {name: load_plan(name) for name in names}
    assert all(plan.name == name.replace("/", "-") and plan.summary for name, plan in plans.items())
    assert plans["quick"].datasets == ("digits",)
    cora = plans["reduced/cora-gcn"]
    assert (cora.datasets, len(cora.seeds), cora.removed[0], cora.removed[-1]) == (("Cora",), 10, 0.0, 1.0)
    for name, plan in plans.items():
        family, _, rest = name.partition("/")
        if family == "paper":
            assert f"reduced/{rest}" in plans
            assert len(plan.removed) == 21
            assert (plan.protocol, plan.split_seeds) == ("paper", (1,))


def test_rivals_meet_every_method_that_such_a_graph_allows():
    compared = {text.partition(":")[0] for text in load_plan("rivals/cora").methods}
    assert {record.name for record in methods()} - compared == {"threshold", "disparity"}
    assert load_plan("rivals/cora").removed == (0, 0.25, 0.5, 0.75, 0.8, 0.9)


@pytest.mark.parametrize("name", [name for name in packaged_plans() if name.startswith("rivals/")])
def test_rivals_have_splits_enough_to_be_told_from_chance(name):
    plan = load_plan(name)
    assert len(plan.seeds) >= pairs_needed(len(plan.methods) - 1, LEVEL)


def test_changes_replace_fields():
    plan = load_plan("quick", seeds=1, methods=["random"])
    assert (plan.seeds, plan.methods, plan.name) == ((0,), ("random",), "quick")


def test_a_file_is_called_after_itself(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text("datasets: [digits]\nmethods: [random]\n")
    assert load_plan(path).name == "small"


def test_a_changed_plan_says_what_was_changed():
    assert load_plan("quick").summary.startswith("Walk-index sparsification, chance and cheap rivals")
    assert load_plan("quick", epochs=5, seeds=1).summary == "with other seeds, epochs"


def test_a_plan_with_other_data_or_models_is_called_after_them(tmp_path, monkeypatch):
    plan = load_plan("quick", datasets=["cora", "digits"], seeds=1)
    assert (plan.name, plan.summary) == ("cora-digits-gcn", "plan quick with other datasets, seeds")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "My graph.v2.pt").touch()
    assert load_plan("quick", datasets=["folder/My graph.v2.pt"], models=["gin"]).name == "my-graph-v2-gin"
    everything = load_plan("quick", datasets=[record.name for record in datasets()]).name
    assert everything.startswith("digits-cora-citeseer-")
    assert len(everything) <= 60


def test_text_reads_back(tmp_path):
    plan = load_plan("reduced/cora-gcn", epochs=5)
    path = tmp_path / "again.yaml"
    path.write_text(plan_text(plan.to_dict()))
    assert load_plan(path) == plan
    assert "epochs: 5" in path.read_text()
    assert "epochs" not in yaml.safe_load(plan_text(load_plan("reduced/cora-gcn").to_dict()))


def test_unreadable_plans(tmp_path):
    with pytest.raises(
        ValueError,
        match=r"no plan 'quik'; did you mean 'quick'\?; it is neither a file nor one of the packaged plans paper",
    ):
        load_plan("quik")
    path = tmp_path / "bad.yaml"
    path.write_text("a: [")
    with pytest.raises(ValueError, match="not a YAML file"):
        load_plan(path)
    path.write_text("datasets: [digits]\nmethods: [wiz]\n")
    with pytest.raises(ValueError, match=r"bad\.yaml: methods: unknown method 'wiz'"):
        load_plan(path)


def test_a_plan_beyond_all_bounds_is_refused_with_its_size():
    size = "1 data set × 1 model × 2 methods × 1,001 shares × 1,000 seeds = 2,002,000 cells".replace("sh", "removed sh")
    with pytest.raises(ValueError, match=f"^the plan has {size}, and at most 1,000,000 are allowed"):
        Plan.from_dict(FIELDS | {"removed": "0:1:0.001", "seeds": 1000})
    assert Plan.from_dict(FIELDS | {"seeds": 1, "removed": [0.5]}).size.endswith("1 removed share × 1 seed = 2 cells")


def test_a_key_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text("datasets: [digits]\nmethods: [random]\nseeds: 2\nseeds: 3\n")
    with pytest.raises(ValueError, match=r"twice\.yaml: not a YAML file: seeds stands there twice .*line 1"):
        load_plan(path)


def test_a_folder_is_called_after_what_is_compared():
    plan = Plan.from_dict(FIELDS)
    assert plan.folder_name.startswith("digits-random-wis-depth-2-")
    assert Plan.from_dict(FIELDS | {"name": "other", "summary": "the same"}).folder_name == plan.folder_name
    for change in ({"seeds": 4}, {"removed": [0.5]}, {"epochs": 3}, {"models": ["gin"]}, {"protocol": "paper"}):
        assert Plan.from_dict(FIELDS | change).folder_name != plan.folder_name
    assert len(load_plan("paper/cora-gcn").folder_name) <= 69


def test_every_option_of_every_method_is_checked_before_anything_runs():
    """A value that no option takes; options of files alone are checked where the files are opened."""
    for method in methods():
        for option in method.options:
            if option != "checkpoint":
                with pytest.raises(ValueError, match=option):
                    Plan.from_dict(FIELDS | {"methods": [f"{method.name}:{option}=nonsense"]})
        assert Plan.from_dict(FIELDS | {"methods": [method.name]}).methods == (method.name,)


def test_splits_are_numbers_ranges_or_those_of_the_seeds():
    assert Plan.from_dict(FIELDS).split_seeds == (1,)
    for given, meant in (("2:4", (2, 3)), ("3,1", (3, 1)), (4, (4,)), ([0, 2], (0, 2)), ("seeds", "seeds")):
        assert Plan.from_dict(FIELDS | {"split_seeds": given}).split_seeds == meant
    assert Plan.from_dict(FIELDS | {"split_seeds": "0:2"}).size.endswith("3 seeds × 2 splits = 60 cells")
    assert Plan.from_dict(FIELDS | {"split": [0.5, 0.25, 0.25]}).split == (0.5, 0.25, 0.25)


def test_splits_that_were_not_published_are_refused():
    with pytest.raises(
        ValueError, match="^split_seeds: minesweeper was published with splits 0 to 9, got 10; give other"
    ):
        Plan.from_dict(FIELDS | {"datasets": "minesweeper", "split_seeds": "0:11"})
    drawn = Plan.from_dict(FIELDS | {"datasets": "minesweeper", "split_seeds": "0:11", "split": [0.8, 0.1, 0.1]})
    assert len(drawn.split_seeds) == 11
