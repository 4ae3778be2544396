"""Breaks modules of the package one piece at a time and lists the breaks that no test notices.

    python tools/mutate.py --modules=tfrelight/harmonics.py,tfrelight/shading.py --count=50

COUNT changes are drawn at random from all modules. Each is made alone, in a copy of the checkout,
and the tests that mirror the module run there: `tests/data/test_pairs.py` for
`tfrelight/data/pairs.py`. A change is killed if they fail, or if they take longer than three times
what they take without it and 30 seconds. Survivors that no test could kill are listed with their
reasons in `tools/mutate_equivalent.json`.

One process imports TensorFlow and forks for each change. Only the forks import the package and run
operations: TensorFlow's threads, which start with its first operation, do not survive a fork.
"""

from __future__ import annotations

import ast
import collections
import importlib
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from absl import app, flags

_ROOT = flags.DEFINE_string("root", str(pathlib.Path(__file__).parents[1]), "The checkout.")
_MODULES = flags.DEFINE_list("modules", None, "Files to change, from the root.", required=True)
_COUNT = flags.DEFINE_integer("count", 200, "Number of changes.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Of the draw.")
_SLACK = flags.DEFINE_float("slack", 30.0, "Seconds beyond three times those without a change.")
_REPORT = flags.DEFINE_string("report", None, "JSON file to write.")

_EQUIVALENT = "tools/mutate_equivalent.json"
_LIBRARIES = "tensorflow keras tensorflow_addons tensorflow_graphics scipy.ndimage pytest".split()
_OPTIONS = "-x -q -p no:cacheprovider -p pytest_timeout".split()
# A broken module may ask for any amount of memory. TensorFlow alone takes 4 GiB of addresses.
_ADDRESSES = 16 << 30
# What takes the place of operators, names and numbers.
_OPERATORS = {
    **{"<": ["<=", ">"], "<=": ["<", ">="], ">": [">=", "<"], ">=": [">", "<="]},
    **{"==": ["!="], "!=": ["=="], "is": ["is not"], "is not": ["is"]},
    **{"in": ["not in"], "not in": ["in"], "and": ["or"], "or": ["and"], "&": ["|"], "|": ["&"]},
    **{"+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "//": ["*"], "%": ["//"], "**": ["*"]},
    **{"+=": ["-="], "-=": ["+="], "*=": ["/="], "/=": ["*="]},
}
_PAIRS = "min max minimum maximum reduce_min reduce_max argmin argmax floor ceil any all reduce_any"
_PAIRS = [*_PAIRS.split(), "reduce_all", "cos", "sin"]
_NAMES = {name: _PAIRS[place ^ 1] for place, name in enumerate(_PAIRS)}
_NUMBERS = {bool: lambda x: not x, int: lambda x: x + 1, float: lambda x: 1.5 * x or 1.0}
_SYMMETRIC = {"max", "maximum", "min", "minimum", "vdot"}
_OUTPUT = {"print", "debug", "info", "warning", "error"}
_OPERATIONS = (ast.Compare, ast.BoolOp, ast.BinOp, ast.AugAssign)
_VALUES = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp)

# What changes in a module: its first line, the lines before and after, the source after.
Change = collections.namedtuple("Change", "module line before after source")


def changes(module, source):
    """Every `Change` of a module whose source is `source`, bytes."""
    lengths = [len(line) + 1 for line in source.split(b"\n")]

    def start(node):
        return sum(lengths[: node.lineno - 1]) + node.col_offset

    def end(node):
        return sum(lengths[: node.end_lineno - 1]) + node.end_col_offset

    def text(node):
        return source[start(node) : end(node)].decode()

    def gap(left, right):
        return source[end(left) : start(right)].decode()

    def put(first, last, new):
        opening = source[source.rfind(b"\n", 0, first) + 1 : first]
        closing = source[last:].split(b"\n", 1)[0]
        lines = (opening + piece + closing for piece in (source[first:last], new.encode()))
        shown = (" ".join(line.decode().split()) for line in lines)
        changed = source[:first] + new.encode() + source[last:]
        return Change(module, source.count(b"\n", 0, first) + 1, *shown, changed)

    def instead(node, new):
        return put(start(node), end(node), new)

    def of(node):
        name = getattr(node, "attr", getattr(node, "id", None))
        if name in _NAMES:
            yield put(end(node) - len(name), end(node), _NAMES[name])
        elif isinstance(node, _OPERATIONS):
            operands = [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]
            for left, right in zip(operands, operands[1:]):
                operator = gap(left, right).strip(" ()\n")
                for other in _OPERATORS.get(operator, ()):
                    yield put(end(left), start(right), gap(left, right).replace(operator, other))
        elif isinstance(node, ast.UnaryOp):
            yield instead(node, text(node.operand))
        elif isinstance(node, ast.Constant) and type(node.value) in _NUMBERS:
            yield instead(node, repr(_NUMBERS[type(node.value)](node.value)))
        elif isinstance(node, ast.Call) and _swappable(node):
            left, right = _swappable(node)
            yield put(start(left), end(right), text(right) + gap(left, right) + text(left))
        elif isinstance(node, (ast.If, ast.IfExp, ast.While, ast.comprehension)):
            tests = node.ifs if isinstance(node, ast.comprehension) else [node.test]
            yield from (instead(test, f"not ({text(test)})") for test in tests)
        elif isinstance(node, (ast.Slice, ast.Subscript)):
            indices = [node.lower, node.upper] if isinstance(node, ast.Slice) else [node.slice]
            yield from (instead(i, f"{text(i)} + 1") for i in indices if isinstance(i, _VALUES))
        elif isinstance(node, ast.Return) and isinstance(node.value, _VALUES):
            yield instead(node.value, f"-({text(node.value)})")
        if _may_be_dropped(node):
            yield instead(node, "pass")

    return [change for node in _running(ast.parse(source)) for change in of(node)]


