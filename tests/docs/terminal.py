"""Draws a terminal with the text of stdin, as SVG on stdout: plain text in the reader's own monospace font, without scripts.

    python3 tests/docs/terminal.py < TRANSCRIPT > PICTURE.svg
"""

import re
import sys
from html import escape

COLUMNS = 118
SIZE, CELL, LINE, MARGIN = 13, 7.83, 18, 18
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace"
# The first pattern that a line matches gives its colour. The ground is dark by day and by night, like a terminal's.
COLOURS = [(r"^\$ ", "#7ee787"), (r"^NAME ", "#8b949e"), (r"^\^C", "#8b949e"), (r"BuildFailed|rror|FAILED|No match", "#ff9b92"),
           (r"ImageAvailable", "#a5d6ff"), (r"", "#e6edf3")]  # fmt: skip


def colour(line):
    return next(colour for pattern, colour in COLOURS if re.search(pattern, line))


def rows(line):
    """A long line goes on in the next row, as in a terminal."""
    return [line[start:start + COLUMNS] for start in range(0, len(line), COLUMNS)] or [""]


def word(found):
    """A word in its column, and as wide as its cells, whatever the font."""
    text, start = found[0], MARGIN + found.start() * CELL
    return f'<tspan x="{start:.1f}" textLength="{len(text) * CELL:.1f}" lengthAdjust="spacingAndGlyphs">{escape(text, quote=False)} </tspan>'


def drawn(text):
    lines = [line.rstrip() for line in text.rstrip("\n").splitlines()]
    seen = [(row, colour(line)) for line in lines for row in rows(line)]
    width, height = round(COLUMNS * CELL + 2 * MARGIN), len(seen) * LINE + 2 * MARGIN
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
    yield "<title>kubectl get customimages --watch, and why a build failed</title>"
    yield f"<desc>{escape(text.strip())}</desc>"
    yield f'<rect width="{width}" height="{height}" rx="8" fill="#161b22" stroke="#30363d"/>'
    yield f'<g font-family="{escape(FONT)}" font-size="{SIZE}">'
    for number, (row, fill) in enumerate(seen):
        yield f'<text y="{MARGIN + LINE * number + SIZE}" fill="{fill}">{"".join(map(word, re.finditer(r"[^ ]+", row)))}</text>'
    yield "</g>\n</svg>"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in drawn(sys.stdin.read()))
