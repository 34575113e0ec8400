#!/usr/bin/env bash
# Builds the image of a published server, runs it and asks it over REST and TLS; without buildah it says so and is content.
# imagetest.sh PUBLISHED_FOLDER
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
if ! command -v buildah >/dev/null; then
    echo "skipped: there is no buildah (apt-get install buildah)"
    exit 0
fi

work=$(mktemp -d)
# A store of its own, which needs no overlays.
export STORAGE_DRIVER=vfs CONTAINERS_STORAGE_CONF=$work/storage.conf
printf '[storage]\ndriver = "vfs"\ngraphroot = "%s/store"\nrunroot = "%s/run"\n' "$work" "$work" >"$work/storage.conf"
name=
finish() {
    status=$?
    if [ -n "$name" ]; then buildah rm "$name" >/dev/null || true; fi
    if [ "$status" -ne 0 ] && [ -e "$work/log" ]; then cat "$work/log"; fi
    rm -rf "$work"
}
trap finish EXIT

"$here/image.sh" "$1" convnet-server-test >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
buildah inspect --type image --format '{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.Env}}' convnet-server-test; echo
name=$(buildah from convnet-server-test)
port=18720
if command -v openssl >/dev/null; then
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/tls.key" -out "$work/tls.crt" -days 1 -subj /CN=localhost 2>/dev/null
    chmod 644 "$work/tls.key"
    endpoints=("Kestrel:Endpoints:Https:Url=https://127.0.0.1:$((port + 1))" "Kestrel:Endpoints:Https:Certificate:Path=/tls/tls.crt"
        "Kestrel:Endpoints:Https:Certificate:KeyPath=/tls/tls.key")
else
    endpoints=()
fi

# buildah runs no entry point of its own accord: the command is the image's, with random weights in place of /mnt/models.
mkdir "$work/empty"
chmod 755 "$work" "$work/empty"
buildah run --isolation chroot --network host -v "$work:/tls:ro" "$name" /app/InferenceServer Weights= \
    "Kestrel:Endpoints:Http:Url=http://127.0.0.1:$port" "${endpoints[@]}" >"$work/log" 2>&1 &
running=$!
for _ in $(seq 100); do
    if curl -sf -o /dev/null "http://127.0.0.1:$port/v2/health/ready"; then break; fi
    sleep 0.1
done

model=http://127.0.0.1:$port/v2/models/mobilenet_v2
curl -sf "$model" | grep -q '"shape":\[-1,3,224,224\]'
printf '{"inputs":[{"name":"input","shape":[1,3,224,224],"datatype":"FP32","parameters":{"binary_data_size":602112}}]}' >"$work/request"
length=$(stat -c %s "$work/request")
head -c 602112 /dev/zero >>"$work/request"
curl -sf "$model/infer" -H "Inference-Header-Content-Length: $length" --data-binary "@$work/request" >"$work/plain"
grep -q '"shape":\[1,1000\]' "$work/plain"
if [ ${#endpoints[@]} -gt 0 ]; then
    curl -sfk "https://127.0.0.1:$((port + 1))/v2/models/mobilenet_v2/infer" -H "Inference-Header-Content-Length: $length" --data-binary "@$work/request" >"$work/tls"
    cmp "$work/plain" "$work/tls"
fi

# The server's process is the one whose root is the image, and not root's.
server=$(ss -ltnpH "sport = :$port" | grep -o 'pid=[0-9]*' | head -n 1 | cut -d = -f 2)
user=$(stat -c %u "/proc/$server")
if [ "$user" != 1654 ]; then echo "the server runs as $user"; exit 1; fi
kill -TERM "$server"
wait "$running"
grep -q 'Stopped after the last request' "$work/log"
echo "the image was built, answered over HTTP${endpoints:+ and TLS} with the same bits, and stopped"
