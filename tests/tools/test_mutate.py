"""The mutation tester on a project of one small module."""

import json
import os
import random
import subprocess
import sys

import pytest

from tests.conftest import ROOT

MODULE = '''"""A disc of radius 2."""

__all__ = ["area", "total"]
PI = 3.0


def area(radius: float = 0.5) -> float:
    """Area, not 1 + 1."""
    if radius < 0:
        raise ValueError("at least " + str(0))
    return PI * radius * radius


def total(values):
    result = 0
    for value in values:
        result += value
    return max(result, 0)
'''

TESTS = """
import pytest

from discs import disc


def test_area():
    assert disc.area(2.0) == 12.0
    with pytest.raises(ValueError):
        disc.area(-1.0)


def test_total():
    assert disc.total([2, 3]) == 5
"""

# What no test of the project notices.
SURVIVORS = {
    ("def area(radius: float = 0.5) -> float:", "def area(radius: float = 0.75) -> float:"),
    ("if radius < 0:", "if radius <= 0:"),
    ("if radius < 0:", "if radius < 1:"),
    ("return max(result, 0)", "return max(result, 1)"),
}


def python(*arguments, **kwargs):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, **kwargs
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def listed(source):
    """The changes of a source: pairs of lines, before and after."""
    code = (
        "import json, mutate, sys\n"
        "found = mutate.changes('m.py', sys.stdin.buffer.read())\n"
        "print(json.dumps([(c.line, c.before, c.after, c.source.decode()) for c in found]))"
    )
    return json.loads(python("-c", code, input=source, cwd=ROOT / "tools"))


@pytest.mark.parametrize(
    "before,after",
    [
        ("a <= b", ["a < b", "a >= b"]),
        ("a is not None", ["a is None"]),
        ("a in b and c", ["a in b or c", "a not in b and c"]),
        ("a + b", ["a - b"]),
        ("(a + 1.0) * b", ["(a + 1.0) / b", "(a - 1.0) * b", "(a + 1.5) * b"]),
        ("-2", ["2", "-3"]),
        ("f(0.0, True)", ["f(True, 0.0)", "f(1.0, True)", "f(0.0, False)"]),
        ("np.where(a, b, c)", ["np.where(a, c, b)"]),
        ("max(a, b)", ["min(a, b)"]),
        ("f(*a, b)", []),
        ("np.sin(a).max(i)", ["np.cos(a).max(i)", "np.sin(a).min(i)"]),
        ("a[i:, j]", ["a[i + 1:, j]"]),
        ("a[i]", ["a[i + 1]"]),
        ("a if b else c", ["a if not (b) else c"]),
        ("[a for a in b if a]", ["[a for a in b if not (a)]"]),
        ("'1 + 1'", []),
        ("f'{a + 1}'", []),
    ],
)
def test_expressions(before, after):
    found = listed(f"x = {before}\n")
    assert sorted(f"x = {one}" for one in after) == sorted(after for _, _, after, _ in found)
    assert all(source == after + "\n" for _, _, after, source in found)


def test_statements():
    source = "def f(a):\n    a = a\n    a.b = a\n    a += a\n    f(a)\n    c = f\n    return a\n"
    lines = source.splitlines()
    found = [(line, after) for line, _, after, _ in listed(source)]
    dropped = [line for line, after in found if after == "pass"]
    assert dropped == [2, 3, 4, 5]
    assert [line for line in found if line[1] != "pass"] == [(4, "a -= a"), (7, "return -(a)")]
    for line, _, _, changed in listed(source):
        others = changed.splitlines()
        assert others[: line - 1] + others[line:] == lines[: line - 1] + lines[line:]


