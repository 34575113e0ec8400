#!/bin/sh
# Fetches ONNX Runtime's native library, which the npm package onnxruntime-node carries for Linux, macOS and Windows.
# Usage: fetch-onnxruntime.sh FOLDER. --ignore-scripts: the package's own install step would add GPU libraries.
set -eu
version=1.30.0
folder=${1:?usage: fetch-onnxruntime.sh FOLDER}
command -v npm >/dev/null 2>&1 || { echo "npm is not installed; it is needed once to fetch onnxruntime-node@$version" >&2; exit 127; }
mkdir -p "$folder"
cd "$folder"
[ -f package.json ] || echo '{ "private": true }' > package.json
npm install "onnxruntime-node@$version" --ignore-scripts --no-audit --no-fund --loglevel=error
