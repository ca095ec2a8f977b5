#!/usr/bin/env bash
# Makes this checkout ready to run: uv, the locked packages, Chromium, LibreOffice, promtool. Quick when nothing is missing.
# Needs Python 3.11 or newer and git. Installs system packages only as root or with a sudo that asks nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly tools=.pw/tools stamps=.pw/stamps
readonly retry_minutes=1440 # an installation that failed is tried again after a day, not at every start
mkdir -p "$tools" "$stamps"
export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 # said to nobody's use: it is a folder of our own

say() { printf 'setup: %s\n' "$*" >&2; }
give_up() { say "$*"; exit 1; }
runs() { "$@" >/dev/null 2>&1; }

# --- a Python that may run the project ----------------------------------------------------------------------------
python=
for candidate in python3.13 python3.12 python3.11 python3 python; do
  if runs "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    python=$candidate
    break
  fi
done

# --- system packages ----------------------------------------------------------------------------------------------
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
may_install() { command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || runs sudo -n true; }; }
lists_fresh=
apt_install() { # packages…; output goes to a log that is shown when it fails
  local log=$tools/apt.log
  if [ -z "$lists_fresh" ]; then
    as_root apt-get -q update >"$log" 2>&1 || true # one dead mirror of several is no reason to stop
    lists_fresh=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@" >>"$log" 2>&1 </dev/null
}
# Tries once a day: name, shown name, what to type, then the command that installs. without: what happens if it can't.
without="what needs it is skipped"
get_once() {
  local name=$1 shown=$2 by_hand=$3
  shift 3
  local failed=$stamps/$name.failed
  if [ -n "$(find "$failed" -mmin "-$retry_minutes" 2>/dev/null)" ]; then
    say "$shown is missing (tried within the last day); install it with: $by_hand"
    return
  fi
  say "installing $shown …"
  if "$@"; then
    rm -f "$failed"
  else
    touch "$failed"
    say "$shown could not be installed here; $without. Install it with: $by_hand"
  fi
}

# --- uv -----------------------------------------------------------------------------------------------------------
uv=
find_uv() {
  local candidate
  for candidate in uv "$tools/venv/bin/uv" "$tools/lib/bin/uv"; do
    if runs "$candidate" --version; then
      uv=$candidate
      return 0
    fi
  done
  return 1
}
uv_by_venv() { runs "$python" -m venv --clear "$tools/venv" && "$tools/venv/bin/python" -m pip install -q uv >&2; }
uv_by_pip() { runs "$python" -m pip --version && "$python" -m pip install -q --target "$tools/lib" --upgrade uv >&2; }
if ! find_uv; then
  [ -n "$python" ] || give_up "no Python 3.11 or newer on PATH. Install one, for example: apt-get install python3"
  say "getting uv …"
  uv_by_venv || uv_by_pip || { may_install && apt_install python3-venv && uv_by_venv; } || true
  find_uv || give_up "uv could not be had. Install it and run this again, for example: apt-get install python3-venv"
fi

