"""Videos too long for memory are made part by part: the same bytes, and memory that does not grow with the length."""

import pytest

from helpers.orders import sums
from vidsparse.benchmark import long_clips, verify
from vidsparse.benchmark.generate import generate
from vidsparse.benchmark.plan import make_plan
from vidsparse.data.load import load_and_tell
from vidsparse.data.reading import spill

pytestmark = pytest.mark.slow

CORRUPTIONS = "evaluation.corruptions=[gaussian_noise,clip_motion_blur,jumble,sampling,freeze,h264_crf]"


@pytest.fixture
def long(order, monkeypatch):
    """long("key=value", ...): the order of whole videos that count as too long; seven of their frames are a part."""
    monkeypatch.setattr(spill, "PART", 7 * 40 * 54 * 3)
    return lambda *more: order("evaluation.max_clip_mb=0.01", *more)


@pytest.mark.slow
@pytest.mark.parametrize("format", ["ffv1", "npy", "webp", "h264_444"])
def test_a_part_at_a_time_makes_the_same_bytes(order, long, tmp_path, monkeypatch, format):
    more = ["benchmark.materialize=videos", f"benchmark.format={format}", "evaluation.severities=[2]", CORRUPTIONS,
            "evaluation.suite=video_c" if format == "npy" else "evaluation.canvas=frame", "data.share=0.5"]  # fmt: skip
    generate(order(*more, f"benchmark.dir={tmp_path / 'at_once'}"))
    made, write = [], long_clips.write_long
    monkeypatch.setattr("vidsparse.benchmark.unit.write_long", lambda *all: made.append(write(*all)) or made[-1])
    config = long(*more, f"benchmark.dir={tmp_path / 'in_parts'}")
    generate(config)
    assert len(made) == 3 * (1 + 6)
    assert {clip.frames for clip in made} == {20}
    assert sums(tmp_path / "in_parts") == sums(tmp_path / "at_once")
    assert verify.verify_deep(make_plan(config, load_and_tell(config, trains=False)), 8)[0] == []
    assert not list((tmp_path / "in_parts").rglob(".*"))
