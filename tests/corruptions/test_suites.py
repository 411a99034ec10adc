import pytest

from corruptions.errors import UnknownName
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


def test_an_unknown_suite_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'core_10'"):
        suite("core10")
