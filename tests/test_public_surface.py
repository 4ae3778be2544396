"""What is public says so, and has its types: `__all__`, and hints on what it names."""

import ast

import pytest

from tests.test_architecture import modules

# What `python -m` starts is used through its flags.
MODULES = {name: path for name, path in modules().items() if not name.endswith("__main__")}


def public_names(tree):
    """The strings of a module's `__all__`, or None."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__all__":
            return [element.value for element in node.value.elts]
    return None


def functions(tree, names):
    """The public functions and methods of a module, with their dotted names."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in names:
            yield node.name, node
        if isinstance(node, ast.ClassDef) and node.name in names:
            for inner in node.body:
                if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)) and (
                    inner.name == "__init__" or not inner.name.startswith("_")
                ):
                    yield f"{node.name}.{inner.name}", inner


def untyped(function):
    """Names of a function's arguments without a hint, and "return" where that has none."""
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    # Of a method the first is the object; all methods of classes here call it so.
    missing = [
        one.arg for one in arguments if one.annotation is None and one.arg not in ("self", "cls")
    ]
    missing += [one.arg for one in (given.vararg, given.kwarg) if one and one.annotation is None]
    return missing + (["return"] if function.returns is None else [])


@pytest.mark.parametrize("name", [name for name in sorted(MODULES) if "." in name])
def test_what_is_public_is_typed(name):
    path = MODULES[name]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = public_names(tree)
    if names is None:
        defined = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
        assert path.name == "__init__.py" and not defined, "a module without __all__"
        return
    found = {dotted: untyped(function) for dotted, function in functions(tree, names)}
    assert {dotted: missing for dotted, missing in found.items() if missing} == {}


def test_a_missing_hint_is_found():
    tree = ast.parse("def f(a, b: int, *c): pass\nclass K:\n    def m(self, x) -> int: pass")
    found = {name: untyped(function) for name, function in functions(tree, ["f", "K"])}
    assert found == {"f": ["a", "c", "return"], "K.m": ["x"]}
