"""docs/config.md is what the schema says."""

from pathlib import Path

from tools.docs.config_page import config_page

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_of_keys_is_what_the_schema_says():
    assert (DOCS / "config.md").read_text("utf-8") == config_page(), "run scripts/docs.py"
