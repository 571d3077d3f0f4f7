#!/usr/bin/env bash
# Installs what Convenor needs. Missing system packages are installed when root on Debian, otherwise named exactly.
set -euo pipefail
cd "$(dirname "$0")/.."

need_packages() { # names of Debian packages that are not installed
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >/dev/null
    apt-get install -q -y --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "Missing system packages. Install them first: apt-get install ${missing[*]}" >&2
    exit 1
  fi
}

python_setup() {
  if command -v dpkg-query >/dev/null; then
    need_packages libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-liberation
  fi
  local python=${PYTHON:-python3}
  "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' ||
    { echo "Python 3.11 to 3.13 is needed; set PYTHON to one." >&2; exit 1; }
  if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then need_packages python3-venv; fi
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  .venv/bin/python -m pip install -q --disable-pip-version-check 'uv==0.13.*'
  .venv/bin/uv pip install -q --python .venv/bin/python -r requirements-dev.lock
  .venv/bin/uv pip install -q --python .venv/bin/python --no-deps -e .
  # Compiled once, not at every start; a few packages ship files that are not meant for this Python.
  .venv/bin/python -m compileall -q -j 0 .venv/lib/python3.*/site-packages >/dev/null 2>&1 || true
}

frontend_setup() {
  command -v npm >/dev/null || { echo "Node 20 with npm is needed." >&2; exit 1; }
  (cd frontend && npm ci --no-fund --no-audit --silent && npm run --silent build)
}

browser_setup() {
  command -v chromium >/dev/null || need_packages chromium
  local folder
  for folder in tests/browser tests/conformance tests/integration/oidc_provider; do
    (cd "$folder" && { [ node_modules -nt package-lock.json ] || npm ci --no-fund --no-audit --silent; })
  done
}

case "${1:-}" in
  python) python_setup ;;
  frontend) frontend_setup ;;
  browser) browser_setup ;;
  *) echo "usage: scripts/setup.sh python|frontend|browser" >&2; exit 2 ;;
esac
