#!/usr/bin/env bash
# Three silos score 20,000 images: one silo is killed, then the client, then all; after a restart every image must have its one right result. Needs redis-server (Debian's).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
program=bin/Release/net10.0/BatchScoring.dll
port=16379
work=$(mktemp -d)
started=()
stop() { for id in "${started[@]}"; do kill -9 "$id" 2>/dev/null || true; done; rm -rf "$work"; }
trap stop EXIT
start() { "$@" >>"$work/log.txt" 2>&1 & last=$!; started+=("$last"); }

start redis-server --port "$port" --dir "$work" --save '' --bind 127.0.0.1
for silo in 1 2 3; do
    start dotnet "$program" silo --redis "localhost:$port" --port $((11110 + silo))
    silos[silo]=$last
done
done_shards() { grep -o '^[0-9]* of' "$1" | tail -n 1 | grep -o '[0-9]*' || echo 0; }
wait_for() { for _ in $(seq 300); do if [ "$(done_shards "$1")" -ge "$2" ]; then return; fi; sleep 0.2; done; echo "no progress" >&2; exit 1; }

IMAGES=${IMAGES:-20000}
dotnet "$program" score job --redis "localhost:$port" --images "$IMAGES" >"$work/score1.txt" 2>&1 & client=$!; started+=("$client")
wait_for "$work/score1.txt" 10
kill -9 "${silos[1]}"; echo "one silo killed after $(done_shards "$work/score1.txt") shards"
sleep 3
kill -9 "$client"; echo "the client killed after $(done_shards "$work/score1.txt") shards"
dotnet "$program" score job --redis "localhost:$port" --images "$IMAGES" >"$work/score2.txt" 2>&1 & client=$!; started+=("$client")
wait_for "$work/score2.txt" 1
kill -9 "$client" "${silos[2]}" "${silos[3]}"; echo "all killed after $(done_shards "$work/score2.txt") shards"
start dotnet "$program" silo --redis "localhost:$port" --port 11121
start dotnet "$program" silo --redis "localhost:$port" --port 11122
dotnet "$program" score job --redis "localhost:$port" --images "$IMAGES" >"$work/score3.txt"
dotnet "$program" local --images "$IMAGES" >"$work/local.txt"
stored=$(redis-cli -p "$port" --scan --pattern '*shard*' | wc -l)
echo "stored results: $stored"
diff <(grep -E '^(images|bits):' "$work/score3.txt") "$work/local.txt" && echo "the same bits as in one process"
