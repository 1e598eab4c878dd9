"""A CONNECT proxy, tinyproxy, that resolves AWS's names as the pods do."""

import re
import socket
import subprocess
import tempfile
from pathlib import Path

from pretended_aws import NAMES
from shell import Failure, eventually, run

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
        # Its mount namespace has its own /etc/hosts with these names. The machine's file does not change.
        inside = 'mount --bind "$0" /etc/hosts && exec setpriv --pdeathsig KILL tinyproxy -d -c "$1"'
        self.process = subprocess.Popen(["unshare", "--mount", "sh", "-c", inside, str(folder / "hosts"), str(folder / "conf")],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            eventually("the proxy listens", self.listens, 10)
        except Failure:
            self.__exit__()
            raise
        return self

    def listens(self):
        if self.process.poll() is not None:
            raise Failure(f"tinyproxy has ended; its log: {self.log.read_text()}")
        with socket.create_connection((self.address, PORT), timeout=1):
            return True

    def hosts(self):
        """The hosts of the CONNECT requests."""
        return set(re.findall(r"CONNECT ([^ :]+):443", self.log.read_text()))

    def passed_by(self):
        """The peers that have a connection to AWS without the proxy. Connections from this machine are the proxy's."""
        lines = run("ss", "-Htn", "state", "established", f"( src {self.address} and sport = :443 )").splitlines()
        return {line.split()[-1] for line in lines} - {line.split()[-1] for line in lines if line.split()[-1].startswith(self.address + ":")}

    def __exit__(self, *_):
        self.process.kill()  # terminate would wait for keep-alive connections
        self.process.wait(10)
        self.folder.cleanup()
