#!/bin/sh
# Fetches the files of this folder from the npm registry, checks them and puts them here: sh fetch.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cd "$work"
npm pack --silent onnxruntime-web@1.30.0
tar -xzf onnxruntime-web-1.30.0.tgz
cd package/dist
sha256sum -c "$here/SHA256SUMS"
gzip -9 -n ort-wasm-simd-threaded.wasm
cp ort.wasm.min.mjs ort-wasm-simd-threaded.mjs ort-wasm-simd-threaded.wasm.gz "$here"
