"""The report of a real study in a real browser, at desktop and phone width: what is there is seen, whole and apart."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from vidsparse.experiment import run
from vidsparse.report.page import write_comparison

pytestmark = pytest.mark.slow

BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome", "chrome")
                if (found := shutil.which(name))), None)  # fmt: skip
SETTINGS = (
    "training.epochs=1",
    "evaluation.severities=[3]",
    "analysis.spectral=true",
    "analysis.saliency=true",
    "analysis.radii=[8,24]",
    "analysis.fourier=3",
)
WIDTHS = {"desktop": 1280, "phone": 390}
PROBE = """
<script>
const problems = [];
const named = each => each.id || each.className?.baseVal || each.className || each.tagName;
const text = each => (each.textContent || "").trim().slice(0, 60);
const say = (what, element) => problems.push(what + ": " + named(element) + " " + text(element));
addEventListener("error", event => problems.push("error: " + (event.message || event.target.src)), true);
addEventListener("securitypolicyviolation", event => problems.push("refused: " + event.blockedURI));
const complain = console.error;
console.error = (...said) => { problems.push("console: " + said.join(" ")); complain(...said); };
const crossing = (a, b) => Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left))
  * Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
function overlaps(elements, share) {
  const boxes = elements.map(each => [each, each.getBoundingClientRect()]).filter(([, box]) => box.width * box.height);
  boxes.forEach(([one, a], at) => boxes.slice(at + 1).forEach(([other, b]) => {
    const least = Math.min(a.width * a.height, b.width * b.height);
    if (crossing(a, b) > Math.max(2, share * least))
      say("overlap: '" + other.textContent.trim().slice(0, 40) + "' on", one);
  }));
}
function blank(image) {
  const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
  [canvas.width, canvas.height] = [64, 64];
  context.drawImage(image, 0, 0, 64, 64);
  const pixels = new Uint32Array(context.getImageData(0, 0, 64, 64).data.buffer);
  return image.naturalWidth === 0 || pixels.every(pixel => pixel === pixels[0]);
}
function look() {
  const root = document.documentElement, figures = [...document.querySelectorAll("figure")];
  if (root.scrollWidth > innerWidth) {
    for (const each of document.querySelectorAll("main *"))
      if (each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".scroll")) say("too wide", each);
    problems.push("the page scrolls sideways: " + root.scrollWidth + " of " + innerWidth);
  }
  for (const group of document.querySelectorAll("main, header, section, nav, figure, dl, .exhibits, .strips, .boards"))
    overlaps([...group.children], 0.01);
  for (const figure of figures) {
    const svg = figure.querySelector("svg"), caption = figure.querySelector("figcaption");
    if (!caption || caption.textContent.trim().length < 5) say("no caption", figure);
    if (!svg) continue;
    if (!svg.querySelector("image") && svg.querySelectorAll("path, use").length < 8) say("empty", figure);
    const texts = [...svg.querySelectorAll("text")];
    overlaps(texts, 0.2);
    const frame = document.querySelector("main").getBoundingClientRect();
    for (const text of texts) {
      const box = text.getBoundingClientRect();
      if (box.left < frame.left - 1 || box.right > frame.right + 1) say("text leaves the page", figure);
      if (/\\$|mathdefault|nan/.test(text.textContent)) say("odd text", text);
    }
  }
  for (const image of document.querySelectorAll("img, svg image"))
    if (blank(image)) say("blank picture", image.closest("figure"));
  const loaded = performance.getEntriesByType("resource").map(each => each.name);
  const fetched = loaded.filter(name => !name.startsWith("data:"));
  problems.push(...fetched.map(name => "fetched: " + name));
}
addEventListener("load", () => {
  try { look(); } catch (error) { problems.push("probe: " + error.stack); }
  const figures = [...document.querySelectorAll("figure")].map(each => each.id);
  parent.postMessage({problems, figures, width: innerWidth}, "*");
});
</script>
"""
WRAPPER = """<!doctype html><body style="margin:0">
<iframe src="{page}" style="border:0;width:{width}px;height:900px"></iframe>
<script>addEventListener("message", event => document.body.dataset.found = JSON.stringify(event.data));</script>"""


@pytest.fixture(scope="module")
def pages(tiny_root: Path, tiny: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The comparison of a real dense and a real RigL run, and the report of the latter."""
    from vidsparse import load_config

    folder = tmp_path_factory.mktemp("browsed")
    runs = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for method in ("dense", "rigl"):
            settings = [f"data.root={tiny_root}", *tiny, *SETTINGS, f"name={method}"]
            runs.append(run(load_config(f"ucf101_{method}", settings)).absolute())
        compared = write_comparison(runs, folder / "compared")
    return {"study": compared, "run": runs[1] / "report.html"}


def probed(page: Path, folder: Path, width: int) -> dict[str, object]:
    """What the probe found in a browser's window of this width."""
    text = page.read_text(encoding="utf-8")
    (folder / "page.html").write_text(text.replace("<style>", PROBE + "<style>", 1), encoding="utf-8")
    (folder / "wrapper.html").write_text(WRAPPER.format(page="page.html", width=width), encoding="utf-8")
    command = [BROWSER or "", "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={max(width, 600)},1000",
               f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--virtual-time-budget=60000",
               "--dump-dom", (folder / "wrapper.html").as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    assert "CONSOLE" not in done.stderr, done.stderr
    found = re.search(r'data-found="([^"]*)"', done.stdout)
    assert found, "the page never finished loading"
    answer: dict[str, object] = json.loads(unescape(found[1]))
    return answer


@pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on this machine")
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("which", ["study", "run"])
def test_a_real_report_is_whole_apart_and_silent(
    pages: dict[str, Path], which: str, width: str, tmp_path: Path
) -> None:
    found = probed(pages[which], tmp_path, WIDTHS[width])
    assert found["problems"] == []
    assert found["width"] == WIDTHS[width]
    wanted = {"attenuation_space", "attenuation_time", "fourier", "filter_spectra", "corruption_spectra_space",
              "kernel_maps", "channels", "saliency_grad_cam_1"}  # fmt: skip
    assert wanted | ({"parting"} if which == "study" else set()) <= set(found["figures"])
    assert pages[which].stat().st_size < 10e6


@pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on this machine")
def test_the_probe_sees_what_is_wrong(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    grey = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
    page.write_text(
        "<!doctype html><head><style>figure { height: 9px }</style></head><body><main>"
        f'<p style="width: 2000px">wide</p><figure><img src="{grey}"></figure><p style="margin-top:-30px">over</p>'
        '<script>console.error("a complaint")</script></main>'
    )
    (tmp_path / "in").mkdir()
    with pytest.raises(AssertionError, match="a complaint"):
        probed(page, tmp_path / "in", 390)
    page.write_text(page.read_text().replace('console.error("a complaint")', ""))
    said = " ".join(probed(page, tmp_path / "in", 390)["problems"])
    for problem in ("scrolls sideways", "too wide", "no caption", "blank picture", "overlap"):
        assert problem in said
