#!/usr/bin/env bash
# Fuzz each reader for SECONDS (600), one after the other; then keep of each corpus what adds coverage.
#   fuzz/run.sh [SECONDS]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-600}
python=${PYTHON:-python}
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT

for target in rle graph image; do
  echo "== $target"
  mkdir -p "fuzz/corpus/$target" "$found/$target"
  cp "fuzz/corpus/$target"/* "$found/$target" 2>/dev/null || true
  "$python" fuzz/fuzz.py "$target" "$found/$target" -max_total_time="$seconds" -max_len=4096 -timeout=20 \
    -rss_limit_mb=4096 -artifact_prefix="fuzz/" -print_final_stats=1 2>&1 | grep -E 'crash|ERROR|Traceback|stat::|DONE|cov:' | tail -12
  rm -rf "fuzz/corpus/$target" && mkdir -p "fuzz/corpus/$target"
  "$python" fuzz/fuzz.py "$target" "fuzz/corpus/$target" -merge=1 "$found/$target" >/dev/null 2>&1
  find "fuzz/corpus/$target" -type f -size +8k -delete
  ls -S "fuzz/corpus/$target" | head -n -60 | sed "s|^|fuzz/corpus/$target/|" | xargs -r rm --  # the sixty smallest
done
