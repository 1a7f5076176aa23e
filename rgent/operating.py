"""The settings of watching the product run: who may read its figures, and who is told that it is alive."""

from rgent.env import env

# Bearer token of /metrics, which without one does not exist.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# Called every minute while beat, workers and database do their work: a service that raises an alarm at its silence.
HEARTBEAT_URL = env.url("HEARTBEAT_URL", "https", "http", default="")
