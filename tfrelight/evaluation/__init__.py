"""Evaluation protocols, reports and picture pages."""
