"""Fails on a link in the built book that leads nowhere.

    python3 tests/docs/book_links.py FOLDER
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.targets, self.anchors = [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.anchors.add(named.get("id"))
        if tag in ("a", "img"):
            self.targets.append(named.get("href") or named.get("src") or "")


def broken(folder):
    pages = {path.resolve(): Page(path) for path in sorted(folder.rglob("*.html"))}
    for path, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not file.exists() or (file in pages and parts.fragment and unquote(parts.fragment) not in pages[file].anchors):
                yield f"{path.relative_to(folder.resolve())}: {target}"


if __name__ == "__main__":
    found = list(broken(Path(sys.argv[1])))
    if found:
        sys.exit("links that lead nowhere:\n" + "\n".join(found))
