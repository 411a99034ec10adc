"""A sample of the fuzzed inputs of tests/soak/test_fuzz.py, and what they found, by name."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.fuzzed import fuzz
from helpers.fuzzed_lists import trees
from vidsparse.data.datasets.sources import load_dataset
from vidsparse.data.reading import image_files, mask_files
from vidsparse.evaluation import predictions
from vidsparse.models.weights.labels import find_classes
from vidsparse.run_dir.csv_log import CsvLog
from vidsparse.utils.errors import ClipDecodeError, ConfigError, DamagedFile, DataError

SAMPLED = ("pictures", "lists", "files of class names", "arrays")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_sample_of_fuzzed_inputs_is_right_or_refused(tmp_path: Path) -> None:
    tally = fuzz(tmp_path, 300, 0, SAMPLED)
    assert not tally.findings, tally.findings


def _refused(folder: Path, name: str, path: str, content: str | bytes, match: str) -> None:
    source, root, _ = trees(folder)[name]
    (root / path).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError, match=match) as raised:
        load_dataset(source, root, 1, "drop")
    assert len(str(raised.value)) < 4000


@pytest.mark.parametrize(
    ("name", "path", "content", "match"),
    [
        ("kinetics_paths", "train.csv", "label,path\nBowling\n", "a column is missing"),
        ("cifar10", "cifar-10-batches-bin/batches.meta.txt", "cat\ndog\ncat\n", "stands there twice"),
        ("voc", "ImageSets/Segmentation/train.txt", "a" * 300 + "\n", "longer than the name"),
        ("tiny_imagenet", "wnids.txt", "a" * 300 + "\n", "longer than the name"),
        ("tiny_imagenet", "wnids.txt", "../..\n", "not a path"),
        ("ucf101", "ucfTrainTestlist/classInd.txt", "9" * 5000 + " Bowling\n", "a number and the name"),
        ("ucf101", "ucfTrainTestlist/testlist01.txt", "a" * 100_000 + "\n", "not a path"),
        ("imagenet", "val.txt", "v_0.JPEG " + "9" * 5000 + "\n", "no synset"),
        ("ssv2", "train.json", "[" * 100_000, "not JSON"),
        ("ssv2", "labels.json", json.dumps({"a": float("inf")}), "not the number of a class"),
    ],
)
def test_an_odd_list_is_refused_in_one_sentence(tmp_path: Path, name: str, path: str, content: str, match: str) -> None:
    _refused(tmp_path, name, path, content, match)


def test_names_nested_a_hundred_thousand_deep_are_refused(tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text("[" * 100_000)
    with pytest.raises(ConfigError, match="cannot be read"):
        find_classes(str(tmp_path / "names.json"))


def test_an_array_with_a_damaged_head_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "cifar10.1_v6_data.npy", np.zeros((2, 32, 32, 3), np.uint8))
    np.save(tmp_path / "cifar10.1_v6_labels.npy", np.zeros(2, np.int64))
    for name in ("data", "labels"):
        path = tmp_path / f"cifar10.1_v6_{name}.npy"
        content = path.read_bytes()
        for odd in (
            content.replace(b"(2,", b"((("),
            content[:8],
            b"",
            content.replace(b"<i8", b"<f8").replace(b"|u1", b"<U1"),
        ):
            path.write_bytes(odd)
            with pytest.raises(DataError, match=path.name):
                load_dataset("cifar10_1", tmp_path, 1, "drop")
        path.write_bytes(content)


def test_a_png_whose_pixels_do_not_fit_their_checksum_is_refused(tmp_path: Path) -> None:
    """Pillow compares no CRC of pixels, and stops before that of the whole: the picture was wrong in silence."""
    pixels, path = np.random.default_rng(0).integers(0, 256, (24, 40), np.uint8), tmp_path / "a.png"
    Image.fromarray(pixels).save(path, compress_level=0)
    content = bytearray(path.read_bytes())
    assert (image_files.open_picture(path)[..., 0] == pixels).all()
    at = content.index(b"IDAT") + 4 + 300
    content[at] ^= 0x80
    path.write_bytes(content)
    for read in (image_files.open_picture, mask_files.open_mask):
        with pytest.raises(ClipDecodeError, match="do not fit their checksum"):
            read(path)
    assert "do not fit their checksum" in image_files.inspect(path)[0].error


@pytest.mark.parametrize("head", ['step,"accuracy', "step," + "a" * 200_000])
def test_a_log_with_an_odd_first_line_begins_anew_and_the_old_one_is_kept(tmp_path: Path, head: str) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(f"{head}\n1,0.5\n2,0.5\n")
    log = CsvLog(path, ("step", "accuracy"), 4)
    log.add(step=5, accuracy=0.5)
    log.close()
    assert path.read_text().splitlines() == ["step,accuracy", "5,0.5"]
    assert (tmp_path / "metrics.csv.damaged").read_text().endswith("\n1,0.5\n2,0.5\n")


def test_a_log_stops_at_a_step_that_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("step,accuracy\n1,0.5\n³,0.5\n2,0.5\n")
    CsvLog(path, ("step", "accuracy"), 4).close()
    assert path.read_text().splitlines() == ["step,accuracy", "1,0.5"]


def test_predictions_that_are_no_table_are_damaged(tmp_path: Path) -> None:
    (tmp_path / "predictions.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DamagedFile, match="is damaged"):
        predictions.load(tmp_path / "predictions.parquet")
