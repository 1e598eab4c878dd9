# Sourced by scripts with set -euo pipefail, in the project's folder: steps that print their time, and jobs that run
# beside them if there is enough memory. The first failure of a step or a job ends the script. Nothing that was started
# here outlives it.

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
  # Each job leads its own process group.
  for pid in $(jobs -rp); do kill -TERM -- "-$pid" 2>/dev/null || true; done
  wait
  rm -rf "$notes"
}

step() { # NAME   of the commands until the next step
  note_step
  step_name=$1 step_began=$SECONDS
  echo "[$SECONDS s] $1" >&2
}
note_step() { [ -z "$step_name" ] || printf '%5d s  %s\n' $((SECONDS - step_began)) "${step_name%% (*}" >>"$notes/times"; }

# Starts COMMAND in its own process group. Job control is on only for that, so that a Ctrl-C reaches this script first.
start() { # COMMAND...
  set -m
  "$@" </dev/null &
  set +m
}

# Runs a step's COMMAND while jobs run. Unlike a plain command, `wait` ends as soon as a job fails.
run() { # COMMAND...
  start "$@"
  wait $!
}

# Starts COMMAND as a job beside the steps, with NAME before each line of its output. If memory is short, runs it as a
# step.
beside() { # NAME COMMAND...
  if [ -n "$room" ]; then start job "$@"; pids+=($!); else step "$1"; run "${@:2}"; fi
}
pids=()

job() { # NAME COMMAND...   runs in its own process
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

# Ends the last step, and prints the times of steps and jobs.
show_times() {
  note_step
  step_name=''
  printf 'took:\n%s\n%5d s  in all\n' "$(grep -v '^    0 s' "$notes/times")" "$SECONDS" >&2
}
