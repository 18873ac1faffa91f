# What .ci/run and .ci/night share: a clone with nothing beside it, steps that are bounded and counted, and the one last line
# "N passed, N failed, N skipped". A step that fails otherwise than by its tests counts as one failed. Nothing is asked for.
set -eu
exec </dev/null
export CI=true NO_COLOR=1

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
reports=$(mktemp -d)
work=$(mktemp -d)
problems=0

finish() {
  local exit_code=$?
  trap - EXIT
  # Ended by something that no step has counted.
  if [ "$exit_code" -ne 0 ] && [ "$problems" -eq 0 ]; then problems=1; fi
  if command -v node >/dev/null; then
    node "$here/summary.js" "$reports" "$problems" || exit_code=1
  else
    printf '\nnode is missing: install Node 20.19 or newer\n\n0 passed, 1 failed, 0 skipped\n'
    exit_code=1
  fi
  rm -rf "$reports" "$work"
  exit "$exit_code"
}
trap finish EXIT

# What is committed, in a folder with nothing beside it: what a stranger has.
clone_here() {
  printf '\n== git clone %s\n' "$(git -C "$here/.." log -1 --format='of %h, "%s"')"
  if [ -n "$(git -C "$here/.." status --porcelain)" ]; then
    printf '== what is not committed is not in it\n'
  fi
  git clone --quiet --no-hardlinks "$here/.." "$work/dispatch-cloud"
  cd "$work/dispatch-cloud"
}

# step MINUTES COMMAND...: bounded, and a failure does not keep the next ones from running.
step() {
  local minutes=$1
  shift
  printf '\n== %s\n' "$*"
  if timeout -k 10 "${minutes}m" "$@"; then return 0; fi
  printf '== failed: %s\n' "$*"
  problems=$((problems + 1))
  return 1
}

# tests NAME MINUTES COMMAND...: a run of vitest, whose tests are counted from the report that vitest.config.ts writes.
tests() {
  local name=$1 minutes=$2
  shift 2
  printf '\n== %s\n' "$*"
  local code=0
  TEST_REPORT="$reports/$name" timeout -k 10 "${minutes}m" "$@" || code=$?
  printf '%s\n' "$code" >"$reports/$name.code"
}

# counted NAME MINUTES COMMAND...: a command that ends with the line "N passed, N failed, N skipped" itself.
counted() {
  local name=$1 minutes=$2
  shift 2
  printf '\n== %s\n' "$*"
  local code=0
  timeout -k 10 "${minutes}m" "$@" 2>&1 | tee "$reports/$name.counted" || code=$?
  printf '%s\n' "$code" >"$reports/$name.code"
}

# install_package FILE NAME MINUTES FOR: Debian's package, unless its file is there; where that cannot be, says so and goes on.
install_package() {
  local file=$1 name=$2 minutes=$3 what=$4
  if [ -x "$file" ]; then return; fi
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    printf '\n== no %s: it takes root and apt-get to install %s; its tests are skipped\n' "$what" "$name"
    return
  fi
  printf '\n== installing %s\n' "$name"
  # RUNLEVEL=1: no service is started.
  if ! {
    timeout -k 10 3m apt-get -qq update &&
      RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive timeout -k 10 "${minutes}m" \
        apt-get -qq install -y --no-install-recommends "$name"
  } >"$work/apt.log" 2>&1; then
    tail -n 5 "$work/apt.log"
    printf '== %s cannot be installed; its tests are skipped\n' "$name"
  fi
}
