"""Corruption errors against the numbers that the benchmark's authors printed."""

import numpy as np
import pandas as pd
import pytest

from vidsparse.evaluation import corruption_error as ce
from vidsparse.evaluation.metrics import MismatchedTables, example_table

# arXiv 1903.12261, table 1: AlexNet's mean errors and ResNet-50's CEs, both in percent, and what they come to.
ALEXNET = [88.6, 89.4, 92.3, 82.0, 82.6, 78.6, 79.8, 86.7, 82.7, 81.9, 56.5, 85.3, 64.6, 71.8, 60.7]
RESNET50 = [80, 82, 83, 75, 89, 78, 80, 78, 75, 66, 57, 71, 85, 77, 77]
RESNET50_CLEAN, RESNET50_MCE, RESNET50_RELATIVE = 0.239, 0.767, 1.05
NAMES = ("gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur",
         "snow", "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate",
         "jpeg_compression")  # fmt: skip


def table_with(errors: dict[tuple[str, int], float], clean: float, n: int = 2000) -> pd.DataFrame:
    """A predictions table whose error in each cell is the one given, to 1 / n."""
    cells = {("clean", 0): clean, **errors}
    parts = [
        pd.DataFrame({"id": [f"c{i}" for i in range(n)], "corruption": name, "severity": severity, "label": 0,
                      "prediction": (np.arange(n) < round(error * n)).astype(int)})
        for (name, severity), error in cells.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True).assign(view=0, profile="imagenet_c")


@pytest.fixture(scope="module")
def resnet50() -> pd.DataFrame:
    """ResNet-50 as published, its error the same at every severity as far as CE is concerned."""
    alexnet = ce.alexnet()
    errors = {
        (name, severity): min(1.0, share / 100 * float(alexnet.errors.loc[name].mean()))
        for name, share in zip(NAMES, RESNET50, strict=True)
        for severity in range(1, 6)
    }
    return table_with(errors, RESNET50_CLEAN)


def test_the_shipped_alexnet_has_the_published_means_for_every_corruption():
    alexnet = ce.alexnet()
    means = {name: round(100 * float(alexnet.errors.loc[name].mean()), 1) for name in NAMES}
    assert means == pytest.approx(dict(zip(NAMES, ALEXNET, strict=True)), abs=0.051)
    assert alexnet.clean == 0.435
    assert alexnet.errors.shape == (15, 5)
    assert alexnet.name == "imagenet_c_alexnet"


def test_the_published_resnet50_comes_to_its_published_mce_and_relative_mce(resnet50):
    """The CEs are printed as whole numbers, so the mean is good to half a point."""
    alexnet = ce.alexnet()
    assert ce.corruption_error(resnet50, alexnet).round(2).tolist() == [share / 100 for share in RESNET50]
    assert ce.mce(resnet50, alexnet) == pytest.approx(RESNET50_MCE, abs=0.005)
    assert ce.relative_mce(resnet50, alexnet) == pytest.approx(RESNET50_RELATIVE, abs=0.01)


def test_the_reference_itself_is_at_1(resnet50):
    own = ce.errors_of(resnet50, "itself")
    assert ce.mce(resnet50, own) == pytest.approx(1)
    assert ce.relative_mce(resnet50, own) == pytest.approx(1)


def test_a_reference_that_loses_nothing_has_no_relative_error_of_rounding():
    """Its errors 0.6 and 0.8 about a clean 0.7 come to -2e-16, not to 0."""
    table = example_table()
    reference = ce.ReferenceErrors("even", 1 - 0.3, pd.DataFrame({1: {"fog": 0.6}, 2: 0.8}))
    assert (reference.errors - reference.clean).to_numpy().sum() != 0
    assert ce.relative_corruption_error(table, reference).isna().all()


def test_a_reference_that_lacks_a_cell_is_refused_by_name():
    table = example_table()
    with pytest.raises(MismatchedTables, match="imagenet_c_alexnet have no rain at severity 1"):
        ce.mce(table.replace({"corruption": {"fog": "rain"}}), ce.alexnet())
    assert ce.mce(table, ce.alexnet()) == pytest.approx(0.5 / (0.67474 + 0.7605))


def test_a_reference_file_of_ones_own_is_read(tmp_path):
    (tmp_path / "ours.csv").write_text("corruption,severity,error\nclean,0,0.1\nfog,1,0.5\nfog,2,0.5\n")
    reference = ce.load_reference(tmp_path / "ours.csv")
    assert (reference.name, reference.clean) == ("ours", 0.1)
    assert ce.mce(example_table(), reference) == 0.5
