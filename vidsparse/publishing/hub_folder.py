"""A trained network as a folder that a model hub takes and `vidsparse.from_pretrained` loads."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidsparse.models.model_rows import MODELS, NORMALIZE, TIMM
from vidsparse.publishing import mask_file
from vidsparse.publishing.model_card import card
from vidsparse.report import result_file
from vidsparse.report.tables import Run, load_run
from vidsparse.utils import files, json_text
from vidsparse.utils.errors import ConfigError, RunFolderError

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS, ABOUT = "model.safetensors", "vidsparse.json"
FORMAT, VERSION = "vidsparse-model", 2  # 1: masks with the first weight of a byte in its highest bit; it is read


def write_folder(run: Path, out: Path, licence: str = "") -> Path:
    """Write out/: the card README.md, the weights, their masks, the config, results.json, and what loading needs.

    `licence` is that of the weights, which nobody can guess from data of somebody's; those of the built-in sample data
    are Apache-2.0. Raises RunFolderError for a run without weights of its own, ConfigError without a licence.
    """
    weights = run / "checkpoints" / "final.safetensors"
    loaded = load_run(run)
    if not weights.is_file():
        raise RunFolderError(f"{run} holds no checkpoints/final.safetensors: only what was trained here is published")
    if (judged := loaded.record.weights) and judged.classes is not None:
        raise RunFolderError(f"{run} judged {judged.origin} as it is: only what was trained here is published")
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
    state = mask_file.tensors(out / WEIGHTS)
    masks = mask_file.write(out, loaded, state)
    files.write(out / "config.yaml", loaded.config_text)
    result_file.write(out, [entry])
    files.write(out / ABOUT, json.dumps(_about(loaded), indent=1) + "\n")
    files.write(out / "README.md", card(loaded, entry, licence or "apache-2.0", _present(loaded, masks)))
    return out


def from_pretrained(folder: str | Path, model: "nn.Module | None" = None, trust_code: bool = False) -> "nn.Module":
    """The network of a folder that `vidsparse publish` wrote, in evaluation mode.

    Args:
        folder: a local folder; one of a hub is downloaded first, such as by `huggingface_hub.snapshot_download`.
        model: the network to load the weights into, for one that the code of somebody builds.
        trust_code: where the folder says "module:function" as its network, import that module and run it.

    Returns:
        An nn.Module from float (B, 3, T, H, W), normalised as the card says, to logits (B, classes). `.classes` names
        its answers, `.masks` is {parameter: bool Tensor} of the layers that are sparse.

    Raises:
        RunFolderError: the folder is of something else, a file of it is damaged, or it names code that nobody trusted;
            nothing that it holds or names is run.
    """
    folder = Path(folder)
    about = _read_about(folder)
    model = _stock(folder, about, trust_code) if model is None else model
    state = mask_file.tensors(folder / WEIGHTS)
    wanted = model.state_dict()
    odd = [name for name in {*state, *wanted} if name not in state or name not in wanted
           or state[name].shape != wanted[name].shape]  # fmt: skip
    if odd:
        raise RunFolderError(f"{folder / WEIGHTS} does not fit {about['model']}: {', '.join(sorted(odd)[:3])}")
    masks = mask_file.read(folder / mask_file.NAME, state, mask_file.FIRST_BIT if about["version"] > 1 else "highest")
    model.load_state_dict(state)
    model.classes = tuple(about["classes"])  # type: ignore[assignment]
    model.masks = masks  # type: ignore[assignment]
    return model.eval()


def _stock(folder: Path, about: Mapping[str, Any], trust_code: bool) -> "nn.Module":
    """The network that vidsparse.json names, untrained: of the table or timm's, else only where code is trusted."""
    from vidsparse.models.zoo import create_model

    name = about["model"]
    of_others = ":" in name  # asking the table for such a name would import it
    if of_others and not trust_code:
        raise RunFolderError(
            f"{folder / ABOUT} names code of somebody's as its network, {name!r}, and it is not run: pass the network "
            "itself (model=), or trust_code=True where you trust that code"
        )
    if not of_others and not name.startswith(TIMM) and name not in MODELS:
        raise RunFolderError(
            f"{folder / ABOUT} names the network {name!r}, which vidsparse does not have: pass the network itself "
            "(model=), or register the plug-in that brings it first"
        )
    return create_model(name, len(about["classes"]), about["frames"], about["size"], narrowed=about["narrowed"])


def _present(run: Run, masks: "Mapping[str, Tensor]") -> int:
    """How many parameters are there; RunFolderError where run.json counted others."""
    absent = sum(mask.numel() - int(mask.sum()) for mask in masks.values())
    present = run.record.model.parameters - absent
    if present != run.record.nonzero:
        raise RunFolderError(f"{run.path}: run.json counts {run.record.nonzero:,} links, the masks hold {present:,}")
    return present


def _about(run: Run) -> dict[str, Any]:
    data, model = run.config["data"], run.config["model"]
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": model["name"],
        "narrowed": model.get("narrowed") or 0.0,
        "frames": data["frames"],
        "size": data["size"],
        "stride": data["stride"],
        "sampling": run.config["evaluation"].get("sampling") or data["sampling"],
        "short_side": data["short_side"],
        "normalize": data["normalize"],
        **({"mean": used.mean, "std": used.std} if (used := NORMALIZE.get(str(data["normalize"]))) else {}),
        "classes": list(run.record.data.classes),
    }


def _read_about(folder: Path) -> dict[str, Any]:
    path = folder / ABOUT
    absent = "it is no folder that vidsparse publish wrote"
    said = json_text.read_form(path, (FORMAT, 1, VERSION), absent, "download it again")
    wanted: dict[str, Any] = {"model": str, "narrowed": (int, float), "frames": int, "size": int, "classes": list}
    if wrong := [name for name, kind in wanted.items() if not isinstance(said.get(name), kind)]:
        raise RunFolderError(f"{path}: {', '.join(wrong)} is not what vidsparse publish writes; download it again")
    return said
