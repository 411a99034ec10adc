"""BENCHMARK.md: what this is, from what, how it was made, how to check it, how to read it, whose terms it is under."""

from collections import defaultdict
from collections.abc import Mapping

from corruptions.registry import REGISTRY
from vidsparse.benchmark.plan import Unit
from vidsparse.data.corrupted.layout import LOG, LOSSLESS, MANIFEST, MASKS, PACKED, SUMS, Recipe, Stored
from vidsparse.data.corrupted.sidecars import Sidecar
from vidsparse.utils.errors import plural

TERMS = {
    "ucf101": "UCF101 (Center for Research in Computer Vision, University of Central Florida): videos from the web, "
    "offered for research",
    "hmdb51": "HMDB51 (Serre lab, Brown University): CC BY 4.0; the clips come from films and the web",
    "kinetics": "Kinetics: annotations are CC BY 4.0, the videos belong to those who put them on YouTube",
    "ssv2": "Something-Something V2: for research, under its own agreement, which forbids passing the videos on",
    "cifar10": "CIFAR-10 (Krizhevsky 2009): no licence is stated; offered for research",
    "cifar100": "CIFAR-100 (Krizhevsky 2009): no licence is stated; offered for research",
    "imagenet": "ImageNet: for non-commercial research and education, under its terms of access",
    "tiny_imagenet": "Tiny ImageNet, a part of ImageNet: for non-commercial research, under ImageNet's terms of access",
}
STORED_AS = {
    "ffv1": "FFV1 (version 3, RGB, every frame a key frame) in Matroska, lossless",
    "h264_rgb": "H.264 in RGB at quantiser 0 in Matroska, lossless",
    "h264_444": "H.264 4:4:4 in Matroska, lossy",
    "h264_420": "H.264 4:2:0 in Matroska, lossy: a third of the strength of colour noise is lost",
    "webp": "lossless WebP, a file a frame",
    "npy": "uint8 arrays (T, H, W, 3), a .npy a clip, lossless",
    "cifar_npy": "uint8 arrays (severities x images, H, W, 3), a .npy a corruption, lossless",
}


def card(stored: Stored, sidecars: Mapping[Unit, Sidecar]) -> bytes:
    """The text of BENCHMARK.md."""
    recipe = stored.recipe
    parts = [
        f"# {recipe.name}",
        _what(stored, sidecars),
        _how(recipe),
        _table(recipe, sidecars),
        _check(),
        _read(recipe),
    ]
    return ("\n\n".join([*parts, _terms(recipe)]) + "\n").encode()


def _what(stored: Stored, sidecars: Mapping[Unit, Sidecar]) -> str:
    recipe = stored.recipe
    source = "the built-in sample data of vidsparse, which is no benchmark" if recipe.sample_data else recipe.dataset
    cells = [cell for cell in recipe.cells if cell.severity]
    names = dict.fromkeys(cell.corruption for cell in cells)
    size = sum(sidecar["bytes"] for sidecar in sidecars.values())
    return (
        f"{plural(len(stored.entries), 'test clip')} of {source}, split {recipe.split}, "
        f"{len(recipe.classes)} classes: clean and under {plural(len(names), 'corruption')} at severities "
        f"{', '.join(map(str, recipe.severities))}; {size:,} bytes.\n\n"
        f"Source fingerprint (ids, labels, bytes and frame counts of the clips): `{recipe.fingerprint}`."
    )


def _how(recipe: Recipe) -> str:
    canvas = {
        "crop": f"short side {recipe.short_side}, centre crop {recipe.size} x {recipe.size} pixels, then corrupted",
        "frame": f"short side {recipe.short_side} pixels, the whole frame, then corrupted",
        "source": "corrupted at the size of the source",
    }[recipe.canvas]
    kept = "whole videos, every frame; an image is one"
    if recipe.materialize == "clips":
        kept = (
            f"the frames that {plural(recipe.views or 1, 'view')} of {plural(recipe.frames or 1, 'frame')} read "
            f"({recipe.sampling}, stride {recipe.stride}, short videos: {recipe.short}), in their order and each once"
        )
    crf = f", crf {recipe.crf}" if recipe.crf is not None else ""
    return "\n".join(
        (
            "## How it was made",
            "",
            f"- canvas `{recipe.canvas}`: {canvas}; frames are decoded by FFmpeg (through decord where it reads the "
            "file rightly) and resized bilinearly as they are decoded",
            f"- frames: {kept}; the exact frame rate of the source, no audio",
            f"- suite `{recipe.suite}`, temporal mode `{recipe.temporal}`, resolution `{recipe.resolution}`, "
            f"corruption seed {recipe.corruption_seed}: the draw of a frame is a function of the clip's key, the "
            "corruption, frame and pixel, and of nothing else",
            f"- stored as {STORED_AS[recipe.format]}{crf}",
            f"- build: {recipe.build}",
        )
    )


