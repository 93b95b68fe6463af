#!/usr/bin/env bash
# Builds this checkout on a machine with a GPU and says in one report what works there and how fast it is.
#   tools/gpu_check.sh pack             on Debian or Ubuntu, with the network: puts what a build needs of their packages into
#                                       .gpu/packages.tar.xz, for a machine that has none of them
#   tools/gpu_check.sh [STEP...]        on the machine: unpacks that where it is there, builds in build-gpu, and takes the
#                                       steps: build operations parity curve resume throughput memory decode
#   --device cuda|cpu                   what is checked; cpu tries the script itself
#   --quick                             small models and few steps
#   --build DIR                         an existing build folder; then there is no step build
#   --out DIR                           for report.txt and log.txt: $OUT, or ./gpu_report
#   --seconds N                         for all steps together: 540. Each has a limit of its own, too
# TORCH=/path/to/site-packages/torch (or TVAE_TORCH): the PyTorch to build with; else that of PYTHON (.venv, or python3).
# Exit status: 0 all steps passed, 1 some failed, 2 it could not begin.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
archive=$root/.gpu/packages.tar.xz
all_steps=(build operations parity curve resume throughput memory decode)

fail() {
  echo "gpu_check: $*" >&2
  exit 2
}

# ---- What a build needs of Debian's packages

# The first package that $1 depends on whose name matches $2: names have versions in them, which differ by release.
needed_by() {
  apt-cache depends "$1" | sed -n 's/^ *|\?Depends: //p' | grep -Ex -m 1 "$2" || fail "no package $2 among those that $1 needs"
}

pack() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail "pack needs Debian or Ubuntu (apt-get, dpkg-deb)"
  [[ $(dpkg --print-architecture) == amd64 ]] || fail "pack is for amd64, this is $(dpkg --print-architecture)"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  local packages
  packages=(libutf8proc-dev nlohmann-json3-dev libcli11-dev libgtest-dev zlib1g-dev liblzma-dev libzstd-dev libpng-dev
    libsvm-dev libhnswlib-dev libgloo-dev libsentencepiece-dev liblinear-dev pkgconf)
  packages+=("$(needed_by libboost-dev 'libboost[0-9.]+-dev')" "$(needed_by libsentencepiece-dev 'libsentencepiece[0-9]+.*')")
  local linear
  linear=$(needed_by liblinear-dev 'liblinear[0-9]+.*')
  packages+=("$linear" "$(needed_by "$linear" 'libblas3')")
  packages+=("$(needed_by pkgconf 'pkgconf-bin')" "$(needed_by pkgconf-bin 'libpkgconf[0-9]+.*')")
  (cd "$work" && apt-get -q download "${packages[@]}" >&2) || fail "apt-get could not download ${packages[*]}; apt-get update may help"
  for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done

  # Static libraries, so that little depends on the other machine; but these come as shared ones alone, or need more.
  local lib=$work/root/usr/lib/x86_64-linux-gnu
  find "$work/root" -name 'libblas.so*' -path '*/blas/*' -exec mv {} "$lib" \;
  find "$work/root/usr/lib" \( -name '*.so' -o -name '*.so.*' \) \
    ! -name 'libsentencepiece*' ! -name 'liblinear.so*' ! -name 'libblas.so*' ! -name 'libpkgconf.so*' -delete
  find "$work/root/usr/lib" \( -name 'liblinear.a' -o -name 'libgmock*' \) -delete
  find "$work/root" -name '*.mo' -delete
  rm -rf "$work/root"/{etc,lib,bin,sbin} "$work/root/usr/share"/{doc,man,lintian,bug,locale,aclocal} "$work/root/usr/src"
  [[ $(find "$work/root" -xtype l | wc -l) -eq 0 ]] || fail "links that lead nowhere: $(find "$work/root" -xtype l | tr '\n' ' ')"
  # What the shared ones want of the C and C++ libraries there.
  find "$lib" -name '*.so*' -type f -exec objdump -T {} + | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1 | cut -d_ -f2 >"$work/root/glibc"
  mkdir -p "$root/.gpu"
  tar -C "$work/root" --owner=0 --group=0 -I "xz -T0" -cf "$archive.part" . && mv "$archive.part" "$archive"
  echo "gpu_check: $archive, $(du -h "$archive" | cut -f1), needs glibc $(cat "$work/root/glibc")" >&2
}

