"""Figures in the form that Prometheus reads. docs/monitoring.md explains each."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from billing.tokens import TokenClass
from common.figures import BOUNDS_S
from rgent.monitoring import rows
from rgent.monitoring.shared_figures import Figures

# Name, of `common.figures`: name at Prometheus, what it is, labels.
COUNTS = {
    "upstream_errors": ("rgent_upstream_errors", "Calls to Claude that failed, by status or kind.", ["kind"]),
}
TIMES = {
    "request": ("rgent_request_seconds", "Requests by address and status, and how long they took.", ["path", "status"]),
    "first_token": ("rgent_first_token_seconds", "From the call to Claude to the first token of a stream.", ["model"]),
}


class _Collected(Collector):
    """Metrics that were made for one answer."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return self._metrics


def exposition(*, figures: Figures, measured: Iterable[rows.Measure] | None) -> bytes:
    """Return everything as Prometheus's text. Without `measured` the database does not answer."""
    registry = CollectorRegistry(auto_describe=False)
    up = GaugeMetricFamily("rgent_database_up", "1 where the database answers.", value=float(measured is not None))
    registry.register(_Collected([*_metrics_of(figures), up, *map(_gauge, measured or [])]))
    return generate_latest(registry)


def _metrics_of(figures: Figures) -> Iterator[Metric]:
    for name, (public, words, labels) in COUNTS.items():
        counter = CounterMetricFamily(public, words, labels=labels)
        for (counted, values), number in figures.counts.items():
            if counted == name:
                counter.add_metric([str(value) for value in values], number)
        yield counter
    for name, (public, words, labels) in TIMES.items():
        histogram = HistogramMetricFamily(public, words, labels=labels)
        for (timed, values), parts in figures.times.items():
            if timed == name:
                histogram.add_metric([str(value) for value in values], _buckets(parts), sum_value=parts[-1])
        yield histogram
    yield from _usage(figures)
    under_way = GaugeMetricFamily("rgent_requests_in_flight", "Requests that are being answered.", labels=["handler"])
    for name, number in figures.under_way.items():
        under_way.add_metric([name], number)
    yield under_way


def _usage(figures: Figures) -> Iterator[Metric]:
    tokens = CounterMetricFamily("rgent_tokens", "Tokens of settled requests.", labels=["model", "token_class"])
    cost = CounterMetricFamily("rgent_cost_cents", "Cost of settled requests, in cents.", labels=["model"])
    for model, (used, cost_minor) in figures.usage.items():
        for token_class, number in zip(TokenClass, used, strict=True):
            tokens.add_metric([model, token_class.value], number)
        cost.add_metric([model], float(cost_minor))
    yield tokens
    yield cost


def _buckets(parts: list[float]) -> list[tuple[str, float]]:
    """Return the running totals that Prometheus wants, each with its bound."""
    bounds = [*map(str, BOUNDS_S), "+Inf"]
    return [(bound, sum(parts[: place + 1])) for place, bound in enumerate(bounds)]


def _gauge(measure: rows.Measure) -> Metric:
    gauge = GaugeMetricFamily(measure.name, measure.words, labels=list(measure.labels))
    for values, number in measure.values:
        gauge.add_metric(list(values), number)
    return gauge
