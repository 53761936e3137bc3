from __future__ import annotations

import pytest
import torch
from torch import nn
from torch_geometric.nn import GATConv, GCNConv, GENConv, GINConv, GraphConv, SAGEConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm
from wis.baselines.gnn.attention import _by_products, attention
from wis.baselines.gnn.graph import Graph
from wis.baselines.gnn.models import build
from wis.baselines.gnn.protocol import MODEL_NAMES
from wis.baselines.gnn.sparse import SparseFeatures


def random_graph(num_nodes=40, num_edges=150, seed=0):
    """A directed multigraph with self-loops and isolated vertices: the hardest case for a sparse matrix."""
    generator = torch.Generator().manual_seed(seed)
    edge_index = torch.randint(0, num_nodes - 5, (2, num_edges), generator=generator)
    x = torch.rand(num_nodes, 30, generator=generator) * (torch.rand(num_nodes, 30, generator=generator) < 0.2)
    return x, edge_index


def simple_graph(num_nodes=40, num_edges=150, seed=0):
    x, edge_index = random_graph(num_nodes, num_edges, seed)
    edge_index = torch.unique(edge_index[:, edge_index[0] != edge_index[1]], dim=1)
    order = torch.randperm(edge_index.shape[1], generator=torch.Generator().manual_seed(seed))
    return x, edge_index[:, order]


def seeded_model(name, x):
    torch.manual_seed(3)
    return build(name, x.shape[1], 4)


def gradients(model, out):
    model.zero_grad()
    (out**2).sum().backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", MODEL_NAMES)
@pytest.mark.usefixtures("pyg_masks")
def test_prepared_graph_gives_the_outputs_and_gradients_of_message_passing(name, training):
    x, edge_index = random_graph()
    model = seeded_model(name, x).train(training)
    torch.manual_seed(7)
    plain = model(x, edge_index)
    torch.manual_seed(7)
    lean = model(SparseFeatures(x), Graph(edge_index, len(x)))
    torch.testing.assert_close(lean, plain, atol=2e-6, rtol=1e-5)
    ours, theirs = gradients(model, lean), gradients(model, plain)
    torch.testing.assert_close(ours, theirs, atol=1e-5 * float(theirs.abs().max()), rtol=1e-3)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_edge_weights_and_their_gradients_equal_message_passing(name):
    x, edge_index = simple_graph()
    model = seeded_model(name, x).eval()
    weight = torch.rand(edge_index.shape[1], generator=torch.Generator().manual_seed(1)).requires_grad_()
    plain = model(x, edge_index, weight)
    lean = model(SparseFeatures(x), Graph(edge_index, len(x)).reweighted(weight))
    torch.testing.assert_close(lean, plain, atol=2e-6, rtol=1e-5)
    ours, theirs = (torch.autograd.grad((out**2).sum(), weight)[0] for out in (lean, plain))
    assert theirs.abs().max() > 1e-3
    torch.testing.assert_close(ours, theirs, atol=1e-5 * float(theirs.abs().max()), rtol=1e-3)


def test_gcn_layer_is_pyg_s():
    x, edge_index = random_graph()
    model = seeded_model("gcn", x)
    reference = GCNConv(30, 64)
    reference.load_state_dict(model.convolutions[0].state_dict())
    ours = model.convolutions[0](SparseFeatures(x), Graph(edge_index, len(x)))
    torch.testing.assert_close(ours, reference(x, edge_index), atol=1e-6, rtol=1e-5)


