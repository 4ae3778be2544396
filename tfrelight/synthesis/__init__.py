"""Synthetic portraits: people of a morphable body model, ray-cast under known lights."""
