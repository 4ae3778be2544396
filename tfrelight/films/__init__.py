"""Films: a light that turns around a still, and videos relit under a steady light."""
