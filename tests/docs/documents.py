"""The Markdown files of the project, their links and their headings."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def documents():
    """Every Markdown file of the project. What is built or downloaded is not part of it."""
    made = {"build", "target", ".git", ".pytest_cache"}
    return [path for path in sorted(ROOT.rglob("*.md")) if not made & set(path.relative_to(ROOT).parts)]


def prose(text):
    """TEXT without its blocks of code: what is in them is no heading and no link."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(path):
    """The anchors of a document's headings, as GitHub and mdBook make them. A heading that comes again gets a number."""
    found = []
    for heading in re.findall(r"^#+ (.+)$", prose(path.read_text()), re.MULTILINE):
        name = re.sub(r"[^\w -]", "", re.sub(r"\]\([^)]*\)", "]", heading).lower()).replace(" ", "-")
        again = len([one for one in found if one == name or re.fullmatch(rf"{re.escape(name)}-\d+", one)])
        found.append(f"{name}-{again}" if again else name)
    return set(found)


def links(path):
    """The targets of a document's links and pictures that lead to files of the project."""
    text = re.sub(r"`[^`\n]*`", "", prose(path.read_text()))
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^\]]+\]: (\S+)$", text, re.MULTILINE)
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def broken(path):
    """The links of a document that lead nowhere."""
    for target in links(path):
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists():
            yield f"{target}: no such file"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            yield f"{target}: no such heading"
