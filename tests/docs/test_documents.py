"""The documents name only what exists, and can be read in an editor."""

import re

import pytest
from documents import ROOT, anchors, broken, documents, prose

DOCUMENTS = documents()
README = (ROOT / "README.md").read_text()
PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if path.name != "SUMMARY.md")
# A line that can be wrapped. Tables, links, and lines of code by indentation, cannot.
WRAPPABLE = re.compile(r"^(?!\||    |<!--|(\s*[-*] )?\[[^\]]*\]\(\S+\):?$).*", re.MULTILINE)


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_each_link_leads_to_a_file_and_to_a_heading_in_it(document):
    assert list(broken(document)) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One\n\n[a](#one) [b](#two) [c](other.md) [d](page.md#one) `[e](gone.md)`\n\n```sh\n# Two\n```\n")
    assert list(broken(page)) == ["#two: no such heading", "other.md: no such file"]


def test_a_heading_that_comes_again_has_an_anchor_with_a_number(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Some `code`, and more\n## Again\n## Again\n")
    assert anchors(page) == {"some-code-and-more", "again", "again-1"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_no_line_of_prose_is_longer_than_120_characters(document):
    assert [line[0] for line in WRAPPABLE.finditer(prose(document.read_text())) if len(line[0]) > 120] == []


def test_each_line_of_the_readme_wraps_in_an_editor():
    assert [line for line in README.splitlines() if len(line) > 120] == []


def test_each_section_of_the_readme_fits_a_screen_and_all_of_it_four():
    sections = re.split(r"^(?=## )", README, flags=re.MULTILINE)
    assert {section.splitlines()[0]: len(section.splitlines()) for section in sections if len(section.splitlines()) > 40} == {}
    assert len(README.splitlines()) <= 150


def test_the_readme_says_what_it_is_in_three_sentences_before_the_picture():
    before, _ = README.split("![", 1)
    about = " ".join(before.splitlines()[1:])
    assert len(re.findall(r"[.!?](?=\s)", about)) == 3


def test_the_book_has_each_page_once():
    listed = re.findall(r"\]\(([^)]+)\)", (ROOT / "docs/SUMMARY.md").read_text())
    assert sorted(listed) == sorted(["../README.md", *(str(page.relative_to(ROOT / "docs")) for page in PAGES)])


def test_the_threat_model_names_only_tests_and_files_that_exist():
    named = set(re.findall(r"`((?:tests|src)/[^`*]+|deny\.toml|Cargo\.lock)`", (ROOT / "SECURITY.md").read_text()))
    assert len(named) > 8
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_example_in_a_document_is_the_file_that_it_names(document):
    shown = re.findall(r"^\[(examples/\S+)\]\(\.\./\1\):\n\n```\w+\n(.*?)\n```$", document.read_text(), re.MULTILINE | re.DOTALL)
    assert [path for path, block in shown if (ROOT / path).read_text().rstrip("\n") != block] == []
