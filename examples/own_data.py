"""A data set of your own layout: who is in it, and nothing else. Run: python examples/own_data.py

This file is the plug-in. Videos, images and folders of frames are read by what there is (`reader`).
"""

import csv
from pathlib import Path

import vidsparse
from vidsparse.data.datasets.sample_videos import ensure_sample
from vidsparse.data.datasets.sources import ABSENT, Dataset, Sample


@vidsparse.register(kind="data")
def listed(root: Path, split: int) -> Dataset:
    """`videos.csv` with the columns part, class, recording and path, below `root`; the same id wherever it lies."""
    rows = [*csv.DictReader((root / "videos.csv").open(encoding="utf-8"))]
    classes = tuple(sorted({row["class"] for row in rows}))
    parts: dict[str, list[Sample]] = {"train": [], "test": []}
    for row in rows:
        path = root / row["path"]
        label, name = classes.index(row["class"]), Path(row["path"]).with_suffix("").as_posix()
        where = path if path.is_file() else ABSENT  # counted as missing, and said
        parts[row["part"]].append(Sample(name, where, label, group=row["recording"]))
    return Dataset("listed", root, classes, tuple(parts["train"]), tuple(parts["test"]))


if __name__ == "__main__":
    videos = sorted((ensure_sample() / "videos").rglob("*.avi"))  # v_<Class>_g<recording>_c<clip>.avi
    lines = [f"{'train' if int(p.stem[-6:-4]) % 4 else 'test'},{p.parent.name},{p.stem[:-4]},{p}" for p in videos]
    Path("videos.csv").write_text("\n".join(["part,class,recording,path", *lines]), encoding="utf-8")
    words = [f"plugins={__file__}", "data.source=listed", "data.root=.", "name=listed", "model.name=cifar_resnet20",
             "data.frames=2", "data.short_side=40", "data.size=32", "data.share=0.3", "training.epochs=2",
             "training.schedule.warmup_epochs=0", "evaluation.corruptions=[freeze]", "evaluation.severities=[3]",
             "analysis.spectral=false"]  # fmt: skip
    vidsparse.run(vidsparse.load_config("ucf101_dense", words))
