"""A local server with TensorFlow Serving's gRPC API; `pip install "tfrelight[serving]"`."""
