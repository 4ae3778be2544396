"""Names, ports and paths that export, server, client and the deployment files share."""

__all__ = [
    "GRPC_PORT",
    "LABELS",
    "MANIFEST",
    "MAX_PHOTOS",
    "METRICS_PATH",
    "MODEL_NAME",
    "REST_PORT",
    "SIGNATURES",
    "WARM_UP",
]

MODEL_NAME = "tfrelight"

# TensorFlow Serving's own. Its metrics are on the REST port; ours are there without REST.
GRPC_PORT = 8500
REST_PORT = 8501
METRICS_PATH = "/monitoring/prometheus/metrics"

# Names that requests may give instead of a version's number.
LABELS = ("stable", "canary")

# Of a request. Each takes 3 MB in the network, however small it is.
MAX_PHOTOS = 64

# In each version's folder. Where TensorFlow Serving looks for the second is fixed.
MANIFEST = "manifest.json"
WARM_UP = "assets.extra/tf_serving_warmup_requests"

SIGNATURES = (
    "serving_default",
    "decompose",
    "relight",
    "transfer",
    "decompose_bytes",
    "relight_bytes",
)
