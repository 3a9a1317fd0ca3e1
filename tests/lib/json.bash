# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# JSON for bats: "load lib/json.bash", then
#
#   setup_file() { json_prepare; }
#   @test "…" {
#       run -0 --separate-stderr left4mectl --json list
#       assert_valid list
#       run -0 json '[r["name"] for r in j]' <<<"$output"
#   }

load "$(dirname "${BASH_SOURCE[0]}")/common.bash"

# Debian's own, whatever else is called python3: that is what python3-jsonschema is for.
PYTHON=/usr/bin/python3

json_prepare() {
    "$PYTHON" -c 'import jsonschema' 2>/dev/null || cannot_run 'python3-jsonschema is not installed'
}

# assert_valid NAME: $output is what tests/schemas/NAME.schema.json describes.
assert_valid() {
    # shellcheck disable=SC2154
    "$PYTHON" -c '
import json, sys
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
faults = list(Draft202012Validator(schema).iter_errors(json.load(sys.stdin)))
for f in faults:
    print("/".join(map(str, f.absolute_path)) + ": " + f.message, file=sys.stderr)
sys.exit(bool(faults))' "$SOURCE/tests/schemas/$1.schema.json" <<<"$output"
}

# json EXPRESSION < JSON: prints what it gives in Python, where j is the value.
json() {
    "$PYTHON" -c 'import json, sys; j = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}
