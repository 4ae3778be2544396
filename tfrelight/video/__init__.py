"""Films: a light that turns around a still photo, and videos relit without flicker."""
