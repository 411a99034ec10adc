"""A trained network as a folder that a model hub takes and `vidsparse.from_pretrained` loads."""

import json
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidsparse.report import result_file
from vidsparse.report.tables import Run, load_run
from vidsparse.utils import files, json_text
from vidsparse.utils.errors import ConfigError, RunFolderError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

WEIGHTS, MASKS, ABOUT = "model.safetensors", "masks.safetensors", "vidsparse.json"
FORMAT, VERSION = "vidsparse-model", 1
_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def write_folder(run: Path, out: Path, licence: str = "") -> Path:
    """Write out/: the card README.md, the weights, their masks, the config, results.json, and what loading needs.

    `licence` is that of the weights, which nobody can guess from data of somebody's; those of the built-in sample data
    are Apache-2.0. Raises RunFolderError for a run without weights of its own, ConfigError without a licence.
    """
    weights = run / "checkpoints" / "final.safetensors"
    loaded = load_run(run)
    if not weights.is_file():
        raise RunFolderError(f"{run} holds no checkpoints/final.safetensors: only what was trained here is published")
    if not licence and not loaded.on_sample_data:
        raise ConfigError(
            "licence is empty: say under which licence these weights may be used, such as --licence cc-by-4.0; it "
            f"depends on the data that they were trained on ({loaded.data})"
        )
    files.check(weights)
    if not (run / result_file.NAME).is_file():
        from vidsparse.report.page import write_report

        write_report(run)
    (entry,) = result_file.read(run)
    out.mkdir(parents=True, exist_ok=True)
    files.write(out / WEIGHTS, weights.read_bytes())
    _write_masks(out, loaded)
    files.write(out / "config.yaml", loaded.config_text)
    result_file.write(out, [entry])
    files.write(out / ABOUT, json.dumps(_about(loaded), indent=1) + "\n")
    files.write(out / "README.md", card(loaded, entry, licence or "apache-2.0"))
    return out


def from_pretrained(folder: str | Path) -> "nn.Module":
    """The network of a folder that `vidsparse publish` wrote, in evaluation mode.

    Args:
        folder: a local folder; one of a hub is downloaded first, such as by `huggingface_hub.snapshot_download`.

    Returns:
        An nn.Module from float (B, 3, T, H, W), normalised as the card says, to logits (B, classes). `.classes` names
        its answers, `.masks` is {parameter: bool Tensor} of the layers that are sparse.

    Raises:
        RunFolderError: the folder is of something else, or a file of it is damaged; nothing is run that it holds.
    """
    from vidsparse.models.zoo import create_model

    folder = Path(folder)
    about = _read_about(folder)
    model = create_model(
        about["model"], len(about["classes"]), about["frames"], about["size"], narrowed=about["narrowed"]
    )
    state = _tensors(folder / WEIGHTS)
    wanted = model.state_dict()
    odd = [name for name in {*state, *wanted} if name not in state or name not in wanted
           or state[name].shape != wanted[name].shape]  # fmt: skip
    if odd:
        raise RunFolderError(f"{folder / WEIGHTS} does not fit {about['model']}: {', '.join(sorted(odd)[:3])}")
    model.load_state_dict(state)
    model.classes = tuple(about["classes"])  # type: ignore[assignment]
    model.masks = _unpacked(_tensors(folder / MASKS), wanted)  # type: ignore[assignment]
    return model.eval()


