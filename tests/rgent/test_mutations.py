"""The deliberate bugs fit the code as it is; whether they are caught takes a run of their own."""

from pathlib import Path

import pytest

from tests.mutations.__main__ import chosen
from tests.mutations.catalogue import ROOT, Mutation, all_mutations

MUTATIONS = all_mutations()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_it_replaces_what_stands_in_the_code_once(mutation: Mutation) -> None:
    assert mutation.fits(ROOT)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_it_names_tests_that_there_are(mutation: Mutation) -> None:
    for test in mutation.tests:
        path, _, name = test.partition("::")
        assert not name or f"def {name.partition('[')[0]}(" in (ROOT / path).read_text()
        assert (ROOT / path).exists()


def test_a_bug_that_no_longer_fits_is_told(tmp_path: Path) -> None:
    (tmp_path / "money.py").write_text("cents = 1\n")
    outdated = Mutation(name="a/b", rule="", file="money.py", find="cents = 2", replace="cents = 3", tests=())

    with pytest.raises(ValueError, match="Write it anew"):
        outdated.put_into(tmp_path)


def test_a_sample_is_the_same_for_one_commit_and_comes_round_to_all_bugs() -> None:
    half = len(MUTATIONS) // 2
    samples = [chosen([], sample=half, seed=str(commit)) for commit in range(40)]

    assert samples[0] == chosen([], sample=half, seed="0")
    assert {len(set(sample)) for sample in samples} == {half}
    assert {bug for sample in samples for bug in sample} == set(MUTATIONS)
