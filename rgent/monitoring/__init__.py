"""The signs by which others see how the product runs: figures for Prometheus, probes, runs of tasks, a sign of life."""
