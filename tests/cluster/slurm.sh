#!/usr/bin/env bash
# A Slurm of its own on loopback, for tests: Debian's slurmctld, slurmd and munged, four nodes with one core each.
#
#   slurm.sh start DIR [PID]  starts it; DIR/slurm.conf is what SLURM_CONF has to name; it ends with process PID
#   slurm.sh kill DIR NODE    a power cut: the node's slurmd and all that it started, with kill -9
#   slurm.sh node DIR NODE    starts a node again
#   slurm.sh control DIR off|on   kills the controller, starts it again
#   slurm.sh stop DIR         ends all of it
#   slurm.sh missing          prints what of it is not installed, nothing when all is there
#
# Jobs in the partition `night` make room when one in `day` needs it: the signal that they asked for, half a minute, the queue
# again. Who may not be root runs all of it as themselves.
set -euo pipefail
verb=$1
export PATH="$PATH:/usr/sbin:/sbin"
nodes=(n1 n2 n3 n4)

missing() {
  for program in munged slurmctld slurmd sbatch squeue scontrol scancel; do
    command -v "$program" > /dev/null || printf '%s ' "$program"
  done
}

pid_of() { local pid; pid=$(cat "$1" 2> /dev/null) && [ -n "$pid" ] && kill -0 "$pid" 2> /dev/null && echo "$pid"; }

start_node() {
  mkdir -p "$dir/spool.$1"
  SLURM_CONF=$dir/slurm.conf slurmd -N "$1" < /dev/null &>> "$dir/said.log"
}

# Of a node's jobs the step daemons and all that they started: these know the node by its name in their environment.
jobs_of() {
  local environ pid parent
  for environ in /proc/[0-9]*/environ; do
    pid=${environ//[^0-9]/}
    { grep -qzx "SLURMD_NODENAME=$1" "$environ" && grep -qzx "SLURM_CONF=$dir/slurm.conf" "$environ"; } 2> /dev/null || continue
    echo "$pid"
    parent=$(sed -n 's/^PPid:\t//p' "/proc/$pid/status" 2> /dev/null) || continue
    [ "$(cat "/proc/$parent/comm" 2> /dev/null)" = slurmstepd ] && echo "$parent"
  done
}

kill_node() {
  local daemon
  # The daemon first: whatever else it would begin is not begun.
  daemon=$(pid_of "$dir/slurmd.$1.pid") && kill -9 "$daemon" || true
  mapfile -t all < <(jobs_of "$1" | sort -u)
  [ "${#all[@]}" -eq 0 ] || kill -9 "${all[@]}" 2> /dev/null || true
}

case $verb in
  missing) missing; exit 0 ;;
esac
dir=$(realpath -m "$2")
case $verb in
  start)
    [ -z "$(missing)" ] || { echo "not installed: $(missing)" >&2; exit 2; }
    trap 'rc=$?; [ $rc -eq 0 ] || "$0" stop "$dir"' EXIT
    mkdir -p "$dir"/{state,munge}
    chmod 700 "$dir/munge"
    head -c 128 /dev/urandom > "$dir/munge/key"
    chmod 600 "$dir/munge/key"
    munged --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" \
      --log-file="$dir/munge/log" --seed-file="$dir/munge/seed" --num-threads=2 < /dev/null &>> "$dir/said.log"
    # Ports that are free now, asked of the kernel.
    mapfile -t ports < <(python3 - "$(( ${#nodes[@]} + 1 ))" <<'PY'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in held:
    one.bind(("127.0.0.1", 0))
    print(one.getsockname()[1])
PY
    )
    user=$(id -un)
    {
      cat <<CONF
ClusterName=reid
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmctldPidFile=$dir/slurmctld.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmdLogFile=$dir/slurmd.%n.log
SlurmdSpoolDir=$dir/spool.%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,sched_min_interval=0,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
SlurmdTimeout=6
InactiveLimit=0
KillWait=5
MinJobAge=300
ReturnToService=2
CONF
      for i in "${!nodes[@]}"; do
        echo "NodeName=${nodes[i]} NodeHostname=$(hostname) NodeAddr=127.0.0.1 Port=${ports[i + 1]} CPUs=1 RealMemory=1000 State=UNKNOWN"
      done
      echo "PartitionName=night Nodes=ALL Default=YES MaxTime=60 State=UP PriorityTier=1 GraceTime=30"
      echo "PartitionName=day Nodes=ALL Default=NO MaxTime=60 State=UP PriorityTier=10 PreemptMode=OFF"
    } > "$dir/slurm.conf"
    echo "CgroupPlugin=autodetect" > "$dir/cgroup.conf"
    export SLURM_CONF=$dir/slurm.conf
    slurmctld < /dev/null &>> "$dir/said.log"
    for node in "${nodes[@]}"; do start_node "$node"; done
    for _ in $(seq 100); do
      if [ "$(sinfo -h -N -p night -t idle -o %N 2> /dev/null | wc -l)" = "${#nodes[@]}" ]; then
        if [ -n "${3:-}" ]; then
          # In a session of its own: whatever ends the process with its whole group must not end this.
          setsid "$0" guard "$dir" "$3" < /dev/null &> /dev/null &
        fi
        exit 0
      fi
      sleep 0.2
    done
    echo "the nodes did not come up:" >&2
    tail -n 5 "$dir"/*.log >&2
    exit 1
    ;;
  guard)
    while kill -0 "$3" 2> /dev/null && [ -e "$dir/slurm.conf" ]; do sleep 2; done
    exec "$0" stop "$dir"
    ;;
  node) start_node "$3" ;;
  kill) kill_node "$3" ;;
  control)
    if [ "$3" = on ]; then
      SLURM_CONF=$dir/slurm.conf slurmctld < /dev/null &>> "$dir/said.log"
    else
      kill -9 "$(pid_of "$dir/slurmctld.pid")"
    fi
    ;;
  stop)
    for node in "${nodes[@]}"; do kill_node "$node"; done
    for file in slurmctld.pid munge/pid; do
      pid=$(pid_of "$dir/$file") || continue
      kill "$pid"
      for _ in $(seq 15); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
      kill -9 "$pid" 2> /dev/null || true
    done
    # Whoever waits to stop it need not, and no number of a process stays behind for another.
    rm -f "$dir/slurm.conf" "$dir"/*.pid "$dir/munge/pid"
    ;;
  *) echo "slurm.sh start|kill|node|stop DIR [NODE], or slurm.sh missing" >&2; exit 2 ;;
esac
