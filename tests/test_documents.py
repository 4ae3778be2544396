"""The documents are true: their Python runs, their links lead somewhere, no machine shows through.

Of the README's shell blocks, `.ci/run` runs those that train and test; the commands of serving are
run by `tests/serving/test_commands.py`.
"""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


def _files():
    """Every file of the checkout that git has or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sorted({ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()})


if not (ROOT / ".git").exists():
    pytest.skip("these tests read a git checkout", allow_module_level=True)

FILES = _files()
DOCUMENTS = [path for path in FILES if path.suffix == ".md"]


def _relative(path):
    return path.relative_to(ROOT).as_posix()


def _without_code(text):
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.M))


def _anchors(path):
    """The anchors that GitHub gives to the headings of a Markdown file."""
    headings = re.findall(
        r"^#+ +(.+?) *$",
        re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.M),
        re.MULTILINE,
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=_relative)
def test_local_links_lead_somewhere(path):
    broken = []
    text = _without_code(path.read_text(encoding="utf-8"))
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        if not linked.exists() or (anchor and anchor not in _anchors(linked)):
            broken.append(target)
    assert not broken


def test_readme_marks_its_two_commands():
    # .ci/run reads the block after each marker.
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("train", "test"):
        assert len(re.findall(rf"^<!-- ci: {name} -->\n```bash$", text, re.MULTILINE)) == 1


def test_readme_python_runs(tmp_path, monkeypatch):
    """In the folder that the README's train command leaves, with a photo beside the run."""
    from tfrelight.models import presets

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = list(re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    assert blocks
    run = tmp_path / "runs" / "mixed"
    (run / "weights").mkdir(parents=True)
    presets.describe(run, "compact", {})
    presets.build("compact").save_weights(run / presets.LAST)
    shutil.copy(ROOT / "docs" / "astronaut.jpg", tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "readme"}
    for block in blocks:
        first_line = text.count("\n", 0, block.start(1))
        exec(compile("\n" * first_line + block.group(1), "README.md", "exec"), names)


# Written so that no pattern matches its own line here.
FORBIDDEN = {
    "a path of somebody's machine": r"(?<![\w.>])/(?:work|root|opt|home|tmp|mnt|Users)/\w",
    "a note for later": r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b",
    "a merge conflict": r"^(?:<{7}|>{7}) ",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what):
    found = []
    for path in FILES:
        if path.name == "LICENSE":
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or an array
        for number, line in enumerate(text.splitlines(), start=1):
            if re.search(FORBIDDEN[what], line):
                found.append(f"{_relative(path)}:{number}: {line.strip()}")
    assert not found
