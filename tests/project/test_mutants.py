"""The tables of tests/mutants stay true to the code, so that `make test-mutants` tries what they say."""

from __future__ import annotations

import re

import pytest

from tests.mutants.mutants import Mutant, mutants
from tests.project import tree


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_there_is_one_place_for_the_mistake_and_it_changes_something(mutant: Mutant) -> None:
    assert mutant.applied(tree.ROOT) != (tree.ROOT / mutant.file).read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_the_tests_that_are_to_catch_it_exist(mutant: Mutant) -> None:
    assert mutant.caught_by
    for test in mutant.caught_by:
        file, _, name = test.partition("::")
        assert re.search(rf"^def {name.partition('[')[0]}\(", (tree.ROOT / file).read_text(), re.MULTILINE), test


def test_each_mistake_has_a_name_of_its_own() -> None:
    names = [mutant.name for mutant in mutants()]

    assert sorted(set(names)) == sorted(names)
