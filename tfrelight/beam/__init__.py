"""Apache Beam jobs that relight photos or render portraits, on one machine or a cluster."""
