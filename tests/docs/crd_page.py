"""The reference of CustomImage, from the schema of its definition in crds/."""

import re
import textwrap
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent.parent
HEAD = """# CustomImage

The fields of the resource, from its definition. `kubectl explain customimage.status --recursive` shows the same. What
the conditions mean is in [Conditions](../conditions.md).

"""


def cell(text):
    """TEXT in one cell of a table: on one line, and nothing in it is markup of the table or of HTML."""
    return re.sub(r"\s+", " ", str(text)).strip().replace("|", "\\|").replace("<", "&lt;")


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines) + "\n"


def kind(schema):
    if schema["type"] == "array":
        return f"list of {kind(schema['items'])}"
    return schema["type"]


def bounds(schema):
    """What the server checks of a value, beside its type."""
    told = []
    if "enum" in schema:
        told.append("One of " + ", ".join(f"`{value}`" for value in schema["enum"] if value is not None))
    if "pattern" in schema:
        told.append(f"Pattern `{schema['pattern']}`")
    if "maxLength" in schema:
        told.append(f"At most {schema['maxLength']} characters")
    return ". ".join(told)


def fields(path, schema):
    """A section for the object at PATH, and one for each object within it."""
    rows, within = [], []
    for name, field in sorted(schema["properties"].items()):
        needed = "required" if name in schema.get("required", []) else ""
        about = ". ".join(text.rstrip(".") for text in (cell(field.get("description", "")), cell(bounds(field))) if text)
        rows.append([f"`{name}`", kind(field), needed, f"{about}." if about else ""])
        inner = field.get("items", field)
        if "properties" in inner:
            within.append((f"{path}.{name}" + ("[]" if "items" in field else ""), inner))
    text = f"## {path}\n\n{cell(schema.get('description', ''))}\n\n" + table(["field", "type", "", "meaning"], rows)
    return text + "".join(fields(*one) for one in within)


def refusals(path, schema):
    """What the server refuses, with its words."""
    for rule in schema.get("x-kubernetes-validations", []):
        yield [f"`{path}`", cell(rule["message"])]
    for name, field in sorted(schema.get("properties", {}).items()):
        yield from refusals(f"{path}.{name}", field)


def columns(version):
    for column in version["additionalPrinterColumns"]:
        yield [column["name"].upper(), f"`{cell(column['jsonPath'])}`", "`-o wide`" if column.get("priority") else ""]


def page():
    definition = yaml.safe_load((ROOT / "crds/customimages.parallelcluster.dev.yaml").read_text())
    spec = definition["spec"]
    [version] = spec["versions"]
    schema, names = version["schema"]["openAPIV3Schema"], spec["names"]
    facts = [
        ["apiVersion", f"`{spec['group']}/{version['name']}`"], ["kind", f"`{names['kind']}`"], ["names", ", ".join(f"`{name}`" for name in (names["plural"], names["singular"], *names["shortNames"]))],
        ["category", ", ".join(f"`{name}`" for name in names["categories"])], ["scope", spec["scope"]], ["subresources", ", ".join(f"`{name}`" for name in version["subresources"])],
        ["field selectors", ", ".join(f"`{field['jsonPath'][1:]}`" for field in version.get("selectableFields", []))],
    ]  # fmt: skip
    text = HEAD + textwrap.fill(cell(schema["description"]), 118) + "\n\n" + table(["", ""], facts)
    text += "## Columns\n\n" + table(["column", "field", ""], [["NAME", "`.metadata.name`", ""], *columns(version)])
    text += fields("spec", schema["properties"]["spec"])
    text += "## What is refused\n\n" + table(["field", "the server says"], list(refusals("spec", schema["properties"]["spec"])))
    return text + fields("status", schema["properties"]["status"]).rstrip("\n") + "\n"
