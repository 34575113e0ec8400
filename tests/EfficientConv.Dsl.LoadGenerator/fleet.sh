#!/usr/bin/env bash
# Three servers behind nginx (Debian's nginx-light); one is killed hard and started again under load. No request may be lost, and all answers must have the same bits.
# fleet.sh SERVER_BINARY [RATE] [SECONDS]
set -euo pipefail
server=$(realpath "$1") rate=${2:-60} seconds=${3:-20}
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
work=$(mktemp -d)
started=()
stop() { kill "${started[@]}" 2>/dev/null || true; wait; rm -rf "$work"; }
trap stop EXIT

run_server() {
    Logging__LogLevel__Default=Warning HttpPort=$((18000 + $1)) GrpcPort=$((18100 + $1)) Serving__Workers=1 "$server" &
    servers[$1]=$!
    started+=("$!")
}
for i in 1 2 3; do run_server $i; done

# A request is sent again to another server where one broke off or was not there: the answers do not depend on how often they are asked for.
cat >"$work/nginx.conf" <<CONF
pid $work/nginx.pid;
error_log $work/error.log;
worker_processes 1;
daemon off;
events { worker_connections 1024; }
http {
    access_log off;
    client_max_body_size 32m;
    client_body_buffer_size 2m;
    client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/f; uwsgi_temp_path $work/u; scgi_temp_path $work/s;
    upstream servers {
        least_conn;
        server 127.0.0.1:18001 max_fails=1 fail_timeout=1s;
        server 127.0.0.1:18002 max_fails=1 fail_timeout=1s;
        server 127.0.0.1:18003 max_fails=1 fail_timeout=1s;
        keepalive 64;
    }
    server {
        listen 127.0.0.1:18080;
        location / {
            proxy_pass http://servers;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_next_upstream error timeout http_502 http_503 http_429 non_idempotent;
            proxy_next_upstream_tries 3;
        }
    }
}
CONF
nginx -c "$work/nginx.conf" 2>"$work/start.log" &
started+=("$!")
for _ in $(seq 100); do
    if curl -sf -o /dev/null http://127.0.0.1:18080/v2/health/ready; then break; fi
    sleep 0.1
done

dotnet "$here/bin/Release/net10.0/loadgenerator.dll" http://127.0.0.1:18080 --rate "$rate" --seconds "$seconds" --connections 32 &
load=$!
for _ in 1 2 3; do
    sleep $((seconds / 4))
    kill -9 "${servers[2]}"
    echo "killed a server"
    sleep 1
    run_server 2
done
wait "$load" && echo "no request lost"
