# SPDX-License-Identifier: Apache-2.0
"""Holds the golden specs against the schema: ok-* must pass, files that break a rule of one value must not."""
import glob
import json
import sys
import warnings

warnings.simplefilter("ignore")
import jsonschema  # noqa: E402

# Rules that a schema can tell of. Ranges of sizes and bytes of strings it cannot.
TOLD = ["unknown-key", "unknown-key-remove", "missing-key", "wrong-type", "unit-missing", "unit-unknown",
        "number", "out-of-range-negative", "choice", "empty", "path", "link-name", "link-name-too-long",
        "user-name", "id", "too-many-entries", "not-an-object"]

schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
wrong = 0
for path in glob.glob("ok-*.json") + glob.glob("ok-*/web1.json"):
    for error in validator.iter_errors(json.load(open(path))):
        print(f"{path}: {error.json_path}: {error.message}")
        wrong = 1
for rule in TOLD:
    if validator.is_valid(json.load(open(f"fail-{rule}.json"))):
        print(f"fail-{rule}.json passes the schema")
        wrong = 1
sys.exit(wrong)
