#!/usr/bin/env bash
# Trains a small model on text that the program makes, then shows what it learned. Interrupted (Ctrl-C), it goes on
# where it was when run again; rm -r runs/demo starts afresh.
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

[[ -s $data/valid.txt ]] || show $tvae data demo --out $data
show $tvae train demo --train $data/train.txt --valid $data/valid.txt --out $model --resume
show $tvae eval $model

lines=$data/first-lines.txt
head -n 6 $data/valid.txt >$lines
printf '\nHeld-out lines, and what comes back through the code:\n'
announce $tvae reconstruct $model $lines
reconstructed=$($tvae reconstruct $model $lines)
paste -d '\n' <(sed 's/^/  in   /' $lines) <(sed 's/^/  out  /' <<<"$reconstructed")

printf '\nFrom one line to another through the space of codes:\n'
show $tvae interpolate $model --from "$(sed -n 1p $lines)" --to "$(sed -n 2p $lines)" --steps 9

printf '\nNew lines, from a prior fitted to the codes of the training lines:\n'
show $tvae prior fit $model
show $tvae sample $model -n 10 --prior fitted

printf '\nThe model is in %s, its report in %s/eval/report.html, its logs in %s/logs (TensorBoard).\n' \
  $model $model $model
