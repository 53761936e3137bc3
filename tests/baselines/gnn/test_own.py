"""Models of users' own."""

from __future__ import annotations

import importlib.metadata
import sys

import pytest
import torch
from wis.baselines.gnn import own
from wis.baselines.gnn.data import TrainingData
from wis.baselines.gnn.fit import fit
from wis.baselines.gnn.graph import Graph
from wis.baselines.gnn.models import build
from wis.baselines.gnn.protocol import Protocol

from tests.baselines.gnn.graphs import two_groups

MODULE = """
import torch
from torch_geometric.nn import GCNConv

class Net(torch.nn.Module):
    def __init__(self, num_features, num_classes):
        super().__init__()
        self.layer = GCNConv(num_features, num_classes)

    def forward(self, x, edge_index, edge_weight=None):
        return self.layer(x, edge_index, edge_weight)

class Unweighted(Net):
    def forward(self, x, edge_index):
        return self.layer(x, edge_index)

class Pooled(Net):
    def forward(self, x, edge_index):
        return self.layer(x, edge_index).sum(dim=0)

class Scaling(Net):
    def forward(self, x, edge_index):
        x /= 2
        return self.layer(x, edge_index)

class Turning(Net):
    def forward(self, x, edge_index):
        return self.layer(x, edge_index.copy_(edge_index.flip(0)))

class Sized(Net):
    def __init__(self, num_features, num_classes, width):
        pass

def function(x, edge_index):
    return x
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "own_models.py").write_text(MODULE)
    (tmp_path / "broken_models.py").write_text("import nothing_of_this_name")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("own_models", "broken_models"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path / "own_models.py"


def test_a_model_in_the_current_folder_learns_like_pyg_s_layer(module):
    result = fit("own_models:Net", two_groups(), seed=0, device="cpu", protocol=Protocol(lr=0.05, epochs=60))
    assert result.val_score == 1
    ready = TrainingData.from_pyg(two_groups())
    model = build("own_models:Net", 100, 2)
    data = two_groups()
    torch.testing.assert_close(model(ready.features, ready.graph), model.model(data.x, data.edge_index))
    weight = torch.rand(data.num_edges, generator=torch.Generator().manual_seed(0))
    weighted = model(ready.features, Graph(data.edge_index, 60, weight))
    torch.testing.assert_close(weighted, model.model(data.x, data.edge_index, weight))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:Net", "model 'no_such_module:Net' cannot be imported: ModuleNotFoundError: No module named"),
        ("broken_models:Net", "cannot be imported: ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("own_models:Nett", "cannot be imported: AttributeError: module 'own_models' has no attribute 'Nett'"),
        ("own_models:Sized", r"must be a class made by Class\(num_features, num_classes\), with forward"),
        ("own_models:function", "must be a class made by Class"),
        (
            "gcnn",
            r"model must be among gcn, .*, or package.module:Class of your own, got 'gcnn'; did you mean",
        ),
    ],
)
def test_models_that_cannot_be_used_are_named(module, name, message):
    with pytest.raises(ValueError, match=message):
        own.check_model(name)


def test_a_model_without_weights_refuses_those_of_a_graph(module):
    data = two_groups()
    data.edge_weight = torch.ones(data.num_edges)
    with pytest.raises(ValueError, match="forward of model 'own_models:Unweighted' takes no argument edge_weight"):
        fit("own_models:Unweighted", data, device="cpu")


def test_outputs_are_logits(module):
    with pytest.raises(ValueError, match=r"model 'own_models:Pooled' must return logits \[60, 2\], got \[2\]"):
        fit("own_models:Pooled", two_groups(), device="cpu")
    with pytest.raises(ValueError, match="hidden is the width of the package's own models; got 8"):
        build("own_models:Net", 3, 2, hidden=8)


@pytest.mark.parametrize(("name", "changed"), [("Scaling", "x"), ("Turning", "edge_index")])
def test_a_model_that_changes_what_all_passes_share_is_refused(module, name, changed):
    with pytest.raises(ValueError, match=rf"'own_models:{name}' changes its {changed} in place.*{changed}.clone"):
        fit(f"own_models:{name}", two_groups(), device="cpu")


def test_a_model_of_another_package_goes_by_the_name_of_its_entry_point(module, monkeypatch):
    point = importlib.metadata.EntryPoint("net", "own_models:Net", own.ENTRY_POINT_GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    own._entry_points.cache_clear()
    try:
        assert own.check_model("net") == "net"
        assert type(build("net", 3, 2).model).__name__ == "Net"
    finally:
        own._entry_points.cache_clear()


def test_a_changed_file_is_another_model(module):
    before = own.fingerprint("own_models:Net")
    module.write_text(MODULE + "\n")
    assert own.fingerprint("own_models:Net") != before
