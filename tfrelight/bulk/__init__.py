"""Many photos at a time: jobs that relight them, on one machine or on a cluster."""
