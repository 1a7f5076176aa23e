"""The manifests: valid, and the same processes as compose starts, with the same commands, limits and rights."""

import re
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from tests.production.files import ROOT, product_services, words_of

FOLDER = ROOT / "deploy" / "kubernetes"
LIST: dict[str, Any] = YAML(typ="safe").load((FOLDER / "kustomization.yaml").read_text())
MANIFESTS = [each for name in LIST["resources"] for each in YAML(typ="safe").load_all((FOLDER / name).read_text())]
VERSION = "1.33"


def name_of(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def running() -> dict[str, dict[str, Any]]:
    """Return what runs containers, by name."""
    return {each["metadata"]["name"]: each for each in MANIFESTS if each["kind"] in {"Deployment", "Job"}}


def pods() -> dict[str, dict[str, Any]]:
    return {name: manifest["spec"]["template"]["spec"] for name, manifest in running().items()}


def container(name: str) -> dict[str, Any]:
    (found,) = pods()[name]["containers"]
    return dict(found)


def test_kustomize_takes_every_file_there_is() -> None:
    assert set(LIST["resources"]) == {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}


@pytest.mark.parametrize("manifest", MANIFESTS, ids=name_of)
def test_it_is_what_kubernetes_takes(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_the_same_processes_run_as_in_compose() -> None:
    assert pods().keys() == product_services().keys()


@pytest.mark.parametrize("name", sorted(product_services()))
def test_a_process_is_started_as_in_compose(name: str) -> None:
    ours = [word for part in container(name).get("command", []) for word in part.split()]

    assert ours == commands_of_compose()[name]


def commands_of_compose() -> dict[str, list[str]]:
    """Return each command of compose in words, with the defaults of its variables; none where it is the image's."""
    commands = {name: service.get("command") for name, service in product_services().items()}
    filled = {name: _filled(command) for name, command in commands.items() if command}
    return {name: words_of(filled[name]) if name in filled else [] for name in commands}


def _filled(command: str | list[str]) -> str | list[str]:
    return re.sub(r"\$\{\w+:-(\w+)\}", r"\1", command) if isinstance(command, str) else command


@pytest.mark.parametrize("name", sorted(pods()))
def test_a_process_has_no_rights_and_its_secrets_from_one_place(name: str) -> None:
    pod, own = pods()[name], container(name)

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert own["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert own["envFrom"] == [{"secretRef": {"name": "rgent"}}]
    assert own["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", ["web", "worker", "poster", "sender"])
def test_a_process_gets_the_time_to_end_that_compose_gives(name: str) -> None:
    grace = product_services()[name].get("stop_grace_period", "")

    assert pods()[name]["terminationGracePeriodSeconds"] >= int(grace.removesuffix("s"))


def test_there_is_one_beat_also_while_it_is_replaced() -> None:
    beat = running()["beat"]["spec"]

    assert (beat["replicas"], beat["strategy"]["type"]) == (1, "Recreate")


def test_web_is_asked_whether_it_lives_and_whether_it_is_ready() -> None:
    web = container("web")

    assert web["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert web["readinessProbe"]["periodSeconds"] * web["readinessProbe"]["failureThreshold"] >= 30
