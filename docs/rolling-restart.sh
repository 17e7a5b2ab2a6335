#!/usr/bin/env bash
# Replaces the instances of a service on this host, one after the other, without a lost request.
#
#   rolling-restart.sh SERVICE COMMAND [WORD...]          it registers itself, and PORT=0 lets it choose
#   rolling-restart.sh --run SERVICE COMMAND [WORD...]    it knows nothing of Atlas, and listens at $PORT
#
# For each instance that is up: starts a new one, waits until Atlas lists it, lets no new requests go
# to the old one, sends it SIGTERM, and waits until it is gone. If a new one does not come, the old
# ones stay. ATLAS_DIR, ATLAS and ATLAS_REALM are Atlas's; and:
#
#   DRAIN=1      seconds between "no new requests" and SIGTERM
#   WAIT=30      seconds until a new one is up, and until an old one is gone
#   LOG=FILE     where the new ones write; default: SERVICE.log
set -euo pipefail

main() {
    local kind=registers_itself
    if [[ ${1:-} == --run ]]; then
        kind=is_run
        shift
    fi
    (($# >= 2)) || fail "a service and a command are needed" "sed -n 2,14p $0"
    service=$1
    shift
    log=${LOG:-$service.log}
    local old instance pid
    old=$(up)
    [[ $old ]] || fail "no instance of $service is up on this host" "atlas ls"
    while IFS=$'\t' read -r instance pid; do
        start "$kind" "$@"
        retire "$instance" "$pid"
    done <<<"$old"
}

# The instances of this host that take requests: name and process.
up() {
    atlas ls "$service" 2>/dev/null |
        awk -F '\t' -v host="@$(uname -n):" '$3 == "up" && $5 > 1 && index($1, host) { print $1 "\t" $5 }'
}

# Starts one, and waits until Atlas lists one that was not there before.
start() {
    local kind=$1 before new
    shift
    before=$(up)
    "$kind" "$@" &
    local process=$!
    for ((tenths = 0; tenths < ${WAIT:-30} * 10; tenths++)); do
        new=$(comm -13 <(sort <<<"$before") <(up | sort))
        if [[ $new ]]; then
            echo "up    ${new%%$'\t'*}"
            return
        fi
        kill -0 "$process" 2>/dev/null || fail "the new instance has ended" "tail $log"
        sleep 0.1
    done
    kill "$process" || true
    fail "no new instance is up after ${WAIT:-30} s; the old ones stay" "tail $log"
}

# In a session of its own: it goes on when this terminal is closed.
registers_itself() {
    PORT=0 exec setsid "$@" >>"$log" 2>&1 </dev/null
}

is_run() {
    local port
    port=$(free_port)
    PORT=$port exec setsid atlas run --service "$service" --port "$port" -- "$@" >>"$log" 2>&1 </dev/null
}

# One where nobody listens, below those that the system gives to clients.
free_port() {
    local port
    while port=$(shuf -i 20000-29999 -n 1); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# No new requests, then SIGTERM. A program under `atlas run` gets the signal as it is and may end at
# once, hence the time in between. The next instance of that name is to be enabled again.
retire() {
    local instance=$1 pid=$2
    # shellcheck disable=SC2064 # as it is called now
    trap "atlas enable '$instance' >/dev/null" EXIT
    atlas disable "$instance" >/dev/null
    sleep "${DRAIN:-1}"
    kill -TERM "$pid"
    for ((tenths = 0; tenths < ${WAIT:-30} * 10; tenths++)); do
        if ! is_listed "$instance"; then
            atlas enable "$instance" >/dev/null
            trap - EXIT
            echo "gone  $instance"
            return
        fi
        sleep 0.1
    done
    fail "$instance does not end" "kill -KILL $pid"
}

is_listed() {
    atlas ls "$service" 2>/dev/null | cut -f 1 | grep -Fqx "$1"
}

fail() {
    printf 'error: %s\nhelp: %s\n' "$1" "$2" >&2
    exit 1
}

main "$@"
