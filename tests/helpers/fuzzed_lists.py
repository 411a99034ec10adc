"""Fuzzed lists of every data source: lines, encodings, numbers, names, files that are not there."""

import json
import os
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from helpers.fuzzing import NEUTRAL, changed, neutral, rewritten
from vidsparse.config import DataConfig
from vidsparse.data.corrupted.published import open_published
from vidsparse.data.datasets.sources import ABSENT, Dataset, load_dataset
from vidsparse.models.weights.labels import find_classes

CLASSES = ("Apply Makeup", "Bowling", "Yo-Yo")
_JPEG = bytes.fromhex("ffd8ffe000104a464946")


def trees(folder: Path) -> dict[str, tuple[str, Path, list[Path]]]:
    """{name: (source, root, its lists)} of a small tree of every source, whose videos and pictures are a few bytes."""
    made = {}
    for name, (source, files, lists) in _trees().items():
        root = folder / name
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content.encode() if isinstance(content, str) else content)
        made[name] = (source, root, [root / each for each in lists])
    return made


def _trees() -> dict[str, tuple[str, dict[str, str | bytes], tuple[str, ...]]]:
    plain = [name.replace(" ", "").replace("-", "") for name in CLASSES]
    wnids = ("n01440764", "n02123394", "n04067472")
    clips = [f"{name}/v_{name}_g{group:02d}_c01.avi" for name in plain for group in (1, 2, 3)]
    train, test = [clip for clip in clips if "g01" not in clip], [clip for clip in clips if "g01" in clip]
    listed = "ucfTrainTestlist"
    ucf = {f"UCF-101/{clip}": b"x" for clip in clips} | {
        f"{listed}/classInd.txt": _text(f"{i} {name}" for i, name in enumerate(plain, 1)),
        f"{listed}/trainlist01.txt": _text(f"{clip} {plain.index(clip.split('/')[0]) + 1}" for clip in train),
        f"{listed}/testlist01.txt": _text(test),
    }
    hmdb = {f"{name}/{who}_{name}_f_cm.avi": b"x" for name in plain for who in ("a", "b", "c")} | {
        f"splits/{name}_test_split1.txt": _text(
            f"{who}_{name}_f_cm.avi {code}" for who, code in zip("abc", "120", strict=False)
        )
        for name in plain
    }
    ids = ["-a_B0000001", "b0000000002", "c0000000003"]
    kinetics = {f"videos/{each}_000001_000011.mp4": b"x" for each in ids} | {
        f"{part}.csv": "label,youtube_id,time_start,time_end,split\n"
        + _text(f'"{name}",{each},1,11,{part}' for name, each in zip(CLASSES, chosen, strict=False))
        for part, chosen in (("train", ids[:2]), ("val", ids[1:]))
    }
    paths = {f"{part}/{n}.mp4": b"x" for part in ("train", "val") for n in range(3)} | {
        f"{part}.csv": "label,path\n" + _text(f"{name},{part}/{n}.mp4" for n, name in enumerate(CLASSES))
        for part in ("train", "val")
    }
    entries = [{"id": str(n), "label": "x", "template": f"[{name}]"} for n, name in enumerate(CLASSES)]
    ssv2: dict[str, str | bytes] = {f"videos/{n}.webm": b"x" for n in range(3)} | {
        "labels.json": json.dumps({name: str(n) for n, name in enumerate(CLASSES)}, indent=1),
        "train.json": json.dumps(entries[:2], indent=1),
        "validation.json": json.dumps(entries[2:], indent=1),
    }
    tiny = {f"train/{w}/images/{w}_{n}.JPEG": _JPEG for w in wnids for n in range(2)} | {
        "wnids.txt": _text(reversed(wnids)),
        "val/val_annotations.txt": _text(f"val_{n}.JPEG\t{w}\t0\t0\t62\t62" for n, w in enumerate(wnids)),
        **{f"val/images/val_{n}.JPEG": _JPEG for n in range(3)},
    }
    flat = {f"train/{w}/{w}_1.JPEG": _JPEG for w in wnids} | {f"val/v_{n}.JPEG": _JPEG for n in range(3)}
    imagenet = flat | {"val.txt": _text(f"v_{n}.JPEG {n}" for n in range(3)), "synsets.txt": _text(wnids)}
    solution = {f"ILSVRC/Data/CLS-LOC/{path}": content for path, content in flat.items()} | {
        "LOC_val_solution.csv": "ImageId,PredictionString\n" + _text(f"v_{n},{w} 1 2 3 4" for n, w in enumerate(wnids)),
        "LOC_synset_mapping.txt": _text(f"{w} name of {w}, other" for w in wnids),
    }
    record = bytes([1]) + bytes(3072)
    cifar = {f"cifar-10-batches-bin/{name}.bin": record * 3 for name in
             (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch")} | {
        "cifar-10-batches-bin/batches.meta.txt": _text(CLASSES)}  # fmt: skip
    masks = {f"{part}/{kind}/{n}{suffix}": b"x" for part in ("train", "test") for n in range(2)
             for kind, suffix in (("images", ".jpg"), ("masks", ".png"))} | {"classes.txt": _text(CLASSES)}  # fmt: skip
    voc = {f"{kind}/{n}{suffix}": b"x" for n in range(4)
           for kind, suffix in (("JPEGImages", ".jpg"), ("SegmentationClass", ".png"))} | {
        "ImageSets/Segmentation/train.txt": _text("01"), "ImageSets/Segmentation/val.txt": _text("23")}  # fmt: skip
    davis = {f"{kind}/480p/{n}/00000{suffix}": b"x" for n in ("bear", "boat")
             for kind, suffix in (("JPEGImages", ".jpg"), ("Annotations", ".png"))} | {
        "ImageSets/2017/train.txt": "bear\n", "ImageSets/2017/val.txt": "boat\n"}  # fmt: skip
    unlabelled: dict[str, str | bytes] = {"a/1.mp4": b"x", "b.png": b"x", "classes.txt": _text(CLASSES)}
    return {
        "ucf101": ("ucf101", ucf, tuple(each for each in ucf if each.endswith(".txt"))),
        "hmdb51": ("hmdb51", hmdb, tuple(each for each in hmdb if each.endswith(".txt"))),
        "kinetics": ("kinetics", kinetics, ("train.csv", "val.csv")),
        "kinetics_paths": ("kinetics", paths, ("train.csv", "val.csv")),
        "ssv2": ("ssv2", ssv2, ("labels.json", "train.json", "validation.json")),
        "tiny_imagenet": ("tiny_imagenet", tiny, ("wnids.txt", "val/val_annotations.txt")),
        "imagenet": ("imagenet", imagenet, ("val.txt", "synsets.txt")),
        "imagenet_csv": ("imagenet", solution, ("LOC_val_solution.csv", "LOC_synset_mapping.txt")),
        "cifar10": ("cifar10", cifar, ("cifar-10-batches-bin/batches.meta.txt",)),
        "image_masks": ("image_masks", masks, ("classes.txt",)),
        "voc": ("voc", voc, ("ImageSets/Segmentation/train.txt", "ImageSets/Segmentation/val.txt")),
        "davis": ("davis", davis, ("ImageSets/2017/train.txt", "ImageSets/2017/val.txt")),
        "unlabelled": ("unlabelled", unlabelled, ("classes.txt",)),
    }


def _text(lines: Iterable[object]) -> str:
    return "".join(f"{line}\n" for line in lines)


def checked(dataset: Dataset) -> Dataset:
    """What every data set must be, whatever its lists say."""
    place = os.path.realpath(dataset.root)
    assert len(set(dataset.classes)) == len(dataset.classes), "a class twice"
    for sample in (*dataset.train, *dataset.test):
        assert -1 <= sample.label < len(dataset.classes), f"label {sample.label}"
        for part in sample.parts:
            if part.path != ABSENT:
                assert os.path.realpath(part.path).startswith(place), f"{part.path} is outside"
                assert part.path.exists(), f"{part.path} is not there"
    return dataset


def lists_trial(folder: Path) -> Callable[[random.Random], str]:
    """A trial that changes one list of one source."""
    made = trees(folder)
    whole = {name: checked(load_dataset(source, root, 1, "drop")) for name, (source, root, _) in made.items()}

    def trial(rng: random.Random) -> str:
        name = rng.choice(list(made))
        source, root, lists = made[name]
        path = rng.choice(lists)
        content = path.read_bytes()
        try:
            if rng.random() < 0.15:
                path.write_bytes(neutral(content.decode(), rng.choice(NEUTRAL)))
                assert checked(load_dataset(source, root, 1, "drop")) == whole[name], f"{path}: read otherwise"
                return "same"
            if rng.random() < 0.05:
                _replaced(path, rng)
            else:
                path.write_bytes(rewritten(content.decode(), rng))
            found = checked(load_dataset(source, root, 1, rng.choice(("drop", "drop", "error"))))
            return "same" if found == whole[name] else "another list"
        finally:
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            path.unlink(missing_ok=True)
            path.write_bytes(content)

    return trial


def _replaced(path: Path, rng: random.Random) -> None:
    """Another thing in the place of a file: nothing, a folder, a link to itself."""
    path.unlink()
    how = rng.randrange(3)
    if how == 1:
        path.mkdir()
    elif how == 2:
        path.symlink_to(path)


def names_trial(folder: Path) -> Callable[[random.Random], str]:
    """A trial of a file of class names for `model.labels`."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "plain.txt": _text(CLASSES),
        "numbered.txt": _text(f"{n} {name}" for n, name in enumerate(CLASSES, 1)),
        "list.json": json.dumps(CLASSES, indent=1),
        "id2label.json": json.dumps({str(n): name for n, name in enumerate(CLASSES)}, indent=1),
        "labels.json": json.dumps({name: n for n, name in enumerate(CLASSES)}, indent=1),
        "index.json": json.dumps({str(n): [f"n{n}", name] for n, name in enumerate(CLASSES)}, indent=1),
    }
    paths = {name: folder / name for name in texts}
    whole = {}
    for name, path in paths.items():
        path.write_text(texts[name])
        whole[name] = find_classes(str(path))

    def trial(rng: random.Random) -> str:
        name = rng.choice(list(texts))
        if rng.random() < 0.15:
            paths[name].write_bytes(neutral(texts[name], rng.choice(NEUTRAL)))
            assert find_classes(str(paths[name])) == whole[name], f"{name}: read otherwise"
            return "same"
        paths[name].write_bytes(rewritten(texts[name], rng))
        found = find_classes(str(paths[name]))
        assert all(isinstance(each, str) and each.strip() for names in found for each in names), found
        return "same" if found == whole[name] else "another list"

    return trial


def arrays_trial(folder: Path) -> Callable[[random.Random], str]:
    """A trial of the arrays of CIFAR-10.1, of a packed set and of a published corrupted one."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (10, 32, 32, 3), np.uint8)
    labels = np.arange(10) % 3
    roots = {"cifar10_1": folder / "cifar10_1", "corrupted": folder / "CIFAR-10-C", "packed": folder / "packed"}
    for root in roots.values():
        root.mkdir(parents=True, exist_ok=True)
    np.save(roots["cifar10_1"] / "cifar10.1_v6_data.npy", pictures)
    np.save(roots["cifar10_1"] / "cifar10.1_v6_labels.npy", labels)
    np.save(roots["corrupted"] / "fog.npy", pictures)
    np.save(roots["corrupted"] / "labels.npy", np.tile([1, 2], 5))
    (roots["corrupted"] / "classes.txt").write_text(_text(CLASSES))
    offsets = np.array([0, 10, 20])
    parts = {f"{part}_{key}": value for part in ("train", "test") for key, value in
             (("jpeg", np.frombuffer(_JPEG * 2, np.uint8)), ("offsets", offsets), ("labels", labels[:2]))}  # fmt: skip
    np.savez(roots["packed"] / "set.npz", classes=np.array(CLASSES), **parts)

    def trial(rng: random.Random) -> str:
        source, root = rng.choice(list(roots.items()))
        path = rng.choice(sorted(each for each in root.iterdir() if each.is_file()))
        content = path.read_bytes()
        path.write_bytes(changed(content, rng))
        try:
            if source == "corrupted":
                dataset, _, kept = open_published(root, DataConfig(source="corrupted", root=str(root)), folder, 0, None)
                for cell in kept.cells[:5]:
                    assert kept.read(cell, dataset.test[0].id, np.array([0])).dtype == np.uint8
            else:
                dataset = load_dataset(source, root, 1, "drop")
            assert all(-1 <= each.label < len(dataset.classes) for each in (*dataset.train, *dataset.test))
            return "read"
        finally:
            path.write_bytes(content)

    return trial
