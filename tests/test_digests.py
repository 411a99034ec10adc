"""What numbers are computed from has a digest beside it: damage is noticed, named and mended where it can be."""

import json
import os
import shutil
import stat

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from vidsparse.evaluation import predictions
from vidsparse.experiment import run
from vidsparse.models.weights.find import find_weights
from vidsparse.models.zoo import MODELS
from vidsparse.report.page import write_report
from vidsparse.training.engine import Checkpoints
from vidsparse.utils import files
from vidsparse.utils.errors import DamagedFile, RunFolderError


def flip(path, place):
    """Turn one bit over; place counts bits."""
    content = bytearray(path.read_bytes())
    content[place // 8] ^= 1 << place % 8
    path.write_bytes(content)


def bits(path, count, seed=0):
    """Places of so many bits all over a file, its first and last one among them."""
    last = 8 * path.stat().st_size - 1
    return sorted({0, last, *np.random.default_rng(seed).integers(0, last, count).tolist()})


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_root, tiny):
    from vidsparse import load_config

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("digests"))
        return run(load_config("ucf101_rigl", [f"data.root={tiny_root}", *tiny, *LIGHT])).absolute()


@pytest.fixture
def again(finished, tmp_path, tiny_config, monkeypatch):
    """(a copy of the finished run, what starts its command again, without its page where that is not looked at)."""
    folder = shutil.copytree(finished, tmp_path / "runs" / "whole")

    def start(page=False):
        with monkeypatch.context() as patch:
            if not page:
                patch.setattr("vidsparse.experiment.show", lambda folder: None)
            run(tiny_config(*LIGHT))

    return folder, start


LIGHT = ("name=whole", "model.name=cifar_resnet20", "data.frames=2")
SEALED = ["predictions.parquet", "checkpoints/final.safetensors", "metrics.csv", "topology.csv", "layers.csv",
          "frames.npz", "gallery.parquet", "analysis/kernels.npz", "analysis/spatial.parquet"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", SEALED)
def test_every_flipped_bit_is_noticed(again, name):
    path = again[0] / name
    assert files.check(path)
    for place in bits(path, 60 if path.stat().st_size < 1 << 20 else 10):
        flip(path, place)
        with pytest.raises(DamagedFile, match=f"{path.name} is damaged"):
            files.check(path)
        flip(path, place)
    assert files.check(path)
    flip(files.seal_of(path), 5)  # a damaged digest vouches for nothing
    with pytest.raises(DamagedFile):
        files.check(path)


@pytest.mark.parametrize("name", ["model.safetensors", "state.pt", "sha256"])
def test_every_flipped_bit_of_a_checkpoint_is_noticed(again, name, capsys):
    checkpoints = Checkpoints(again[0] / "checkpoints")
    newest = checkpoints.newest()
    for place in bits(newest / name, 5):
        flip(newest / name, place)
        assert checkpoints.load()[1]["step"] == 3, place
        assert "step-00000006 cannot be read" in " ".join(capsys.readouterr().out.split())
        (newest.parent / f"unreadable-{newest.name}").rename(newest)
        flip(newest / name, place)
    assert checkpoints.load()[1]["step"] == 6


def test_digests_are_those_of_sha256sum(again):
    said = files.seal_of(again[0] / "predictions.parquet").read_text()
    assert said == f"{files.digest(again[0] / 'predictions.parquet')}  predictions.parquet\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["predictions.parquet", "checkpoints/final.safetensors", "frames.npz",
                                  "analysis/kernels.npz"])  # fmt: skip
def test_what_is_damaged_is_named_and_made_again(again, name, capsys):
    folder, start = again
    whole = (folder / name).read_bytes()
    flip(folder / name, bits(folder / name, 1)[1])
    start()
    assert f"{name.rpartition('/')[2]} is damaged" in " ".join(capsys.readouterr().out.split())
    assert files.check(folder / name)
    if not name.endswith(".npz"):  # whose archive holds the time of day
        assert (folder / name).read_bytes() == whole
    start()
    assert "damaged" not in capsys.readouterr().out


