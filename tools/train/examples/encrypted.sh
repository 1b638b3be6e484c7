#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a network of one's own to encrypted answers: train -> import -> plan -> keygen -> encrypt -> infer -> decrypt.
#
#   tools/train/examples/encrypted.sh table      [TABLE.csv]   a table of 30 features: under a minute
#   tools/train/examples/encrypted.sh cryptonets MNIST_DIR     the shape that CryptoNets published
#   tools/train/examples/encrypted.sh fashion    FASHION_DIR   a convolutional network for Fashion-MNIST
#   tools/train/examples/encrypted.sh cifar      CIFAR_DIR     3 x 32 x 32, ReLU and max pools replaced and retrained
#
# LACUNA is the command (default: build/bin/lacuna), WORK a folder that is made for the files (default: a temporary one,
# removed at the end), IMAGES and EPOCHS those of the image networks' training, COUNT how many images are encrypted.
set -euo pipefail

name=${1:-}
case "$name" in
    table | cryptonets | fashion | cifar) ;;
    *)
        sed -n '3,12s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
if [ "$name" != table ] && [ $# -lt 2 ]; then
    echo "encrypted.sh: $name needs the folder of its data set" >&2
    exit 2
fi
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
train=$root/tools/train
lacuna=${LACUNA:-$root/build/bin/lacuna}
if [ ! -x "$lacuna" ]; then
    echo "encrypted.sh: $lacuna not found: build it (cmake --preset release && cmake --build --preset release), or" \
        "set LACUNA" >&2
    exit 1
fi
if [ -n "${WORK:-}" ]; then
    work=$WORK
    mkdir "$work"
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
python() { /usr/bin/python3 -W ignore "$@"; }

inputs=(--images "$work/rows.csv")  # pixels
echo "== train: a network of your own, in PyTorch"
case "$name" in
    table)
        python "$train/examples/train_table.py" "$work" ${2:+--table "$2"}
        data=("$work/test.csv")
        options=(--data "$work/test.csv" --unseen --retrain "$work/training.csv" --epochs 20 --size 31
            --input-levels 63)
        inputs=(--data "$work/test.csv" --count 143)  # numbers as they are
        count=143
        ;;
    cryptonets | fashion)
        python "$train/examples/train_images.py" "$name" "$2" "$work" --images "${IMAGES:-10000}" --epochs "${EPOCHS:-4}"
        data=("$2")
        options=(--data "$2" --size 15 --input-levels 7)
        count=${COUNT:-16}
        ;;
    cifar)
        python "$train/examples/train_images.py" "$name" "$2" "$work" --images "${IMAGES:-10000}" --epochs "${EPOCHS:-4}"
        data=("$2")
        options=(--data "$2" --activation poly --retrain "$2" --epochs "${EPOCHS:-4}" --size 15 --input-levels 15)
        count=${COUNT:-16}
        ;;
esac

echo "== import: proven equal, then quantised"
python "$train/import_network.py" "$work/network.onnx" "$work/model.lacuna.json" --name "$name" "${options[@]}"

echo "== plan (the server's, who knows the model; the client gets client.json)"
"$lacuna" plan --model "$work/model.lacuna.json" --batch "$count" --export-client "$work/client.json" \
    --out "$work/server.plan" >"$work/plan.txt"
grep -E '^(Plan|Parameters|Keys|Upload)' "$work/plan.txt"

echo "== keygen, encrypt (the client's)"
python "$train/to_pixels.py" "$work/model.lacuna.json" "${data[@]}" --out "$work/rows.csv" --labels "$work/labels.txt" \
    --count "$count"
"$lacuna" keygen --client "$work/client.json" --out "$work/keys"
"$lacuna" encrypt --keys "$work/keys" "${inputs[@]}" --out "$work/upload.lct"

echo "== infer (the server's, who never sees an input)"
"$lacuna" infer --model "$work/model.lacuna.json" --plan "$work/server.plan" --keys "$work/keys/evaluation.keys" \
    --in "$work/upload.lct" --out "$work/reply.lct"

echo "== decrypt (the client's)"
"$lacuna" decrypt --keys "$work/keys" --in "$work/reply.lct" --csv >"$work/answers.csv"
python "$train/examples/compare.py" "$work/model.lacuna.json" "$work/rows.csv" "$work/answers.csv" "$work/labels.txt"