# --- the locked packages ------------------------------------------------------------------------------------------
wanted=$(cat uv.lock pyproject.toml hatch_build.py pw_pipelines/native/*.pyx | sha256sum)
if [ "$(cat "$stamps/packages" 2>/dev/null)" != "$wanted" ] || ! runs .venv/bin/python -c 'import pw_pipelines'; then
  say "installing the locked packages …"
  "$uv" sync --frozen --quiet ${python:+--python "$python"} || "$uv" sync --frozen --quiet
  printf '%s\n' "$wanted" >"$stamps/packages"
fi

# Inner loops that are compiled when the project is installed, where there is a compiler.
native_found() { runs .venv/bin/python -c 'import sys; from pw_pipelines import native; sys.exit(not native.IS_COMPILED)'; }
compile_native() { "$uv" sync --frozen --quiet --reinstall-package pw-pipelines 2>>"$tools/apt.log" && native_found; }
get_native() { may_install && apt_install $compiler && compile_native; } # two words
readonly compiler="gcc libc6-dev"
native_found || { runs command -v cc && compile_native; } ||
  without="registers of companies take two and a half times as long to load" \
    get_once native "a C compiler" "sudo apt-get install $compiler" get_native

# --- Chromium and LibreOffice -------------------------------------------------------------------------------------
# The headless shell, which draws no windows: a page opens in a fifth of the processor's time. Any Chromium will do.
browser_found() { runs .venv/bin/python -m pw_pipelines.runtime.browser "$@"; }
get_browser() {
  # Ubuntu's package is a wrapper around snap, which servers and containers lack: Playwright's own build there.
  if may_install && ! grep -qi '^ID=ubuntu' /etc/os-release; then
    apt_install chromium-headless-shell fonts-dejavu-core && browser_found quick && return 0
    browser_found || { apt_install chromium fonts-dejavu-core && browser_found; } && return 0
  fi
  may_install && as_root .venv/bin/python -m playwright install-deps chromium-headless-shell >>"$tools/apt.log" 2>&1 </dev/null || true
  timeout 600 .venv/bin/python -m playwright install --only-shell chromium >>"$tools/apt.log" 2>&1 </dev/null && browser_found
}
if ! browser_found; then
  get_once chromium "Chromium" "sudo apt-get install chromium-headless-shell" get_browser
elif ! browser_found quick && may_install; then
  without="the Chromium that is here does its work" get_once headless_shell "Chromium's quicker headless shell" \
    "sudo apt-get install chromium-headless-shell" get_browser
fi

# With the Python module that a warm LibreOffice is driven by, and fonts as wide as Word's, so that pages break alike.
readonly office="libreoffice-writer python3-uno fonts-liberation fonts-dejavu-core"
office_found() { { runs command -v soffice || runs command -v libreoffice; } && runs /usr/bin/python3 -I -c 'import uno'; }
get_office() { may_install && apt_install $office; } # four words
office_found || get_once libreoffice "LibreOffice" "sudo apt-get install $office" get_office

# --- Prometheus' tools, which check deploy/monitoring ---------------------------------------------------------------
# Unpacked beside the checkout's other tools: the packages would start services of the machine when installed.
readonly watch="prometheus prometheus-alertmanager prometheus-blackbox-exporter"
watch_found() {
  local place=$tools/prometheus/usr/bin
  runs "$place/promtool" --version && runs "$place/amtool" --version && runs "$place/prometheus-blackbox-exporter" --version
}
get_watch() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  local place=$PWD/$tools/prometheus deb
  mkdir -p "$place/packages"
  # shellcheck disable=SC2086 # three words
  (cd "$place/packages" && { apt-get -q download $watch || { may_install && as_root apt-get -q update && apt-get -q download $watch; }; }) \
    >>"$tools/apt.log" 2>&1 </dev/null || return 1
  for deb in "$place"/packages/*.deb; do dpkg-deb -x "$deb" "$place" || return 1; done
  rm -rf "$place/packages"
  watch_found
}
watch_found || get_once prometheus "promtool" "apt-get download $watch, then dpkg-deb -x each into $tools/prometheus" get_watch

# --- what backups and their restore drills are tried with -----------------------------------------------------------
# MariaDB's programs without its service, rsync, and an SSH server that is only unpacked: its package would start one.
readonly dumps="mariadb-server-core mariadb-client rsync openssh-client age"
dumps_found() {
  runs command -v mariadb-dump && runs command -v rsync && runs command -v ssh && runs command -v age &&
    { runs command -v mariadbd || [ -x /usr/sbin/mariadbd ]; }
}
get_dumps() { may_install && apt_install $dumps; } # five words
dumps_found || get_once dumps "MariaDB's programs, rsync, ssh and age" "sudo apt-get install $dumps" get_dumps

sshd_found() { runs command -v sshd || [ -x /usr/sbin/sshd ] || { [ -x "$tools/openssh/usr/sbin/sshd" ] && sshd_has_libraries; }; }
sshd_has_libraries() { ! ldd "$tools/openssh/usr/sbin/sshd" 2>&1 | grep -q 'not found'; }
sshd_libraries() { apt-cache depends --important openssh-server | sed -n 's/^ *Depends: \(lib[a-z0-9.+-]*\)$/\1/p'; }
get_sshd() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  local place=$PWD/$tools/openssh deb
  mkdir -p "$place/packages"
  (cd "$place/packages" && { apt-get -q download openssh-server || { may_install && as_root apt-get -q update && apt-get -q download openssh-server; }; }) \
    >>"$tools/apt.log" 2>&1 </dev/null || return 1
  for deb in "$place"/packages/*.deb; do dpkg-deb -x "$deb" "$place" || return 1; done
  rm -rf "$place/packages"
  # shellcheck disable=SC2046 # names of packages
  sshd_has_libraries || { may_install && apt_install $(sshd_libraries); } || return 1
  # As root sshd drops its rights to this user, which the package's own installation would have made.
  if [ "$(id -u)" = 0 ] && ! runs id sshd; then useradd --system --no-create-home --home-dir /run/sshd --shell /usr/sbin/nologin sshd; fi
  sshd_found
}
sshd_found || get_once sshd "an SSH server" "sudo apt-get install openssh-server" get_sshd
