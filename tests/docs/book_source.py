"""Gathers the sources of the book: the pages, the files of the project that they link to, and the table of contents.

    python3 tests/docs/book_source.py FOLDER

The folder has the layout of the project, so that each link leads where it led. Pages outside docs/ become the last part of the book.
"""

import re
import shutil
import sys
from pathlib import Path

from documents import ROOT, links


def gathered():
    """The pages of the table of contents and, beyond them, all files that they lead to."""
    contents = re.findall(r"\]\(([^)]+)\)", (ROOT / "docs/SUMMARY.md").read_text())
    found, ahead = [], [(ROOT / "docs" / target).resolve() for target in contents]
    while ahead:
        path = ahead.pop(0)
        if path not in found:
            found.append(path)
            if path.suffix == ".md":
                ahead += [(path.parent / target.partition("#")[0]).resolve() for target in links(path) if not target.startswith("#")]
    return found


def title(page):
    return re.search(r"^# (.+)$", page.read_text(), re.MULTILINE)[1]


def summary(pages):
    """docs/SUMMARY.md, seen from the project's folder, with the pages outside docs/ at its end."""
    text = (ROOT / "docs/SUMMARY.md").read_text()
    text = re.sub(r"\]\((?!\.\./)", "](docs/", text).replace("](../", "](")
    names = [str(page.relative_to(ROOT)) for page in pages]
    # A title that is there already says nothing: the folder does.
    more = [(name, title(ROOT / name)) for name in names if f"]({name})" not in text]
    more = [(name, words if f"[{words}]" not in text else name) for name, words in more]
    return text + "\n# The project\n\n" + "".join(f"- [{words}]({name})\n" for name, words in more)


def write(folder):
    shutil.rmtree(folder, ignore_errors=True)
    paths = gathered()
    for path in paths:
        target = folder / path.relative_to(ROOT)
        if path.is_dir():
            shutil.copytree(path, target, dirs_exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    (folder / "SUMMARY.md").write_text(summary([path for path in paths if path.suffix == ".md"]))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
