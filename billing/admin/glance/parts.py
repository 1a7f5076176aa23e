"""The parts of a page that is read at one look."""

from dataclasses import dataclass, field

from billing.usage.charts import BarChart


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure with its name. `tone` is good, warn, bad or nothing; `link` leads to where more is told."""

    label: str
    value: str
    detail: str = ""
    tone: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a list."""

    text: object
    link: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A short list. `link` leads to the whole of it; `previous` and `next` to more of its rows on this page."""

    title: str
    headers: tuple[str, ...]
    rows: list[list[Cell]]
    link: str = ""
    none: str = "None"
    is_wide: bool = False
    count: int | None = None
    previous: str = ""
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnChart:
    """A chart of amounts in cents, day by day."""

    title: str
    chart: BarChart


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """A page: what can be done, figures, charts, lists."""

    actions: list[Cell] = field(default_factory=list)
    tiles: list[Tile] = field(default_factory=list)
    charts: list[DrawnChart] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
