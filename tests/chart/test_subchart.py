"""The chart as a dependency of a parent chart: condition, alias, and what is global."""

import pytest
import yaml
from helm import CHART, KUBERNETES, MAJORS, only, run

NAME = "customimage-operator"
OPERATOR = {"image": {"repository": "registry.example.com/team/customimage-operator"}}


@pytest.fixture
def parent(tmp_path):
    """Makes a parent chart whose one dependency is this chart, and renders it with values."""
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / NAME).symlink_to(CHART)

    def objects(values, major, defaults=None, **dependency):
        entry = {"name": NAME, "version": "0.1.0", "repository": "", **dependency}
        (tmp_path / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [entry]}))
        (tmp_path / "values.yaml").write_text(yaml.safe_dump(defaults or {}))
        return run("template", "all", tmp_path, "--namespace", "hpc-system", "--kube-version", KUBERNETES, major=major, values=values)

    return objects


def rendered(done):
    assert done.returncode == 0, done.stderr
    return [thing for thing in yaml.safe_load_all(done.stdout) if thing]


def pod_of(objects):
    return only(objects, "Deployment")["spec"]["template"]["spec"]


@pytest.mark.parametrize("name", [NAME, "images"], ids=["by its name", "by an alias"])
@pytest.mark.parametrize("major", MAJORS)
def test_enabled_is_the_condition_of_the_dependency(parent, major, name):
    entry = {"condition": f"{name}.enabled", **({"alias": name} if name != NAME else {})}
    assert rendered(parent({name: {**OPERATOR, "enabled": False}}, major, **entry)) == []
    enabled = {name: {**OPERATOR, "enabled": True}}
    assert rendered(parent(enabled, major, **entry)) == rendered(parent({name: OPERATOR}, major, **entry)) != []


@pytest.mark.parametrize("major", MAJORS)
def test_without_a_condition_enabled_false_is_refused_and_not_ignored(parent, major):
    said = parent({NAME: {**OPERATOR, "enabled": False}}, major).stderr
    assert "enabled is false" in said and "condition: customimage-operator.enabled" in said


@pytest.mark.parametrize("name", [NAME, "images"], ids=["by its name", "by an alias"])
@pytest.mark.parametrize("major", MAJORS)
def test_what_is_global_is_honoured_and_anything_else_may_be_there(parent, major, name):
    globals_ = {"imageRegistry": "mirror.example.com:5000", "imagePullSecrets": ["all", {"name": "own"}], "storageClass": "fast", "other": {"a": [1]}}
    entry = {"alias": name} if name != NAME else {}
    spec = pod_of(rendered(parent({"global": globals_, name: {**OPERATOR, "imagePullSecrets": [{"name": "own"}]}}, major, **entry)))
    assert spec["containers"][0]["image"] == "mirror.example.com:5000/team/customimage-operator:0.1.0"
    assert spec["imagePullSecrets"] == [{"name": "own"}, {"name": "all"}]


@pytest.mark.parametrize(
    "repository, expected",
    [("customimage-operator", "mirror/customimage-operator"), ("team/x", "mirror/team/x"), ("localhost/x", "mirror/x"),
     ("registry:5000/team/x", "mirror/team/x"), ("[::1]:5000/x", "mirror/x")],
)  # fmt: skip
def test_the_global_registry_takes_the_place_of_the_host_and_of_nothing_else(parent, repository, expected):
    values = {"global": {"imageRegistry": "mirror"}, NAME: {"image": {"repository": repository, "tag": "1"}}}
    assert pod_of(rendered(parent(values, 4)))["containers"][0]["image"] == f"{expected}:1"


@pytest.mark.parametrize("major", MAJORS)
def test_globals_that_are_empty_change_nothing(parent, major):
    for globals_ in ({}, {"imageRegistry": "", "imagePullSecrets": []}, {"imageRegistry": None, "imagePullSecrets": None}):
        spec = pod_of(rendered(parent({"global": globals_, NAME: OPERATOR}, major)))
        assert spec["containers"][0]["image"] == "registry.example.com/team/customimage-operator:0.1.0" and "imagePullSecrets" not in spec


@pytest.mark.parametrize("major", MAJORS)
def test_the_parents_own_defaults_reach_the_chart(parent, major):
    done = parent({}, major, defaults={"global": {"imageRegistry": "mirror"}, NAME: OPERATOR})
    assert pod_of(rendered(done))["containers"][0]["image"].startswith("mirror/team/")
