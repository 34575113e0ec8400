#!/usr/bin/env bash
# An image of a published server, without the network: the binary and the libraries of this system that it loads, and nothing else. buildah or docker builds it.
# dotnet publish samples/InferenceServer -c Release -o server; samples/InferenceServer/image.sh server [TAG]
set -euo pipefail
published=$(realpath "$1") tag=${2:-convnet-server}
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT

install -D "$published/InferenceServer" "$context/app/InferenceServer"
# What the binary is linked with, and OpenSSL, which it opens when TLS is asked for.
mapfile -t openssl < <(ldconfig -p | grep -o '/.*lib\(ssl\|crypto\)\.so\.3$')
while read -r library; do
    install -D "$library" "$context$library"
done < <(ldd "$published/InferenceServer" "${openssl[@]}" | grep -o '/[^ :]* (' | tr -d '( ' | cat - <(printf '%s\n' "${openssl[@]}") | sort -u)
# Whom a traces' collector with TLS is trusted by.
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$context/etc/ssl/certs/ca-certificates.crt"; fi
mkdir -p "$context/mnt/models"

if command -v buildah >/dev/null; then
    # A container is not needed to copy files: nothing runs while it is built.
    buildah bud --isolation chroot -f "$here/Dockerfile.scratch" -t "$tag" "$context"
else
    docker build -f "$here/Dockerfile.scratch" -t "$tag" "$context"
fi
