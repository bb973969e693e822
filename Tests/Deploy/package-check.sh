#!/usr/bin/env bash
# Runs inside a booted system of its own, with the package installed: the units are what they should be, a cluster of one
# host computes what one process computes, what dies comes back, what is stopped drains, and a purge leaves nothing.
set -Eeuo pipefail
trap 'echo "FAILED in line $LINENO: $BASH_COMMAND"; journalctl --no-pager --unit "alphagrid*" | tail -n 25; exit 1' ERR

say() { printf '%s\n' "$*"; }
expect() {
    [[ $1 == "$2" ]] || { say "expected '$2', got '$1'"; false; }
}
# As the user of the package, which reaches the database and the coordinator's state.
as_grid() {
    runuser -u alphagrid -- env HOME=/var/lib/alphagrid ALPHAGRID_STATE=/var/lib/alphagrid \
        ALPHAGRID_DATABASE=service=alphagrid PGSERVICEFILE=/etc/alphagrid/pg_service.conf "$@"
}
wait_for() {
    for _ in {1..100}; do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.2
    done
    say "waited in vain for: $*"
    false
}
units=(alphagrid-coordinator.service alphagrid-worker.service)

say "units"
expect "$(systemd-analyze verify "${units[@]}" 2>&1)" ""
systemd-analyze security --no-pager --threshold=15 "${units[@]}" >/root/security.txt || { cat /root/security.txt; false; }
grep 'exposure level' /root/security.txt
for unit in "${units[@]}"; do expect "$(systemctl is-active "$unit" || true)" inactive; done

say "programs need nothing that is not there"
for program in alphagrid alphagrid-worker; do
    libraries=$(ldd "/usr/bin/$program")
    if grep -E 'not found|/opt/|/usr/local/' <<<"$libraries"; then false; fi
    "$program" --version
done
expect "$(stat -c '%a %U' /var/lib/alphagrid /etc/alphagrid /etc/alphagrid/pg_service.conf | tr '\n' ' ')" \
    "700 alphagrid 750 root 640 root "

say "database, keys and services, as the guide says"
# The first two lines make and install the package.
awk '/^<!-- one host -->$/ { on = 1; next } on && /^```$/ { if (inside++) exit; next } inside' \
    /usr/share/doc/alphagrid/README.md | tail -n +3 >/root/guide
[[ $(wc -l </root/guide) -eq 7 ]]
bash -euxo pipefail /root/guide 2>&1
wait_for as_grid alphagrid status
workers() {
    as_grid alphagrid workers --json | tr -d ' \n' | grep -o '{[^{}]*}' | grep '"state":"connected"' | grep -q '"worker":"host1-'
}
wait_for workers

say "a job"
as_grid alphagrid db import /srv/pnl.csv --region USA
as_grid alphagrid run correlation --region USA --wait --json >/root/job.json
alphagrid correlate /srv/pnl.csv --top 10 --format json >/root/alone.json
digest() { sed -n 's/.*"digest" *: *"\([0-9a-f]*\)".*/\1/p' "$1" | head -n 1; }
expect "$(digest /root/job.json)" "$(digest /root/alone.json)"
say "digest $(digest /root/job.json), as of one process"

say "what dies comes back"
main_pid() { systemctl show --property MainPID --value "$1"; }
for unit in "${units[@]}"; do
    before=$(main_pid "$unit")
    kill -KILL "$before"
    came_back() { [[ $(main_pid "$unit") != "$before" && $(systemctl is-active "$unit") == active ]]; }
    wait_for came_back
done
wait_for as_grid alphagrid status
wait_for workers

say "what an operator drains stays away; what is stopped ends in order"
worker=host1-$(main_pid alphagrid-worker.service)
as_grid alphagrid workers drain "$worker" >/dev/null
gone() { expect "$(systemctl is-active alphagrid-worker.service || true)" inactive; }
wait_for gone
systemctl start alphagrid-worker.service
wait_for workers
systemctl stop "${units[@]}"
for unit in "${units[@]}"; do expect "$(systemctl show --property Result --value "$unit")" success; done
journalctl --no-pager --unit alphagrid-worker.service >/root/worker.log
grep -q 'drained; leaving' /root/worker.log

say "an upgrade keeps what runs running, removal stops it, a purge leaves nothing"
systemctl enable --now "${units[@]}" 2>/dev/null
wait_for as_grid alphagrid status
echo '# of the operator' >>/etc/alphagrid/worker.env
dpkg --install /root/alphagrid.deb >/dev/null
for unit in "${units[@]}"; do expect "$(systemctl is-active "$unit")" active; done
grep -q '# of the operator' /etc/alphagrid/worker.env
dpkg --remove alphagrid >/dev/null
for unit in "${units[@]}"; do expect "$(systemctl is-active "$unit" || true)" inactive; done
expect "$(stat -c %a /var/lib/alphagrid/keys)" 700
dpkg --purge alphagrid
say "all is well"
