"""Synthetic portraits: a morphable head, its skin and hair, a ray caster, and lights with known harmonics."""
