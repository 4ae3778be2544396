"""Synthetic portraits: morphable heads with skin and hair, ray-cast under known lights."""
