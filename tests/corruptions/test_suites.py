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


@pytest.mark.parametrize("psnr", [20, 25, 30])
def test_a_matched_suite_has_the_level_nearest_to_its_distortion(psnr: int) -> None:
    made = SUITES[f"video_c_{psnr}db"]
    assert made == matched(SUITES["video_c"], psnr)
    assert len(made.levels) == len(made.cells) >= 10
    for (name, profile), level in zip(made.cells, made.levels, strict=True):
        found = np.array(PSNR[name][0])
        assert profile == "video_c"
        assert abs(found[level - 1] - psnr) == np.abs(found - psnr).min() <= 1.5
    left_out = set(suite("video_c")) - set(suite(made.name))
    assert all(np.abs(np.array(PSNR[name][0]) - psnr).min() > 1.5 for name in left_out)


def test_every_cell_of_ours_is_measured_and_no_match_is_said() -> None:
    assert set(PSNR) == {*suite("video_c"), *suite("camera_c")}
    with pytest.raises(CorruptionError, match="90 dB"):
        matched(SUITES["video_c"], 90)


def test_an_evaluation_of_a_matched_suite_has_one_severity_a_corruption() -> None:
    from vidsparse.config import EvaluationConfig
    from vidsparse.data.corrupted.cells import evaluation_cells

    made = SUITES["video_c_25db"]
    cells = evaluation_cells(EvaluationConfig(suite="video_c_25db"))[1:]
    assert [(cell.corruption, cell.severity) for cell in cells] == list(zip(suite(made.name), made.levels, strict=True))
    few = evaluation_cells(EvaluationConfig(suite="video_c_25db", severities=[2]))[1:]
    assert 0 < len(few) < len(cells)
    assert {cell.severity for cell in few} == {2}
