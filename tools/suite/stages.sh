# SPDX-License-Identifier: Apache-2.0
# What the stages share; each sources it with its arguments. Folders and files are the harness's
# (tools/suite/README.md), below the folder that a stage runs in.
# shellcheck shell=bash disable=SC2034
set -euo pipefail

names=(single small medium large)
stage=$(basename "$0")

fail() {
  echo "$stage: $*" >&2
  exit 1
}

# $LACUNA, or the command beside these scripts in an installed or built tree, or the one in PATH.
find_lacuna() {
  local here
  here=$(dirname "$(readlink -f "$0")")
  for command in "${LACUNA:-}" "$here/../../build/bin/lacuna" "$(command -v lacuna || true)"; do
    if [[ -n $command && -x $command ]]; then
      echo "$command"
      return
    fi
  done
  fail "expected the lacuna command in \$LACUNA, in build/bin or in PATH, found none; build it, or set LACUNA"
}

# Sets the paths of a size, 0 ... 3.
set_size() {
  [[ ${1:-} =~ ^[0-3]$ ]] || fail "expected a size 0, 1, 2 or 3, found '${1:-}'"
  size=$1
  name=${names[$1]}
  io=io/$name
  secret=$io/secret_key             # the client's alone
  public=$io/public_keys            # of the client, for the server
  prepared=$io/server_model         # the server's plan, and the half of it that clients get
  intermediate=$io/intermediate     # the client's
  upload=$io/ciphertexts_upload/upload.lct
  reply=$io/ciphertexts_download/reply.lct
}

# The server plans a size once, before there are keys: whichever stage asks first.
prepare_plan() {
  [[ -f $prepared/server.plan && -f $prepared/client.json ]] && return
  mkdir -p "$prepared"
  # One image has its own ciphertext; of more, thousands share every ciphertext at the price of one.
  local packing=(--packing slots --batch 10000)
  [[ $size == 0 ]] && packing=(--packing packed --batch 1)
  local privacy=(--no-circuit-privacy)
  [[ -n ${SUITE_PRIVACY_BITS:-} ]] && privacy=(--privacy-bits "$SUITE_PRIVACY_BITS")
  "$lacuna" plan --model "$model" "${packing[@]}" "${privacy[@]}" --force \
    --out "$prepared/server.plan" --export-client "$prepared/client.json" >"$prepared/plan.txt"
}

lacuna=$(find_lacuna)
model=${SUITE_MODEL:-faster-cryptonets}
