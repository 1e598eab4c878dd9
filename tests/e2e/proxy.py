"""A CONNECT proxy of its own program, tinyproxy, that finds AWS's names where the pods find them."""

import re
import subprocess
import tempfile
from pathlib import Path

from pretended_aws import NAMES
from shell import eventually

PORT = 3128


class Proxy:
    def __init__(self, address):
        self.address, self.url = address, f"http://{address}:{PORT}"
        self.folder = tempfile.TemporaryDirectory(prefix="customimage-proxy-")
        self.log = Path(self.folder.name) / "log"

    def __enter__(self):
        folder = Path(self.folder.name)
        (folder / "hosts").write_text("".join(f"{self.address} {name}\n" for name in NAMES if "*" not in name))
        (folder / "conf").write_text(f'Port {PORT}\nListen {self.address}\nTimeout 60\nConnectPort 443\nLogFile "{self.log}"\nLogLevel Connect\nMaxClients 100\n')
        # A mount namespace of its own, where /etc/hosts says so; the machine's stays as it is.
        inside = 'mount --bind "$0" /etc/hosts && exec tinyproxy -d -c "$1"'
        self.process = subprocess.Popen(["unshare", "--mount", "--kill-child", "sh", "-c", inside, str(folder / "hosts"), str(folder / "conf")],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually("the proxy listens", lambda: "Accepting connections" in self.log.read_text() or "listen" in self.log.read_text().lower(), 10)
        return self

    def hosts(self):
        """The hosts that were asked for."""
        return set(re.findall(r"CONNECT ([^ :]+):443", self.log.read_text()))

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.folder.cleanup()
