"""A local server that speaks TensorFlow Serving's gRPC; `pip install "tfrelight[serving]"`."""
