"""Places in the rendered objects. Each is a function of the objects, and returns None if nothing is there."""

import json

import yaml
from helm import of_kind, only

POD = "spec.template.spec"


def dig(thing, path):
    for key in filter(None, path.split(".")):
        if isinstance(thing, list):
            thing = thing[int(key)] if int(key) < len(thing) else None
        else:
            thing = (thing or {}).get(key)
    return thing


def at(kind, path, suffix=""):
    """A field of the first object of a kind."""

    def look(objects):
        found = of_kind(objects, kind, suffix)
        return dig(found[0], path) if found else None

    return look


def pod(path):
    return at("Deployment", f"{POD}.{path}")


def container(path):
    return pod(f"containers.0.{path}")


def variable(name):
    """An environment variable of the operator's pods. The pod of `helm test` must have the same value."""

    def look(objects):
        containers = [dig(only(objects, "Deployment"), POD), only(objects, "Pod")["spec"]]
        found = [[v.get("value", v.get("valueFrom")) for v in c["containers"][0]["env"] if v["name"] == name] for c in containers]
        assert found[0] == found[1], f"{name} differs in the pod of helm test"
        assert len(found[0]) <= 1, f"{name} is set twice"
        return found[0][0] if found[0] else None

    return look


def exists(kind, suffix=""):
    return lambda objects: bool(of_kind(objects, kind, suffix))


def annotation(kind, name, suffix=""):
    return lambda objects: (only(objects, kind, suffix)["metadata"].get("annotations") or {}).get(name)


def label(kind, name, suffix=""):
    return lambda objects: only(objects, kind, suffix)["metadata"]["labels"].get(name)


def label_everywhere(name):
    """The value of a label, if all objects have the same."""

    def look(objects):
        found = {thing["metadata"]["labels"].get(name) for thing in objects}
        return found.pop() if len(found) == 1 else found

    return look


def policy(path, key="policy.json"):
    """A field of a rendered IAM policy."""
    return lambda objects: dig(json.loads(only(objects, "ConfigMap", "iam-policy")["data"][key]), path)


def configuration(path):
    """A field of the operator's configuration file."""

    def look(objects):
        maps = [thing["data"] for thing in of_kind(objects, "ConfigMap") if "configuration.yaml" in thing["data"]]
        return dig(yaml.safe_load(maps[0]["configuration.yaml"]), path)

    return look


def alert(name, path):
    def look(objects):
        rules = only(objects, "PrometheusRule")["spec"]["groups"][0]["rules"]
        return dig(next(rule for rule in rules if rule["alert"] == name), path)

    return look


def has(place, text):
    """Whether the value at a place contains the text."""
    return lambda objects: text in str(place(objects))
