"""Files of networks that another runtime carries out, and what is said beside them. Reading this imports no torch."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vidsparse.utils import files, json_text
from vidsparse.utils.errors import ConfigError

PACKAGES = {".onnx": "onnxruntime", ".xml": "openvino", ".pt2": "torch"}  # {suffix: what it needs}
DESCRIPTION = "config.json"  # beside them
_LOCATION = re.compile(
    rb"\x0a\x08location\x12([\x80-\xff]?[\x01-\x7f])"
)  # the key of external data in ONNX's protocol buffer


@dataclass(frozen=True)
class Exporter:
    """The run that files were exported from: its network, and what its weights were trained by.

    `weights`: SHA-256 of the run's final parameters.
    """

    model: str
    narrowed: float
    method: str
    sparsity: float
    weights: str


def is_exported(path: Path) -> bool:
    """Whether a file's name ends as those of `vidsparse export` do: .onnx, .xml (OpenVINO) or .pt2 (torch.export)."""
    return path.suffix.lower() in PACKAGES


def parts(path: Path) -> list[Path]:
    """The file, and those beside it in which its format keeps the weights: OpenVINO's .bin, external data of ONNX."""
    suffix = path.suffix.lower()
    if suffix == ".xml":
        beside = [path.with_suffix(".bin")]
    elif suffix == ".onnx":
        beside = [path.parent / name for name in _external(path.read_bytes())]
    else:
        beside = []
    return [path, *(each for each in beside if each.is_file())]


def _external(model: bytes) -> list[str]:
    """Names of the files that an ONNX model reads values from, each once."""
    sizes = ((found.end(), sum((byte & 127) << 7 * place for place, byte in enumerate(found[1])))
             for found in _LOCATION.finditer(model))  # fmt: skip
    names = {model[begin : begin + size] for begin, size in sizes}
    return sorted(name.decode("utf-8", "replace") for name in names if b"\0" not in name)


def digest(path: Path) -> str:
    """SHA-256, in hex: of a file that holds its weights, else of the digests of its parts one after the other."""
    found = [files.digest(part) for part in parts(path)]
    return found[0] if len(found) == 1 else hashlib.sha256("".join(found).encode()).hexdigest()


def said_beside(path: Path) -> dict[str, Any]:
    """The config.json beside a file of weights; nothing where there is none."""
    try:
        said = json_text.parsed((path.parent / DESCRIPTION).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def other_network(path: Path, model: str, narrowed: float | None = None) -> str:
    """Why an exported file is not that of the network `model`, narrowed so, by the config.json beside it; or ""."""
    said = said_beside(path)
    if (own := said.get("model", model)) != model:
        return f"by the {DESCRIPTION} beside it this file is of {own}: say model.name={own}"
    if narrowed is not None and (share := said.get("narrowed", narrowed)) != narrowed:
        return f"by the {DESCRIPTION} beside it the network was narrowed by {share}: say model.narrowed={share}"
    return ""


def changed_since(path: Path) -> str:
    """Why an exported file is not the one that the config.json beside it describes; or "", also where it names none."""
    known = _known(said_beside(path), path)
    same = known is None or known.get("sha256") == digest(path)
    return "" if same else f"it is not the file that the {DESCRIPTION} beside it describes: export the run again"


def origin_of(path: Path) -> str:
    """What the config.json beside an exported file says of where it comes from, for the record of an evaluation."""
    said, known = said_beside(path), _known(said_beside(path), path)
    if known is None or not {"model", "narrowed", "method", "sparsity"} <= said.keys():
        return f"no {DESCRIPTION} beside {path.name} says which network it is: model.name is not checked"
    shape = f", narrowed by {said['narrowed']}" if said["narrowed"] else ""
    sparsity = f" at sparsity {said['sparsity']}" if said["sparsity"] else ""
    compact = ", without dead channels" if known.get("compact") else ""
    return f"exported from a run of {said['model']}{shape}, {said['method']}{sparsity}{compact}"


def _known(said: Mapping[str, Any], path: Path) -> Mapping[str, Any] | None:
    """The entry of one file in a description."""
    found = said.get("files")
    entry = found.get(path.name) if isinstance(found, dict) else None
    return entry if isinstance(entry, dict) else None


def check_room(folder: Path, own: Exporter, said: Mapping[str, Any]) -> None:
    """ConfigError where the folder has the config.json of something else than this run's exports.

    Older ones have `said` alone, the names of the logits and the input.
    """
    found, path = said_beside(folder / DESCRIPTION), folder / DESCRIPTION
    mine = asdict(own)
    same = {key: found.get(key) for key in mine} == mine or found == said
    if path.exists() and not same:
        raise ConfigError(f"{path} is not of this run, and would be lost: give a folder of its own by --out")


def describe(folder: Path, own: Exporter, said: Mapping[str, Any], made: Mapping[Path, bool]) -> None:
    """Write what `said` and `own` say into the config.json of a folder, beside what it says of other files there.

    Args:
        folder: where the files are.
        own: the run that they come from.
        said: the names of the logits (`id2label`) and the `input`.
        made: {file: whether dead channels were taken out}.
    """
    known = said_beside(folder / DESCRIPTION).get("files", {})
    known |= {path.name: {"compact": compact, "sha256": digest(path)} for path, compact in made.items()}
    text = json.dumps({**said, **asdict(own), "files": known}, indent=1)
    files.write(folder / DESCRIPTION, f"{text}\n")
