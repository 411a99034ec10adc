"""The page of one run: its numbers, its words, its safety."""

import json
import math
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vidsparse.evaluation.metrics import MismatchedTables
from vidsparse.evaluation.summary import summary
from vidsparse.report.page import write_report
from vidsparse.report.sections.run_warnings import warnings
from vidsparse.report.tables import load_run
from vidsparse.report.words import relation, signed
from vidsparse.utils.errors import RunFolderError

MakeRun = Callable[..., Path]
Published = tuple[Path, Path, str]


class Cells(HTMLParser):
    """The texts of all table rows of a page, and every address that it would load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self._open = False
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [value or "" for name, value in attributes if name in ("src", "srcset", "data", "xlink:href")]
        self.loads += [value or "" for name, value in attributes if tag == "link" and name == "href"]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._open = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._open:
            self.rows[-1][-1] += data


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_every_number_of_the_matrix_is_what_pandas_counts(published: Published) -> None:
    run, dense, page = published
    rows = {row[0]: row[1:] for row in Cells(page).rows}
    ours, theirs = (pd.read_parquet(each / "predictions.parquet") for each in (run, dense))
    for table in (ours, theirs):
        table["right"] = table["label"] == table["prediction"]
    for name, group in ours.groupby("corruption", observed=True):
        mean, other = group["right"].mean(), theirs.loc[theirs["corruption"] == name, "right"].mean()
        by_severity = [f"{100 * share:.1f}" for share in group.groupby("severity")["right"].mean()]
        expected = [f"{100 * mean:.1f}", f"{100 * other:.1f}", signed(mean - other)]
        shown = rows[name.replace("_", " ")]
        assert shown == (["no corruption", *expected] if name == "clean" else by_severity + expected)
    robust = [table.loc[table["corruption"] != "clean", "right"].mean() for table in (ours, theirs)]
    assert rows["mean"][-3:-1] == [f"{100 * share:.1f}" for share in robust]


@pytest.mark.parametrize(
    ("share", "text"), [(0.0206, "+2.1"), (-0.071, "−7.1"), (0.0004, "0.0"), (-0.0004, "0.0"), (float("nan"), "–")]
)
def test_signed_numbers_have_a_true_minus_and_no_signed_zero(share: float, text: str) -> None:
    assert signed(share) == text


@pytest.mark.slow
def test_verdict_and_tiles_say_the_same_as_pandas(fake_run: MakeRun) -> None:
    dense = fake_run("ucf101_dense", "dense", seed=1, skill=0.5)
    run = fake_run(seed=2, skill=2.5)
    page = read(write_report(run, dense))
    shares = []
    for folder in (run, dense):
        table = pd.read_parquet(folder / "predictions.parquet").query("corruption != 'clean'")
        shares.append((table["label"] == table["prediction"]).groupby(table["corruption"], observed=True).mean())
    wins = int((shares[0] > shares[1]).sum())
    gain = shares[0].mean() - shares[1].mean()
    assert f"more robust than dense training: +{100 * gain:.1f} points" in page
    assert f"+{100 * gain / shares[1].mean():.1f} % relative" in page
    assert f"winning {wins} of 10 corruptions" in page
    assert "excludes zero" in page


@pytest.mark.slow
def test_without_a_reference_the_page_names_the_command_that_makes_it(fake_run: MakeRun, sample_page: str) -> None:
    assert "no dense reference" in sample_page
    assert "python scripts/run.py configs/ucf101_dense.yaml" in sample_page
    assert "no dense reference" not in read(write_report(fake_run("ucf101_dense", "dense")))


@pytest.mark.slow
def test_sample_data_is_named_wherever_a_number_stands(published: Published, sample_page: str) -> None:
    verdict = re.search(r'class="verdict">(.*?)</p>', sample_page, re.DOTALL)
    assert verdict
    assert "built-in sample data" in verdict[1]
    captions = re.findall(r'<(?:p class="caption"|p class="lead"|figcaption)>(.*?)</', sample_page, re.DOTALL)
    captions = [caption for caption in captions if "<b>" not in caption]
    assert len(captions) >= 7
    assert all("built-in sample data" in caption.lower() for caption in captions)
    assert 'class="banner"' in sample_page
    assert "built-in sample data" not in published[2].lower()


@pytest.mark.slow
def test_names_with_html_do_no_harm_and_a_reference_that_is_gone_is_none(fake_run: MakeRun) -> None:
    page = read(write_report(fake_run("<img src=x onerror=alert(1)>", reference="ucf101_gone")))
    assert "no dense reference" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "script" not in Cells(page).tags


def test_the_page_loads_nothing_from_anywhere(published: Published) -> None:
    page = published[2]
    assert "http://" not in page
    assert "https://" not in page
    assert all(address.startswith(("data:", "#")) for address in Cells(page).loads)
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", page)
    assert "@import" not in page


def test_ids_are_unique_and_links_within_the_page_arrive(published: Published) -> None:
    page = published[2]
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    wanted = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([\w-]+)\)", page))
    assert wanted <= set(ids)


def test_every_figure_is_also_png_and_its_numbers_csv(published: Published) -> None:
    run, _, page = published
    names = re.findall(r"figures/(\w+)\.png and \.pdf, tables/\1\.csv and \.tex", page)
    assert set(names) >= {"per_corruption", "severity_curves", "gain", "training_curves", "layer_density", "topology"}
    for name in names:
        assert (run / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (run / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert not pd.read_csv(run / "tables" / f"{name}.csv").empty
        assert (run / "tables" / f"{name}.tex").read_text().startswith(r"\begin{tabular}")
    bars = pd.read_csv(run / "tables" / "per_corruption.csv", index_col=0)
    matrix = pd.read_csv(run / "tables" / "accuracy_matrix.csv", index_col=0)
    np.testing.assert_allclose(bars["accuracy"], matrix.loc[bars.index, "mean"])
    assert (run / "figures" / "frames_clean.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize("leave", ["nothing", "the header"])
def test_missing_optional_tables_leave_their_figures_out(fake_run: MakeRun, leave: str) -> None:
    run = fake_run()
    (run / "frames.npz").unlink()
    for name in ("metrics.csv", "topology.csv", "layers.csv"):
        header = (run / name).read_text().splitlines()[0] + "\n"
        (run / name).unlink() if leave == "nothing" else (run / name).write_text(header)
    page = read(write_report(run))
    for name in ("training", "training_curves", "topology", "layer_density", "frames"):
        assert f'id="{name}"' not in page
    assert 'id="per_corruption"' in page


@pytest.mark.slow
def test_frames_are_left_out_where_the_config_says_so(fake_run: MakeRun) -> None:
    run = fake_run()
    assert "data:image/jpeg" in read(write_report(run))
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("frames: true", "frames: false"))
    for stale in ("saliency_grad_cam_1.png", "clips_sparse.pdf"):
        (run / "figures" / stale).write_bytes(b"a picture of the data, from when they were allowed")
    page = read(write_report(run))
    assert "data:image" not in page
    assert not [each for kind in ("frames_*", "saliency_*", "clips_*") for each in (run / "figures").glob(kind)]


@pytest.mark.slow
def test_a_run_evaluated_on_clean_clips_only_has_a_page(fake_run: MakeRun) -> None:
    run = fake_run()
    table = pd.read_parquet(run / "predictions.parquet")
    table[table["corruption"] == "clean"].to_parquet(run / "predictions.parquet")
    page = read(write_report(run))
    assert "no corruption was evaluated" in page
    assert "nan" not in re.sub(r"<(svg|style).*?</\1>", "", page, flags=re.DOTALL).lower().split()


def test_an_unfinished_run_is_refused_by_name(fake_run: MakeRun) -> None:
    run = fake_run()
    (run / "predictions.parquet").unlink()
    with pytest.raises(RunFolderError, match=r"predictions\.parquet"):
        write_report(run)


@pytest.mark.slow
def test_a_run_that_is_still_being_analysed_has_a_page(fake_run: MakeRun) -> None:
    run = fake_run()
    facts = json.loads((run / "run.json").read_text())
    for late in ("reference", "corruptions_fingerprint", "finished"):
        facts.pop(late, None)
    facts["seconds"].pop("analyse", None)
    (run / "run.json").write_text(json.dumps(facts))
    assert "not written down yet" in read(write_report(run))


DAMAGED = (
    "predictions.parquet",
    "run.json",
    "config.yaml",
    "frames.npz",
    "structure.csv",
    "analysis/attenuation.parquet",
)
HARMLESS = {("config.yaml", b"")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "left"),
    [(name, left) for name in DAMAGED for left in (b"", b"[1]", b"stretched,\n: x") if (name, left) not in HARMLESS],
)
def test_a_damaged_table_is_named_and_not_a_traceback(fake_run: MakeRun, name: str, left: bytes) -> None:
    run = fake_run()
    (run / "analysis").mkdir()
    (run / name).write_bytes(left)
    with pytest.raises(RunFolderError, match=re.escape(f"{run / name}")):
        write_report(run)


def test_a_reference_on_other_clips_is_refused(fake_run: MakeRun) -> None:
    with pytest.raises(MismatchedTables, match="different clips"):
        write_report(fake_run(), fake_run("ucf101_dense", "dense", clips=12))


def test_warnings_name_what_a_reader_must_know(fake_run: MakeRun) -> None:
    run = fake_run(clips=12)
    info = json.loads((run / "run.json").read_text())
    info["sparse"] |= {"updates": 2, "changed": 0}
    info["data"]["classes"].append("Fourth")
    (run / "run.json").write_text(json.dumps(info))
    table = pd.read_parquet(run / "predictions.parquet")
    table.loc[table["id"] == "Class/v_Class_g01_c02", "prediction"] = -1
    table.to_parquet(run / "predictions.parquet")
    loaded = load_run(run)
    text = "\n".join(warnings(loaded, summary(loaded.predictions)))
    for said in (
        "7 videos of the official lists missing: Archery/v_Archery_g01_c01, Archery/v_Archery_g01_c02 and 5 more",
        "1 training clip could not be read",
        "1 test clip could not be decoded and counted as wrong: Class/v_Class_g01_c02.",
        "updated only 2 times",
        "No connection ever changed",
        "Only 3 of 4 classes are present",
        "12 test clips give clean accuracy a 95 % interval",
    ):
        assert said in text


@pytest.mark.slow
def test_the_same_tables_give_the_same_page_in_seconds_without_torch_or_pyplot(published: Published) -> None:
    run, _, page = published
    program = (
        "import sys; from pathlib import Path; from vidsparse.report.page import write_report; "
        f"write_report(Path({str(run)!r})); "
        "print(sorted({'torch', 'matplotlib.pyplot', 'numba', 'cv2'} & set(sys.modules)))"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 20, "seconds of processor time"
    assert read(run / "report.html") == page


def test_a_difference_that_is_not_settled_is_not_called_one() -> None:
    said = [relation(gain, gain - 0.02, gain + 0.02) for gain in (-0.03, -0.01, 0.01, 0.03)]
    assert said == ["is less robust than", "cannot be told from", "cannot be told from", "is more robust than"]
    for low, high in ((math.nan, math.nan), (math.nan, 0.02), (0.005, math.nan)):
        assert relation(0.01, low, high) == relation(-0.01, low, high) == "cannot be told from", "no interval, no claim"


@pytest.mark.slow
def test_a_network_at_chance_is_told_so_first_and_keeps_nothing(fake_run: MakeRun) -> None:
    from vidsparse.report.console import console_table
    from vidsparse.report.page import write_comparison

    run = fake_run("ucf101_lost", skill=-9.0, clips=30)
    page = read(write_report(run))
    assert 'class="verdict">AT CHANCE: the clean accuracy, ' in page
    assert "of the clean accuracy survives" not in page
    assert "there is nothing to keep" in page
    assert str(list(console_table(run).renderables)[-1]).startswith("AT CHANCE")
    other = fake_run("ucf101_dense", "dense", clips=30)
    compared = read(write_comparison([run, other], run.parent / "both"))
    assert "AT CHANCE: the clean accuracy of RigL, 50 %" in compared
    assert "– at chance" in compared


@pytest.mark.slow
def test_what_survives_has_an_interval(fake_run: MakeRun) -> None:
    run = fake_run("ucf101_fine", "dense", skill=2.5)
    numbers = summary(load_run(run).predictions)
    assert numbers["retention_low"] < numbers["retention"] < numbers["retention_high"]
    said = f"{100 * numbers['retention_low']:.1f} to {100 * numbers['retention_high']:.1f}"
    page = read(write_report(run))
    assert f"of clean accuracy survives, 95 % interval {said}" in page
    assert f"(95 % interval {said})" in page


@pytest.mark.slow
def test_weights_of_somebody_get_no_advice_and_no_training_that_never_was(fake_run: MakeRun) -> None:
    run = fake_run("ucf101_given", "rigl")
    info = json.loads((run / "run.json").read_text())
    info["sparse"]["method"] = "given"
    (run / "run.json").write_text(json.dumps(info))
    config = (run / "config.yaml").read_text().replace("weights: null", "weights: robustness accuracy.pth")
    (run / "config.yaml").write_text(config)
    page = read(write_report(run))
    protocol = page[page.index('id="protocol"') : page.index("<summary>Classes")]
    for never in (
        "Optimizer",
        "Schedule",
        "Epochs",
        "Batch size",
        "Training seed",
        "Topology updates",
        "Optimizer state",
    ):
        assert f"<dt>{never}</dt>" not in protocol, never
    assert "<dt>Zeros</dt>" in protocol
    assert "<dt>Weights</dt>" in protocol
    assert "no dense reference" not in page
    assert "This makes it" not in page
