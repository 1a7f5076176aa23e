"""The one reader of the environment: typed, and loud about what is wrong."""

import difflib
import math
import os
import re
import secrets
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

T = TypeVar("T")
# Inside the reader the types' own names are its methods.
Text: TypeAlias = str
Flag: TypeAlias = bool
Whole: TypeAlias = int
Number: TypeAlias = float
Texts: TypeAlias = list[str]
Config: TypeAlias = dict[str, Any]

WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
DATABASE_SCHEMES = ("postgres", "postgresql", "sqlite")
ASSIGNMENT = re.compile(r"(?:export )?(\w+)=")
# A .env file may hold these too: Docker Compose and the gateways' HTTP clients read them.
READ_BY_OTHERS = re.compile(r"(COMPOSE|DOCKER)_\w+|(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)", re.IGNORECASE)


class Environment:
    """Typed variables. An empty one counts as unset; one of a wrong form raises ImproperlyConfigured.

    The sentence it raises never repeats the value, which may be a secret.
    """

    def str(self, name: Text, *, default: Text) -> Text:
        """Return a text."""
        return _read(name, default, lambda text: text, form="a text")

    def choice(self, name: Text, *options: Text, default: Text) -> Text:
        """Return one of `options`."""
        return _read(name, default, lambda text: options[options.index(text)], form=f"one of {', '.join(options)}")

    def bool(self, name: Text, *, default: Flag) -> Flag:
        """Return a yes or no."""
        return _read(name, default, lambda text: WORDS[text.lower()], form="1 or 0")

    def int(self, name: Text, *, default: Whole, at_least: Whole = 0, at_most: Number = math.inf) -> Whole:
        """Return a whole number within these limits."""
        form = f"a whole number from {at_least}" + ("" if math.isinf(at_most) else f" to {at_most}")
        return _read(name, default, lambda text: _in_range(int(text), at_least, at_most), form=form)

    def port(self, name: Text, *, default: Whole) -> Whole:
        """Return the number of a port."""
        return self.int(name, default=default, at_least=1, at_most=65_535)

    def float(self, name: Text, *, default: Number) -> Number:
        """Return a finite number above 0."""
        smallest, largest = math.ulp(0.0), math.nextafter(math.inf, 0)
        return _read(name, default, lambda text: _in_range(float(text), smallest, largest), form="a number above 0")

    def amount(self, name: Text, *, default: Decimal) -> Decimal:
        """Return an amount in dollars, 0 or more, to the cent."""
        form = "an amount in dollars such as 2 or 2.50"
        return _read(name, default, _dollars, form=form)

    def list(self, name: Text, *, default: Texts) -> Texts:
        """Return texts separated by commas."""
        return _read(name, default, lambda text: [part.strip() for part in text.split(",") if part.strip()], form="")

    def origins(self, name: Text) -> Texts:
        """Return origins separated by commas, as browsers write them, or `*` for any; none where unset."""
        form = "origins such as https://app.example.com, with commas between them, or *"
        return _read(name, [], lambda text: [_origin(part.strip()) for part in text.split(",")], form=form)

    def url(self, name: Text, *schemes: Text, default: Text) -> Text:
        """Return an address of one of these schemes, without its last slash."""
        form = "an address that begins with " + " or ".join(f"{scheme}://" for scheme in schemes)
        return _read(name, default, lambda text: _address(text, schemes), form=form).rstrip("/")

    def db(self, name: Text, *, default: Text) -> Config:
        """Return Django's settings of a database, from its address."""
        form = "an address such as postgres://user:password@host:5432/name"
        return _read(name, environ.Env.db_url_config(default), _database, form=form)

    def email(self, name: Text, *, default: Text) -> Config:
        """Return Django's settings of a mail server, from its address."""
        form = "an address such as smtp+tls://user:password@host:587"
        return _read(name, environ.Env.email_url_config(default), environ.Env.email_url_config, form=form)


def _read(name: str, default: T, parse: Callable[[str], T], *, form: str) -> T:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        return parse(text)
    except (ValueError, KeyError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured(f"{name} must be {form}.") from error


def _in_range(value: T, at_least: Any, at_most: Any) -> T:
    if not at_least <= value <= at_most:
        raise ValueError
    return value


def _dollars(text: str) -> Decimal:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", text):
        raise ValueError
    return Decimal(text)


def _address(text: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(text)
    if parts.scheme not in schemes or not (parts.hostname or parts.path):
        raise ValueError
    return text


def _origin(text: str) -> str:
    parts = urlsplit(text)
    is_origin = parts.scheme in {"https", "http"} and parts.netloc and text == f"{parts.scheme}://{parts.netloc}"
    if text != "*" and not is_origin:
        raise ValueError
    return text.lower()


def _database(text: str) -> Config:
    return dict(environ.Env.db_url_config(_address(text, DATABASE_SCHEMES)))


def read_file(path: Path) -> None:
    """Take the variables of a .env file that the environment itself does not set.

    Raises ImproperlyConfigured where a line is no assignment, or names a variable that .env.example does not explain.
    """
    known = _names_of(BASE_DIR / ".env.example")
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        assignment = ASSIGNMENT.match(line)
        if not assignment:
            raise ImproperlyConfigured(f"{path}, line {number}: write NAME=value, or # before a comment.")
        name = assignment[1]
        if known and name not in known and not READ_BY_OTHERS.fullmatch(name):
            raise ImproperlyConfigured(
                f"{path}, line {number}: {name} is no variable of rgent{_suggestion(name, known)}."
            )
    environ.Env.read_env(path)


def _names_of(example: Path) -> set[str]:
    """Return the variables that .env.example explains; none where it is not there, as in an image."""
    if not example.is_file():
        return set()
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", example.read_text(), flags=re.MULTILINE))


def _suggestion(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name.upper(), known, n=1)
    return f"; {close[0]} is" if close else "; .env.example has all of them"


env = Environment()
env_file = Path(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))
if env_file.exists():
    read_file(env_file)


def state_dir() -> Path:
    """Return the directory that holds all local state (`VAR_DIR`), made when missing, for its owner alone.

    Raises ImproperlyConfigured where it cannot be written.
    """
    path = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var"))).resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        writable = os.access(path, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise ImproperlyConfigured(
            f"{path} cannot be written: make it writable, or set VAR_DIR to a directory that is."
        )
    return path


def local_secret(*, path: Path) -> str:
    """Return a random secret that stays the same on this machine: made once and kept in `path`, for its owner alone.

    It is written under another name first: two processes that start at once never read half of it.
    """
    if not path.exists():
        unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            path.hardlink_to(unfinished)
        except FileExistsError:  # another process was first
            pass
        finally:
            unfinished.unlink()
    return path.read_text().strip()
