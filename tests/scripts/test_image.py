"""What the image is built from, and what is in it: pinned bases, the licences of all that is linked in, no path of the builder."""

import json
import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest
from conftest import ROOT

IMAGE = ROOT / "tests" / "image"


def program(name):
    """A program of tests/image as a module."""
    sys.dont_write_bytecode = True
    loader = SourceFileLoader(f"image_{name}", str(IMAGE / name))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout
    return [path for path in listed.splitlines() if (ROOT / path).is_file()]


def test_every_base_image_is_pinned_by_its_digest_or_is_empty():
    files = [path for path in tracked() if "dockerfile" in path.lower().rpartition("/")[2] and not path.endswith(".dockerignore")]
    assert files == ["Dockerfile"]
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert bases[-1] == "scratch" and len(bases) == 2
    assert re.fullmatch(r"rust:\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", bases[0])


def test_the_context_of_docker_build_has_every_member_of_the_workspace(tmp_path):
    """Cargo reads all manifests, also for one program. One that is left out fails the build."""
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for path in tracked():
        if any(path == keep or path.startswith(f"{keep}/") for keep in allowed) and not fnmatch(path, "*__pycache__*"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    command = ["cargo", "metadata", "--offline", "--locked", "--no-deps", "--format-version", "1"]
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    for package in json.loads(done.stdout)["packages"]:
        missing = [target["src_path"] for target in package["targets"] if not Path(target["src_path"]).exists()]
        assert missing == [], package["name"]
    assert (tmp_path / "LICENSE").is_file(), "the licences of crates that come without one are made of it"


@pytest.fixture
def holds(tmp_path):
    """Whether tests/image/paths finds a path into a folder in a program with this content."""

    def run(content, *folders):
        (tmp_path / "program").write_bytes(content)
        return subprocess.run([IMAGE / "paths", tmp_path / "program", *folders], text=True, capture_output=True)

    return run


@pytest.mark.parametrize("before", [b"\0", b"a text before it", b"called at "])
def test_a_path_of_the_builder_is_found_wherever_it_stands(holds, before):
    done = holds(b"\x7fELF" + before + b"/home/me/.cargo/registry/src/tokio-1.54.1/src/lib.rs\0", "/home/me", "/elsewhere")
    assert done.returncode == 1
    assert "/home/me/.cargo/registry/src/tokio-1.54.1/src/lib.rs" in done.stderr and "next step: " in done.stderr


@pytest.mark.parametrize("content", [b"cargo/registry/src/tokio-1.54.1/src/lib.rs", b"/home/mechanic/x", b"/home/me", b"/home/me2/x"])
def test_another_path_is_none_of_the_builder(holds, content):
    done = holds(content, "/home/me/")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_folder_that_is_unset_or_the_root_does_not_count(holds):
    assert holds(b"/etc/ssl/certs", "", "/").returncode == 0


def test_each_crate_that_is_linked_in_has_its_licence_and_the_text_of_it(tmp_path):
    libc = tmp_path / "libc"
    libc.write_text("The licence of the C library of this test.")
    environment = {**os.environ, "LIBC_LICENCE": str(libc)}
    run = lambda name: subprocess.run([IMAGE / name], check=True, text=True, stdout=subprocess.PIPE, env=environment).stdout
    sbom, licences, unlicensed = json.loads(run("sbom")), run("licences"), program("check").unlicensed
    assert list(unlicensed(sbom, licences)) == []
    assert libc.read_text() in licences and "the Rust standard library 1." in licences
    # What is taken away is missed.
    [line] = re.findall(r"^tokio 1.*\n", licences, re.MULTILINE)
    assert "pkg:cargo/tokio@1" in "".join(unlicensed(sbom, licences.replace(line, "")))
    assert "in the SBOM" in "".join(unlicensed(sbom, licences.replace(line, line.replace(": MIT", ": GPL-3.0-only"))))
    [number] = re.search(r"\(text ([\d, ]+)\)", line)[1].split(", ")
    emptied = re.sub(rf"(\nText {number}\n=+\n).*?(?=\n=+\nText)", r"\1", licences, count=1, flags=re.DOTALL)
    assert "tokio@1" in "".join(unlicensed(sbom, emptied)) and "has no text of its licence" in "".join(unlicensed(sbom, emptied))


def test_a_crate_without_a_licence_file_gets_the_text_of_its_licence_and_an_unknown_one_stops_the_build(tmp_path):
    (tmp_path / "Cargo.toml").write_text("")
    package = {"name": "bare", "manifest_path": str(tmp_path / "Cargo.toml"), "authors": ["Ann"], "license": "MIT"}
    licences = program("licences")
    [text] = licences.texts(package)
    assert text.startswith("Copyright (c) Ann") and "THE SOFTWARE IS PROVIDED" in text
    assert licences.texts({**package, "license": "Apache-2.0"}) == [(ROOT / "LICENSE").read_text()]
    with pytest.raises(SystemExit, match="no text of BSL-1.0"):
        licences.texts({**package, "license": "BSL-1.0"})
    (tmp_path / "LICENSE-MIT").write_text("MIT")
    assert licences.texts(package) == ["MIT", text], "a file that only names the licence is not its text"
    (tmp_path / "LICENSE-MIT").write_text(text)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "LICENSE").write_text("of a test file")
    assert licences.texts(package) == [text]
