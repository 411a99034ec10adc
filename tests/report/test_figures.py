"""Figures, filmstrips and colours."""

import re
import warnings
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vidsparse.report.figures import charts, filmstrips, frequencies, panels, weight_figures
from vidsparse.report.figures.example_frames import filmstrip, loop, strips
from vidsparse.report.figures.looks import looks_of
from vidsparse.report.figures.palette import DARK, LIGHT, SERIES
from vidsparse.report.page import write_report
from vidsparse.report.sections import figure_sets
from vidsparse.sparsity.methods import METHODS
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


def test_gains_are_drawn_also_when_all_are_zero(tmp_path: Path) -> None:
    table = pd.DataFrame({"run": [0.0, 0.0, 0.0]}, index=["fog", "snow", "rain"])
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


def test_every_method_has_a_mark_of_its_own_and_keeps_it_on_every_page() -> None:
    everything = looks_of({name: name for name in METHODS})
    assert len({look.marker for look in everything.values()}) == len(METHODS), "told apart in grey, by mark alone"
    for name, look in everything.items():
        (lone,) = looks_of({"an arm": name}).values()
        assert (lone.colour, lone.marker, lone.fill) == (look.colour, look.marker, look.fill)


def test_arms_of_one_method_and_weights_of_somebody_differ_without_colour() -> None:
    levels = looks_of({f"RigL, {level} %": "rigl" for level in (30, 50, 70, 90)} | {"theirs": "given", "mine": "own"})
    for one, other in combinations(levels.values(), 2):
        assert (one.marker, one.fill) != (other.marker, other.fill)
    assert len({look.colour for look in list(levels.values())[:4]}) == 1
    assert len({str(look.line()["linestyle"]) for look in list(levels.values())[:4]}) == 4


def test_a_clip_moves_within_its_bytes_and_an_image_does_not() -> None:
    clip = np.random.default_rng(0).integers(0, 256, (12, 200, 160, 3), dtype=np.uint8)
    (code,) = re.findall("data:image/webp;base64,(.*)", loop(clip, 200_000))
    with Image.open(BytesIO(b64decode(code))) as moving:
        assert (moving.n_frames, max(moving.size)) == (12, 128)
    assert loop(clip[:1], 10**6) == ""
    assert loop(clip, 500) == "", "better none than one too large"


def test_a_figure_without_a_number_is_left_out(tmp_path: Path) -> None:
    empty = pd.DataFrame({"step": np.array([], int), "changed": np.array([], int)})
    nothing = [figure_sets.Exhibit(name, "t", "c", table, charts.topology_updates)
               for name, table in (("none", empty), ("nan", pd.DataFrame({"changed": [np.nan]})))]  # fmt: skip
    assert figure_sets.publish_all(nothing, tmp_path, False, "accuracy", ("png",)) == []
    assert list(tmp_path.iterdir()) == []


def test_steps_are_whole_and_marks_at_zero_are_whole() -> None:
    few = pd.DataFrame({"step": [1, 2, 3], "changed": [1, 2, 1]})
    arms = pd.DataFrame({"arm": ["dense"], "ece_clean": [0.0], "ece_corrupted": [0.001]})
    with charts.style():
        ticks = charts.topology_updates(few).axes[-1].get_xticks()
        marks = panels.calibration(arms, looks_of({"dense": "dense"})).axes[0]
    assert all(tick == round(tick) for tick in ticks)
    assert [line.get_clip_on() for line in marks.lines if list(line.get_xdata()) == [0.0]] == [False]
    assert marks.get_xlim()[1] >= 0.05, "a thousandth is not drawn as wide as the page"


def test_noise_of_a_few_clips_stays_pale_in_a_map_of_errors() -> None:
    places = pd.MultiIndex.from_product([["dense", "sparse"], [-1, 0, 1], [0, 1]], names=["arm", "v", "u"])
    table = places.to_frame(index=False).assign(error=lambda t: 0.5 + 0.01 * (t["arm"] == "sparse") * t["v"])
    with charts.style():
        figure = frequencies.fourier(table, clips=64)
    low, high = figure.axes[2].collections[0].get_clim()
    assert high == -low > 0.15
    assert len(figure.axes[2].lines[0].get_xdata()) == 0


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
        figure = frequencies.fourier(table, clips=10_000)
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


@pytest.mark.slow
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
