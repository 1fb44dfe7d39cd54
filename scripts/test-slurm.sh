#!/usr/bin/env bash
# Runs a sweep of 200 points as a job array on a real Slurm cluster of one node on this machine,
# cancels a task and kills slurmd on the way, resumes, and compares the joined file byte for byte
# with that of one machine.
#
#   scripts/test-slurm.sh [PATH-TO-DINV]        (default: builds the release)
#
# Needs Debian or Ubuntu and root: installs slurmctld, slurmd, slurm-client and munge. Everything
# the cluster writes is below a temporary folder; its daemons are stopped by process id.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '==> %s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# The processes of this script's cluster.
declare -A DAEMON=()
scratch=$(mktemp -d)
# munged wants a path to its socket that everybody can walk.
chmod 755 "$scratch"

stop() {
  local pid=${DAEMON[$1]:-}
  [ -n "$pid" ] || return 0
  kill "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  unset "DAEMON[$1]"
}

finish() {
  local code=$?
  [ -z "${DAEMON[slurmctld]:-}" ] || scancel --quiet --user=root 2>/dev/null || true
  stop slurmd
  stop slurmctld
  stop munged
  if [ "$code" -ne 0 ]; then
    say "the last lines of the logs"
    tail -n 30 "$scratch"/*.log "$scratch"/cluster/*.points/*.out 2>/dev/null >&2 || true
  fi
  rm -rf "$scratch"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

install_slurm() {
  local missing=()
  for program in slurmctld slurmd sbatch munged; do
    command -v "$program" >/dev/null || missing+=("$program")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "${missing[*]} missing, and no apt-get to install them with"
  [ "$(id -u)" -eq 0 ] || die "root is needed to install and run Slurm"
  local wait=(-o DPkg::Lock::Timeout=300)
  say "apt-get install slurmctld slurmd slurm-client munge"
  env DEBIAN_FRONTEND=noninteractive apt-get "${wait[@]}" update -q >/dev/null
  env DEBIAN_FRONTEND=noninteractive apt-get "${wait[@]}" install -q -y --no-install-recommends \
    slurmctld slurmd slurm-client munge >/dev/null
}

start_munge() {
  dd if=/dev/urandom of="$scratch/munge.key" bs=1 count=1024 status=none
  chmod 400 "$scratch/munge.key"
  munged --foreground --force --key-file="$scratch/munge.key" --socket="$scratch/munge.socket" \
    --pid-file="$scratch/munge.pid" --log-file="$scratch/munged.log" \
    --seed-file="$scratch/munge.seed" >"$scratch/munged.out.log" 2>&1 &
  DAEMON[munged]=$!
  until_true "munged answers" munge --socket="$scratch/munge.socket" --no-input --output=/dev/null
}

write_configuration() {
  mkdir -p "$scratch/state" "$scratch/spool"
  # Two ports that are free now.
  local ports
  ports=$(python3 - <<'PYTHON'
import socket
sockets = [socket.socket() for _ in range(2)]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets))
PYTHON
  )
  read -r controller_port node_port <<<"$ports"
  # The controller looks for its own name in the list of controllers.
  local host
  host=$(uname -n)
  host=${host%%.*}
  cat >"$scratch/slurm.conf" <<CONFIGURATION
ClusterName=dinv
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$controller_port
SlurmdPort=$node_port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$scratch/munge.socket
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd.pid
SlurmctldLogFile=$scratch/slurmctld.log
SlurmdLogFile=$scratch/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
KillWait=5
SlurmdTimeout=60
NodeName=node0 NodeHostname=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=test Nodes=node0 Default=YES MaxTime=INFINITE State=UP
CONFIGURATION
  printf 'CgroupAutomount=no\n' >"$scratch/cgroup.conf"
  export SLURM_CONF="$scratch/slurm.conf"
}

start_slurmctld() {
  slurmctld -D -c >"$scratch/slurmctld.out.log" 2>&1 &
  DAEMON[slurmctld]=$!
}

start_slurmd() {
  slurmd -D -N node0 >>"$scratch/slurmd.out.log" 2>&1 &
  DAEMON[slurmd]=$!
}

# until_true WHAT COMMAND...: waits for the command to succeed, a minute at most.
until_true() {
  local what=$1
  shift
  for _ in $(seq 300); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.2
  done
  die "waited a minute in vain: $what"
}

node_is_up() { sinfo --noheader --format=%t | grep -qE '^(idle|mix|alloc)'; }

queue_is_empty() { [ -z "$(squeue --noheader)" ]; }

# finished: points of the sweep on the cluster that are finished.
finished() { "$dinv" sweep status "$points" --json | sed -n 's/.*"finished": \([0-9]*\).*/\1/p'; }

some_are_finished() { [ "$(finished)" -ge 10 ]; }

dinv=${1:-}
if [ -z "$dinv" ]; then
  cargo build --release --locked --features diffsol
  dinv=${CARGO_TARGET_DIR:-target}/release/dinv
fi
dinv=$(realpath "$dinv")
command -v python3 >/dev/null || die "python3 is missing"
install_slurm
[ "$(id -u)" -eq 0 ] || die "root is needed to run Slurm's daemons"

# A sweep whose points take a tenth of a second each.
mkdir -p "$scratch/one" "$scratch/cluster"
model=$scratch/oscillator.toml
cat >"$model" <<'MODEL'
schema_version = 1
title = "Fixed steps on an oscillator"
[dynamics.linear]
a = [[-0.1, 1.0], [-1.0, -0.1]]
b = [0.1, 0.0]
[initial]
values = [1.0, 0.0]
[solver.rk4]
step = 2.5e-4
[run]
t_span = [0, 100]
save_at = "end"
[sweep]
command = "run"
collect = ["t_end", "n_steps", "residual_norm", "steady_state_error", "stop_reason"]
[sweep.grid]
"dynamics.linear.a[0][1]" = { linear = { from = 0.5, to = 2.0, count = 20 } }
"dynamics.linear.b[0]" = { linear = { from = 0.1, to = 1.0, count = 10 } }
MODEL

say "one machine"
"$dinv" sweep "$model" --output "$scratch/one/map.h5"

say "a cluster of one node"
start_munge
write_configuration
start_slurmctld
start_slurmd
until_true "the node is up" node_is_up

cluster=$scratch/cluster/map.h5
points=$cluster.points
"$dinv" sweep "$model" --output "$cluster" --slurm --partition test --time 10 --max-jobs 10
job=$(squeue --noheader --format=%F --name=dinv-sweep | head -n 1)
until_true "the first points" some_are_finished

say "cancelling a running task and one that waits, killing slurmd"
running=$(squeue --noheader --states=R --format=%K --jobs="$job" | head -n 1)
scancel "${job}_${running:-1}"
scancel "${job}_10"
kill -KILL "${DAEMON[slurmd]}"
wait "${DAEMON[slurmd]}" 2>/dev/null || true
sleep 1
start_slurmd
until_true "the node is back" node_is_up
for _ in 1 2 3; do queue_is_empty || until_true "the queue empties" queue_is_empty || true; done
"$dinv" sweep status "$points"
[ "$(finished)" -lt 200 ] || die "no task was lost: the test tests nothing"

say "resuming"
"$dinv" sweep "$model" --output "$cluster" --slurm --partition test --time 10 --max-jobs 10 --resume
until_true "the queue empties" queue_is_empty
"$dinv" sweep status "$points"
[ "$(finished)" -eq 200 ] || die "points are missing after all tasks were run again"
cmp "$scratch/one/map.h5" "$cluster"
say "the joined file equals that of one machine, byte for byte"
