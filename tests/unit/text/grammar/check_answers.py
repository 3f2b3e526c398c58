"""Validates answers: python3 check_answers.py SCHEMAS ANSWERS. Each line of ANSWERS is {"schema": index, "text": ...}.

Prints those that the package jsonschema finds invalid and ends with 1 if there are any, with 2 if there are no answers.
"""

import json
import sys

from jsonschema import Draft202012Validator

schemas = [case["schema"] for case in json.load(open(sys.argv[1], encoding="utf-8"))]
checks = [Draft202012Validator(s, format_checker=Draft202012Validator.FORMAT_CHECKER) for s in schemas]
count = invalid = 0
for line in open(sys.argv[2], encoding="utf-8"):
    answer = json.loads(line)
    count += 1
    if not checks[answer["schema"]].is_valid(json.loads(answer["text"])):
        invalid += 1
        print("invalid:", json.dumps(schemas[answer["schema"]]), answer["text"])
print(count, "answers,", invalid, "invalid")
sys.exit(1 if invalid else 2 if count == 0 else 0)
