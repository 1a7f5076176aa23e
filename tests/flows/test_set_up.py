"""`./run` completes an interrupted set-up, and needs no registry for that."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.flows.product import ROOT

WHEEL = "halved-1.0-py3-none-any.whl"
METADATA = {
    "halved-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: halved\nVersion: 1.0\n",
    "halved-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: rgent\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}
PACKAGE = {"halved/__init__.py": "from halved.other import here\n", "halved/other.py": "here = True\n"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project of `run`, one command, and one small dependency that lies beside it."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copy(ROOT / "run", folder)
    (folder / "manage.py").write_text("import halved, sys\nprint('ran', *sys.argv[1:])\n")
    (folder / "requirements-uv.txt").write_text("")
    (folder / "requirements.txt").write_text(f"./{WHEEL} --hash=sha256:{make_wheel(folder / WHEEL)}\n")
    return folder


def make_wheel(path: Path) -> str:
    """Write a package of two modules, and return the hash of its file."""
    files = {**PACKAGE, **METADATA}
    record = "".join(f"{name},sha256={record_hash(text)},{len(text)}\n" for name, text in files.items())
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in {**files, "halved-1.0.dist-info/RECORD": f"{record}halved-1.0.dist-info/RECORD,,\n"}.items():
            wheel.writestr(name, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def record_hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def run(checkout: Path) -> str:
    """Return the output of `./run manage x`."""
    environ = {name: value for name, value in os.environ.items() if name != "VENV_DIR"}
    command = ["/bin/sh", "./run", "manage", "x"]
    done = subprocess.run(command, cwd=checkout, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_installs_what_is_missing_and_nothing_the_second_time(checkout: Path) -> None:
    first, second = run(checkout), run(checkout)

    assert first == "rgent: making .venv ...\nrgent: installing requirements.txt ...\nran x\n"
    assert second == "ran x\n"


def test_it_makes_an_environment_anew_that_was_left_half_made(checkout: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(checkout / ".venv")], check=True)

    said = run(checkout)

    assert said.startswith("rgent: making .venv ...\n")
    assert said.endswith("ran x\n")


def test_it_installs_a_package_again_whose_installation_was_cut_off(checkout: Path) -> None:
    run(checkout)
    environment = checkout / ".venv"
    next(environment.rglob("halved/other.py")).unlink()
    (environment / "requirements.txt.installed").rename(environment / "requirements.txt.unfinished")

    said = run(checkout)

    assert said == "rgent: installing requirements.txt ...\nran x\n"


def test_it_never_clears_a_directory_that_is_no_environment(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "thesis.txt").write_text("years of work")

    run(checkout)

    assert (checkout / ".venv" / "thesis.txt").read_text() == "years of work"
