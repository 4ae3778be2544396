"""Experiments of many runs: what each loss of the paper brings."""