def _running(parent):
    """The nodes below a node that run: no docstrings, messages, `__all__`, hints, decorators."""
    for field, value in ast.iter_fields(parent):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        for node in value if isinstance(value, list) else [value]:
            said = isinstance(node, (ast.JoinedStr, ast.Import, ast.ImportFrom))
            said |= isinstance(node, ast.Call) and _called(node) in _OUTPUT
            said |= isinstance(node, ast.Assign) and ast.unparse(node.targets) == "__all__"
            said |= isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            if isinstance(node, ast.AST) and not said:
                yield node
                if not isinstance(node, ast.Raise):
                    yield from _running(node)


def _called(call):
    return getattr(call.func, "attr", getattr(call.func, "id", None))


def _swappable(call):
    """Two arguments of a call that could be mistaken for each other; or none."""
    arguments = call.args[1:] if _called(call) == "where" else call.args
    plain = not any(isinstance(one, ast.Starred) for one in arguments)
    return arguments if len(arguments) == 2 and plain and _called(call) not in _SYMMETRIC else []


def _may_be_dropped(node):
    """Whether what follows a statement could run without it."""
    if isinstance(node, ast.Assign):
        target = node.targets[0]
        used = {one.id for one in ast.walk(node.value) if isinstance(one, ast.Name)}
        return isinstance(target, (ast.Subscript, ast.Attribute)) or ast.unparse(target) in used
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, (ast.Constant, ast.Yield))
    return isinstance(node, (ast.AugAssign, ast.Raise, ast.Continue, ast.Break))


def passed(tests, folder, seconds):
    """Runs a test file in a fork; False if it fails or takes longer than this."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setsid()
            os.chdir(folder)
            with open(f"{folder}.output", "wb") as output:
                os.dup2(output.fileno(), 1), os.dup2(output.fileno(), 2)
            resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
            status = sys.modules["pytest"].main([*_OPTIONS, f"--basetemp={folder}.temp", tests])
        finally:
            sys.stdout.flush()
            os._exit(status)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def outcomes(drawn, folder):
    """Makes each change in a copy of the checkout; yields it and whether it survived."""
    for module in dict.fromkeys(change.module for change in drawn):
        original, begun = (folder / module).read_bytes(), time.monotonic()
        inside = pathlib.PurePath(*pathlib.PurePath(module).parts[1:])
        tests = str("tests" / inside.with_name(f"test_{inside.name}"))
        if not passed(tests, folder, 3600):
            output = pathlib.Path(f"{folder}.output").read_text()
            sys.exit(f"{output}{module} fails without a change.")
        limit = 3 * (time.monotonic() - begun) + _SLACK.value
        for change in (one for one in drawn if one.module == module):
            (folder / module).write_bytes(change.source)
            yield change, passed(tests, folder, limit)
        (folder / module).write_bytes(original)


def copy_checkout(folder):
    """Copies what git knows or would add, as it is now, and has Python import it from there."""
    command = ["git", "-C", _ROOT.value, "ls-files", "-zco", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if os.path.isfile(os.path.join(_ROOT.value, name)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(os.path.join(_ROOT.value, name), folder / name)
    os.environ.update(PYTHONPATH=str(folder), PYTHONDONTWRITEBYTECODE="1", TF_CPP_MIN_LOG_LEVEL="3")
    # Half a second of each fork.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.path[0], sys.dont_write_bytecode = str(folder), True


def main(_):
    begun, rows, reasons = time.monotonic(), [], {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "copy"
        copy_checkout(folder)
        if (folder / _EQUIVALENT).exists():
            for one in json.loads((folder / _EQUIVALENT).read_text(encoding="utf-8")):
                reasons[one["module"], one["before"], one["after"]] = one["reason"]
        every = [one for m in _MODULES.value for one in changes(m, (folder / m).read_bytes())]
        drawn = random.Random(_SEED.value).sample(every, min(_COUNT.value, len(every)))
        for library in _LIBRARIES:
            importlib.import_module(library)
        for change, survived in outcomes(drawn, folder):
            reason = reasons.get((change.module, change.before, change.after))
            outcome = ("equivalent" if reason else "survived") if survived else "killed"
            rows.append({**change._asdict(), "outcome": outcome, "reason": survived and reason})
            del rows[-1]["source"]
            if survived:
                where = f"{change.module}:{change.line}: {change.before} -> {change.after}"
                print(f"{outcome} {where}", f"because {reason}" if reason else "", flush=True)

    print(f"\n{'module':44} changes  killed  equivalent  survived")
    for module in [*dict.fromkeys(row["module"] for row in rows), ""]:
        found = [row["outcome"] for row in rows if row["module"].startswith(module)]
        killed, equivalent, left = map(found.count, ("killed", "equivalent", "survived"))
        print(f"{module or 'all':44} {len(found):7}  {killed:6}  {equivalent:10}  {left:8}")
    if _REPORT.value:
        result = {"seed": _SEED.value, "seconds": round(time.monotonic() - begun), "changes": rows}
        pathlib.Path(_REPORT.value).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    app.run(main)
