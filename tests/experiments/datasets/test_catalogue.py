from __future__ import annotations

import pytest
from wis.experiments.datasets.catalogue import datasets, find, names


def test_names_are_found_in_any_case():
    assert names()[:3] == ["digits", "Cora", "CiteSeer"]
    assert [find(record.name.upper()) for record in datasets()] == datasets()


def test_only_the_digits_are_built_in():
    assert [record.name for record in datasets() if record.built_in] == ["digits"]
    assert all(record.files for record in datasets() if not record.built_in)


def test_unknown_names_are_refused():
    with pytest.raises(
        ValueError, match=r"unknown dataset 'cara'; did you mean 'Cora'\?; the datasets are: digits, Cora, "
    ):
        find("cara")
    with pytest.raises(TypeError, match="must be a string, got int"):
        find(3)
