# Steps that tell their time, and jobs beside them where memory allows; sourced by scripts with set -euo pipefail, in the project's folder.
# The first failure, of a step or of a job, ends the script, and nothing that was started here outlives it.

notes=$(mktemp -d "${TMPDIR:-/tmp}/steps.XXXXXX") # scratch files; the script may put its own here
step_name='' step_began=0
[ "$(tests/prerequisites memory)" -ge 12 ] && room=1 || room=''

trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 1' USR1 # a job has failed

end_all() {
  trap '' INT TERM USR1
  local pid
  # Each job leads a process group of its own.
  for pid in $(jobs -rp); do kill -TERM -- "-$pid" 2>/dev/null || true; done
  wait
  rm -rf "$notes"
}

step() { # NAME   what follows, until the next step
  note_step
  step_name=$1 step_began=$SECONDS
  echo "[$SECONDS s] $1" >&2
}
note_step() { [ -z "$step_name" ] || printf '%5d s  %s\n' $((SECONDS - step_began)) "${step_name%% (*}" >>"$notes/times"; }

# Starts COMMAND in a process group of its own. Job control is on for just that, so that a Ctrl-C reaches this script first.
start() { # COMMAND...
  set -m
  "$@" </dev/null &
  set +m
}

# A step's work while jobs are under way: unlike a plain command, `wait` ends as soon as a job fails.
run() { # COMMAND...
  start "$@"
  wait $!
}

# COMMAND beside the steps, each line of its output headed by NAME; or at once, where memory is short.
beside() { # NAME COMMAND...
  if [ -n "$room" ]; then start job "$@"; pids+=($!); else step "$1"; run "${@:2}"; fi
}
pids=()

job() { # NAME COMMAND...   in a process of its own
  name=$1 began=$SECONDS
  trap '[ $? = 0 ] || { echo "$name: failed, see its lines above" >&2; kill -USR1 $$; }' EXIT
  trap 'trap - EXIT; exit 143' TERM
  renice -n 10 -p "$BASHPID" >/dev/null
  "${@:2}" 2>&1 | sed -u "/^$name: /! s|^|$name: |" >&2
  printf '%5d s  %s (beside)\n' $((SECONDS - began)) "$name" >>"$notes/times"
}

await_jobs() {
  local pid
  for pid in "${pids[@]}"; do wait "$pid"; done
  pids=()
}

# Ends the last step, and says what took the time.
show_times() {
  note_step
  step_name=''
  printf 'took:\n%s\n%5d s  in all\n' "$(grep -v '^    0 s' "$notes/times")" "$SECONDS" >&2
}
