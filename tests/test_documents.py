"""The documents are true: their Python runs, their links and names lead somewhere, the site builds.

Of the README's shell blocks, `.ci/run` runs those that train and test; the commands of serving are
run by `tests/serving/test_commands.py`.
"""

import ast
import dataclasses
import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

import pytest

from tests.test_architecture import PACKAGE, ROOMS, modules
from tests.test_public_surface import public_names
from tfrelight.commands import main
from tfrelight.models import networks
from tfrelight.training.config import TrainConfig

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


# Pages of the guide whose Python needs nothing but a photo.
RUN = ("RELIGHTING", "LIGHTS", "MANY_PHOTOS")


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


# A program, and what is given to it.
COMMAND = (
    r"(python -m tfrelight[a-z_.]*[a-z]|python \w+/\w+\.py"
    rf"|\btfrelight (?:{'|'.join(set(main.COMMANDS) - {'completion'})})\b)([^\n`]*)"
)


def _commands():
    """What documents and configurations call: program, flags, and where."""
    called = {}
    for path in [*DOCUMENTS, *sorted((ROOT / "configs").glob("*.flags"))]:
        text = path.read_text(encoding="utf-8")
        # A command of several lines, in a comment of a configuration as well.
        text = re.sub(r" *\\\n#? *", " ", text)
        for program, rest in re.findall(COMMAND, text):
            for flag in [None, *re.findall(r"(?<![\w-])--(\w+)", rest)]:
                called.setdefault(program, {}).setdefault(flag, _relative(path))
    return called


def _flags(program):
    """The flags that a program has."""
    words = program.split()
    if words[-1].endswith(".py"):
        # Scripts import TensorFlow before they answer --help.
        text = (ROOT / words[-1]).read_text(encoding="utf-8")
        names = set(re.findall(r'(?:DEFINE_\w+\(|add_argument\()\s*"(?:--)?(\w+)"', text))
        fields = dataclasses.fields(TrainConfig) if "config_flags" in text else ()
        return names | {field.name for field in fields}
    asked = subprocess.run(
        [sys.executable, "-m", _module(words), "--help"], cwd=ROOT, capture_output=True, text=True
    )
    names = set()
    for negated, name in re.findall(r"^  --(\[no\])?(\w+)", asked.stdout, re.MULTILINE):
        names |= {name, f"no{name}"} if negated else {name}
    assert names, asked.stderr
    return names


def _module(words):
    if words[0] == "python":
        return words[2]
    return f"tfrelight.{main.MODULES.get(words[1], words[1])}"


@pytest.mark.parametrize("program", sorted(_commands()))
def test_commands_have_the_flags_that_documents_give(program):
    known = {"flagfile", "help", *_flags(program)}
    unknown = {flag: where for flag, where in _commands()[program].items() if flag not in known}
    assert {flag: where for flag, where in unknown.items() if flag} == {}