def push(folder: Path, name: str) -> str:
    """Upload the folder to Hugging Face as the model OWNER/NAME, with the token of its own client; its address."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"--push={name} is no OWNER/NAME")
    if find_spec("huggingface_hub") is None:
        raise ConfigError("--push needs huggingface-hub: pip install 'vidsparse[hub]'")
    from huggingface_hub import HfApi

    api = HfApi()
    api.create_repo(name, exist_ok=True)
    return str(api.upload_folder(repo_id=name, folder_path=folder))


def card(run: Run, entry: Mapping[str, Any], licence: str) -> str:
    """The text of README.md: what it is, what it scores, what it is not for, how it is loaded."""
    score = entry["score"]
    rows = [f"| {name.replace('_', ' ')} | {_share(value)} |" for name, value in entry["corruptions"].items()]
    data = run.config.get("data") or {}
    head = ["---", f"license: {licence}", "library_name: vidsparse",
            "tags: [video-classification, corruption-robustness, sparse-training]", "---"]  # fmt: skip
    at_chance = f"\n**At chance**: its clean {score} is not above guessing.\n" if entry["at_chance"] else ""
    sample = "\nTrained on generated sample clips: it shows that the pipeline works and knows nothing of real videos.\n"
    return "\n".join(
        [
            *head,
            f"\n# {run.record.model.name}, {run.label}\n",
            f"Trained with vidsparse on {run.data}; {entry['nonzero']:,.0f} of {entry['parameters']:,} parameters "
            "are not zero.",
            at_chance + (sample if run.on_sample_data else ""),
            "## Results\n",
            f"{score.capitalize()} in %, {entry['data']['test_samples']} test samples, suite "
            f"{entry['protocol']['suite']}, 95 % intervals over {run.words.recordings}. Every digit: results.json.\n",
            f"| | {score} |\n|---|---|",
            f"| clean | {_interval(entry['clean'])} |",
            f"| corrupted, mean | {_interval(entry['robust'])} |",
            *rows,
            "\n## How to load it\n",
            "```python\nimport vidsparse\n\nmodel = vidsparse.from_pretrained(FOLDER)\n```\n",
            f"Input: float (B, 3, {data.get('frames')}, {data.get('size')}, {data.get('size')}), normalised as "
            f"`{data.get('normalize')}`, every {data.get('stride')}th frame. Output: logits of "
            f"{len(run.record.data.classes)} classes, named in vidsparse.json. The config is config.yaml; the masks "
            "are in masks.safetensors, eight weights a byte.\n",
            f"## Licence\n\n{licence}, for the weights. The data keep their own terms.\n",
        ]
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _interval(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "–"
    between = "" if found["low"] is None else f" ({_share(found['low'])} to {_share(found['high'])})"
    return _share(found["value"]) + between


def _about(run: Run) -> dict[str, Any]:
    data, model = run.config["data"], run.config["model"]
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": model["name"],
        "narrowed": model.get("narrowed") or 0.0,
        "frames": data["frames"],
        "size": data["size"],
        "normalize": data["normalize"],
        "classes": list(run.record.data.classes),
    }


def _read_about(folder: Path) -> dict[str, Any]:
    path = folder / ABOUT
    absent = "it is no folder that vidsparse publish wrote"
    said = json_text.read_form(path, (FORMAT, VERSION), absent, "download it again")
    wanted: dict[str, Any] = {"model": str, "narrowed": (int, float), "frames": int, "size": int, "classes": list}
    if wrong := [name for name, kind in wanted.items() if not isinstance(said.get(name), kind)]:
        raise RunFolderError(f"{path}: {', '.join(wrong)} is not what vidsparse publish writes; download it again")
    return said


def _tensors(path: Path) -> "dict[str, Tensor]":
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise RunFolderError(f"{path} is damaged or missing ({error}); download it again") from error


def _write_masks(out: Path, run: Run) -> None:
    """The non-zeros of every layer that has a mask (layers.csv), eight a byte; none for a dense network."""
    import numpy as np
    import torch
    from safetensors.torch import save

    state, layers = _tensors(out / WEIGHTS), run.layers
    sparse: Any = [] if layers is None else layers.loc[layers["nonzero"] < layers["total"], "name"]
    packed = {
        str(name): torch.from_numpy(np.packbits((state[str(name)] != 0).numpy().ravel()))
        for name in sparse if str(name) in state
    }  # fmt: skip
    files.write(out / MASKS, save(packed))


def _unpacked(packed: "Mapping[str, Tensor]", shapes: "Mapping[str, torch.Tensor]") -> "dict[str, Tensor]":
    import numpy as np
    import torch

    found = {}
    for name, bits in packed.items():
        count = shapes[name].numel()
        found[name] = torch.from_numpy(np.unpackbits(bits.numpy(), count=count).astype(bool)).view(shapes[name].shape)
    return found
