from __future__ import annotations

import pytest
import torch
from wis.baselines.gnn.sparse import Pattern, SparseFeatures, linear, multiply


def random_matrix(shape, density, seed):
    generator = torch.Generator().manual_seed(seed)
    dense = torch.randn(shape, generator=generator, dtype=torch.float64)
    return dense * (torch.rand(shape, generator=generator) < density)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (1, 4)])
@pytest.mark.parametrize("density", [0.1, 0.6])
def test_product_and_gradients_equal_the_dense_ones(shape, density):
    matrix = random_matrix(shape, density, seed=1)
    rows, columns = matrix.nonzero(as_tuple=True)
    shuffle = torch.randperm(len(rows), generator=torch.Generator().manual_seed(2))
    pattern = Pattern(rows[shuffle], columns[shuffle], shape)
    values = matrix[rows, columns][shuffle].requires_grad_()
    dense = random_matrix((shape[1], 4), 1.0, seed=3).requires_grad_()
    out = multiply(pattern, values[pattern.order], dense)
    expected_matrix = torch.zeros(shape, dtype=torch.float64).index_put((rows[shuffle], columns[shuffle]), values)
    expected = expected_matrix @ dense
    torch.testing.assert_close(out, expected)
    if len(rows) == 0:
        return
    weight = random_matrix(out.shape, 1.0, seed=4)
    for ours, theirs in zip(
        torch.autograd.grad((out * weight).sum(), (values, dense)),
        torch.autograd.grad((expected * weight).sum(), (values, dense)),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_gradients_pass_the_numerical_check():
    matrix = random_matrix((4, 6), 0.5, seed=5)
    rows, columns = matrix.nonzero(as_tuple=True)
    pattern = Pattern(rows, columns, (4, 6))
    values = matrix[rows, columns].requires_grad_()
    dense = random_matrix((6, 2), 1.0, seed=6).requires_grad_()
    assert torch.autograd.gradcheck(lambda v, d: multiply(pattern, v, d), (values, dense))


def test_repeated_places_add_up():
    pattern = Pattern(torch.tensor([1, 0, 1]), torch.tensor([0, 1, 0]), (2, 2))
    values = torch.tensor([2.0, 3.0, 5.0])[pattern.order].requires_grad_()
    dense = torch.tensor([[1.0], [10.0]])
    out = multiply(pattern, values, dense)
    assert out.tolist() == [[30.0], [7.0]]
    assert torch.autograd.grad(out.sum(), values)[0].tolist() == [10.0, 1.0, 1.0]


def test_sampled_product_without_a_library_is_the_same(monkeypatch):
    pattern = Pattern(torch.tensor([2, 0, 0, 1, 2]), torch.tensor([1, 3, 0, 2, 0]), (3, 4))
    left, right = random_matrix((3, 5), 1.0, seed=7), random_matrix((4, 5), 1.0, seed=8)
    by_library = pattern.sampled_product(left, right)
    monkeypatch.setattr("wis.baselines.gnn.sparse._CHUNK", 10)  # two entries at a time
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: False)
    by_chunks = pattern.sampled_product(left, right)
    torch.testing.assert_close(by_chunks, by_library)
    torch.testing.assert_close(by_chunks, (left @ right.t())[[0, 0, 1, 2, 2], [0, 3, 2, 0, 1]])


def test_linear_map_of_sparse_features_equals_the_dense_one():
    x = random_matrix((6, 9), 0.2, seed=9).float()
    weight = torch.randn(4, 9, generator=torch.Generator().manual_seed(1)).requires_grad_()
    bias = torch.arange(4.0)
    sparse, dense = linear(SparseFeatures(x), weight, bias), linear(x, weight, bias)
    torch.testing.assert_close(sparse, dense)
    for power in (1, 2):
        ours, theirs = (
            torch.autograd.grad((out**power).sum(), weight, retain_graph=True)[0] for out in (sparse, dense)
        )
        torch.testing.assert_close(ours, theirs)
