"""How kernels that allocate nothing are compiled."""

from __future__ import annotations

from numba import njit

# Without this option Numba counts references to every array of a state up and down at every call of a small function,
# in atomic operations that take more time than the work.
kernel = njit(cache=True, nogil=True, _nrt=False)

# The same for small functions: passing the state would take longer than what they do.
inlined = njit(cache=True, nogil=True, _nrt=False, inline="always")
