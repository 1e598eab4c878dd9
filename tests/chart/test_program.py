"""The chart and the program agree on environment variables, defaults and metrics.

The program would silently ignore an unknown variable.
"""

import re

from helm import ROOT, only, render
from metrics import METRICS, OF_THE_API

SOURCE = "\n".join(path.read_text() for path in sorted((ROOT / "src").rglob("*.rs")))
DEFAULT = re.compile(r'env = "([A-Z_]+)"[^\n]*?\bdefault_value(?:_t)? = "?([^",)]+)')


def is_path(default):
    """A default that is an item of Rust, such as an enum's variant; an IPv6 address is none."""
    return re.search(r"\w::\w", default) is not None


def variables():
    everything = {"aws": {"region": "eu-west-1", "endpointUrl": "https://aws.example.com", "caBundle": {"secret": {"name": "a", "key": "b"}}},
                  "proxy": {"https": "http://proxy.example.com"}, "watchNamespaces": ["hpc"],
                  "api": {"enabled": True, "certificateSecret": "images-tls"}}  # fmt: skip
    env = only(render(everything), "Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
    return {variable["name"]: variable.get("value") for variable in env}


def test_the_program_reads_every_variable_that_the_chart_sets():
    # clap may derive the name of the variable from the flag's field, which is in lower case.
    unknown = [name for name in variables() if not re.search(rf"\b({name}|{name.lower()})\b", SOURCE)]
    assert unknown == []


def test_the_defaults_of_the_chart_are_those_of_the_program():
    chart = variables()
    program = {name: default for name, default in DEFAULT.findall(SOURCE) if name in chart and not is_path(default)}
    assert len(program) > 15
    assert {name: chart[name] for name in program} == program


def test_the_defaults_in_the_configuration_are_those_of_the_program():
    program = dict(DEFAULT.findall(SOURCE))
    told = dict(re.findall(r"^\| `--[a-z-]+` \| `([A-Z_]+)` \| `([^`]+)` \|", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE))
    shared = {name: default for name, default in told.items() if name in program and not is_path(program[name])}
    assert len(shared) > 20
    assert shared == {name: program[name] for name in shared}


def test_the_program_exports_every_metric_that_alerts_and_dashboard_use():
    for metric in (METRICS | OF_THE_API).keys() - {"up"}:
        # The program writes a metric's name without its prefix and unit, and without what its type appends.
        name = re.sub(r"^(customimage|process)_|((_seconds|_bytes)?(_total|_bucket)?|_info)$", "", metric)
        assert re.search(rf'"(process_)?{name}"', SOURCE), metric
