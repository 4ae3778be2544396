"""One training run: its folder, its data, its callbacks."""
