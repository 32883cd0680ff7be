#!/usr/bin/env bash
# Fuzz each reader for SECONDS (600), one after the other; then keep the smallest of each corpus.
#   fuzz/run.sh [SECONDS]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-600}
python=${PYTHON:-python}
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT

for target in $("$python" fuzz/fuzz.py list); do
  echo "== $target"
  mkdir -p "fuzz/corpus/$target" "$found/$target"
  cp "fuzz/corpus/$target"/* "$found/$target" 2>/dev/null || true
  "$python" fuzz/fuzz.py "$target" "$found/$target" -max_total_time="$seconds" -max_len=4096 -len_control=0 -timeout=20 \
    -rss_limit_mb=4096 -artifact_prefix="fuzz/" -print_final_stats=1 2>&1 | grep -E 'crash|ERROR|Traceback|stat::|DONE|cov:' | tail -12
  rm -rf "fuzz/corpus/$target" && mkdir -p "fuzz/corpus/$target"
  find "$found/$target" -type f -size -8k -printf '%s %p\n' | sort -n | head -n 60 | cut -d' ' -f2- |
    xargs -r cp -t "fuzz/corpus/$target" # the smallest sixty
done
