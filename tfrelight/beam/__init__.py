"""Jobs that relight photos or render portraits, on Apache Beam or a Dask cluster."""
