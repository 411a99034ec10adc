import numpy as np
import pytest

from corruptions.exceptions import CorruptionError, UnknownName
from corruptions.measured import PSNR
from corruptions.severities import TABLES
from corruptions.suites import SUITES, matched, suite


@pytest.mark.parametrize("name", SUITES)
def test_every_cell_has_a_table(name: str) -> None:
    assert SUITES[name].name == name
    assert all((profile, corruption) in TABLES for corruption, profile in SUITES[name].cells)
    assert len(set(SUITES[name].cells)) == len(SUITES[name].cells)


def test_core_10_is_the_ten_of_the_main_job() -> None:
    assert " ".join(suite("core_10")) == (
        "gaussian_noise shot_noise impulse_noise speckle_noise defocus_blur motion_blur brightness contrast "
        "jpeg_compression freeze"
    )
    assert SUITES["core_10"].severities == (1, 2, 3, 4, 5)


def test_the_suites_of_imagenet_c() -> None:
    fifteen = (
        "gaussian_noise shot_noise impulse_noise defocus_blur glass_blur motion_blur zoom_blur snow frost fog "
        "brightness contrast elastic_transform pixelate jpeg_compression"
    )
    assert " ".join(suite("imagenet_c_15")) == " ".join(suite("tiny_c_15")) == fifteen
    assert " ".join(suite("cifar_c_19")) == f"{fifteen} speckle_noise gaussian_blur spatter saturate"
    assert {profile for _, profile in SUITES["tiny_c_15"].cells} == {"tiny_c"}


def test_an_unknown_suite_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean core_10"):
        suite("core10")


def test_the_video_suites_are_those_of_the_papers() -> None:
    assert " ".join(suite("ucf101_p_16")) == (
        "gaussian_noise shot_noise impulse_noise speckle_noise defocus_blur motion_blur zoom_blur jpeg_compression "
        "rotate static_rotate translate sampling reverse_sampling jumble box_jumble freeze"
    )
    assert SUITES["ucf101_p_16"].severities == (1, 2, 3, 4)
    assert " ".join(suite("kinetics_c_12")) == (
        "shot_noise clip_motion_blur rain contrast brightness saturate fog bit_error packet_loss h265_crf h264_crf "
        "frame_rate"
    )
    assert {profile for _, profile in SUITES["kinetics_c_12"].cells} == {"kinetics_c"}


@pytest.mark.parametrize("side", [112, 224])
@pytest.mark.parametrize("psnr", [20, 25, 30])
def test_a_matched_suite_has_the_level_nearest_to_its_distortion(psnr: int, side: int) -> None:
    made = SUITES[f"video_c_{psnr}db" + ("_224" if side == 224 else "")]
    assert made == matched(SUITES["video_c"], psnr, side)
    assert made.side == side
    assert len(made.levels) == len(made.cells) >= 10
    for (name, profile), level in zip(made.cells, made.levels, strict=True):
        found = np.array(PSNR[name][side == 224])
        assert profile == "video_c"
        assert abs(found[level - 1] - psnr) == np.abs(found - psnr).min() <= 1.5
    left_out = set(suite("video_c")) - set(suite(made.name))
    assert all(np.abs(np.array(PSNR[name][side == 224]) - psnr).min() > 1.5 for name in left_out)


def test_every_cell_of_ours_is_measured_and_no_match_is_said() -> None:
    assert set(PSNR) == {*suite("video_c"), *suite("camera_c")}
    with pytest.raises(CorruptionError, match="90 dB"):
        matched(SUITES["video_c"], 90)
    with pytest.raises(CorruptionError, match=r"side=32: .*112 and 224"):
        matched(SUITES["video_c"], 25, side=32)


def test_an_evaluation_of_a_matched_suite_has_one_severity_a_corruption() -> None:
    from vidsparse.config import EvaluationConfig
    from vidsparse.data.corrupted.cells import evaluation_cells

    made = SUITES["video_c_25db"]
    cells = evaluation_cells(EvaluationConfig(suite="video_c_25db"))[1:]
    assert [(cell.corruption, cell.severity) for cell in cells] == list(zip(suite(made.name), made.levels, strict=True))
    few = evaluation_cells(EvaluationConfig(suite="video_c_25db", severities=[2]))[1:]
    assert 0 < len(few) < len(cells)
    assert {cell.severity for cell in few} == {2}


def test_an_evaluation_that_would_be_clean_alone_is_refused() -> None:
    from vidsparse.config import EvaluationConfig
    from vidsparse.data.corrupted.cells import Cell, chosen, evaluation_cells
    from vidsparse.utils.errors import ConfigError, DataError

    level = dict(zip(suite("video_c_25db"), SUITES["video_c_25db"].levels, strict=True))["gaussian_noise"]
    asked = {"suite": "video_c_25db", "corruptions": ["gaussian_noise"]}
    assert len(evaluation_cells(EvaluationConfig(**asked, severities=[level]))) == 2
    with pytest.raises(ConfigError, match=rf"severities=\[5\].*at {level}"):
        evaluation_cells(EvaluationConfig(**asked, severities=[5]))
    held = [Cell("clean", "", 0), Cell("fog", "video_c", 1), Cell("snow", "video_c", 3)]
    with pytest.raises(DataError, match="severities"):
        chosen(EvaluationConfig(corruptions=["fog"], severities=[3]), held)


def test_a_matched_suite_is_refused_at_another_size_and_in_other_lengths() -> None:
    from vidsparse import load_config
    from vidsparse.utils.errors import ConfigError

    def load(*words: str) -> None:
        load_config("ucf101_dense", ["evaluation.severities=null", *words])

    load("evaluation.suite=video_c_25db", "data.size=112", "data.short_side=128")
    load("evaluation.suite=video_c_25db_224", "data.size=224", "data.short_side=256")
    with pytest.raises(ConfigError, match=r"evaluation\.suite=video_c_25db .*112.*224"):
        load("evaluation.suite=video_c_25db", "data.size=224", "data.short_side=256")
    with pytest.raises(ConfigError, match=r"evaluation\.resolution=absolute"):
        load("evaluation.suite=video_c_25db", "data.size=112", "data.short_side=128", "evaluation.resolution=absolute")
    with pytest.raises(ConfigError, match=r"evaluation\.severities=\[5\]"):
        load("evaluation.suite=video_c_25db", "data.size=112", "data.short_side=128", "evaluation.severities=[5]",
             "evaluation.corruptions=[gaussian_noise]")  # fmt: skip
