"""What `mkdocs build` does beyond mkdocs.yml, so that the same pages read well on GitHub.

Pages link to files of the repository, which GitHub shows. In the site those links lead to the
reference of a module (`../tfrelight/shading.py`), or to a page or file that the site takes from
outside docs/ (`../CONTRIBUTING.md`). To other files there is no link, only their name.
"""

import pathlib
import posixpath
import re

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Files outside docs/ that are part of the site, under their own names.
OUTSIDE = (
    "BUILD_NOTES.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "export/README.md",
    *(path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("examples/*.ipynb"))),
)


def on_files(files, config):
    """Adds the files outside docs/."""
    for name in OUTSIDE:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Makes links into the repository links of the site."""
    name = page.file.src_uri
    source = name if name in OUTSIDE else f"docs/{name}"

    def replace(match):
        text, target = match.groups()
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        path, _, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if path.startswith("tfrelight/") and path.endswith(".py"):
            module = path[: -len(".py")].removesuffix("/__init__").replace("/", ".")
            return f"[{text}][{module}]"
        if path.startswith("docs/"):
            path = path[len("docs/") :]
        elif path not in OUTSIDE:
            # Strict builds refuse a link to a file that does not exist.
            return text if (ROOT / path).is_file() else match[0]
        link = posixpath.relpath(path, posixpath.dirname(name))
        return f"[{text}]({link}{'#' + anchor if anchor else ''})"

    return re.sub(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)", replace, markdown)
