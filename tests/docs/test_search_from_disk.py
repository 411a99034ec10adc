"""The search of the site answers where a page is opened from the disk, without a server and without the network."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SHIM = ROOT / "docs" / "javascripts" / "iframe-worker.js"
BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome", "chrome")
                if (found := shutil.which(name))), None)  # fmt: skip
WORKER = 'addEventListener("message", event => postMessage({ twice: 2 * event.data.number }))'
PAGE = """<!doctype html><script src="iframe-worker.js"></script><body><script>
const worker = new Worker("worker.js");
worker.addEventListener("message", event => document.body.dataset.twice = event.data.twice);
worker.postMessage({ number: 21 });
</script>"""


def test_the_site_brings_its_index_as_a_script_and_a_worker_of_its_own() -> None:
    text = (ROOT / "mkdocs.yml").read_text()
    assert "- offline" in text[text.index("plugins:") : text.index("markdown_extensions:")]
    (line,) = [line for line in text.splitlines() if "polyfills:" in line]
    assert yaml.safe_load(line.strip()) == {"polyfills": ["javascripts/iframe-worker.js"]}
    assert SHIM.is_file()


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on this machine")
def test_a_worker_of_a_page_from_the_disk_answers(tmp_path: Path) -> None:
    shutil.copy(SHIM, tmp_path / SHIM.name)
    (tmp_path / "worker.js").write_text(WORKER)
    (tmp_path / "page.html").write_text(PAGE)
    command = [BROWSER or "", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
               "--virtual-time-budget=10000", "--dump-dom", (tmp_path / "page.html").as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert 'data-twice="42"' in done.stdout
