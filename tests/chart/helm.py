"""Runs Helm, and finds objects in its output."""

import copy
import functools
import json
import os
import subprocess
from pathlib import Path

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CHART = ROOT / "charts" / "customimage-operator"
KUBERNETES = "1.32.0"
MAJORS = (3, 4)
MINIMAL = {"image": {"repository": "registry.example.com/customimage-operator"}}
# Helm runs for a tenth of a second. Garbage collection would take a third of that.
ENVIRONMENT = {**os.environ, "GOGC": "off"}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@functools.cache
def programs():
    """The helm program of each major version."""
    directories = subprocess.run([HERE.parent / "helm" / "install"], check=True, text=True, stdout=subprocess.PIPE)
    return {major: Path(line) / "helm" for major, line in zip(MAJORS, directories.stdout.split())}


def run(*arguments, major=4, values=None):
    """Runs helm with values on its standard input."""
    command = [programs()[major], *arguments, "--values", "-"]
    return subprocess.run(command, input=json.dumps(values or {}), text=True, capture_output=True, env=ENVIRONMENT)


@functools.cache
def _template(values, major, release, namespace):
    return run(
        "template", release, CHART, "--namespace", namespace, "--kube-version", KUBERNETES,
        major=major, values=json.loads(values),
    )  # fmt: skip


def template(values, major=4, release="mirror", namespace="hpc-system"):
    return _template(json.dumps(values, sort_keys=True), major, release, namespace)


def render(values=None, **where):
    """The rendered objects. `values` are merged over MINIMAL."""
    done = template(merge(MINIMAL, values or {}), **where)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.load_all(done.stdout, LOADER) if document]


def refusal(values, **where):
    """Helm's error message for values that it must refuse."""
    done = template(values, **where)
    assert done.returncode != 0, f"accepted: {values}"
    return done.stderr


def merge(base, over):
    """A deep copy of `base` with `over` merged over it."""
    result = copy.deepcopy(base)
    for key, value in over.items():
        both_are_maps = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merge(result[key], value) if both_are_maps else copy.deepcopy(value)
    return result


def nested(path, value):
    """{a: {b: value}} for the path a.b."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def of_kind(objects, kind, suffix=""):
    """The objects of a kind whose names end with `suffix`."""
    return [thing for thing in objects if thing["kind"] == kind and thing["metadata"]["name"].endswith(suffix)]


def only(objects, kind, suffix=""):
    found = of_kind(objects, kind, suffix)
    assert len(found) == 1, f"{len(found)} objects {kind} …{suffix}"
    return found[0]


def read_values(name):
    return yaml.safe_load((HERE / "values" / f"{name}.yaml").read_text())
