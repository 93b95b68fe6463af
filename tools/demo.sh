#!/usr/bin/env bash
# Trains a small model on text that the program makes, then shows what it learned. Interrupted (Ctrl-C), it goes on
# where it was when run again; rm -r runs/demo starts afresh.
set -euo pipefail
cd "$(dirname "$0")/.."

tvae=build/tvae
data=runs/demo-data
model=runs/demo
trap '[[ $? -ne 130 ]] || echo "demo: stopped; make demo goes on from here" >&2' EXIT

# Prints a command as one would type it, then runs it.
show() {
  local word line=
  for word in "$@"; do
    if [[ $word =~ [^A-Za-z0-9_./=:-] ]]; then line+=" ${word@Q}"; else line+=" $word"; fi
  done
  printf '\n$%s\n' "$line"
  "$@"
}

[[ -s $data/valid.txt ]] || show $tvae data demo --out $data
show $tvae train demo --train $data/train.txt --valid $data/valid.txt --out $model --resume
show $tvae eval $model --data $data/valid.txt

printf '\n# Held-out lines, and what comes back through the code:\n'
head -n 6 $data/valid.txt >$model/demo-lines.txt
show $tvae reconstruct $model $model/demo-lines.txt >$model/demo-reconstructed.txt
paste -d '\n' <(sed 's/^/  in   /' $model/demo-lines.txt) <(sed '/^$/d; /^\$ /d; s/^/  out  /' $model/demo-reconstructed.txt)

printf '\n# From one line to another through the space of codes:\n'
mapfile -t lines <$model/demo-lines.txt
show $tvae interpolate $model --from "${lines[0]}" --to "${lines[1]}" --steps 9

printf '\n# New lines, drawn from a prior fitted to the codes of the training lines:\n'
show $tvae prior fit $model --data $data/train.txt
show $tvae sample $model -n 10 --prior fitted

printf '\nThe model is in %s, its report in %s/eval/report.html, its metrics in %s/logs (tensorboard --logdir %s/logs).\n' \
  $model $model $model $model
