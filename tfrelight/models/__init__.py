"""Networks, the model that trains them, their losses, and the bundled weights."""
