#!/usr/bin/env bash
# What should pass before a commit: format, layers, build, tests, clang-tidy.
#   tools/check.sh            format and clang-tidy look at files that differ from main (all files on main itself)
#   tools/check.sh --all      ... at all files
#   tools/check.sh --format   formats all files and does nothing else
set -euo pipefail
cd "$(dirname "$0")/.."

need() {
  command -v "$1" >/dev/null || {
    echo "check: $1 is missing (Debian: apt-get install $1)" >&2
    exit 1
  }
}

all_sources() { git ls-files -co --exclude-standard '*.h' '*.cpp' '*.cu'; }

changed_sources() {
  local base
  if [[ $mode == --all ]] || ! base=$(git merge-base HEAD main 2>/dev/null) || [[ $base == $(git rev-parse HEAD) ]]; then
    all_sources
  else
    {
      git diff --name-only --diff-filter=d "$base" -- '*.h' '*.cpp' '*.cu'
      git ls-files -o --exclude-standard '*.h' '*.cpp' '*.cu'
    } | sort -u
  fi
}

mode=${1:-}
case $mode in
  --format)
    need clang-format
    all_sources | xargs -r clang-format -i
    exit
    ;;
  "" | --all) ;;
  *)
    sed -n '2,5s/^# //p' "$0" >&2
    exit 2
    ;;
esac

need clang-format
need clang-tidy
mapfile -t sources < <(changed_sources)
echo "check: format and clang-tidy of ${#sources[@]} files"
[[ ${#sources[@]} -eq 0 ]] || clang-format --dry-run -Werror "${sources[@]}"
make --no-print-directory test
# clang reads no precompiled header of GCC's, nor its omp.h, so it gets compile commands of its own.
cmake --preset tidy --log-level=WARNING ${TORCH:+-DTVAE_TORCH="$TORCH"} >/dev/null
# Headers are checked through the sources that include them.
printf '%s\n' "${sources[@]}" | { grep '\.cpp$' || true; } |
  xargs -r -n 1 -P "$(nproc)" clang-tidy -p build-tidy --quiet --warnings-as-errors='*' \
    --extra-arg=-fno-openmp
echo "check: all good"
