"""Each value that has a form of its own: the right forms are taken, a wrong one is named with its value and the fix."""

import json
import re
from itertools import zip_longest

import pytest
import yaml
from forms import FORMS, ROLE
from helm import CHART, MAJORS, MINIMAL, merge, refusal, render, template

RULES = {path: rule for rule in yaml.safe_load((CHART / "files" / "forms.yaml").read_text()) for path in rule["values"]}
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
#: What an identity, a requirement and a file need beside the value that is tried.
BESIDE = {"identities": {"name": "research", "roleArn": ROLE, "namespaces": []}, "extraEnv": {"value": "a"}, "caBundle": {"name": "a", "key": "b"}}
MAPS = ("keys", "commonLabels", "podLabels", "nodeSelector", "labels", "alerts")


def placed(path, value):
    """Values with the value at this path, and the name of the place in messages."""
    def place(steps, name):
        if not steps:
            return value, name
        step, rest = steps[0], steps[1:]
        last = name.split(".")[-1]
        if step == "keys":
            return {value: "x"}, f"a key of {name}"
        if step == "*" and last in MAPS:
            key = "CustomImageDeleted" if last == "alerts" else "a"
            inside, said = place(rest, f"{name}.{key}")
            return {key: inside}, said
        if step == "*" and last == "caBundle":
            inside, said = place(rest, f"{name}.secret")
            return {"secret": {**BESIDE[last], **inside}}, said
        if step == "*":
            inside, said = place(rest, f"{name}[0]")
            return [{**BESIDE[last], **inside} if last in BESIDE else inside], said
        inside, said = place(rest, f"{name}.{step}" if name else step)
        return {step: inside}, said
    return place(path.split("."), "")


def rounds(which):
    """Each path's first value in the first round, its second one in the second …: few runs of Helm for many values."""
    for each in zip_longest(*(forms[which] for forms in FORMS.values()), fillvalue=None):
        yield [(path, value) for path, value in zip(FORMS, each) if value is not None]


def disjoint(tried):
    """Parts of a round of which each sets a value only once."""
    parts = []
    for path, value in tried:
        top = re.split(r"\.(?:\*|keys)", path)[0]
        for part in parts:
            if top not in part:
                part[top] = (path, value)
                break
        else:
            parts.append({top: (path, value)})
    return [list(part.values()) for part in parts]


def test_each_form_is_tried_and_belongs_to_a_value_of_the_schema():
    assert RULES.keys() == FORMS.keys()
    for path in RULES:
        first, *rest = [step for step in path.split(".") if step not in ("*", "keys")]
        assert first in SCHEMA["properties"], path
        assert not rest or "properties" not in SCHEMA["properties"][first] or rest[0] in SCHEMA["properties"][first]["properties"], path


@pytest.mark.parametrize("tried", [part for each in rounds(1) for part in disjoint(each)], ids=lambda tried: f"{len(tried)} values")
def test_a_wrong_form_is_refused_with_the_name_the_value_and_the_fix(tried):
    values, expected = MINIMAL, set()
    for path, value in tried:
        more, name = placed(path, value)
        values = merge(values, more)
        shown = "wrong" if RULES[path].get("hide") else json.dumps(value, ensure_ascii=False)
        expected.add(f"{name} is {shown}: {RULES[path]['fix']}")
    assert expected <= set(refusal(values).splitlines())


@pytest.mark.parametrize("tried", [part for each in rounds(0) for part in disjoint(each)], ids=lambda tried: f"{len(tried)} values")
def test_a_right_form_is_taken(tried):
    values = MINIMAL
    for path, value in tried:
        values = merge(values, placed(path, value)[0])
    if role := values.get("aws", {}).get("roleArn"):
        # The partition and the account must be those of the role.
        _, partition, _, _, account, *_ = role.split(":")
        values = merge(values, {"aws": {"partition": partition, "accountId": account}})
    said = template(merge(values, {"fullnameOverride": values.get("fullnameOverride") or "mirror"})).stderr
    assert said == ""


@pytest.mark.parametrize("major", MAJORS)
def test_all_that_is_wrong_is_said_at_once_and_before_any_template_fails(major):
    wrong = {"nameOverride": "a b: c", "lease": {"renewDeadline": "0s"}, "proxy": {"https": "http://a b"}, "networkPolicy": {"enabled": True},
             "identities": [{"name": "research"}]}  # fmt: skip
    said = refusal(merge(MINIMAL, wrong), major=major)
    for words in ['nameOverride is "a b: c"', 'lease.renewDeadline is "0s"', 'proxy.https is "http://a b"', "identities[0] (research): set exactly one"]:
        assert words in said


def test_a_password_and_an_external_id_are_not_shown():
    said = refusal(merge(MINIMAL, {"proxy": {"https": "http://me:hush@proxy"}, "identities": [{"name": "a", "namespaces": [], "externalId": "hush hush"}]}))
    assert "proxy.https is" in said and "externalId is wrong" in said and "hush" not in said


def texts(thing, path=""):
    """The fields of an object that hold a name, with their places."""
    for key, value in thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ():
        if key in ("name", "namespace", "serviceAccountName", "secretName", "key") or path.endswith((".labels", ".matchLabels", ".resourceNames")):
            yield f"{path}.{key}", value
        yield from texts(value, f"{path}.{key}")


@pytest.mark.parametrize("word", ["true", "null", "on"])
def test_a_name_that_yaml_would_take_for_something_else_stays_text(word):
    values = {"fullnameOverride": word, "nameOverride": word, "serviceAccount": {"name": "12"}, "watchNamespaces": ["34"],
              "aws": {"caBundle": {"secret": {"name": "56", "key": "78"}}}, "priorityClassName": "9", "imagePullSecrets": [{"name": "1"}],
              "metricsService": {"enabled": False}, "crds": {"install": False}}  # fmt: skip
    for thing in render(values, namespace="90", release="5"):
        assert [(place, value) for place, value in texts(thing) if not isinstance(value, str)] == [], thing["kind"]
