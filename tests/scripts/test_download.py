"""The control plane and Helm come from upstream if the download is right, and from Go modules if not."""

import hashlib
import io
import platform
import re
import tarfile
import time

import pytest
from conftest import ROOT

ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
GO_MOD = (ROOT / "tests/cluster/tools/kubernetes/go.mod").read_text()
PINNED = re.search(r"k8s.io/kubernetes v(\S+)", GO_MOD)[1]
MINOR = PINNED.rpartition(".")[0]


def archive(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


ENVTEST = archive({f"controller-tools/envtest/{name}": "from upstream" for name in ("etcd", "kube-apiserver", "kubectl")})


def envtest_path(version):
    return f"/envtest-v{version}/envtest-v{version}-linux-{ARCH}.tar.gz"


@pytest.fixture
def build(machine, upstream, tmp_path):
    """Runs tests/cluster/build. `versions` are the versions with a known checksum, which is always that of ENVTEST."""

    def run(versions=(PINNED,), **environment):
        sum, sums = hashlib.sha512(ENVTEST).hexdigest(), tmp_path / "sums"
        sums.write_text("".join(f"{sum}  envtest-v{version}-linux-{ARCH}.tar.gz\n" for version in versions))
        environment = {
            "ENVTEST_URL": upstream.url, "KUBERNETES_URL": upstream.url, "ENVTEST_SUMS": str(sums),
            "DOWNLOAD_SILENCE": "1", "DOWNLOAD_TOTAL": "2", **environment,
        }  # fmt: skip
        begun = time.monotonic()
        done = machine.run("tests/cluster/build", **environment)
        assert time.monotonic() - begun < 10
        return done

    return run


def programs(machine):
    """The files in the cache with their text, without locks and build logs."""
    files = [path for path in machine.cache.rglob("*") if path.is_file() and path.name != ".lock" and path.suffix != ".log"]
    return {path.name: path.read_text() for path in files}


FROM_UPSTREAM = {"etcd": "from upstream", "kube-apiserver": "from upstream"}
FROM_GO = {"etcd": "built from Go modules\n", "kube-apiserver": "built from Go modules\n"}


def test_the_right_archive_is_unpacked_and_go_is_not_needed(machine, upstream, build):
    machine.hide("go")
    upstream.answers[envtest_path(PINNED)] = ENVTEST
    done = build()
    assert done.returncode == 0, done.stderr
    assert programs(machine) == FROM_UPSTREAM
    assert machine.run("tests/cluster/build", "--cached").stdout == done.stdout
    assert build().returncode == 0
    assert upstream.asked == [envtest_path(PINNED)], "a cached program is not downloaded again"


@pytest.mark.parametrize(
    ("known", "taken"),
    [
        ([f"{MINOR}.0", PINNED, f"{MINOR}.99"], PINNED),
        ([f"{MINOR}.8", f"{MINOR}.10", f"{MINOR}.9", "1.99.99"], f"{MINOR}.10"),
    ],
)
def test_the_pinned_version_is_taken_or_the_newest_patch_of_its_minor(upstream, build, known, taken):
    build(known)
    assert upstream.asked == [envtest_path(taken)]


def test_an_archive_without_a_known_checksum_is_not_downloaded(machine, upstream, build):
    assert build(["1.1.0"]).returncode == 0
    assert (upstream.asked, programs(machine)) == ([], FROM_GO)


def silent(_request):
    time.sleep(2)


def slow(request):
    request.begin(len(ENVTEST))
    try:
        for byte in ENVTEST:
            request.wfile.write(bytes([byte]))
            time.sleep(0.2)
    except OSError:
        pass  # the client has given up


def cut_short(request):
    request.begin(len(ENVTEST))
    request.wfile.write(ENVTEST[:100])


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (ENVTEST + b" ", "its sha512 is not"),
        (None, "HTTP Error 404"),
        (silent, "nothing was heard for 1 s"),
        (slow, "it took more than 2 s"),
        (cut_short, f"cut short, 100 of {len(ENVTEST)} bytes came"),
    ],
    ids=["wrong sum", "none", "silent", "slow", "cut short"],
)
def test_a_wrong_archive_is_deleted_and_the_next_source_is_used(machine, upstream, build, answer, why):
    upstream.answers[envtest_path(PINNED)] = answer
    done = build()
    assert done.returncode == 0, done.stderr
    assert re.search(f"download: .* is left aside: .*{re.escape(why)}", done.stderr)
    assert programs(machine) == FROM_GO


def test_without_a_server_and_without_go_the_next_step_is_printed(machine, build):
    machine.hide("go")
    done = build(ENVTEST_URL="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "is left aside: <urlopen error [Errno 111] Connection refused>" in done.stderr
    assert "next step: install Go 1.26 or newer, or set KUBEBUILDER_ASSETS" in done.stderr


def test_offline_no_server_is_contacted(machine, upstream, build):
    upstream.answers[envtest_path(PINNED)] = ENVTEST
    assert build(OFFLINE="1").returncode == 0
    assert (upstream.asked, programs(machine)) == ([], FROM_GO)


@pytest.mark.parametrize(("published", "origin"), [(b"manager", "manager"), (b"another", "built from Go modules\n")])
def test_the_controller_manager_is_checked_with_its_published_checksum(machine, upstream, build, published, origin):
    path = f"/v{PINNED}/bin/linux/{ARCH}/kube-controller-manager"
    upstream.answers = {path: b"manager", f"{path}.sha512": hashlib.sha512(published).hexdigest().encode()}
    done = build(COMPONENTS="kube-controller-manager")
    assert done.returncode == 0, done.stderr
    assert programs(machine) == {"kube-controller-manager": origin}


@pytest.mark.parametrize("right", [True, False])
def test_helm_is_checked_with_its_published_checksum(machine, upstream, right):
    for version in re.search(r"versions=\((.*)\)", (ROOT / "tests/helm/install").read_text())[1].split():
        name, body = f"helm-v{version}-linux-{ARCH}.tar.gz", archive({f"linux-{ARCH}/helm": f"Helm {version}"})
        sum = hashlib.sha256(body if right else b"").hexdigest()
        upstream.answers |= {f"/{name}": body, f"/{name}.sha256sum": f"{sum}  {name}\n".encode()}
    assert machine.run("tests/helm/install", "--cached").returncode == 1
    done = machine.run("tests/helm/install", HELM_URL=upstream.url)
    assert done.returncode == 0, done.stderr
    three, four = (open(f"{folder}/helm").read() for folder in done.stdout.split())
    assert machine.built() == (0 if right else 2)
    assert (three.startswith("Helm 3."), four.startswith("Helm 4.")) == (right, right)
    assert len(programs(machine)) <= 2, "archives are deleted"
