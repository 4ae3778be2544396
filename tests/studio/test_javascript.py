"""The pages' modules linted and type-checked; the studio's run against what Python computes."""

import json

from tests.javascript import MARKS, run, run_tests
from tests.studio import expected_values

pytestmark = MARKS


def test_the_modules_are_free_of_lint():
    run("node_modules/eslint/bin/eslint.js", ".")


def test_the_types_of_the_modules_agree():
    run("node_modules/typescript/bin/tsc")


def test_the_modules_compute_what_python_does(tmp_path):
    path = tmp_path / "expected.json"
    path.write_text(json.dumps(expected_values.values()), encoding="utf-8")
    run_tests("tests/studio/js", path)
