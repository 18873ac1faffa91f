/**
 * What is run on a host to learn what it is, as text for `sh -s -- CLAIMS LOCKS RUNNER`: where claims and locks are by the config
 * ("": where they are by default) and where the runner is copied to. It changes nothing there, and prints lines `name value`.
 */
export const MEASURE_SCRIPT = String.raw`set -u
claims=$1 locks=$2 runner=$3

has() { command -v "$1" >/dev/null 2>&1; }
existing() {
  d=$1
  while [ ! -e "$d" ]; do d=$(dirname "$d"); done
  echo "$d"
}
directory() {
  d=$(existing "$2")
  if [ -d "$d" ] && [ -w "$d" ] && [ -x "$d" ]; then echo "writable $1 $2"; else echo "unwritable $1 $2"; fi
}

uid=$(id -u)
state=/var/lib
own=$state
if [ "$uid" != 0 ]; then own=${"$"}{XDG_STATE_HOME:-$HOME/.local/state}; fi
echo "uid $uid"
if [ "$uid" = 0 ] || { has sudo && sudo -n true 2>/dev/null; }; then echo "root yes"; else echo "root no"; state=$own; fi
echo "arch $(uname -m)"
echo "glibc $(getconf GNU_LIBC_VERSION 2>/dev/null)"
for lib in /lib*/libstdc++.so.6 /usr/lib*/libstdc++.so.6 /lib/*/libstdc++.so.6 /usr/lib/*/libstdc++.so.6; do
  if [ -e "$lib" ]; then echo "libstdc++ $lib"; break; fi
done
echo "cpus $(nproc 2>/dev/null || grep -c '^processor' /proc/cpuinfo)"
echo "memory $(sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' /proc/meminfo)"
data=${"$"}{CRUNCH_RUN_DATA_DIR:-$state/crunch-run}
free() { df -Pk "$(existing "$1")" 2>/dev/null | awk 'NR == 2 { print $4 }'; }
echo "scratch $(free "$data")"
echo "room $(free "$runner")"
echo "machine $(cat /etc/machine-id 2>/dev/null)"
for tool in flock setsid gzip find awk md5sum mktemp; do has "$tool" || echo "missing $tool"; done
directory claim "${"$"}{claims:-$own/dispatch-cloud}"
: "${"$"}{locks:=/var/lock}"
if [ -d "$locks" ]; then directory lock "$locks"; else echo "unwritable lock $locks"; fi
# Where sudo works, these two are made as root.
if [ "$uid" = 0 ] || [ "$state" = "$own" ]; then
  directory data "$data"
  directory runner "$runner"
else
  echo "writable data $data"
  echo "writable runner $runner"
fi
if has nvidia-smi; then
  echo "cuda $(nvidia-smi 2>/dev/null | sed -n 's/.*CUDA Version: *\([0-9.]*\).*/\1/p' | head -n 1)"
  nvidia-smi --query-gpu=compute_cap,memory.total --format=csv,noheader,nounits 2>/dev/null | sed 's/^/gpu /'
fi
echo end
`;