@pytest.mark.slow
def test_weights_that_nothing_can_make_again_are_refused(again, tiny_config):
    folder, start = again
    for step in (folder / "checkpoints").glob("step-*"):
        shutil.rmtree(step)
    flip(folder / "checkpoints" / "final.safetensors", 10_000)
    with pytest.raises(RunFolderError, match=r"final\.safetensors is damaged.*no checkpoint"):
        start()
    with pytest.raises(DamagedFile, match=r"final\.safetensors is damaged"):
        find_weights(MODELS["cifar_resnet20"], folder)
    with pytest.raises(DamagedFile, match=r"final\.safetensors is damaged"):
        find_weights(MODELS["cifar_resnet20"], folder / "checkpoints" / "final.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["predictions.parquet", "layers.csv", "frames.npz", "analysis/spatial.parquet"])
def test_a_report_of_damaged_tables_is_refused(again, name):
    flip(again[0] / name, 77)
    with pytest.raises(RunFolderError, match=f"{name.rpartition('/')[2]} is damaged"):
        write_report(again[0])


@pytest.mark.slow
def test_a_run_of_before_there_were_digests_is_read_and_that_is_said(again, capsys):
    folder, start = again
    for path in folder.rglob(f"*{files.SEAL}"):
        path.unlink()
    start(page=True)
    assert "there are none in this folder, an older run" in " ".join(capsys.readouterr().out.split())
    assert "damage would go unnoticed" in (folder / "report.html").read_text()
    assert "SHA-256 as written" not in (folder / "report.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("hurt", [b"", b"garbage", None, "flip", "columns"])
def test_a_damaged_part_of_an_unfinished_evaluation_is_made_again(again, hurt, capsys):
    folder, start = again
    whole = (folder / "predictions.parquet").read_bytes()
    part = folder / "predictions" / "unit-00000.parquet"
    predictions.save(part, [predictions.read_part(folder / "predictions.parquet")])
    if hurt == "flip":
        flip(part, bits(part, 1)[1])
    elif hurt == "columns":
        pd.DataFrame({"a": [1]}).to_parquet(part)
        files.seal_of(part).unlink()
    else:
        part.write_bytes(part.read_bytes()[:300] if hurt is None else hurt)
        files.seal_of(part).unlink()  # as a version without digests left it
    files.remove(folder / "predictions.parquet")
    (folder / "run.json").write_text((folder / "run.json").read_text().replace('"finished"', '"unfinished"'))
    start()
    assert "unit-00000.parquet is damaged" in " ".join(capsys.readouterr().out.split())
    assert (folder / "predictions.parquet").read_bytes() == whole
    assert not (folder / "predictions").exists()


@pytest.mark.slow
@pytest.mark.parametrize("foreign", ["clips", "conditions", "labels", "twice", "run"])
def test_a_sound_part_of_another_run_is_made_again(again, foreign, capsys):
    folder, start = again
    whole = (folder / "predictions.parquet").read_bytes()
    part = folder / "predictions" / "unit-00000.parquet"
    table = predictions.read_part(folder / "predictions.parquet").to_pandas()
    table["prediction"] = 0
    if foreign == "clips":
        table["id"] = "Of/another_" + table["id"]
    elif foreign == "conditions":
        table = table[table["corruption"] == "clean"]
    elif foreign == "labels":
        table["label"] = 1 - table["label"]
    elif foreign == "twice":
        table = pd.concat([table, table[:1]])
    made = pa.Table.from_pandas(table, predictions.SCHEMA, preserve_index=False)
    predictions.save(part, [made], "the digest of another" if foreign == "run" else "")
    if foreign != "run":
        files.seal_of(part).unlink()  # as a version without digests left it
    files.remove(folder / "predictions.parquet")
    (folder / "run.json").write_text((folder / "run.json").read_text().replace('"finished"', '"unfinished"'))
    start()
    assert "unit-00000.parquet is of another run; it is made again" in " ".join(capsys.readouterr().out.split())
    assert (folder / "predictions.parquet").read_bytes() == whole


def test_a_checkpoint_of_another_run_is_refused(again):
    folder, start = again
    newest = Checkpoints(folder / "checkpoints").newest()
    state = torch.load(newest / "state.pt", weights_only=True)
    torch.save(state | {"run": "another"}, newest / "state.pt")
    (newest / "sha256").write_text(
        "".join(f"{files.digest(newest / n)}  {n}\n" for n in ("model.safetensors", "state.pt"))
    )
    for done in ("predictions.parquet", "checkpoints/final.safetensors"):
        files.remove(folder / done)
    (folder / "run.json").write_text((folder / "run.json").read_text().replace('"finished"', '"unfinished"'))
    with pytest.raises(RunFolderError, match=f"{newest.name} is of a run with other settings"):
        start()


@pytest.mark.slow
def test_a_whole_table_of_other_clips_is_made_again(again, capsys):
    folder, start = again
    whole = (folder / "predictions.parquet").read_bytes()
    table = predictions.read_part(folder / "predictions.parquet").to_pandas()
    table["id"] = "Of/another_" + table["id"]
    predictions.save(folder / "predictions.parquet", [pa.Table.from_pandas(table, predictions.SCHEMA, False)])
    (folder / "run.json").write_text((folder / "run.json").read_text().replace('"finished"', '"unfinished"'))
    start()
    assert "predictions.parquet is of another run" in " ".join(capsys.readouterr().out.split())
    assert (folder / "predictions.parquet").read_bytes() == whole


def test_lines_of_a_log_that_were_cut_short_are_left_out(again):
    from vidsparse.run_dir.csv_log import CsvLog

    log = again[0] / "metrics.csv"
    columns = tuple(log.read_text().splitlines()[0].split(","))
    lines = log.read_text().splitlines()
    for torn in ("1", "1,2,", "\0\0\0", "\xff,1", lines[-1], "x," * (len(columns) - 1) + "x\n"):
        log.write_text("\n".join([*lines[:2], torn]))
        CsvLog(log, columns, 99).close()
        assert log.read_text().splitlines() == lines[:2]


def test_files_of_a_checkpoint_have_the_permissions_that_the_umask_gives(tmp_path):
    import torch

    before = os.umask(0o027)
    try:
        Checkpoints(tmp_path).save(1, {"a": torch.zeros(2)}, {"step": 1})
    finally:
        os.umask(before)
    kinds = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "step-00000001").iterdir()}
    assert kinds == {0o640}


