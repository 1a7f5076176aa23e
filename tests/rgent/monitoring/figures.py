"""`/metrics` as Prometheus reads it."""

from prometheus_client.parser import text_string_to_metric_families

from tests.chat.http import send

TOKEN = "a-token-of-the-tests"


def scrape(api: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return every sample by its name and labels."""
    answer = send(api, "GET", "/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status == 200, answer.body
    families = text_string_to_metric_families(answer.body.decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def value_of(samples: dict[tuple[str, tuple[tuple[str, str], ...]], float], name: str, **labels: str) -> float:
    """Return one sample; 0 where there is none."""
    return samples.get((name, tuple(sorted(labels.items()))), 0.0)
