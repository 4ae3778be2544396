"""Relighting one photo: maps of its faces, its decomposition, ratio images, compositing."""
