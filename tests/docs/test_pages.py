"""The pages say what the program, the definition and the chart say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import cli_page
import crd_page
import generate
import pytest
import terminal
import yaml
from documents import ROOT

sys.path.append(str(ROOT / "tests/chart"))

import helm  # noqa: E402
import values_table  # noqa: E402

PROGRAM = Path(os.environ["BIN"]) / "customimage-operator"
SOURCE = "\n".join(path.read_text() for path in sorted((ROOT / "src").rglob("*.rs")))
REASONS = ROOT / "src/kubernetes/status/ready_reason.rs"


def page(name):
    return (ROOT / "docs" / name).read_text()


@pytest.mark.parametrize("path", generate.pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_generated_page_is_as_new_as_the_program_and_the_definition(path):
    assert path.read_text() == generate.pages()[path], "next step: make generate"


def test_the_help_is_the_same_whatever_the_environment_says(monkeypatch):
    told = cli_page.page(PROGRAM)
    for variable, value in (("COLUMNS", "40"), ("AWS_REGION", "us-east-1"), ("CUSTOMIMAGE_LOG", "debug"), ("TERM", "dumb")):
        monkeypatch.setenv(variable, value)
    assert cli_page.page(PROGRAM) == told
    assert max(map(len, re.findall(r"```text\n(.*?)```", told, re.DOTALL)[0].splitlines())) <= 100


def test_the_reference_has_each_command():
    names = [line.split()[1] for line in completions() if line.startswith("complete ")]
    told = set(re.findall(r"^## customimage-operator (\S+)", page("reference/cli.md"), re.MULTILINE))
    assert told and told == set(names)


def completions():
    """The commands by another way than the help: `help NAME` of each word of the help's list."""
    text = subprocess.run([PROGRAM, "help"], env={}, capture_output=True, text=True, check=True).stdout
    listed = text.split("Commands:\n")[1].split("\n\n")[0]
    return [f"complete {line.split()[0]}" for line in listed.splitlines() if re.match(r"  \S", line) and line.split()[0] != "help"]


def test_the_reference_has_each_field_of_the_definition():
    text = page("reference/customimage.md")
    definition = yaml.safe_load((ROOT / "crds/customimages.parallelcluster.dev.yaml").read_text())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    for path, field in (("spec", schema["spec"]), ("status", schema["status"])):
        [section] = re.findall(rf"^## {path}\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == sorted(field["properties"])


def test_each_setting_of_run_has_its_full_name_in_the_configuration():
    flags = set(re.findall(r"--[a-z-]+(?=[ \[=\n])", cli_page.helps(PROGRAM, "run").split("\nOptions:")[1].split("\nExample")[0]))
    told = re.findall(r"^\| `(--[a-z-]+)` \| ", page("configuration.md").split(generate.BEGIN)[1], re.MULTILINE)
    assert len(told) > 30 and set(told) == {flag for flag in flags if re.search(rf"^ +(-\w, )?{flag}[ \[\n]", cli_page.helps(PROGRAM, "run"), re.MULTILINE)} - {"--help"}


def test_what_to_change_names_values_of_the_chart_and_flags_of_run():
    rows = re.findall(r"^\| [^|]+ \| ([^|]*) \| (`--[^|]+) \|$", page("configuration.md").split(generate.BEGIN)[0], re.MULTILINE)
    values = [name for cell, _ in rows for name in re.findall(r"`([A-Za-z.]+)", cell)]
    flags = [name for _, cell in rows for name in re.findall(r"--[a-z-]+", cell)]
    assert len(rows) > 8 and len(values) > 8
    assert set(values) <= {value.path for value in values_table.documented()}
    assert set(flags) <= set(re.findall(r"--[a-z-]+", cli_page.helps(PROGRAM, "run")))


def test_each_metric_of_the_program_is_in_the_table_and_no_other():
    named = re.findall(r'(?:register(?:_with_unit)?\(|put\(\s*(?:&mut )?encoder,)\s*"([a-z_]+)"', SOURCE)
    # Of the process: it has names that every Prometheus client uses. An Info has its suffix from the library.
    names = {"build_info" if name == "build" else name for name in named if not name.startswith("process_")} - {"seen"}
    told = {re.sub(r"^customimage_|(_total|_seconds)$", "", name) for name in re.findall(r"^\| `(customimage_\w+)` ", page("metrics.md"), re.MULTILINE)}
    assert len(told) > 15 and told == names


def test_each_reason_of_ready_is_in_the_conditions():
    reasons = re.findall(r"^    (\w+),$", REASONS.read_text().split("pub enum ReadyReason {")[1].split("}")[0], re.MULTILINE)
    told = re.findall(r"^\| (?:True|False|Unknown) \| (\w+) \| .* \| [^|]*\|$", page("conditions.md"), re.MULTILINE)
    assert sorted(told) == sorted(reasons) and len(reasons) > 15


def blocks(name, language):
    return re.findall(rf"```{language}\n(.*?)```", page(name), re.DOTALL)


@pytest.mark.parametrize("values", blocks("installation.md", "yaml") + [text for text in blocks("http-api.md", "yaml") if text.startswith("image:")])
def test_the_chart_takes_the_values_of_the_installation_and_of_the_api(values):
    helm.render(yaml.safe_load(values))


def test_the_picture_of_the_readme_has_the_columns_of_today():
    picture = page("pictures/watch.svg")
    version = yaml.safe_load((ROOT / "crds/customimages.parallelcluster.dev.yaml").read_text())["spec"]["versions"][0]
    columns = ["NAME", *(column[0] for column in crd_page.columns(version) if not column[2])]
    headings = [line.split() for line in re.findall(r"^NAME .*$", picture, re.MULTILINE)]
    assert headings and all(heading == columns for heading in headings), "next step: make picture"
    assert "<script" not in picture and "href" not in picture


def test_a_terminal_is_drawn_with_each_line_and_without_markup_of_its_own():
    drawn = subprocess.run([sys.executable, ROOT / "tests/docs/terminal.py"], input="$ a  <b> &\n" + "x" * 150 + "\n", capture_output=True, text=True, check=True).stdout
    words = re.findall(r'<tspan x="([\d.]+)"[^>]*>([^<]*) </tspan>', drawn)
    assert [text for _, text in words] == ["$", "a", "&lt;b&gt;", "&amp;", "x" * 118, "x" * 32]
    cells = [round((float(x) - terminal.MARGIN) / terminal.CELL) for x, _ in words]
    assert cells == [0, 2, 5, 9, 0, 0], "each word stands in its column"
