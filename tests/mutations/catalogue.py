"""The deliberate bugs, as their TOML files tell them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One bug: in `file`, `find` (which stands there once) becomes `replace`; then one of `tests` must fail.

    `rule` is the sentence that the bug breaks. `needs` names the servers without which the tests are skipped.
    """

    name: str
    rule: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]
    needs: tuple[str, ...] = ()

    def fits(self, root: Path) -> bool:
        """Tell whether the file still has the text that the bug takes the place of, exactly once."""
        path = root / self.file
        return path.exists() and path.read_text().count(self.find) == 1

    def put_into(self, root: Path) -> None:
        """Write the bug into a checkout. Raises ValueError where its text is not there once."""
        if not self.fits(root):
            raise ValueError(f"{self.name}: {self.file} does not have the text once that it replaces. Write it anew.")
        path = root / self.file
        path.write_text(path.read_text().replace(self.find, self.replace))


def all_mutations() -> list[Mutation]:
    """Return every deliberate bug, by area and then in the order of its file."""
    return [mutation for path in sorted(FOLDER.glob("*.toml")) for mutation in _read(path)]


def _read(path: Path) -> list[Mutation]:
    return [
        Mutation(
            name=f"{path.stem}/{name}",
            rule=told["rule"],
            file=told["file"],
            find=told["find"],
            replace=told["replace"],
            tests=tuple(told["tests"]),
            needs=tuple(told.get("needs", ())),
        )
        for name, told in tomllib.loads(path.read_text()).items()
    ]
