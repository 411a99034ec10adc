"""Fuzzed files of our own (configs, manifests, recipes, run.json, predictions, weights), command lines and calls."""

import dataclasses
import json
import random
from collections.abc import Callable
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

import corruptions
from helpers.fuzzing import ODD_WORDS, changed, rewritten
from vidsparse.config import Config, flatten, to_yaml
from vidsparse.config.compose import shipped_configs
from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.corrupted.layout import RECIPE, SAMPLES, Entry, Recipe, entries_bytes, open_stored
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.indexing import manifest
from vidsparse.data.indexing.index import build_index
from vidsparse.data.reading.frames import VideoInfo
from vidsparse.evaluation import predictions
from vidsparse.loading import load_benchmark_config, load_config
from vidsparse.models.weights.state_dicts import read_tensors
from vidsparse.run_dir.csv_log import CsvLog, write_csv
from vidsparse.run_dir.record import RunRecord, read_record

KEYS = tuple(flatten(dataclasses.asdict(Config())))
VALUES = (
    *(word for word in ODD_WORDS if len(word) < 300),
    "3",
    "0.5",
    "rigl",
    "set",
    "dense",
    "r3d_18",
    "resnet18",
    "ucf101",
    "cifar10",
    "core_10",
    "video_c",
    "imagenet_c_15",
    "[1,2]",
    "[]",
    "[1,[2]]",
    "{a: 1}",
    "1e-3",
    "yes",
    "off",
    "auto",
    "[fog]",
    "[a",
    "{",
    "${training.epochs}",
    "${data.root}/x",
    "${oc.env:HOME}",
    "${oc.env:NO_SUCH}",
    "folder",
    "1" * 20,
    "-0",
    "+1",
    ".5",
    "1e400",
    "2026-01-01",
    "12:30",
    "0o17",
    "1,000",
    "timm/resnet18",
    "timm/nothing",
    "KINETICS400_V1",
    "[KINETICS400_V1]",
    "a#b",
    "~/x",
)


def configs_trial(folder: Path) -> Callable[[random.Random], str]:
    """A trial of a changed shipped config with words of the command line; one that is taken reads back the same."""
    folder.mkdir(parents=True, exist_ok=True)
    shipped = sorted(shipped_configs().glob("*.yaml"))
    whole = {path: to_yaml(load_config("ucf101_rigl")) for path in shipped[:1]}
    texts = [path.read_text() for path in shipped] + list(whole.values())

    def trial(rng: random.Random) -> str:
        text, path = rng.choice(texts), folder / "fuzzed.yaml"
        path.write_bytes(rewritten(text, rng) if rng.random() < 0.6 else text.encode())
        loader = load_config if rng.random() < 0.85 else load_benchmark_config
        config = loader(path, [_word(rng) for _ in range(rng.choice((0, 1, 1, 2, 4)))])
        if loader is load_config:
            path.write_text(to_yaml(config), encoding="utf-8")
            again = load_config(path)
            assert to_yaml(again) == to_yaml(config), "a config that was written reads back as another"
        return "taken"

    return trial


def _word(rng: random.Random) -> str:
    key = rng.choice(KEYS)
    if rng.random() < 0.1:
        key = rng.choice(
            (key[:-1], f"{key}.x", key.partition(".")[0], "", ".", "a.b.c", "sample.training.epochs", "base")
        )
    return rng.choice((f"{key}={rng.choice(VALUES)}",) * 12 + (key, f"{key}=", f"={rng.choice(VALUES)}", f"{key}==1"))


def records_trial(folder: Path) -> Callable[[random.Random], str]:
    """A trial of a changed file of ours: what is read is what was written, or it is refused or made again."""
    folder.mkdir(parents=True, exist_ok=True)
    trials = [_record(folder), _index(folder), _predictions(folder), _stored(folder), _weights(folder), _log(folder)]
    return lambda rng: rng.choice(trials)(rng)


def _record(folder: Path) -> Callable[[random.Random], str]:
    facts = {"identity": {"data.root": "x", "training.seed": 1}, "seconds": {"training": 1.5}, "finished": None}
    text = json.dumps(facts, indent=1)

    def trial(rng: random.Random) -> str:
        (folder / "run.json").write_bytes(rewritten(text, rng))
        assert isinstance(read_record(folder), RunRecord)
        return "read"

    return trial


def _index(folder: Path) -> Callable[[random.Random], str]:
    """The cache of counts: a damaged one must never say another number of frames."""
    paths = [folder / f"{n}.png" for n in range(4)]
    for path in paths:
        path.write_bytes(b"no picture")
    samples = [Sample(path.stem, path, 0, path.stem, "video") for path in paths]
    infos = {manifest.stamp(path): [VideoInfo(20 + n, Fraction(25), 48, 64, "pyav")] for n, path in enumerate(paths)}
    cache = folder / "index"
    manifest.save(infos, cache / "index-v5.parquet")
    content = (cache / "index-v5.parquet").read_bytes()
    beside = folder / manifest.NAME
    manifest.save(infos, beside, {str(path): "0" * 64 for path in paths})
    prepared = beside.read_bytes()

    def trial(rng: random.Random) -> str:
        if rng.random() < 0.3:
            beside.write_bytes(changed(prepared, rng))
            manifest.hashes(beside)
            found = manifest.prepared(folder)
            wrong = [file for file, info in found.items() if file in infos and list(info) != infos[file]]
        else:
            (cache / "index-v5.parquet").write_bytes(changed(content, rng))
            rows = build_index(samples, cache).rows
            wrong = [
                s.path
                for s in samples
                if rows[s.id].info.n_frames not in (0, infos[manifest.stamp(s.path)][0].n_frames)
            ]
        assert not wrong, f"another count: {wrong}"
        return "same or counted again"

    return trial


