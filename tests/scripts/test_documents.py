"""The documents name only what exists: files, sections of other documents, and tests."""

import re

import pytest
from conftest import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "charts").glob("*/README.md"))]


def anchors(path):
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_link_leads_to_a_file_and_to_a_heading_in_it(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_the_threat_model_names_only_tests_and_files_that_exist():
    named = set(re.findall(r"`((?:tests|src)/[^`*]+|deny\.toml|Cargo\.lock)`", (ROOT / "SECURITY.md").read_text()))
    assert len(named) > 8
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_example_in_a_document_is_the_file_that_it_names(document):
    shown = re.findall(r"^\[(examples/\S+)\]\(\.\./\1\):\n\n```\w+\n(.*?)\n```$", document.read_text(), re.MULTILINE | re.DOTALL)
    assert [path for path, block in shown if (ROOT / path).read_text().rstrip("\n") != block] == []
