"""Every imported module is declared, and every declared distribution is locked."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from django.conf import settings
from ruamel.yaml import YAML

ROOT = Path(settings.BASE_DIR)
PRODUCT = ["accounts", "bench", "billing", "chat", "common", "rgent", "sandbox"]
OWN = {*PRODUCT, "tests"}
DISTRIBUTIONS = packages_distributions()
# `tests/clients/` runs in environments of its own, with the versions of versions.toml.
APART = ROOT / "tests" / "clients"


def imported_by(*folders: str) -> set[str]:
    """Return the top-level modules that these folders import, without Python's own and ours."""
    modules: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py") if APART not in path.parents):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    return modules - sys.stdlib_module_names - OWN


def declared_in(*names: str) -> set[str]:
    """Return the distributions that these requirement files name, normalized."""
    texts = [(ROOT / name).read_text() for name in names]
    return {normalized(name) for text in texts for name in re.findall(r"^([A-Za-z0-9][\w.-]*)", text, re.MULTILINE)}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("folders", "files"),
    [(PRODUCT, ["requirements.in"]), (["tests"], ["requirements.in", "requirements-dev.in"])],
    ids=["product", "tests"],
)
def test_every_imported_module_is_declared(folders: list[str], files: list[str]) -> None:
    declared = declared_in(*files)

    undeclared = {
        module
        for module in imported_by(*folders)
        if not declared & {normalized(name) for name in DISTRIBUTIONS.get(module, ())}
    }

    assert undeclared == set()


@pytest.mark.parametrize("name", ["requirements", "requirements-dev", "requirements-uv"])
def test_everything_declared_is_locked_with_hashes(name: str) -> None:
    locked = (ROOT / f"{name}.txt").read_text()

    lacking = declared_in(f"{name}.in") - declared_in(f"{name}.txt")

    assert lacking == set()
    requirements = re.split(r"\n(?=[a-z0-9])", locked.partition("\n")[2])
    assert [each for each in requirements if "==" in each.splitlines()[0] and "--hash=sha256:" not in each] == []


@pytest.mark.parametrize("name", ["requirements", "requirements-dev", "requirements-uv"])
def test_a_lock_file_names_no_registry(name: str) -> None:
    options = [line for line in (ROOT / f"{name}.txt").read_text().splitlines() if line.startswith("--")]

    assert options == []


def test_commit_hooks_fetch_nothing() -> None:
    hooks = YAML(typ="safe").load((ROOT / ".pre-commit-config.yaml").read_text())

    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    assert {hook["language"] for repo in hooks["repos"] for hook in repo["hooks"]} == {"system"}