@pytest.mark.slow
@pytest.mark.parametrize("room", [1, 100, 5_000, 70_000, 150_000])
def test_a_disk_that_fills_at_any_byte_is_one_sentence_and_the_old_file_stays(tmp_path, room):
    """In a process of its own, whose files cannot grow beyond `room` bytes."""
    import subprocess
    import sys

    script = f"""
import resource, signal, sys
from pathlib import Path
import numpy as np, pandas as pd, torch, pyarrow as pa
from vidsparse.utils import files
from vidsparse.analysis.analyse import _save_arrays, _save_table
from vidsparse.training.engine import Checkpoints, save_weights
from vidsparse.utils.errors import WriteError
from vidsparse.evaluation import predictions
out = Path(sys.argv[1])
noise = np.random.default_rng(0)
big = torch.from_numpy(noise.random(40_000, dtype=np.float32))
table = pa.table({{"a": noise.random(40_000)}})
make = {{
    "checkpoint": lambda: Checkpoints(out).save(2, {{"a": big[:9]}}, {{"big": big, "more": [big + 1]}}),
    "weights": lambda: save_weights(out / "w.safetensors", {{"a": big}}),
    "predictions": lambda: predictions.save(out / "p.parquet", [table]),
    "arrays": lambda: _save_arrays(out / "a.npz", {{"a": big.numpy(), "b": big.numpy() + 1}}),
    "table": lambda: _save_table(out / "t.parquet", table.to_pandas()),
    "text": lambda: files.write(out / "t.txt", "x" * 200_000),
}}
files.write(out / "t.txt", "o" * 10)
Checkpoints(out).save(1, {{"a": big[:9]}}, {{"step": 1}})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, resource.RLIM_INFINITY))
for name, write in make.items():
    try:
        write()
    except WriteError as error:
        assert "cannot be written" in str(error) and "\\n" not in str(error), error
    else:
        raise SystemExit(f"{{name}} was written")
assert Checkpoints(out).load()[1] == {{"step": 1}}
assert (out / "t.txt").read_text() == "o" * 10
left = sorted(path.name for path in out.rglob("*"))
assert left == ["model.safetensors", "sha256", "state.pt", "step-00000001", "t.txt"], left
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("change", [{"cells": 5}, {"unit": "many"}, {"unit": 0}, {"classes": 3}, {"format": "gif"},
                                    {"frames": [1]}, {"cells": [{"corruption": 1}]}, {"more": 1}])  # fmt: skip
def test_a_recipe_with_odd_contents_is_one_sentence(change, tmp_path):
    from vidsparse.data.corrupted.layout import RECIPE, VERSION, read_recipe
    from vidsparse.utils.errors import DataError

    said = {"version": VERSION, "name": "b", "dataset": "d", "split": 1, "classes": ["a"], "fingerprint": "f",
            "sample_data": False, "canvas": "crop", "short_side": 40, "size": 32, "materialize": "clips", "frames": 2,
            "stride": 1, "sampling": "dense", "short": "loop", "views": 1, "suite": "core_10", "temporal": "default",
            "resolution": "absolute", "corruption_seed": 0, "cells": [{"corruption": "fog", "profile": "video_c",
            "severity": 1}], "format": "ffv1", "crf": None, "unit": 16, "build": "x", "samples": "y"}  # fmt: skip
    (tmp_path / RECIPE).write_text(json.dumps(said))
    assert read_recipe(tmp_path).unit == 16
    (tmp_path / RECIPE).write_text(json.dumps({**said, **change}))
    with pytest.raises(DataError, match=r"benchmark\.json cannot be read"):
        read_recipe(tmp_path)


@pytest.mark.parametrize("odd", [{"rate": ["1/0"]}, {"entries": [-3]}, {"rate": ["x"]}, {"n_frames": [None]}])
def test_an_index_with_odd_contents_is_counted_again(odd, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from vidsparse.data.indexing.manifest import SCHEMA, load

    row = {"path": ["/a"], "size": [1], "mtime": [1], "entries": [1], "n_frames": [3], "rate": ["25"], "height": [4],
           "width": [4], "decoder": ["decord"], "error": [""], "damage": [""], "top": [None],
           "sha256": [None]}  # fmt: skip
    pq.write_table(pa.table({**row}, schema=SCHEMA), tmp_path / "index.parquet")
    assert len(load(tmp_path / "index.parquet")) == 1
    pq.write_table(pa.table({**row, **odd}, schema=SCHEMA), tmp_path / "index.parquet")
    assert not any(found for found in load(tmp_path / "index.parquet").values() if found and not found[0].n_frames)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["frames.npz", "analysis/kernels.npz", "analysis/spatial.parquet"])
def test_what_no_run_wrote_is_one_sentence_on_a_page(again, name):
    path = again[0] / name
    if name.endswith(".npz"):
        np.savez(path, **{"N/x": np.float64(3), "A/x": np.zeros((0, 2)), "clean": np.zeros(3), "fog": np.zeros((1, 1))})
    else:
        pd.DataFrame({"layer": [1, None], "x": ["a", "b"]}).to_parquet(path)
    files.seal(path)
    said = ""
    try:
        write_report(again[0])
    except RunFolderError as error:
        said = str(error)
    assert not said or name.partition("/")[0] in said  # what cannot be shown may also be left out
