#!/usr/bin/env bash
# The figures of docs/serving.md: starts, one core, two cores, and the same server with ONNX Runtime in place of the kernels, added to a file of runs. Nothing else should run.
# figures.sh SERVER_BINARY FOLDER_OF_WEIGHTS FILE.json [SECONDS]; "ServingPeer save FOLDER" writes the weights. Run from the repository's root.
set -euo pipefail
server=$(realpath "$1") weights=$(realpath "$2") file=$(realpath "$3") seconds=${4:-8}
generator=(dotnet tests/EfficientConv.Dsl.LoadGenerator/bin/Release/net10.0/loadgenerator.dll)
peer=tests/EfficientConv.Dsl.ServingPeer/bin/Release/net10.0/EfficientConv.Dsl.ServingPeer.dll
pid=
stop() { if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi; pid=; }
trap stop EXIT

# run NAME CORES PORT NOTE COMMAND... -- OPTIONS...: a server of its own for each run. With one core the client has the other.
run() {
    local name=$1 cores=$2 port=$3 note=$4 bind=() client=()
    shift 4
    local command=()
    while [ "$1" != -- ]; do command+=("$1"); shift; done
    shift
    if [ "$cores" = one ]; then
        bind=(taskset -c 0) client=(taskset -c 1)
        note="taskset -c 0 $note; the client with taskset -c 1"
    fi
    env Logging__LogLevel__Default=Warning HttpPort="$port" GrpcPort=$((port + 1)) Weights="$weights/mobilenet_v2.packed" "${bind[@]}" "${command[@]}" >/dev/null 2>&1 &
    pid=$!
    for _ in $(seq 300); do
        if curl -sf -o /dev/null "http://127.0.0.1:$port/v2/health/ready"; then break; fi
        sleep 0.05
    done
    "${client[@]}" "${generator[@]}" "http://127.0.0.1:$port" --pid "$pid" --seconds "$seconds" \
        --json "$file" --name "$name" --note "$note" "$@"
    stop
}
here() { run "$1" "$2" 18600 "InferenceServer, NativeAOT, packed weights" "$server" -- "${@:3}"; }

for kind in packed safetensors; do
    "${generator[@]}" start "$server" "Weights=$weights/mobilenet_v2.$kind" --starts 20 --json "$file" --name "start-$kind" --note "InferenceServer, NativeAOT, $kind"
done
here one-closed one --connections 2
here one-overload one --connections 128 --rate 320
here one-expect one --connections 128 --rate 320 --expect
here one-paced one --connections 32 --rate 85 --paced
here one-random one --connections 32 --rate 85 --service 7.8 --workers 1
here two-closed two --connections 4
here two-overload two --connections 128 --rate 570
here two-expect two --connections 128 --rate 570 --expect
here two-random two --connections 64 --rate 162 --service 7.3
for kind in kernels ort; do
    run "peer-$kind" two 8000 "ServingPeer $kind, just-in-time compiled" dotnet "$peer" "$kind" -- --connections 4
done