# Unpacks them in $packages, once, and makes what looks for libraries and pkg-config look there.
use_packages() {
  if [[ ! -e $packages/complete || $archive -nt $packages/complete ]]; then
    rm -rf "$packages"
    mkdir -p "$packages"
    tar -C "$packages" -xJf "$archive" || fail "cannot unpack $archive (it needs tar and xz)"
    find "$packages" -name '*.pc' -exec sed -i "s#=/usr#=$packages/usr#" {} +
    mkdir "$packages/bin"
    printf '#!/bin/sh\nexec "%s/usr/bin/pkgconf" "$@"\n' "$packages" >"$packages/bin/pkg-config"
    chmod +x "$packages/bin/pkg-config"
    touch "$packages/complete"
  fi
  local has needs
  has=$(getconf GNU_LIBC_VERSION | cut -d' ' -f2) needs=$(cat "$packages/glibc")
  [[ $(printf '%s\n' "$has" "$needs" | sort -V | head -n 1) == "$needs" ]] || fail "the packages need glibc $needs, this machine has $has"
  export LD_LIBRARY_PATH=$packages/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export PKG_CONFIG_PATH=$packages/usr/lib/x86_64-linux-gnu/pkgconfig
  command -v pkg-config >/dev/null || export PATH=$packages/bin:$PATH
}

# ---- The steps. Each runs in a process of its own, with $build, $device, $quick, $work and $torch.

step_build() {
  local options=(-DCMAKE_BUILD_TYPE=Release -DTVAE_TORCH="$torch" -DTVAE_PYTHON=OFF -DTVAE_WERROR=OFF -DTVAE_BENCHMARKS=ON)
  [[ ! -e $archive ]] || options+=(-DCMAKE_PREFIX_PATH="$packages/usr" -DCMAKE_LIBRARY_ARCHITECTURE=x86_64-linux-gnu)
  cmake -S "$root" -B "$build" -G Ninja "${options[@]}"
  cmake --build "$build" --target tvae tests_device bench_probe bench_train_step bench_decode
}

step_operations() {
  local which='-Device.*'
  ((!quick)) || which='*bf16'
  TVAE_TEST_DEVICE=$device "$build/tests/tests_device" --gtest_brief=1 --gtest_filter="$which" | tee "$work/tests"
  ! grep -q '^\[=*\] 0 tests' "$work/tests" # no test is no success
}

step_parity() {
  local which='Device.*'
  ((!quick)) || which='Device.Recomputed*:Device.Codes*'
  TVAE_TEST_DEVICE=$device "$build/tests/tests_device" --gtest_brief=1 --gtest_filter="$which"
  # A trained model, whose weights are int8 on the CPU and dense on a GPU.
  head -n "$((quick ? 20 : 500))" "$work/lines/valid.txt" >"$work/some.txt"
  for where in cpu "$device"; do
    "$build/tvae" reconstruct "$root/models/python_lines" --device "$where" <"$work/some.txt" >"$work/back.$where"
  done
  "$python" "$root/tools/gpu_check.py" texts "$work/back.cpu" "$work/back.$device"
}

# A model that is trained in folder $1 on device $2; then further flags. With $exec in the place of this process.
train() {
  local size=(model.d_model=256 model.d_ff=512) flags=() setting
  ((!quick)) || size=(model.d_model=32 model.d_kv=16 model.d_ff=64 model.num_heads=2 model.encoder_layers=1 model.decoder_layers=1 train.batch_tokens=512)
  for setting in "${size[@]}" data.tokenizer_kind=byte train.previews=false train.warmup_steps=10 train.log_steps=5 train.eval_steps=0; do
    flags+=(--set "$setting")
  done
  ${exec:+exec} "$build/tvae" --quiet train lines_small --train "$work/lines/train.txt" --valid "$work/lines/valid.txt" --out "$1" --device "$2" "${flags[@]}" "${@:3}"
}

