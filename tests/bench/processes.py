"""The contenders' processes, and their CPU time and memory as the kernel counts them."""

import os
import re
import subprocess
import time
from pathlib import Path

from shell import Failure, say
from stage import ended

TICKS = os.sysconf("SC_CLK_TCK")


def command_line(program, arguments):
    """The command line of a process that does not outlive this one."""
    return ["setpriv", "--pdeathsig", "TERM", "--", str(program), *map(str, arguments)]


class Process:
    """A process that runs until it is stopped."""

    def __init__(self, name, log, program, *arguments, env, stdin=subprocess.DEVNULL):
        self.name, self.log_file = name, Path(log)
        with self.log_file.open("w") as out:
            self.process = subprocess.Popen(command_line(program, arguments), stdin=stdin, stdout=out, stderr=out, env=env)

    def log(self):
        return self.log_file.read_text(errors="replace")

    def failure(self, what):
        return Failure(f"{self.name}: {what}; the end of its log:\n" + "\n".join(self.log().splitlines()[-25:]))

    def wait(self, what, look, seconds, pause=0.1):
        """Waits until `look` returns a true value, and returns it. Fails as soon as the process has ended."""
        end, shown = time.monotonic() + seconds, time.monotonic() + 30
        while not (found := look()):
            if self.process.poll() is not None:
                raise self.failure(f"ended with {self.process.returncode} before {what}")
            if time.monotonic() > end:
                raise self.failure(f"not within {seconds:.0f} s: {what}")
            if time.monotonic() > shown:
                say(f"bench:     {self.name}: still waiting for {what}")
                shown += 30
            time.sleep(pause)
        return found

    def sleep(self, seconds):
        """Waits, and fails if the process ends meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.process.poll() is not None:
                raise self.failure(f"ended with {self.process.returncode}")
            time.sleep(min(1, left))

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mib(self, kind):
        """`kind` is VmRSS, the current value, or VmHWM, the maximum so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{kind}:\s+(\d+) kB", status).group(1)) / 1024

    def stop(self):
        ended(self.process)


def completed(name, program, *arguments, env, statuses=(0,)):
    """Runs a process to its end. Returns its output, its seconds and its CPU seconds."""
    begun = time.monotonic()
    process = subprocess.Popen(command_line(program, arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env,
                               text=True)
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in statuses:
        raise Failure(f"{name} ended with {process.returncode}:\n" + "\n".join(printed.splitlines()[-25:]))
    return printed, time.monotonic() - begun, usage.ru_utime + usage.ru_stime
