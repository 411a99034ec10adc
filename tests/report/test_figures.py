"""Figures, filmstrips and colours."""

import warnings
from collections.abc import Callable
from itertools import combinations, cycle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vidsparse.report.figures import charts, filmstrips, frequencies, weight_figures
from vidsparse.report.figures.example_frames import filmstrip, strips
from vidsparse.report.figures.palette import DARK, LIGHT, SERIES
from vidsparse.report.page import write_report
from vidsparse.tasks import Words


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_text_is_readable_in_light_and_dark(palette: dict[str, str]) -> None:
    assert contrast(palette["ink"], palette["paper"]) >= 7
    assert contrast(palette["muted"], palette["paper"]) >= 4.5
    assert contrast(palette["muted"], palette["soft"]) >= 4.5
    assert contrast(palette["blue"], palette["paper"]) >= 4.5


def test_both_palettes_name_the_same_colours_all_distinct() -> None:
    assert LIGHT.keys() == DARK.keys()
    assert set(SERIES) <= LIGHT.keys()
    assert len(set(LIGHT.values())) == len(LIGHT)


def test_inline_svg_has_its_colours_as_variables_and_its_text_as_text() -> None:
    table = pd.DataFrame({"accuracy": [0.5, 0.25]}, index=["fog", "<b>&$x_1$"])
    with charts.style():
        svg = charts.inline_svg(
            charts.finish(charts.corruption_bars(table, clean=0.8, chance=0.1, words=Words())), "bars"
        )
    assert svg.startswith("<svg")
    assert "var(--blue)" in svg
    assert not any(colour in svg for colour in LIGHT.values())
    assert "&lt;b&gt;&amp;$x 1$" in svg
    assert "xmlns" not in svg


@pytest.mark.parametrize("runs", [1, 2, 7])
def test_gains_are_drawn_for_any_number_of_runs_also_when_all_are_zero(runs: int, tmp_path: Path) -> None:
    table = pd.DataFrame(np.zeros((3, runs)), index=["fog", "snow", "rain"], columns=[f"run{at}" for at in range(runs)])
    with warnings.catch_warnings(), charts.style():
        warnings.simplefilter("error")
        charts.save(charts.finish(charts.gain_bars(table, Words()), note="a note"), tmp_path / "gain", ("png",))
    assert (tmp_path / "gain.png").stat().st_size > 1000


def test_a_network_of_many_layers_stays_one_page(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": [f"layer{at}.weight" for at in range(400)], "density": 0.5})
    with charts.style():
        figure = charts.layer_densities(table, mean=0.5)
        assert figure.get_size_inches()[1] <= 8
        assert len(figure.axes[0].get_yticks()) <= 40


def test_a_filmstrip_holds_frames_evenly_spaced_over_time() -> None:
    clip = np.repeat(np.arange(16, dtype=np.uint8), 6 * 5 * 3).reshape(16, 6, 5, 3)
    strip = np.asarray(filmstrip(clip))
    assert strip.shape == (6, 4 * 5 + 3 * 2, 3)
    assert [strip[0, at, 0] for at in (0, 7, 14, 21)] == [0, 5, 10, 15]
    assert filmstrip(clip[:1]).size == (5, 6)


def test_strips_show_clean_first_and_the_middle_severity(tmp_path: Path) -> None:
    grey = {f"fog/{level}": np.full((4, 8, 8, 3), 40 * level, np.uint8) for level in (5, 1, 3)}
    made = strips({**grey, "clean": np.zeros((4, 8, 8, 3), np.uint8)}, tmp_path)
    assert [(strip.corruption, strip.severity) for strip in made] == [("clean", 0), ("fog", 3)]
    assert np.asarray(Image.open(tmp_path / "frames_fog.png"))[0, 0].tolist() == [120, 120, 120]
    assert all(strip.source.startswith("data:image/jpeg;base64,") for strip in made)


def test_series_differ_without_colour() -> None:
    marks = list(zip(charts.MARKERS, cycle(charts.DASHES), SERIES, strict=False))
    assert len(marks) == len(SERIES) == len(set(charts.MARKERS)) == len(set(charts.HATCHES))
    for (marker, dash, colour), (other_marker, other_dash, other_colour) in combinations(marks, 2):
        assert marker != other_marker
        assert dash != other_dash or contrast(LIGHT[colour], LIGHT[other_colour]) > 1.3


def test_shades_darken_all_the_way() -> None:
    colours = [frequencies.SHADES(at, bytes=True)[:3] for at in np.linspace(0, 1, 64)]
    grey = [luminance("#{:02x}{:02x}{:02x}".format(*colour)) for colour in colours]
    assert (np.diff(grey) < 0).all()
    assert grey[0] > 0.9
    assert grey[-1] < 0.05


def test_a_difference_is_signed_without_colour() -> None:
    places = pd.MultiIndex.from_product([["dense", "sparse"], [-1, 0, 1], [0, 1]], names=["arm", "v", "u"])
    table = places.to_frame(index=False)
    table["error"] = 0.5 + 0.1 * (table["arm"] == "sparse") * table["v"]
    with charts.style():
        figure = frequencies.fourier(table)
    (plus,) = figure.axes[2].lines
    assert plus.get_marker() == "+"
    assert sorted(zip(plus.get_xdata(), plus.get_ydata(), strict=True)) == [(0, 1), (1, 1)]


def test_what_is_not_looked_at_fades_and_what_is_stays() -> None:
    frames = np.full((1, 1, 3, 3), 100, np.uint8)
    seen = filmstrips.faded(frames, np.array([[[0, 64, 255]]], np.uint8))[0, 0, :, 0].astype(int)
    assert seen[2] == 100
    assert seen[0] > seen[1] > seen[2]
    assert seen[0] < 255


def test_a_large_kernel_map_keeps_its_mean() -> None:
    whole = np.random.default_rng(0).random((512, 300), np.float32)
    coarse = weight_figures.coarse(whole)
    assert coarse.shape == (128, 128)
    assert coarse.mean() == pytest.approx(whole.mean(), rel=0.01)
    assert (weight_figures.coarse(whole[:5, :7]) == whole[:5, :7]).all()


def test_figures_are_written_as_the_config_says_and_the_page_names_what_there_is(fake_run: Callable[..., Path]) -> None:
    run = fake_run(figures="pdf")
    page = write_report(run).read_text(encoding="utf-8")
    assert "figures/per_corruption.pdf, tables/per_corruption.csv" in page
    assert {path.suffix for path in (run / "figures").glob("per_corruption.*")} == {".pdf"}
    run = fake_run("ucf101_rigl_quiet", figures="none")
    page = write_report(run).read_text(encoding="utf-8")
    assert "figures/per_corruption" not in page
    assert not list((run / "figures").glob("per_corruption.*"))
    assert (run / "tables" / "per_corruption.csv").exists()
