"""Networks, the model that trains them, and how they are stored and loaded."""