def test_what_is_only_said_is_left_alone():
    changed = {line for line, _, _, _ in listed(MODULE)}
    # Neither docstrings nor `__all__` nor what the message says; but it may be left out.
    assert changed == {4, 7, 9, 10, 11, 15, 17, 18}
    assert [after for line, _, after, _ in listed(MODULE) if line == 10] == ["pass"]
    assert listed("if TYPE_CHECKING:\n    import a\n") == []
    # A comment and letters of more than a byte before it move nothing.
    assert listed("# é²\nx = 'é' + a  # é\n")[0][:3] == [2, "x = 'é' + a # é", "x = 'é' - a # é"]


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    for name, text in {
        "discs/__init__.py": "",
        "discs/disc.py": MODULE,
        "tests/__init__.py": "",
        "tests/test_disc.py": TESTS,
        "tools/mutate_equivalent.json": json.dumps(
            [
                {
                    "module": "discs/disc.py",
                    "before": "if radius < 0:",
                    "after": "if radius <= 0:",
                    "reason": "The area of a radius of 0 is nobody's.",
                }
            ]
        ),
        "pyproject.toml": '[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n',
        ".gitignore": "*.bin\n",
        "large.bin": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


def contents(root):
    names = (path for path in root.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {path.relative_to(root): path.read_bytes() for path in names}


def mutate(root, *arguments):
    flags = ["tools/mutate.py", f"--root={root}", "--modules=discs/disc.py", *arguments]
    return subprocess.run(
        [sys.executable, *flags],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(root.parent)},
        capture_output=True,
        text=True,
    )


def test_survivors_are_what_the_tests_do_not_notice(project):
    before = contents(project)
    report = project.parent / "report.json"
    done = mutate(project, "--count=1000", f"--report={report}")
    assert done.returncode == 0, done.stderr
    rows = json.loads(report.read_text())["changes"]
    assert len(rows) == len(listed(MODULE)) and {row["module"] for row in rows} == {"discs/disc.py"}
    outcomes = {(row["before"], row["after"]): row["outcome"] for row in rows}
    assert {shown for shown, outcome in outcomes.items() if outcome != "killed"} == SURVIVORS
    reasons = {row["after"]: row["reason"] for row in rows if row["outcome"] == "equivalent"}
    assert reasons == {"if radius <= 0:": "The area of a radius of 0 is nobody's."}
    assert "survived discs/disc.py:9: if radius < 0: -> if radius < 1:" in done.stdout
    assert "because The area of a radius of 0 is nobody's." in done.stdout
    total = done.stdout.splitlines()[-1].split()
    assert total == ["all", str(len(rows)), str(len(rows) - 4), "1", "3"]
    # The checkout is as it was, and nothing is left beside it.
    assert contents(project) == before
    assert {path.name for path in project.parent.iterdir()} == {"project", "report.json"}


def test_changes_are_drawn_by_the_seed_and_tests_may_use_tensorflow(project):
    tests = TESTS.replace("disc.area(2.0) ==", "tf.add(disc.area(2.0), 0.0) ==")
    tests = tests.replace("import pytest\n", "import pytest\nimport tensorflow as tf\n")
    (project / "tests" / "test_disc.py").write_text(tests)
    report = project.parent / "report.json"
    done = mutate(project, "--count=3", "--seed=1", f"--report={report}")
    assert done.returncode == 0, done.stderr
    rows = json.loads(report.read_text())["changes"]
    found = [[row["line"], row["before"], row["after"]] for row in rows]
    assert found == [change[:3] for change in random.Random(1).sample(listed(MODULE), 3)]
    for row in rows:
        assert (row["outcome"] == "killed") == ((row["before"], row["after"]) not in SURVIVORS)


def test_a_change_that_never_ends_is_killed(project):
    (project / "discs" / "disc.py").write_text("def nothing():\n    while True:\n        break\n")
    tests = "from discs import disc\n\n\ndef test_nothing():\n    disc.nothing()\n"
    (project / "tests" / "test_disc.py").write_text(tests)
    report = project.parent / "report.json"
    done = mutate(project, "--slack=5", f"--report={report}")
    assert done.returncode == 0, done.stderr
    rows = json.loads(report.read_text())["changes"]
    assert {row["after"]: row["outcome"] for row in rows} == {
        "while False:": "survived",
        "while not (True):": "survived",
        "pass": "killed",
    }


def test_tests_that_fail_anyway_say_nothing(project):
    (project / "tests" / "test_disc.py").write_text("def test_nothing():\n    assert 1 == 2\n")
    done = mutate(project)
    assert done.returncode == 1 and "assert 1 == 2" in done.stderr
    assert "discs/disc.py fails without a change" in done.stderr
