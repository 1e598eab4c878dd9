# Sourced by scripts that put programs into the cache: downloaded from upstream, or else built from Go modules. The
# script sets `subject`, which begins each line of the progress.

go_needed=1.26
# Without debug information, which is stripped in the end: a tenth less work.
go_flags=(-trimpath -gcflags=all=-dwarf=false)
# The URLs of upstream's downloads. Tests set others.
envtest_url=${ENVTEST_URL:-https://github.com/kubernetes-sigs/controller-tools/releases/download}
kubernetes_url=${KUBERNETES_URL:-https://dl.k8s.io/release}
helm_url=${HELM_URL:-https://get.helm.sh}

say() { echo "$subject: $*" >&2; }
fail() { say "$1"; say "next step: $2"; exit 1; }

# Prints the architecture as in upstream's file names; nothing if upstream has no files for this machine.
arch() { case $(uname -sm) in "Linux x86_64") echo amd64 ;; "Linux aarch64") echo arm64 ;; esac; }

may_download() { [ "${OFFLINE:-}" != 1 ] && command -v python3 >/dev/null && [ -n "$(arch)" ]; }

# Downloads a file. If it fails, it prints the reason in one line, and the caller uses the next source.
download() { "$(dirname "${BASH_SOURCE[0]}")/download" "$@"; } # FILE URL ALGORITHM:SUM

# Prints what is wrong with the go command; nothing if it can be used.
go_problem() {
  local have
  command -v go >/dev/null || { echo "the go command is not on PATH"; return; }
  have=$(cd / && GOTOOLCHAIN=local go env GOVERSION)
  printf '%s\n' "$go_needed" "${have#go}" | sort -CV || echo "$have is too old"
}

check_go() { # NEXT-STEP  what the user can do without Go
  local problem
  problem=$(go_problem)
  [ -z "$problem" ] || fail "$problem" "$1"
}

# Takes the lock of DIRECTORY and keeps it until the script ends, so that only one build runs there.
lock() { # DIRECTORY
  mkdir -p "$1"
  exec 9>"$1/.lock"
  flock -n 9 || say "another build is running in $1, waiting for it …"
  until flock -w 20 9; do say "  … still waiting for the other build, $SECONDS s"; done
}

# Runs COMMAND and prints a line every 20 s. Its output goes to LOG; the end of it is printed only if it fails.
with_heartbeat() { # NAME LOG COMMAND...
  local name=$1 log=$2 started=$SECONDS beat=$((SECONDS + 20)) pid; shift 2
  "$@" >"$log" 2>&1 </dev/null & pid=$!
  trap 'kill '"$pid"' 2>/dev/null || true; exit 143' INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.5
    [ "$SECONDS" -lt "$beat" ] || { say "  … still building $name, $((SECONDS - started)) s"; beat=$((SECONDS + 20)); }
  done
  trap - INT TERM
  wait "$pid" || { tail -n 20 "$log" >&2; fail "building $name failed, the whole output is in $log" \
    "make sure that Go can fetch modules (go env GOPROXY) and that the disk is not full, then run $0 again"; }
  say "  $name: $((SECONDS - started)) s"
}

# Builds PACKAGE with the go.mod in MODULE as PROGRAM. PROGRAM is moved to its place last: an interrupted build is
# repeated.
go_build() { # PROGRAM MODULE PACKAGE [LDFLAGS]
  local program=$1 directory name
  directory=$(dirname "$program") name=$(basename "$program")
  with_heartbeat "$name" "$program.log" env CGO_ENABLED=0 GOWORK=off GOFLAGS= nice go -C "$2" build -mod=readonly -buildvcs=false \
    "${go_flags[@]}" -ldflags "-s -w ${4:-}" -o "$directory/.$name.building" "$3"
  mv "$directory/.$name.building" "$program"
}
