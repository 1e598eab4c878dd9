"""The sources of the book hold together, without mdbook: `make extra` builds it."""

import re

import book_links
import book_source
from documents import broken


def test_the_sources_of_the_book_have_no_link_that_leads_out_of_them(tmp_path):
    book_source.write(tmp_path)
    pages = [path for path in tmp_path.rglob("*.md") if path.name != "SUMMARY.md"]
    assert len(pages) > 15
    assert {str(page): found for page in pages if (found := list(broken(page)))} == {}
    assert not [path for path in tmp_path.rglob("*") if path.is_symlink()]


def test_each_page_of_the_sources_is_in_the_table_of_contents_once(tmp_path):
    book_source.write(tmp_path)
    listed = re.findall(r"\]\(([^)]+)\)", (tmp_path / "SUMMARY.md").read_text())
    pages = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.md") if path != tmp_path / "SUMMARY.md"]
    assert sorted(listed) == sorted(set(pages) - not_linked(tmp_path))


def not_linked(folder):
    """Pages that came along in a folder of examples."""
    return {str(path.relative_to(folder)) for path in (folder / "examples").rglob("*.md")}


def test_a_link_of_the_built_book_that_leads_nowhere_is_found(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.html").write_text('<h2 id="one">One</h2><a href="#one"></a><a href="#two"></a><a href="https://example.com/gone"></a>')
    (tmp_path / "docs/page.html").write_text('<a href="../README.html#one"></a><a href="../README.html#three"></a><img src="gone.svg">')
    assert list(book_links.broken(tmp_path)) == ["README.html: #two", "docs/page.html: ../README.html#three", "docs/page.html: gone.svg"]
