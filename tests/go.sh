# How programs are built from Go modules into the cache; sourced. Whoever does sets `subject`, which begins each line of the progress.

go_needed=1.26

say() { echo "$subject: $*" >&2; }
fail() { say "$1"; say "next step: $2"; exit 1; }

check_go() { # NEXT-STEP  what to do without it
  local have
  command -v go >/dev/null || fail "the go command is not on PATH" "$1"
  have=$(cd / && GOTOOLCHAIN=local go env GOVERSION)
  printf '%s\n' "$go_needed" "${have#go}" | sort -CV || fail "$have is too old" "$1"
}

# Waits until nobody else builds in DIRECTORY, and keeps others out until the script ends.
lock() { # DIRECTORY
  mkdir -p "$1"
  exec 9>"$1/.lock"
  flock -n 9 || say "another build is running in $1, waiting for it …"
  until flock -w 20 9; do say "  … still waiting for the other build, $SECONDS s"; done
}

# Runs COMMAND with a line every 20 s; its output goes to LOG and is shown only when it fails.
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

# Builds PACKAGE, of the go.mod in MODULE, as PROGRAM. Only a whole one is ever there: an interrupted build is built again.
go_build() { # PROGRAM MODULE PACKAGE [LDFLAGS]
  local program=$1 directory name
  directory=$(dirname "$program") name=$(basename "$program")
  with_heartbeat "$name" "$program.log" env CGO_ENABLED=0 GOWORK=off GOFLAGS= nice go -C "$2" build -mod=readonly -buildvcs=false \
    -trimpath -ldflags "-s -w ${4:-}" -o "$directory/.$name.building" "$3"
  mv "$directory/.$name.building" "$program"
}
