# SPDX-License-Identifier: Apache-2.0
"""schema-check.py [--host] SCHEMA

Holds the golden specs (--host: the golden host.conf) against the schema: ok-* must pass, files that break a rule of
one value must not."""
import glob
import json
import sys
import warnings

warnings.simplefilter("ignore")
import jsonschema  # noqa: E402

# Rules that a schema can tell of. Ranges of sizes and bytes of strings it cannot.
TOLD = ["unknown-key", "unknown-key-remove", "missing-key", "wrong-type", "unit-missing", "unit-unknown",
        "number", "range", "out-of-range-negative", "choice", "empty", "path", "link-name", "link-name-too-long",
        "user-name", "id", "vm-name", "too-many-entries", "not-an-object"]
HOST_TOLD = ["values", "types", "not-an-object"]

if sys.argv[1] == "--host":
    right = glob.glob("ok-*/host.conf")
    wrong = [f"fail-host-conf-{rule}/host.conf" for rule in HOST_TOLD]
else:
    right = glob.glob("ok-*.json") + glob.glob("ok-*/web1.json")
    wrong = [f"fail-{rule}.json" for rule in TOLD]

schema = json.load(open(sys.argv[-1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
failures = [] if right else ["no files that are right"]
for path in right:
    failures += [f"{path}: {error.json_path}: {error.message}" for error in validator.iter_errors(json.load(open(path)))]
failures += [f"{path} passes the schema" for path in wrong if validator.is_valid(json.load(open(path)))]
for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
