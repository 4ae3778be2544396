"""Experiments of many runs, which measure the effect of each loss of the paper."""
