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

# TensorFlow Serving's own ports. Its metrics are on the REST port; the local server has metrics
# there, but no REST.
GRPC_PORT = 8500
REST_PORT = 8501
METRICS_PATH = "/monitoring/prometheus/metrics"

# The kit's labels, which requests may give instead of a version's number.
LABELS = ("stable", "canary")

# Per request. Each photo takes 3 MB in the network, whatever its size.
MAX_PHOTOS = 64

# Files in each version's folder. TensorFlow Serving prescribes the path of the second.
MANIFEST = "manifest.json"
WARM_UP = "assets.extra/tf_serving_warmup_requests"

SIGNATURES = (
    "serving_default",
    "decompose",
    "relight",
    "relight_lamps",
    "transfer",
    "decompose_bytes",
    "relight_bytes",
    "relight_lamps_bytes",
    "relight_jpeg",
    "relight_lamps_jpeg",
)
