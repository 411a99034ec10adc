import pytest

from corruptions.exceptions import UnknownName
from corruptions.severities import TABLES
from corruptions.suites import SUITES, suite


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
