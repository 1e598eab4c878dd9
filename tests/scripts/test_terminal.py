"""The program on a terminal: progress and colours there only, and completion in a real shell."""

import os
import pty
import re
import select
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

PROGRAM = Path(os.environ.get("BIN", "")) / "customimage-operator"
NO_IMAGES = b'<DescribeImagesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><imagesSet/></DescribeImagesResponse>'
#: Asks bash what it completes: the words, the last of which is being written.
COMPLETE = """
source <("$PROGRAM" completions bash)
complete=($(complete -p "$1"))
for ((at = 0; at < ${#complete[@]}; at++)); do [ "${complete[at]}" != -F ] || function=${complete[at + 1]}; done
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def may_answer(upstream):
    """The simulated AWS has no image, and says so once this is set."""
    may_answer = threading.Event()

    def answer(request):
        may_answer.wait(30)
        request.begin(len(NO_IMAGES))
        request.wfile.write(NO_IMAGES)

    upstream.answers["/"] = answer
    yield may_answer
    may_answer.set()


def environment(**more):
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TERM": "xterm", "KUBECONFIG": "/nonexistent", "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "AKIA111122223333EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true", **more}  # fmt: skip


def list_images(upstream, stderr):
    return subprocess.Popen([PROGRAM, "list", "--image-status", "available"], stdout=subprocess.PIPE, stderr=stderr, env=environment(AWS_ENDPOINT_URL=upstream.url))  # fmt: skip


def read_until(terminal, word):
    """What the terminal shows, up to `word`."""
    text, end = "", time.monotonic() + 30
    while word not in text:
        assert select.select([terminal], [], [], end - time.monotonic())[0], f"no {word!r} in {text!r}"
        text += os.read(terminal, 4096).decode()
    return text


def test_a_slow_list_says_on_a_terminal_what_it_reads_and_clears_the_line(upstream, may_answer):
    terminal, end = pty.openpty()
    process = list_images(upstream, end)
    read_until(terminal, "reading images and stacks in eu-west-1: 0 calls to AWS, 1 s")
    may_answer.set()
    assert re.search(r"\r\x1b\[K[^\n]*no images in eu-west-1", read_until(terminal, "no images in eu-west-1"))
    assert process.wait(30) == 0


def test_a_slow_list_says_nothing_into_a_pipe(upstream, may_answer):
    process = list_images(upstream, subprocess.PIPE)
    threading.Timer(2.5, may_answer.set).start()
    _, stderr = process.communicate(timeout=30)
    assert stderr == b"customimage-operator: no images in eu-west-1\n"


def checked(stdout, **more):
    command = [PROGRAM, "check", "--aws-max-attempts", "1"]
    return subprocess.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL, env=environment(AWS_ENDPOINT_URL="http://127.0.0.1:9", **more))


@pytest.mark.parametrize("more, red", [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_check_has_colours_on_a_terminal_that_may_show_them(more, red):
    terminal, end = pty.openpty()
    process = checked(end, **more)
    text = read_until(terminal, " failed")
    assert process.wait(30) == 1
    assert ("\x1b[31mFAILED\x1b[0m" in text) == red and ("\x1b" in text) == red, text


def test_check_has_no_colours_in_a_pipe():
    stdout, _ = checked(subprocess.PIPE).communicate(timeout=60)
    assert b"FAILED" in stdout and b"\x1b" not in stdout


@pytest.mark.parametrize("words, expected", [
    ("customimage-operator li", "list"),
    ("customimage-operator list --o", "--output"),
    ("customimage-operator list --output ", "table wide json yaml name manifests"),
    ("customimage-operator logs --image-id hpc --fo", "--follow"),
    ("kubectl-customimage check -o j", "json"),
])  # fmt: skip
def test_bash_completes_commands_flags_and_values(words, expected):
    bash = [shutil.which("bash"), "--norc", "-c", COMPLETE, "bash", *words.split(" ")]
    done = subprocess.run(bash, env=environment(PROGRAM=str(PROGRAM)), capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == expected.split(), done.stderr