def test_gin_layer_is_pyg_s():
    x, edge_index = random_graph()
    model = seeded_model("gin", x).eval()
    nn.init.constant_(model.convolutions[0].eps, 0.3)
    network = nn.Sequential(
        *(nn.Linear(30, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU())
    )
    reference = GINConv(network, train_eps=True).eval()
    reference.load_state_dict(model.convolutions[0].state_dict())
    ours = model.convolutions[0](SparseFeatures(x), Graph(edge_index, len(x)))
    torch.testing.assert_close(ours, reference(x, edge_index), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_gen_layer_is_pyg_s_even_where_a_global_softmax_would_overflow(scale):
    _, edge_index = random_graph()
    x = scale * torch.randn(40, 128, generator=torch.Generator().manual_seed(2))
    model = seeded_model("resgcn", torch.zeros(1, 30))
    reference = GENConv(128, 128, aggr="softmax_sg", t=0.1, num_layers=1, bias=True)
    reference.load_state_dict(model.layers[0].conv.state_dict())
    ours = model.layers[0].conv(x, Graph(edge_index, 40))
    torch.testing.assert_close(ours, reference(x, edge_index), atol=1e-5 * scale, rtol=1e-4)


def test_learned_weights_of_either_sign_are_normalised_by_their_size():
    x, edge_index = simple_graph()
    weight = torch.randn(edge_index.shape[1], generator=torch.Generator().manual_seed(1))
    model = seeded_model("gcn", x)
    looped, size = gcn_norm(edge_index, weight.abs(), len(x))
    sign = torch.cat([weight.sign(), torch.ones(len(x))])
    plain = model.convolutions[0].propagate(looped, x=model.convolutions[0].lin(x), edge_weight=size * sign)
    lean = model.convolutions[0](SparseFeatures(x), Graph(edge_index, len(x), weight))
    torch.testing.assert_close(lean, plain, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_graph_without_edges_works(name):
    x, _ = random_graph()
    none = torch.zeros(2, 0, dtype=torch.int64)
    model = seeded_model(name, x).eval()
    torch.testing.assert_close(model(SparseFeatures(x), Graph(none, 40)), model(x, none), atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_more_edges_than_places_for_them(name):
    """Parallel edges of two vertices."""
    torch.manual_seed(0)
    x, edge_index = torch.randn(2, 4), torch.tensor([[0, 0, 0, 1, 1, 0], [1, 1, 1, 0, 0, 1]])
    model = seeded_model(name, x).eval()
    ours, theirs = (torch.linspace(0.5, 1.5, 6).requires_grad_() for _ in range(2))
    out, plain = model(x, Graph(edge_index, 2, ours)), model(x, edge_index, theirs)
    torch.testing.assert_close(out, plain, atol=2e-6, rtol=1e-5)
    (out**2).sum().backward()
    (plain**2).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5 * float(theirs.grad.abs().max()), rtol=1e-3)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_double_precision(name):
    x, edge_index = simple_graph()
    x = x.double()
    model = seeded_model(name, x).double().eval()
    torch.testing.assert_close(model(x, Graph(edge_index, len(x))), model(x, edge_index), atol=1e-6, rtol=1e-6)


def test_gat_layer_is_pyg_s():
    x, edge_index = random_graph()
    model = seeded_model("gat", x)
    reference = GATConv(30, 8, heads=8)
    reference.load_state_dict(model.convolutions[0].state_dict())
    ours = model.convolutions[0](SparseFeatures(x), Graph(edge_index, len(x)))
    torch.testing.assert_close(ours, reference(x, edge_index), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("weighted", [True, False])
def test_attention_to_scores_far_apart_does_not_overflow(weighted):
    x, edge_index = simple_graph()
    layer = seeded_model("gat", x).convolutions[0].double()
    nn.init.normal_(layer.att_src, std=1e3)
    weight = torch.ones(edge_index.shape[1], dtype=torch.float64) if weighted else None
    ours = layer(x.double(), Graph(edge_index, len(x), weight))
    torch.testing.assert_close(ours, layer(x.double(), edge_index))


@pytest.mark.parametrize("weighted", [True, False])
def test_attention_by_kernels_and_by_products_agree_with_all_their_gradients(weighted):
    _, edge_index = simple_graph() if weighted else random_graph()
    generator = torch.Generator().manual_seed(4)
    x, source, target = (
        torch.randn(40, 3, *more, generator=generator, dtype=torch.float64).requires_grad_() for more in ((5,), (), ())
    )
    weight = torch.rand(edge_index.shape[1], generator=generator, dtype=torch.float64).requires_grad_()
    graph = Graph(edge_index, 40, weight) if weighted else Graph(edge_index, 40)
    inputs = (x, source, target, weight) if weighted else (x, source, target)
    factor = torch.randn(40, 3, 5, generator=generator, dtype=torch.float64)
    outs = [form(graph, x, source, target, 0.2) for form in (attention, _by_products)]
    tolerance = {} if weighted else {"atol": 1e-6, "rtol": 1e-6}  # weights of one are float32 in the products
    torch.testing.assert_close(*outs, **tolerance)
    for ours, theirs in zip(
        *(torch.autograd.grad((out * factor).sum(), inputs, retain_graph=True) for out in outs), strict=True
    ):
        assert theirs.abs().max() > 1e-3
        torch.testing.assert_close(ours, theirs, **tolerance)


def test_a_score_that_is_not_a_number_spoils_its_own_targets_only():
    edge_index = torch.tensor([[0, 1, 3], [1, 2, 4]])
    source = torch.zeros(5, 2)
    source[0] = torch.nan
    out = attention(Graph(edge_index, 5), torch.ones(5, 2, 3), source, torch.zeros(5, 2), 0.2)
    assert out.isnan().all(dim=(1, 2)).tolist() == [True, True, False, False, False]


def test_weights_multiply_gat_s_messages_after_the_softmax():
    x, edge_index = simple_graph()
    layer = seeded_model("gat", x).convolutions[0]
    weight = torch.rand(edge_index.shape[1], generator=torch.Generator().manual_seed(1))
    _, (looped, alpha) = GATConv.forward(layer, x, edge_index, return_attention_weights=True)
    messages = (alpha * torch.cat([weight, torch.ones(40)])[:, None])[:, :, None] * layer.lin(x).view(-1, 8, 8)[
        looped[0]
    ]
    expected = torch.zeros(40, 8, 8).index_add(0, looped[1], messages).flatten(1) + layer.bias
    torch.testing.assert_close(layer(x, Graph(edge_index, 40, weight)), expected, atol=1e-6, rtol=1e-5)


def test_sage_layer_is_pyg_s():
    x, edge_index = random_graph()
    model = seeded_model("sage", x)
    reference = SAGEConv(30, 64)
    reference.load_state_dict(model.convolutions[0].state_dict())
    ours = model.convolutions[0](SparseFeatures(x), Graph(edge_index, len(x)))
    torch.testing.assert_close(ours, reference(x, edge_index), atol=1e-6, rtol=1e-5)


def test_sage_with_weights_is_pyg_s_graph_layer_with_a_mean():
    x, edge_index = simple_graph()
    weight = torch.randn(edge_index.shape[1], generator=torch.Generator().manual_seed(1))
    layer, reference = seeded_model("sage", x).convolutions[0], GraphConv(30, 64, aggr="mean")
    state = {
        name.replace("lin_l", "lin_rel").replace("lin_r.", "lin_root."): w for name, w in layer.state_dict().items()
    }
    reference.load_state_dict(state)
    ours = layer(SparseFeatures(x), Graph(edge_index, len(x), weight))
    torch.testing.assert_close(ours, reference(x, edge_index, weight), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "hidden", "depth"), [("gcn", 64, 3), ("gin", 64, 3), ("resgcn", 128, 10), ("gat", 64, 3), ("sage", 64, 3)]
)
def test_sizes_are_those_of_the_protocol(name, hidden, depth):
    model = build(name, 30, 4)
    assert model.head.in_features == hidden
    assert len(model.layers if name == "resgcn" else model.convolutions) == depth


def test_unknown_model_is_refused():
    with pytest.raises(ValueError, match=r"model must be among gcn, .*, got 'gcnn'; did you mean 'gcn'\?"):
        build("gcnn", 3, 2)


def test_heads_share_the_width():
    with pytest.raises(ValueError, match="hidden must be a multiple of 8, the number of heads of a GAT, got 12"):
        build("gat", 3, 2, hidden=12)


@pytest.mark.scatter
def test_torch_scatter_gives_what_the_fallback_gives(monkeypatch):
    x, edge_index = random_graph()
    weight = torch.rand(edge_index.shape[1], generator=torch.Generator().manual_seed(1))
    model = seeded_model("resgcn", x).eval()
    with_it = model(x, edge_index, weight)
    monkeypatch.setattr("torch_geometric.typing.WITH_TORCH_SCATTER", False)
    torch.testing.assert_close(with_it, model(x, edge_index, weight), atol=1e-6, rtol=1e-5)