def _table(recipe: Recipe, sidecars: Mapping[Unit, Sidecar]) -> str:
    lossy = recipe.format not in LOSSLESS
    losses = defaultdict[object, list[dict[str, float | None]]](list)
    levels: dict[object, object] = {}
    for unit, sidecar in sidecars.items():
        levels[unit.cell] = sidecar["parameters"]
        losses[unit.cell] += [sidecar["loss"]] if lossy else []
    head = "| corruption | severity | table | parameters |" + (" PSNR, dB | strength kept |" if lossy else "")
    rows = [head, "|---" * (head.count("|") - 1) + "|"]
    for cell in recipe.cells:
        row = f"| {cell.corruption} | {cell.severity} | {cell.profile} | {_said(levels.get(cell))} |"
        rows.append(row + (f" {_mean(losses[cell], 'psnr')} | {_mean(losses[cell], 'kept')} |" if lossy else ""))
    names = dict.fromkeys(cell.corruption for cell in recipe.cells if cell.severity)
    sources = dict.fromkeys(REGISTRY[name].source for name in names)
    return "## Corruptions\n\n" + "\n".join(rows) + "\n\nFrom: " + "; ".join(sources) + "."


def _said(level: object) -> str:
    return "" if level is None else f"`{level}`"


def _mean(losses: list[dict[str, float | None]], key: str) -> str:
    """Mean over the units, which are of one size but for the last."""
    values = [value for loss in losses if (value := loss[key]) is not None]
    return f"{sum(values) / len(values):.2f}" if values else ""


def _check() -> str:
    return "\n".join(
        (
            "## How to check it",
            "",
            f"- `sha256sum -c {SUMS}` here, with no other software",
            "- `python scripts/generate.py THIS_FOLDER stage=verify`: names files that are missing, extra, changed or "
            "truncated",
            "- `python scripts/generate.py CONFIG stage=verify deep=20`: twenty clips made again from the source and "
            "compared pixel by pixel",
            "- `python scripts/generate.py CONFIG stage=repair`: makes again what is damaged, and nothing else",
        )
    )


def _read(recipe: Recipe) -> str:
    tree = (
        "`<corruption>/<severity>/<Class>/<clip>`, clean clips in `clean/0`; `classes.txt` and `test.txt` (path, label "
    )
    tree += "counted from 0) hold for every <corruption>/<severity>"
    if recipe.format == PACKED:
        tree = (
            "`<corruption>.npy` holds the severities one after another, `labels.npy` the label of each row; the clean "
        )
        tree += "images are `clean/0.npy`"
    masks = (
        f"- `{MASKS}/<corruption>/<severity>/<clip>/00000.png`: the class of every pixel, a file a frame, 255 where "
        f"nobody judges; a condition without a folder there leaves masks alone, and has those of `{MASKS}/clean/0`",
    )
    return "\n".join(
        (
            "## How to read it",
            "",
            f"- {tree}",
            *(masks if recipe.masks else ()),
            f"- `{MANIFEST}`: a row a clip and condition, with frame numbers, SHA-256 of file and of pixels; `{LOG}` "
            "holds timings and is no part of the benchmark",
            "- `python scripts/evaluate.py CONFIG model.weights=... data.source=corrupted data.root=THIS_FOLDER`",
        )
    )


def _terms(recipe: Recipe) -> str:
    if recipe.sample_data:
        said = "The clips are synthetic and come with vidsparse (Apache-2.0)."
    else:
        known = next((TERMS[name] for name in TERMS if recipe.dataset.startswith(name)), None)
        said = f"{known}." if known else f"The terms of the source, {recipe.dataset}, apply."
        said += (
            " Corrupted copies are under the same terms as what they were made from: check them before you share these."
        )
    return f"## Terms\n\n{said}"