@pytest.fixture
def workplace(tmp_path):
    """A folder as the documents assume: photos, and the run that their train command leaves."""
    from tfrelight.models import loading

    run = tmp_path / "runs" / "mixed"
    (run / "weights").mkdir(parents=True)
    loading.describe(run, "compact", {})
    networks.build("compact").save_weights(run / loading.LAST)
    (tmp_path / "photos").mkdir()
    for name in ("photo.jpg", "photos/photo.jpg"):
        shutil.copy(ROOT / "docs" / "astronaut.jpg", tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", ["README.md", *(f"docs/{page}.md" for page in RUN)])
def test_python_of_the_document_runs(name, workplace, monkeypatch):
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = list(re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    assert blocks
    monkeypatch.chdir(workplace)
    names = {"__name__": "document"}
    for block in blocks:
        first_line = text.count("\n", 0, block.start(1))
        exec(compile("\n" * first_line + block.group(1), name, "exec"), names)


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


def _definitions(module):
    """Names that a module defines: `Window` and `Window.cut` alike."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    names = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{inner.name}" for inner in node.body if hasattr(inner, "name")}
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def test_the_architecture_names_what_there_is():
    rooms = "|".join(room for floor in ROOMS for room in floor)
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    missing = []
    for name in re.findall(rf"`((?:{rooms})(?:\.(?!js`)\w+)+)`", text):
        parts = f"tfrelight.{name}".split(".")
        splits = range(len(parts), 1, -1)
        module, rest = next(
            (".".join(parts[:n]), ".".join(parts[n:]))
            for n in splits
            if ".".join(parts[:n]) in modules()
        )
        if rest and rest not in _definitions(module):
            missing.append(name)
    for path in re.findall(r"`((?:configs|tests|tools|benchmarks|tfrelight)/[\w./*]+)`", text):
        if "NAME" not in path and not list(ROOT.glob(path)):
            missing.append(path)
    assert not missing


@pytest.mark.parametrize("diagram", ["path_of_a_photo", "path_of_a_pair"])
def test_the_diagrams_name_what_there_is(diagram):
    text = (ROOT / "docs" / f"{diagram}.svg").read_text(encoding="utf-8")
    boxes = re.findall(
        r'class="code module"[^>]*>([^<]+)</text>\n<text class="code"[^>]*>([^<]+)</text>', text
    )
    assert len(boxes) == text.count('class="number"')
    for listed, functions in boxes:
        patterns = [one.replace(".", "/") + ".py" for one in listed.split(", ")]
        paths = [path for pattern in patterns for path in PACKAGE.glob(pattern)]
        assert len(paths) >= len(patterns), listed
        defined = set()
        for name, path in modules().items():
            if path in paths:
                defined |= _definitions(name)
        wanted = re.sub(r"\(.*?\)", "", functions).split(", ")
        assert set(wanted) <= defined, listed


def test_the_architecture_lists_every_room_in_order():
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = text[text.index("| room | what is in it |") :].split("\n\n")[0]
    listed = [
        room
        for line in table.splitlines()[2:]
        for room in re.findall(r"`(\w+)`", line.split("|")[1])
    ]
    assert listed == [room for floor in ROOMS for room in floor]


class _Page(html.parser.HTMLParser):
    """Where a page of the site leads, and the anchors that it has."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors |= {attributes[key] for key in ("id", "name") if attributes.get(key)}
        self.links += [(tag, attributes[key]) for key in ("href", "src") if key in attributes]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site's pages by their path, built as README says."""
    pytest.importorskip("mkdocs", reason="the extra `docs` is not installed")
    pytest.importorskip("mkdocstrings_handlers.python", reason="the extra `docs` is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return {path: _Page(path) for path in sorted(folder.rglob("*.html"))}


def test_readme_names_the_command_that_builds_the_site():
    assert "\nmkdocs build --strict\n" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_links_inside_the_site_lead_somewhere(site):
    broken = []
    for path, page in site.items():
        for _, link in page.links:
            url = urllib.parse.urlsplit(link)
            # 404.html is shown under any address, so its links are absolute.
            if url.scheme or url.netloc or path.name == "404.html":
                continue
            target = path
            if url.path:
                target = (path.parent / urllib.parse.unquote(url.path)).resolve()
            if target.is_dir():
                target = target / "index.html"
            anchor = urllib.parse.unquote(url.fragment)
            # The theme's link to the top of the page.
            known = {"__skip", *site[target].anchors} if target in site else set()
            if not target.exists() or (anchor and anchor not in known):
                broken.append(f"{path.name}: {link}")
    assert not broken


def test_the_site_needs_no_network(site):
    fetched = [
        f"{path.name}: {link}"
        for path, page in site.items()
        for tag, link in page.links
        if tag != "a" and urllib.parse.urlsplit(link).netloc
    ]
    assert not fetched


def test_the_reference_has_every_public_module(site):
    anchors = set().union(*(page.anchors for page in site.values()))
    missing = []
    for name, path in modules().items():
        public = public_names(ast.parse(path.read_text(encoding="utf-8")))
        # A package that only hands on what its modules have is on their page.
        if public and path.name not in ("__init__.py", "__main__.py") and name not in anchors:
            missing.append(name)
    assert not missing, "name them on a page of docs/api"
