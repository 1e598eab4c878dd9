"""docs/gitops.md contains the files that ran."""

import re

from proof import proof
from shell import CHECKOUT, require


@proof("each recipe in docs/gitops.md is the file that ran, and fits a screen")
def recipes(_stage):
    text = (CHECKOUT / "docs/gitops.md").read_text()
    shown = re.findall(r"^\[(examples/\S+)\]\(\.\./\1\):\n\n```\w+\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    for path, block in shown:
        require((CHECKOUT / path).read_text().rstrip("\n") == block, f"{path} is shown as it is")
        require(len(block.splitlines()) <= 50, f"{path} fits a screen", len(block.splitlines()))
    fences = len(re.findall(r"^```\w+$", text, re.MULTILINE))
    require(len(shown) == fences - 1 and len(shown) >= 9, "all but Flux's own settings are files", [path for path, _ in shown])
    missing = [path for path in re.findall(r"\]\(\.\./(examples/[^)]*)\)", text) if not (CHECKOUT / path).exists()]
    require(not missing, "each link leads somewhere", missing)
    return f"{len(shown)} recipes"
