import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wis.interactions.modular import MODULUS, reduced, times

NUMBERS = st.one_of(st.integers(0, MODULUS - 1), st.sampled_from([0, 1, 2, MODULUS - 2, MODULUS - 1]))


@settings(deadline=None)
@given(NUMBERS, NUMBERS)
def test_times_is_the_product_modulo_the_prime(a: int, b: int) -> None:
    assert int(times(np.uint64(a), np.uint64(b))) == a * b % MODULUS


@settings(deadline=None)
@given(st.one_of(st.integers(0, 2**62 - 2), st.sampled_from([MODULUS, 2 * MODULUS, MODULUS**2, 2**62 - 2])))
def test_reduced_is_the_remainder(x: int) -> None:
    assert int(reduced(np.uint64(x))) == x % MODULUS
