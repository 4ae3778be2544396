"""Exported models: signatures, formats and versions; a local server and a client."""
