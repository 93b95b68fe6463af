#!/usr/bin/env bash
# Shows the trained model of the repository, then trains a small one on text that the program makes and shows what that
# learned. Interrupted (Ctrl-C), it goes on where it was when run again; rm -r runs/demo starts afresh.
set -euo pipefail
cd "$(dirname "$0")/.."

tvae=build/tvae
data=runs/demo-data
model=runs/demo
trap '[[ $? -ne 130 ]] || echo "demo: stopped; make demo goes on from here" >&2' EXIT
trap 'exit 130' INT TERM

# Prints a command as one would type it.
announce() {
  local word line=
  for word in "$@"; do
    if [[ $word =~ [^A-Za-z0-9_./=:-] ]]; then line+=" ${word@Q}"; else line+=" $word"; fi
  done
  printf '\n$%s\n' "$line"
}

show() {
  announce "$@"
  "$@"
}

# What comes back of the lines of a file, each below its own.
reconstruct() {
  local reconstructed
  announce $tvae reconstruct "$@"
  reconstructed=$($tvae reconstruct "$@")
  paste -d '\n' <(sed 's/^/  in   /' "$2") <(sed 's/^/  out  /' <<<"$reconstructed")
}

trained=models/python_lines
mkdir -p runs
cat >runs/python-lines.txt <<'LINES'
from pathlib import Path
return [name for name in names if name not in self._seen]
x = np.sqrt(a[0] ** 2 + a[1] ** 2)
raise ValueError(f"expected a number, got {value!r}")
LINES
printf '\nA model that was trained on lines of the Python standard library (%s/README.md).\n' $trained
printf 'Lines, and what comes back through its code of 256 numbers:\n'
reconstruct $trained runs/python-lines.txt
printf '\nFrom one line to another through the space of codes:\n'
show $tvae interpolate $trained --from 'import numpy as np' --to 'return self.name == other.name' --steps 9 --candidates 8
printf '\nNew lines:\n'
show $tvae sample $trained -n 10 --prior fitted --constrain
printf '\nNow a smaller one of your own, from the start.\n'

[[ -s $data/valid.txt ]] || show $tvae data demo --out $data
show $tvae train demo --train $data/train.txt --valid $data/valid.txt --out $model --resume
show $tvae eval $model

lines=$data/first-lines.txt
head -n 6 $data/valid.txt >$lines
printf '\nHeld-out lines, and what comes back through the code:\n'
reconstruct $model $lines

printf '\nFrom one line to another through the space of codes:\n'
show $tvae interpolate $model --from "$(sed -n 1p $lines)" --to "$(sed -n 2p $lines)" --steps 9

printf '\nNew lines, from a prior fitted to the codes of the training lines:\n'
show $tvae prior fit $model
show $tvae sample $model -n 10 --prior fitted

printf '\nTo walk in a space with the mouse, open the address that this prints:\n  %s serve %s\n  %s serve %s\n' \
  $tvae $trained $tvae $model
printf '\nThe model is in %s, its report in %s/eval/report.html, its logs in %s/logs (TensorBoard).\n' \
  $model $model $model
