"""The page's pipeline, run in Node against what Python computes, and the constants of both."""

import json

from tests.javascript import MARKS, run_tests
from tests.web import expected_values
from tools import page_assets


def test_the_page_has_the_constants_of_python():
    """If this fails, run `python tools/page_assets.py`."""
    written = json.loads(page_assets.CONSTANTS.read_text(encoding="utf-8"))
    assert written == page_assets.constants()


class TestInNode:
    pytestmark = MARKS

    def test_the_pipeline_computes_what_python_does(self, tmp_path):
        expected_values.write(tmp_path)
        run_tests("tests/web/js", tmp_path)