def _predictions(folder: Path) -> Callable[[random.Random], str]:
    samples = [Sample(f"a/v_a_g0{n}_c01", Path(f"{n}.avi"), n % 3, f"a/g0{n}") for n in range(9)]
    torch.manual_seed(0)
    part = predictions.rows(samples, Cell("fog", "video_c", 3), torch.randn(9, 2, 3), [True] * 9)
    path = folder / "predictions.parquet"
    predictions.save(path, [part])
    content, seal = path.read_bytes(), path.with_name(f"{path.name}.sha256")
    said = seal.read_bytes() if seal.exists() else None
    assert said is not None

    def trial(rng: random.Random) -> str:
        sealed, path_bytes = rng.random() < 0.6, changed(content, rng)
        path.write_bytes(path_bytes)
        seal.write_bytes(said if rng.random() < 0.8 else changed(said, rng)) if sealed else seal.unlink(missing_ok=True)
        if rng.random() < 0.5:
            table = predictions.read_part(path, predictions.SCHEMA if rng.random() < 0.5 else None)
            whole = table.equals(part)
        else:
            whole = len(predictions.load(path)) == len(part)
        assert whole or not sealed, "damaged, sealed and taken"
        return "same" if whole else "read without its digest"

    return trial


def _stored(folder: Path) -> Callable[[random.Random], str]:
    root = folder / "benchmark"
    root.mkdir()
    entries = [Entry(n, f"a/{n}", 0, f"a/{n}", f"a/{n}", 20, Fraction(25), 48, 64, (0, 2, 4)) for n in range(3)]
    listed = entries_bytes(entries)
    given: dict[str, Any] = {
        "name": "n",
        "dataset": "ucf101",
        "split": 1,
        "classes": ("a", "b"),
        "cells": (Cell("fog", "video_c", 3),),
        "format": "mkv",
        "unit": 8,
        "samples": sha256(listed).hexdigest(),
        "suite": "video_c",
        "crf": None,
    }
    hints = {each.name: each for each in dataclasses.fields(Recipe)}
    for name in hints:
        if name not in given and hints[name].default is dataclasses.MISSING:
            given[name] = _fitting(str(hints[name].type))
    text = Recipe(**given).to_json()

    def trial(rng: random.Random) -> str:
        (root / SAMPLES).write_bytes(changed(listed, rng) if rng.random() < 0.4 else listed)
        content = rewritten(text, rng) if rng.random() < 0.8 else text.encode()
        if rng.random() < 0.3:  # somebody put the digest right
            digest = sha256((root / SAMPLES).read_bytes()).hexdigest().encode()
            content = content.replace(str(given["samples"]).encode(), digest)
        (root / RECIPE).write_bytes(content)
        assert open_stored(root).entries is not None
        return "read"

    return trial


def _fitting(kind: str) -> Any:
    if "None" in kind:
        return None
    return {"str": "x", "int": 1, "bool": False}.get(kind, ())


def _weights(folder: Path) -> Callable[[random.Random], str]:
    tensors = {"fc.weight": torch.arange(12.0).reshape(3, 4), "fc.bias": torch.zeros(3)}
    paths = {suffix: folder / f"w{suffix}" for suffix in (".safetensors", ".pt")}
    save_file(tensors, paths[".safetensors"])
    torch.save({"state_dict": tensors, "epoch": 3}, paths[".pt"])
    contents = {suffix: path.read_bytes() for suffix, path in paths.items()}

    def trial(rng: random.Random) -> str:
        suffix = rng.choice(list(paths))
        paths[suffix].write_bytes(changed(contents[suffix], rng))
        found = read_tensors(paths[suffix])
        same = any(dict(t).keys() == tensors.keys() and all(torch.equal(t[k], tensors[k]) for k in t) for _, t in found)
        return "same" if same else "read, no checksum"

    return trial


def _log(folder: Path) -> Callable[[random.Random], str]:
    path = folder / "metrics.csv"
    rows = [{"step": n, "loss": 1.5 / (n + 1), "accuracy": 0.5} for n in range(6)]

    def trial(rng: random.Random) -> str:
        write_csv(path, rows)
        path.write_bytes(rewritten(path.read_text(), rng))
        log = CsvLog(path, ("step", "loss", "accuracy"), 4)
        log.add(step=5, loss=1.0, accuracy=0.5)
        log.close()
        last = path.read_text(errors="replace").splitlines()[-1]
        assert last.rstrip(",") == "5,1,0.5", last
        return "continued"

    return trial


def frost_trial(folder: Path) -> Callable[[random.Random], str]:
    """A trial of a folder of own frost photographs, damaged."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8))
    picture.save(folder / "a.png")
    content = (folder / "a.png").read_bytes()
    with corruptions.frost_textures(folder):
        pass  # compiled, before a clock runs

    def trial(rng: random.Random) -> str:
        (folder / "a.png").write_bytes(changed(content, rng))
        with corruptions.frost_textures(folder):
            return "read"

    return trial