# Another order of sums moves two curves apart slowly; bf16 has three digits.
step_curve() {
  local same=(--set model.dropout=0 --set train.optimizer=adamw --set train.learning_rate=0.001 --set "train.steps=$((quick ? 20 : 200))")
  train "$work/curve.cpu" cpu "${same[@]}" --set train.precision=fp32
  train "$work/curve.fp32" "$device" "${same[@]}" --set train.precision=fp32
  "$python" "$root/tools/gpu_check.py" curves "$work/curve.cpu" "$work/curve.fp32" 0.02
  [[ $device == cuda ]] || return 0
  train "$work/curve.bf16" "$device" "${same[@]}" --set train.precision=bf16
  "$python" "$root/tools/gpu_check.py" curves "$work/curve.cpu" "$work/curve.bf16" 0.05
}

# With dropout and Muon: what is drawn and what an optimizer keeps has to come back too.
step_resume() {
  local steps=$((quick ? 120 : 400)) process
  train "$work/whole" "$device" --set "train.steps=$steps" --set train.save_steps=20
  exec=yes train "$work/pieces" "$device" --set "train.steps=$steps" --set train.save_steps=20 &
  process=$!
  trap 'kill -KILL $(jobs -p) 2>/dev/null || true' EXIT
  until grep -q '"step":20,' "$work/pieces/logs/metrics.jsonl" 2>/dev/null; do
    kill -0 $process || break
    sleep 0.02
  done
  kill -TERM $process 2>/dev/null || true # bash lets what runs beside it ignore SIGINT
  wait $process && {
    echo "the run ended before it could be interrupted"
    return 1
  }
  "$build/tvae" --quiet train --out "$work/pieces" --resume --device "$device"
  "$python" "$root/tools/gpu_check.py" same "$work/whole" "$work/pieces"
}

step_throughput() {
  local options=()
  ((!quick)) || options=(--shapes tiny --batch-size 4 --steps 2 --warmup 1 --gemm-size 128 --precision fp32 --no-peers)
  "$python" "$root/benchmarks/gpu.py" train --build "$build" --device "$device" "${options[@]}"
}

step_memory() {
  local options=()
  ((!quick)) || options=(--quick)
  "$python" "$root/tools/gpu_check.py" memory "$build/tvae" "$device" "${options[@]}"
}

step_decode() {
  local options=()
  ((!quick)) || options=(--shapes tiny --decode-batches 1 4 --precision fp32 --no-peers)
  "$python" "$root/benchmarks/gpu.py" decode --build "$build" --device "$device" "${options[@]}"
}

limit_of() {
  case $1 in
    build) echo 300 ;;
    throughput) echo 150 ;;
    parity | curve | memory) echo 90 ;;
    *) echo 60 ;;
  esac
}

# ---- One after the other

# Runs a step, and adds what it says to the report. What it prints at the end is what matters.
take() {
  local name=$1 left=$((deadline - SECONDS)) limit status=0 start=$SECONDS result
  limit=$(limit_of "$name")
  ((left < limit)) && limit=$left
  if ((limit < 3)); then
    result="left out, no time"
    : >"$work/output"
  else
    timeout --kill-after=5 "$limit" "$root/tools/gpu_check.sh" --step "$name" >"$work/output" 2>&1 </dev/null || status=$?
    case $status in
      0) result="passed in $((SECONDS - start)) s" ;;
      124 | 137) result="FAILED: not done after $limit s" ;;
      *) result="FAILED with status $status after $((SECONDS - start)) s" ;;
    esac
  fi
  [[ $result == passed* ]] || all_passed=0
  results+=("| $name | $result |")
  { echo "==== $name: $result" && cat "$work/output"; } >>"$out/log.txt"
  { printf '\n## %s: %s\n\n' "$name" "$result" && tail -n 60 "$work/output" | sed 's/\x1b\[[0-9;]*m//g'; } >>"$out/report.txt"
  echo "gpu_check: $name: $result" >&2
}

find_torch() {
  if [[ -n ${TORCH:-${TVAE_TORCH:-}} ]]; then
    echo "${TORCH:-$TVAE_TORCH}"
  else
    "$python" -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])' 2>/dev/null || true
  fi
}

machine() {
  echo "- $(uname -srm), $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release), $(nproc) cores, $(getconf GNU_LIBC_VERSION)"
  echo "- $(g++ --version 2>/dev/null | head -n 1 || true), $(cmake --version | head -n 1)"
  if [[ $device == cuda ]]; then
    echo "- $(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || echo 'nvidia-smi says nothing')"
  fi
  echo "- torch: $("$python" -c 'import importlib.metadata as m; print(m.version("torch"))' 2>/dev/null || echo "$torch")"
}

