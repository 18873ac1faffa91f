/**
 * What is run on a host, as text for `sh -s -- ACTION DIR LOCKS SET INSTANCE TYPE TAGS INIT`. Nothing has to be installed there but
 * what every Linux has: a shell, coreutils, util-linux, findutils, awk.
 *
 * A claim is a file of lines `name value`, in a directory that a reboot leaves alone, changed under `flock` and renamed into its
 * place. Actions: `look`; `claim`, which takes a host that is free, or ours already; `tag`; `release`. Each prints what is then
 * the case. What an earlier claim has left running is ended before a claim begins, and before it ends.
 */
export const HOST_SCRIPT = String.raw`set -u
umask 077
action=$1 dir=$2 locks=$3 set=$4 instance=$5 type=$6 tags=$7 init=$8

fail() { echo "error $*"; exit 0; }

if [ "$(id -u)" = 0 ]; then state=/var/lib
else state=${"$"}{XDG_STATE_HOME:-$HOME/.local/state}; fi
: "${"$"}{dir:=$state/dispatch-cloud}"
: "${"$"}{locks:=/var/lock}"
mkdir -p "$dir" || fail "the directory $dir cannot be made"
claim=$dir/claim
command -v flock >/dev/null || fail "flock is missing: install util-linux"
exec 9>>"$dir/claim.lock" || fail "$dir/claim.lock cannot be written"
flock -w 20 9 || fail "another dispatcher has been busy with this host for 20 s"

value() { sed -n "s/^$1 //p" "$claim" 2>/dev/null; }

tell() {
  echo "machine $(cat /etc/machine-id 2>/dev/null)"
  echo "booted $(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
  if [ -f "$claim" ]; then cat "$claim"; fi
  echo "end"
  exit 0
}

write() {
  {
    echo "set $set"
    echo "instance $instance"
    echo "type $type"
    echo "tags $tags"
    echo "boot $1"
    echo "since $2"
  } >"$claim.new" && sync "$claim.new" && mv "$claim.new" "$claim" && sync "$dir" ||
    fail "$claim cannot be written"
}

# Processes that hold a lock of a runner, or run for a container of which there is one, with all that descend from them: groups
# and sessions too.
ours() {
  {
    find /proc/[0-9]*/fd -maxdepth 1 -lname "$locks/crunch-run-*.lock*" 2>/dev/null | cut -d/ -f3
    for lock in "$locks"/crunch-run-*-dz642-*.lock; do
      id=${"$"}{lock##*/crunch-run-}
      grep -lsa "CRUNCH_RUN_ATTEMPT=${"$"}{id%.lock}-" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3
    done
  } | sort -u >"$dir/found"
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v self=$$ -v found="$dir/found" '
    BEGIN { while ((getline pid < found) > 0) if (pid != self) is[pid] = 1 }
    {
      pid = $1; sub(/^.*\) /, ""); split($0, f, " ")
      if (f[1] == "Z" || f[1] == "X" || pid == self) next
      parent[pid] = f[2]; group[pid] = f[3]; session[pid] = f[4]
    }
    END {
      for (more = 1; more;) {
        more = 0
        for (pid in parent)
          if (!(pid in is) && ((parent[pid] in is) || (group[pid] in is) || (session[pid] in is))) {
            is[pid] = 1; more = 1
          }
      }
      for (pid in parent) if (pid in is) print pid
    }'
  rm -f "$dir/found"
}

end_all() {
  left=$(ours)
  [ -z "$left" ] || kill -s TERM $left 2>/dev/null
  round=0
  while left=$(ours) && [ -n "$left" ]; do
    round=$((round + 1))
    [ $round -le 120 ] || fail "processes do not end by SIGKILL:" $left
    # Runners have five seconds to end their commands and to tell so.
    [ $round -le 50 ] || kill -s KILL $left 2>/dev/null
    sleep 0.1
  done
  rm -f "$locks"/crunch-run-*.lock "$locks"/crunch-run-broken "$locks"/crunch-run-prices.json
  data=${"$"}{CRUNCH_RUN_DATA_DIR:-$state/crunch-run}
  rm -rf "$data"/*-dz642-*
}

case $action in
look) tell ;;
claim)
  if [ -f "$claim" ]; then tell; fi
  end_all
  write "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)" "$(date +%s)"
  if [ -n "$init" ]; then
    setsid sh -c "$init" </dev/null >"$dir/init.log" 2>&1 9>&- &
  fi
  tell
  ;;
tag)
  [ "$(value instance)" = "$instance" ] || tell
  write "$(value boot)" "$(value since)"
  tell
  ;;
release)
  [ "$(value instance)" = "$instance" ] || tell
  end_all
  rm -f "$claim" "$dir/init.log" && sync "$dir"
  tell
  ;;
*) fail "unknown action $action" ;;
esac
`;
