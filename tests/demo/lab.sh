# Sourced by the demo and by the script that draws the picture of the README: a control plane, a simulated AWS and the operator.
# Needs BIN, the folder of the built programs. Nothing outlives the script that sources this, however it ends, unless KEEP=1.

: "${BIN:?run make demo}"
state=$(mktemp -d "${TMPDIR:-/tmp}/customimage-demo.XXXXXX")
keep=${KEEP:-}
pids=()

start() { # NAME COMMAND…
    local name=$1; shift
    if [ -n "$keep" ]; then setsid nohup "$@" > "$state/$name.log" 2>&1 < /dev/null &
    else setpriv --pdeathsig TERM "$@" > "$state/$name.log" 2>&1 < /dev/null & fi
    pids+=($!)
}
await() { # SECONDS WHAT COMMAND…
    local end=$((SECONDS + $1)) what=$2; shift 2
    until "$@" > /dev/null 2>&1; do
        if [ $SECONDS -ge $end ]; then echo "   $what did not come up; its log:" >&2; tail -n 20 "$state"/*.log >&2; exit 1; fi
        sleep 0.2
    done
}
end_all() {
    local i
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do kill "${pids[i]}" 2> /dev/null; wait "${pids[i]}" 2> /dev/null; done
    rm -rf "$state"
}
k() { "$kubectl" "$@"; }

control_plane() {
    [ -n "${KUBEBUILDER_ASSETS:-}" ] || tests/cluster/build > /dev/null || exit 1
    kubectl=$(tests/cluster/kubectl) || exit 1
    export KUBECONFIG=$state/kubeconfig
    start cluster "$BIN/local-cluster" --kubeconfig-out "$KUBECONFIG"
    await 60 "the control plane" k get --raw /readyz
}
simulated_aws() {
    start aws "$BIN/aws-simulator" --world tests/demo/world.json
    await 10 "the simulated AWS" grep -q 'listening on' "$state/aws.log"
    AWS_ENDPOINT_URL=$(sed -n 's/^listening on //p' "$state/aws.log")
    export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID=AKIA111122223333EXAMPLE AWS_SECRET_ACCESS_KEY=demo AWS_EC2_METADATA_DISABLED=true
}
definition() {
    k apply -f crds/ || exit 1
    k wait --for=condition=Established crd/customimages.parallelcluster.dev --timeout=30s > /dev/null || exit 1
}
operator() { # It looks every second, so that a build of a minute is worth watching.
    start operator env CUSTOMIMAGE_BUILD_LOGS=true CUSTOMIMAGE_IN_PROGRESS_INTERVAL=1s CUSTOMIMAGE_ABSENT_INTERVAL=1s \
        CUSTOMIMAGE_ABSENT_INTERVAL_MAX=2s CUSTOMIMAGE_AWS_ASSUMED_RATE=1000 "$BIN/customimage-operator" run --region eu-west-1 --listen 127.0.0.1:0
    await 20 "the operator" grep -q 'customimage-operator runs' "$state/operator.log"
}
