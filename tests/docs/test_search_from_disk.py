"""The searches of the site answer where a page is opened from the disk, without a server and without the network."""

import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SHIM = ROOT / "docs" / "javascripts" / "iframe-worker.js"
GALLERY = ROOT / "docs" / "javascripts" / "gallery.js"
BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome", "chrome")
                if (found := shutil.which(name))), None)  # fmt: skip
WORKER = 'addEventListener("message", event => postMessage({ twice: 2 * event.data.number }))'
PAGE = """<!doctype html><script src="iframe-worker.js"></script><body><script>
const worker = new Worker("worker.js");
worker.addEventListener("message", event => document.body.dataset.twice = event.data.twice);
worker.postMessage({ number: 21 });
</script>"""

FIGURES = """<!doctype html><script src="gallery.js"></script><body>
<input class="gallery-search" hidden><p class="gallery-count" hidden></p><div class="gallery">
<figure id="a" data-words="fog weather video_c">Water in the air</figure>
<figure id="b" data-words="snow weather">Flakes</figure>
<figure id="c" data-words="jpeg digital video_c">Blocks</figure></div>"""


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
    assert 'data-twice="42"' in _shown((tmp_path / "page.html").as_uri(), tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on this machine")
@pytest.mark.parametrize(
    ("words", "left"), [("weather VIDEO_C", "a"), ("weather", "ab"), ("", "abc"), ("air", "a"), ("x", "")]
)
def test_words_narrow_the_gallery_down(words: str, left: str, tmp_path: Path) -> None:
    shutil.copy(GALLERY, tmp_path / GALLERY.name)
    (tmp_path / "page.html").write_text(FIGURES)
    shown = _shown(f"{(tmp_path / 'page.html').as_uri()}?words={quote(words)}", tmp_path)
    figures = re.findall(r'<figure id="(\w)"[^>]*?(hidden="")?>', shown)
    assert "".join(name for name, hidden in figures if not hidden) == left
    assert (f"{len(left)} of 3" in shown) == bool(words)


def _shown(address: str, scratch: Path) -> str:
    """A page as the browser has it when its scripts have run."""
    command = [BROWSER or "", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={scratch / 'profile'}",
               "--virtual-time-budget=10000", "--dump-dom", address]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
