"""Readers of published data sets and of folders of photos, each in its original layout."""
