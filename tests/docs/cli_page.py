"""The reference of the command line, and the table of settings: both from the program's own help."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

HEAD = """# Command line

The help of the program and of each of its commands, as the program prints it. Credentials are found as the AWS CLI
finds them, and a cluster as kubectl finds it. As [a plugin of kubectl](#kubectl-customimage) the program has the same
commands.

"""


def helps(program, *command):
    """What `COMMAND --help` prints in an empty environment, so that no setting of this machine is in it."""
    asked = subprocess.run([program, *command, "--help"], env={"COLUMNS": "100"}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return "\n".join(line.rstrip() for line in asked.stdout.splitlines())


def commands(text):
    """The commands that a help lists, each with its line."""
    listed = re.search(r"^Commands:\n((?:  .*\n)*)", text + "\n", re.MULTILINE)
    found = re.findall(r"^  (\S+) {2,}(.+(?:\n {6,}.+)*)", listed[1] if listed else "", re.MULTILINE)
    return {name: re.sub(r"\s+", " ", about) for name, about in found if name != "help"}


def section(program, name, about, *command):
    text = helps(program, *command)
    yield f"## {name}\n\n{about.rstrip('.')}.\n\n```text\n{text}\n```\n"
    for inner, line in commands(text).items():
        yield from section(program, f"{name} {inner}", line, *command, inner)


def page(program):
    about = helps(program).splitlines()[0]
    sections = list(section(program, "customimage-operator", about))
    with tempfile.TemporaryDirectory() as folder:
        plugin = Path(folder) / "kubectl-customimage"
        os.symlink(Path(program).resolve(), plugin)
        line = "The same program by the name `kubectl-customimage`, in a folder of PATH"
        sections.append(f"## kubectl customimage\n\n{line}.\n\n```text\n{helps(plugin)}\n```\n")
    return HEAD + "\n".join(sections)


def settings(program):
    """The flags of `run`, in its groups, with variable, default and the words of the help."""
    group, text = "", helps(program, "run")
    for block in re.split(r"\n(?=\S)", text):
        title, _, body = block.partition("\n")
        if title.endswith(":") and title != "Example:":
            group = {"Options": "General"}.get(title[:-1], title[:-1])
            rows = [row for row in map(setting, re.split(r"\n(?= +(?:-\w, )?--)", "\n" + body)) if row]
            yield group, rows


def setting(text):
    flag = re.search(r"(--[a-z-]+)", text)
    if not flag or flag[1] == "--help":
        return None
    lines = [line.strip() for line in text.strip().splitlines()[1:]]
    about = " ".join(line for line in lines if line and not line.startswith("[")).replace("|", "\\|")
    named = {name: value for name, value in re.findall(r"\[(env|default|possible values): ([^\n]*)\]", text)}
    values = f" One of {named['possible values']}." if named.get("possible values", "true, false") != "true, false" else ""
    default = f"`{named['default']}`" if "default" in named else ""
    return [f"`{flag[1]}`", f"`{named['env'].split('=')[0]}`" if "env" in named else "", default, about.rstrip(".") + "." + values]


def settings_tables(program):
    for group, rows in settings(program):
        yield f"### {group}\n\n| flag | variable | default | meaning |\n|---|---|---|---|\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)
