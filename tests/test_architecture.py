"""The rooms of the package and the one direction in which they may use each other."""

import ast
import collections
import graphlib
import pathlib

import pytest

import tfrelight

PACKAGE = pathlib.Path(tfrelight.__file__).parent

# From the ground up: a room uses those above it in this list, never those below.
ROOMS = (
    # What every room stands on.
    ("errors", "version"),
    ("files", "native", "progress", "threads"),
    ("processes",),
    # The physics.
    ("color", "harmonics"),
    ("shading",),
    ("photos",),
    ("lights",),
    ("rendering",),
    ("stereo",),
    ("data",),
    ("synthesis",),
    ("models",),
    ("faces",),
    ("relighting",),
    ("video",),
    ("training",),
    ("evaluation",),
    ("serving",),
    ("commands",),
    ("beam",),
    ("studio",),
)
FLOORS = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}
# The package itself and what `python -m` starts use everything.
TOP = len(ROOMS)


def modules():
    """Dotted names of all modules of the package, with their files."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path, names):
    """Modules of the package that a file imports anywhere, functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom) and node.module in names:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in names else node.module


def reached_otherwise(path):
    """Lines of a file that import from the package in ways that `imports` does not see."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno
        elif isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "attr", getattr(node.func, "id", None))
            if called in ("import_module", "__import__") and "tfrelight" in ast.unparse(
                node.args[0]
            ):
                yield node.lineno


def graph():
    """Module to the set of modules that it imports."""
    names = modules()
    return {name: set(imports(path, names)) - {name} for name, path in names.items()}


def room_of(name):
    return name.split(".")[1] if "." in name else ""


def floor_of(name):
    """The floor of a module's room; commands, which nothing imports, are at the top."""
    if name.endswith(".__main__"):
        return TOP
    return FLOORS.get(room_of(name), TOP)


def cycle(edges):
    """The modules of a circle, or an empty list."""
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def test_no_module_imports_itself_through_others():
    assert cycle(graph()) == []


def test_modules_are_imported_in_plain_sight():
    # The package itself imports lazily what it exports.
    hidden = {name: list(reached_otherwise(path)) for name, path in modules().items()}
    del hidden["tfrelight"]
    assert {name: lines for name, lines in hidden.items() if lines} == {}


def test_no_room_uses_itself_through_others():
    rooms = collections.defaultdict(set)
    for name, used in graph().items():
        # A room's own `python -m` is a command.
        owner = name if name.endswith(".__main__") else room_of(name)
        rooms[owner] |= {room_of(other) for other in used} - {owner}
    assert cycle(rooms) == []


def test_every_room_uses_only_those_below_it():
    upward = [
        f"{name} -> {other}"
        for name, used in graph().items()
        for other in sorted(used)
        if room_of(name) != room_of(other) and floor_of(other) >= floor_of(name) != TOP
    ]
    assert upward == []


def test_every_package_is_a_room():
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages == {room for rooms in ROOMS[5:] for room in rooms}


@pytest.mark.parametrize("name", sorted(modules()))
def test_modules_are_short(name):
    assert len(modules()[name].read_text(encoding="utf-8").splitlines()) < 330


def test_no_two_classes_share_a_name():
    where = collections.defaultdict(list)
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                where[node.name].append(name)
    assert {name: places for name, places in where.items() if len(places) > 1} == {}


@pytest.mark.parametrize("edges", [{"a": {"b"}, "b": {"a"}}, {"a": {"b"}, "b": {"c"}, "c": {"a"}}])
def test_a_circle_is_found(edges):
    assert cycle(edges)