require_buildable() {
  [[ $(uname -m) == x86_64 || ! -e $archive ]] || fail "the packages are for x86_64, this is $(uname -m)"
  local tool
  for tool in g++ cmake ninja; do command -v $tool >/dev/null || fail "no $tool here"; done
  [[ $(printf '%s\n' 3.25 "$(cmake --version | sed -n '1s/[^0-9]*//p')" | sort -V | head -n 1) == 3.25 ]] || fail "CMake 3.25 or newer is needed, this is $(cmake --version | head -n 1)"
  [[ $(g++ -dumpversion | cut -d. -f1) -ge 11 ]] || fail "g++ 11 or newer is needed, this is $(g++ -dumpversion)"
  [[ -e $torch/lib/libtorch.so ]] || fail "no lib/libtorch.so in \"$torch\": TORCH is the folder torch/ of site-packages"
}

python=${PYTHON:-}
if [[ -z $python ]]; then
  python=python3
  [[ ! -x $root/.venv/bin/python ]] || python=$root/.venv/bin/python
fi
if [[ ${1:-} == --step ]]; then # of a run of this script, whose variables these are
  "step_$2"
  exit
fi
device=cuda quick=0 packages= build='' out=${OUT:-gpu_report} seconds=540 steps=()
while (($#)); do
  case $1 in
    --quick) quick=1 ;;
    --device | --build | --out | --seconds)
      (($# > 1)) || fail "$1 needs a value"
      declare "${1#--}=$2"
      shift
      ;;
    pack)
      (($# == 1)) || fail "pack stands alone"
      pack
      exit
      ;;
    --help)
      sed -n '2,14s/^# //p' "$0"
      exit
      ;;
    -*) fail "unknown flag $1; --help lists them" ;;
    *)
      [[ " ${all_steps[*]} " == *" $1 "* ]] || fail "unknown step \"$1\"; the steps: ${all_steps[*]}"
      steps+=("$1")
      ;;
  esac
  shift
done
[[ $device == cuda || $device == cpu ]] || fail "--device \"$device\" is neither cuda nor cpu"
[[ $seconds =~ ^[1-9][0-9]{0,4}$ ]] || fail "--seconds \"$seconds\" is not a whole number above 0"
((${#steps[@]})) || steps=("${all_steps[@]}")
if [[ -n $build ]]; then
  [[ -x $build/tvae ]] || fail "no program $build/tvae"
  kept=()
  for step in "${steps[@]}"; do [[ $step == build ]] || kept+=("$step"); done
  ((${#kept[@]})) || fail "nothing to do: with --build there is no step build"
  steps=("${kept[@]}")
  build=$(cd "$build" && pwd)
  torch=
else
  build=$root/build-gpu
  torch=$(find_torch)
  require_buildable
  # Outside of the tree, whose own folders CMake does not take for what a library is installed with.
  packages=${XDG_CACHE_HOME:-$HOME/.cache}/tvae_gpu_packages
  [[ ! -e $archive ]] || use_packages
fi
if [[ $device == cuda ]] && ! nvidia-smi -L >/dev/null 2>&1; then
  fail "no GPU here (nvidia-smi -L lists none); --device cpu tries the script"
fi
mkdir -p "$out" || fail "cannot make the folder $out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
all_passed=1 results=()
export device quick build torch work python packages GOMP_SPINCOUNT=3000
: >"$out/log.txt"
{ printf '# gpu_check on %s\n\n' "$device" && machine; } >"$out/report.txt"
deadline=$((SECONDS + seconds))

for step in "${steps[@]}"; do
  if [[ $step != build && ! -d $work/lines ]]; then
    "$build/tvae" data demo --out "$work/lines" >>"$out/log.txt" 2>&1 || true # what needs it fails
  fi
  take "$step"
  if [[ $step == build && $all_passed == 0 ]]; then break; fi
done
{ printf '\n## Summary\n\n| step | |\n|---|---|\n' && printf '%s\n' "${results[@]}"; } | tee -a "$out/report.txt"
echo "gpu_check: the report is $out/report.txt" >&2
((all_passed))
