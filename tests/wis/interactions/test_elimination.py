from collections.abc import Callable

import numpy as np
import pytest

from wis.interactions.elimination import rank_modulo
from wis.interactions.modular import MODULUS


def _matrix(function: Callable[[int, int], int], rows: int, columns: int) -> np.ndarray:
    return np.array([[function(a, b) % MODULUS for b in range(columns)] for a in range(rows)], dtype=np.uint32)


@pytest.mark.parametrize("power", [0, 1, 2, 7, 19])
def test_a_power_of_a_sum_has_one_rank_more_than_its_power(power: int) -> None:
    assert rank_modulo(_matrix(lambda a, b: (a + b + 1) ** power, 40, 30)) == power + 1


def test_functions_of_known_rank() -> None:
    assert rank_modulo(_matrix(lambda a, b: 0, 20, 20)) == 0
    assert rank_modulo(_matrix(lambda a, b: (a * a + 5) * (3 * b + 1), 20, 20)) == 1
    assert rank_modulo(_matrix(lambda a, b: a + b, 20, 20)) == 2
    assert rank_modulo(_matrix(lambda a, b: int(a == b) * (MODULUS - 1), 20, 20)) == 20
    assert rank_modulo(_matrix(lambda a, b: pow(a + b + 1, -1, MODULUS), 25, 25)) == 25  # Cauchy's matrix
    assert rank_modulo(np.zeros((0, 0), dtype=np.uint32)) == 0


@pytest.mark.parametrize("rank", [0, 1, 5, 16])
@pytest.mark.parametrize("shape", [(16, 40), (40, 16), (33, 33)])
def test_a_product_of_thin_matrices_has_their_width_as_rank(rank: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(rank)
    left, right = (rng.integers(MODULUS, size=size).astype(object) for size in ((shape[0], rank), (rank, shape[1])))
    product = left @ right % MODULUS if rank else np.zeros(shape)
    assert rank_modulo(product.astype(np.uint32)) == rank
