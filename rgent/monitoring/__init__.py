"""What shows from outside how the product runs: figures for Prometheus, probes, runs of tasks, a sign of life."""
