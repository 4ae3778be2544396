"""The package as a whole: cheap and silent imports, one version, a full wheel, sound configs."""

import ast
import importlib
import importlib.metadata
import os
import pathlib
import re
import subprocess
import sys
import zipfile

import packaging.requirements
import packaging.utils
import pytest

import tfrelight
from tests import wheels

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tfrelight"
HEAVY = ("tensorflow", "tensorflow_addons", "tensorflow_graphics", "keras", "trimesh", "matplotlib")


def _module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
COMMANDS = [
    name
    for name, path in MODULES.items()
    if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")
]
LIBRARY = [name for name in MODULES if name not in COMMANDS]
CONFIGS = sorted((ROOT / "configs").rglob("*.flags"))


def _python(code, *arguments):
    """Runs `code` as a user would: no settings of this test run, and Python's default warnings."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("TF_CPP_MIN_LOG_LEVEL", "PYTHONWARNINGS")
    }
    # The code may write nothing into the checkout, which is the current folder.
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )


def _loaded(report):
    return set(report.split()) & set(HEAVY)


def test_import_is_cheap():
    result = _python("import sys, tfrelight; print(*sys.modules)")
    assert result.returncode == 0, result.stderr
    assert not _loaded(result.stdout)
    assert result.stderr == ""


def test_importing_everything_prints_nothing():
    # TensorFlow's library logs when it loads, tensorflow-addons warns when it is imported.
    result = _python(
        "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)", *LIBRARY
    )
    assert result.returncode == 0, result.stderr
    assert (result.stdout, result.stderr) == ("", "")


def test_tensorflow_alone_is_silenced_by_the_package():
    result = _python("import tfrelight, tensorflow as tf; tf.constant(1.0)")
    assert result.returncode == 0, result.stderr
    assert (result.stdout, result.stderr) == ("", "")


def test_log_level_of_the_user_is_kept():
    code = (
        "import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '1'\n"
        "import tfrelight; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    )
    assert _python(code).stdout.strip() == "1"


@pytest.mark.parametrize("name", LIBRARY)
def test_public_names_are_listed_and_exist(name):
    module = importlib.import_module(name)
    if not hasattr(module, "__all__"):
        # A package folder without code of its own has nothing to list.
        assert MODULES[name].name == "__init__.py"
        text = MODULES[name].read_text(encoding="utf-8")
        assert not re.search(r"^(from tfrelight|def |class )", text, re.MULTILINE)
        return
    missing = [public for public in module.__all__ if not hasattr(module, public)]
    assert not missing


@pytest.mark.parametrize("name", COMMANDS)
def test_help_needs_no_tensorflow(name):
    code = (
        "import runpy, sys\n"
        "name = sys.argv[1]; sys.argv = [name, '--help']\n"
        "try: runpy.run_module(name, run_name='__main__', alter_sys=True)\n"
        "except SystemExit: pass\n"
        "print('LOADED', *sys.modules)"
    )
    result = _python(code, name)
    assert result.returncode == 0, result.stderr
    text, _, loaded = result.stdout.rpartition("LOADED")
    assert "--" in text
    assert not _loaded(loaded)
    assert result.stderr == ""


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_config_opens_with_its_command_and_parses(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("#")
    for line in lines:
        # absl takes an indented comment or a line without dashes for a positional argument, and a
        # trailing comment for a part of the value.
        assert line == "" or line.startswith(("#", "--")), line
        assert not line.startswith("--") or " #" not in line, line
    relative = path.relative_to(ROOT).as_posix()
    command = re.search(
        rf"^# .*python -m (tfrelight\.\w+) .*--flagfile={re.escape(relative)}\b",
        "\n".join(lines),
        re.MULTILINE,
    )
    assert command, f"{relative} does not name the command that uses it"
    result = _python(
        "import importlib, sys\n"
        "from absl import flags\n"
        "importlib.import_module(sys.argv[1])\n"
        "rest = flags.FLAGS([sys.argv[1], '--flagfile=' + sys.argv[2]])\n"
        "assert len(rest) == 1, rest\n"
        "given = [flags.FLAGS[n] for n in flags.FLAGS if flags.FLAGS[n].present]\n"
        "assert all(f.value != f.default for f in given if f.name != 'flagfile'), given",
        command.group(1),
        relative,
    )
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    path = wheels.build(tmp_path_factory.mktemp("wheel"))
    with zipfile.ZipFile(path) as archive:
        yield archive


def _metadata(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return wheel.read(name).decode()


def test_wheel_has_every_file_of_the_package(wheel):
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    built = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert built == expected


def test_wheel_carries_version_and_licence(wheel):
    assert re.search(r"^Version: (.+)$", _metadata(wheel), re.M).group(1) == tfrelight.__version__
    assert re.search(r"^License(-Expression)?: Apache-2.0$", _metadata(wheel), re.M)
    names = {name.rpartition("/")[2] for name in wheel.namelist()}
    assert {"LICENSE", "NOTICE"} <= names


def _requirements(wheel):
    lines = re.findall(r"^Requires-Dist: (.+)$", _metadata(wheel), re.MULTILINE)
    return [packaging.requirements.Requirement(line) for line in lines]


# Rooms and modules that only functions of others import: they may import what the extra brings.
OF_EXTRAS = {
    "tfrelight.serving.server": "serving",
    "tfrelight.studio": "studio",
    "tfrelight.beam.synthesis_job": "train",
    **dict.fromkeys(
        (
            *("tfrelight.evaluation", "tfrelight.shading", "tfrelight.stereo"),
            *(
                f"tfrelight.data.{name}"
                for name in (
                    "addons",
                    "augment",
                    "blocks",
                    "datasets",
                    "features",
                    "pairs",
                    "records",
                    "tfds",
                )
            ),
            "tfrelight.synthesis",
            *(
                f"tfrelight.training.{name}"
                for name in ("callbacks", "mixture", "pictures", "pseudo_labels", "run")
                + ("run_folder", "strategies")
            ),
            *(
                f"tfrelight.models.{name}"
                for name in ("compact", "layers", "loading", "losses", "networks", "precision")
                + ("predictor", "relight_model", "sfsnet", "tflite")
            ),
            "tfrelight.photos.graph_filters",
            "tfrelight.relighting.graph",
            "tfrelight.rendering.graph",
            *(
                f"tfrelight.serving.{name}"
                for name in ("codecs", "conversion", "graph_relighting", "manifest", "parity")
                + ("signatures", "tiling", "warm_up")
            ),
        ),
        "train",
    ),
}
# The package of the protocol brings TensorFlow, which brings protobuf.
BRINGS = {"serving": {"tensorflow", "protobuf"}}


def _belongs(name):
    """The package or module of `OF_EXTRAS` that a module is in, or None."""
    return next((p for p in OF_EXTRAS if name == p or name.startswith(f"{p}.")), None)


def test_every_import_is_a_requirement(wheel):
    """What a module imports is required; what a function imports may be left to an extra."""
    distributions = importlib.metadata.packages_distributions()
    core, extras, of_extra = set(), set(), {extra: set() for extra in OF_EXTRAS.values()}
    for requirement in _requirements(wheel):
        name = packaging.utils.canonicalize_name(requirement.name)
        (core if requirement.marker is None else extras).add(name)
        for extra, names in of_extra.items():
            if requirement.marker and requirement.marker.evaluate({"extra": extra}):
                names.add(name)
    undeclared = []
    for name, path in MODULES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lazy = {
            inner
            for outer in ast.walk(tree)
            if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef))
            for inner in ast.walk(outer)
        }
        for_hints = {
            inner
            for outer in ast.walk(tree)
            if isinstance(outer, ast.If) and ast.unparse(outer.test) == "TYPE_CHECKING"
            for inner in ast.walk(outer)
        }
        for node in ast.walk(tree):
            if node in for_hints:
                continue
            if isinstance(node, ast.Import):
                imported = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                imported = [node.module]
            else:
                continue
            if node not in lazy and not _belongs(name):
                undeclared += [f"{name} imports {full}" for full in imported if _belongs(full)]
            extra = OF_EXTRAS.get(_belongs(name))
            at_top = core | of_extra.get(extra, set()) | BRINGS.get(extra, set())
            for top in {full.partition(".")[0] for full in imported} - {"tfrelight"}:
                required = core | extras if node in lazy else at_top
                # The package of an extra that is not installed here goes by its module's name.
                found = distributions.get(top, [top])
                if top not in sys.stdlib_module_names and not required & {
                    packaging.utils.canonicalize_name(distribution) for distribution in found
                }:
                    undeclared.append(f"{name} imports {top}")
    assert not undeclared, "\n".join(undeclared)


def test_changelog_speaks_of_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (\S+)", text, re.MULTILINE).group(1) == tfrelight.__version__


def test_version_is_written_once():
    version = tfrelight.__version__
    holders = [
        name
        for name in ["setup.py", "pyproject.toml", *(str(path) for path in MODULES.values())]
        if f'"{version}"' in (ROOT / name).read_text(encoding="utf-8")
    ]
    assert holders == [str(PACKAGE / "version.py")]


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_constraints_pin_every_requirement(wheel, python):
    pins = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = packaging.requirements.Requirement(line)
            if pin.marker is None or pin.marker.evaluate({"python_version": python}):
                assert pin.name not in pins, f"two pins of {pin.name} on Python {python}"
                pins[pin.name] = next(iter(pin.specifier)).version
    requirements = _requirements(wheel)
    extras = re.findall(r"^Provides-Extra: (.+)$", _metadata(wheel), re.MULTILINE)
    assert requirements and extras
    for requirement in requirements:
        wanted = [{"python_version": python, "extra": extra} for extra in extras]
        if requirement.marker and not any(map(requirement.marker.evaluate, wanted)):
            continue
        assert requirement.name in pins, f"{requirement.name} has no pin on Python {python}"
        assert pins[requirement.name] in requirement.specifier
