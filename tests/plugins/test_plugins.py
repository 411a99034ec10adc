"""`plugins:`: found, imported once, imported anew when edited, known by a digest, refused in one sentence."""

import pickle
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import vidsparse
from corruptions import outside
from vidsparse.config import identity, to_yaml
from vidsparse.loading.brought_rows import plugin_digests
from vidsparse.plugins.registering import register
from vidsparse.plugins.travelling import Luggage, Travelling
from vidsparse.sparsity import METHODS, Method
from vidsparse.sparsity.counts import as_planned
from vidsparse.sparsity.distribution import DISTRIBUTIONS
from vidsparse.sparsity.scores import SCORES, Score
from vidsparse.utils.errors import ConfigError

MINE = """
import vidsparse
from vidsparse.sparsity import Method
from vidsparse.sparsity.scores import Score

def product(layer):
    return (layer.weight * layer.dense_gradient).abs()

vidsparse.register(Score("product", product, dense_gradient=True))
ROW = vidsparse.register(
    Method("mine", "my method", "nobody", drop="magnitude", grow="product", decay="slow", drop_fraction=0.4,
           every=4, stop=0.75, grow_window=1)
) if vidsparse.register(lambda progress: 1 - progress, kind="schedule", name="slow") else None

@vidsparse.register(kind="distribution")
def by_outputs(shape):
    return 1 / shape[0]
"""
WORDS = ("sparse.method=mine", "sparse.sparsity=0.5", "sparse.distribution=by_outputs")


def load(*words: str) -> vidsparse.config.Config:
    return vidsparse.load_config("ucf101_dense", words)


def refused(*words: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(*words)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_that_the_command_line_names_brings_method_score_schedule_and_distribution(put):
    put("mine.py", MINE)
    config = load("plugins=./mine.py", *WORDS)
    assert (config.sparse.drop_fraction, config.sparse.decay) == (0.4, "slow")
    assert METHODS["mine"].grow is SCORES["product"]
    assert DISTRIBUTIONS["by_outputs"]((4, 3)) == 0.25
    assert vidsparse.load_config(put("again.yaml", to_yaml(config))).plugins == config.plugins
    assert load("plugins=[mine]", *WORDS).sparse.method == "mine"  # a module that lies here


def test_a_yaml_names_its_plug_ins_from_its_own_folder_and_another_working_folder_finds_them(put, monkeypatch):
    put("sub/mine.py", MINE)
    path = put("sub/run.yaml", "base: ucf101_dense\nplugins: [./mine.py]\nsparse: {method: mine, sparsity: 0.5}")
    monkeypatch.chdir("/")
    config = vidsparse.load_config(path)
    assert config.plugins == [str(path.parent / "mine.py")]


def test_the_digest_enters_the_identity_and_the_place_does_not(put, monkeypatch):
    file = put("mine.py", MINE)
    one = load("plugins=mine.py", *WORDS)
    first = plugin_digests(one)
    assert set(first) == {"plugins.mine", "sparse.code mine"}
    put("elsewhere/mine.py", MINE)
    file.unlink()
    other = load("plugins=elsewhere/mine.py", *WORDS)
    assert plugin_digests(other) == first
    assert identity(other) == identity(one)
    put("elsewhere/mine.py", MINE.replace("0.4", "0.45"))
    edited = load("plugins=elsewhere/mine.py", *WORDS)  # in the same process
    assert edited.sparse.drop_fraction == 0.45
    assert plugin_digests(edited)["plugins.mine"] != first["plugins.mine"]


def test_what_a_plug_in_imports_from_beside_it_is_of_its_source(put):
    put("helper.py", "SHARE = 0.4")
    put("mine.py", "from helper import SHARE\n" + MINE.replace("=0.4", "=SHARE"))
    before = plugin_digests(load("plugins=mine.py", *WORDS))
    put("helper.py", "SHARE = 0.2")
    config = load("plugins=mine.py", *WORDS)
    assert config.sparse.drop_fraction == 0.2
    assert plugin_digests(config) != before


def test_a_run_without_plug_ins_says_nothing_of_them():
    config = load()
    assert plugin_digests(config) == {}
    assert "plugins" not in to_yaml(config)
    assert not [key for key in identity(config) if "plugin" in key]


def test_module_and_attribute_stand_where_a_name_does(put):
    put("rows.py", "from dataclasses import replace\nfrom vidsparse.sparsity import METHODS as M\n"
        "ROW = replace(M['set'], name='other', drop_fraction=0.11)\ndef power(s): return 1.0\nNO = 3")  # fmt: skip
    config = load("sparse.method=rows:ROW", "sparse.sparsity=0.5", "sparse.distribution=rows:power")
    assert config.sparse.drop_fraction == 0.11
    assert set(plugin_digests(config)) == {"sparse.code rows"}
    assert "ROWS; did you mean ROW?" in refused("sparse.method=rows:ROWS", "sparse.sparsity=0.5")
    assert "int" in refused("sparse.method=rows:NO", "sparse.sparsity=0.5")
    assert "no_rows" in refused("sparse.method=no_rows:ROW", "sparse.sparsity=0.5")
    assert "no_rows" in refused("sparse.distribution=no_rows:ROW", "sparse.sparsity=0.5")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_like_this", ("ModuleNotFoundError", "nothing_like_this", "line 1")),
        ("1 / 0", ("ZeroDivisionError", "bad.py, line 1")),
        ("def (", ("SyntaxError",)),
        ("raise SystemExit(3)", ("SystemExit", "3")),
        ("from vidsparse import *\nregister(sparsity.METHODS['set'])", ("set already",)),
        ("import vidsparse\nvidsparse.register(len)", ("kind=", "method")),
        ("import vidsparse\nvidsparse.register(len, kind='taste')", ("taste", "distribution")),
        ("import vidsparse\nvidsparse.register(lambda p: -1.0, kind='schedule', name='down')", ("down", "-1.0")),
    ],
)  # fmt: skip
def test_a_plug_in_that_cannot_be_imported_is_one_sentence_and_leaves_nothing(put, text, said):
    put("bad.py", f"{text}\n")
    sentence = refused("plugins=bad.py")
    for part in ("bad", *said):
        assert part in sentence
    assert "bad" not in sys.modules
    assert "bad" not in outside.LOADED
    put("bad.py", "")
    assert load("plugins=bad.py").plugins


def test_what_is_not_there_is_named(put):
    assert "nowhere.py" in refused("plugins=[nowhere.py]")
    assert "no_such_module" in refused("plugins=[no_such_module]")
    assert "on the command line" in refused("plugins=[no_such_module]")
    path = put("run.yaml", "base: ucf101_dense\nplugins: [gone.py]")
    with pytest.raises(ConfigError, match=r"run\.yaml.*gone\.py"):
        vidsparse.load_config(path)


def test_two_plug_ins_of_one_name_and_one_with_the_name_of_a_package_are_refused(put):
    put("a/same.py", "")
    put("b/same.py", "")
    said = refused("plugins=[a/same.py,b/same.py]")
    assert "a/same.py" in said
    assert "b/same.py" in said
    put("wave.py", "")
    assert "another name" in refused("plugins=[wave.py]")
    put("torch.py", "")
    assert "another name" in refused("plugins=[torch.py]")


def test_a_package_is_a_plug_in_and_all_its_files_are_its_source(put):
    put("pack/__init__.py", "from pack import inner")
    put("pack/inner.py", MINE)
    before = plugin_digests(load("plugins=[pack]", *WORDS))
    put("pack/inner.py", MINE + "\n# edited")
    assert plugin_digests(load("plugins=[./pack]", *WORDS)) != before


class Parcel(Travelling):
    def __init__(self, holds: object) -> None:
        self.holds = holds


def test_another_process_in_another_folder_has_the_plug_in_before_what_needs_it_arrives(put, tmp_path):
    put("mine.py", MINE)
    load("plugins=mine.py")
    parcel = tmp_path / "parcel"
    parcel.write_bytes(pickle.dumps((Luggage(), METHODS["mine"])))
    code = """import pickle, sys
_, row = pickle.load(open(sys.argv[1], 'rb'))
from vidsparse.sparsity import METHODS
assert METHODS['mine'] == row
print(row.grow.name)"""
    done = subprocess.run([sys.executable, "-c", code, parcel], capture_output=True, text=True, cwd="/")
    assert done.stdout == "product\n", done.stderr
    assert pickle.loads(pickle.dumps(Parcel(METHODS["mine"].grow.rule))).holds is METHODS["mine"].grow.rule
    put("mine.py", MINE + "# edited")
    done = subprocess.run([sys.executable, "-c", code, parcel], capture_output=True, text=True, cwd="/")
    assert "is not what it was" in done.stderr


def test_an_object_stands_where_a_name_does_also_one_that_no_file_holds():
    row = Method("own", "own", "nobody", drop=Score("s", lambda layer: layer.weight.abs()), grow="random",
                 drop_fraction=0.3, every=2, stop=0.9)  # fmt: skip
    model = nn.Sequential(nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    sparse = vidsparse.sparsify(model, optimizer, row, 0.5, total_steps=10, distribution=lambda shape: 1 / shape[0])
    for _ in range(10):
        optimizer.zero_grad()
        model(torch.randn(8, 20)).square().mean().backward()
        optimizer.step()
    assert sparse.updates == 4
    assert sparse.nonzero == round(0.5 * sparse.total)
    assert "own" not in METHODS
    with pytest.raises(ConfigError, match="int"):
        vidsparse.sparsify(nn.Linear(3, 3), optimizer, 7)


def test_counts_and_density_are_functions_of_the_row():
    """Magnitude pruning that falls in a straight line, and N of M: 2 weights of each group of 4."""

    def two_of_four(layer):
        groups = layer.weight.abs().flatten(1).view(-1, 4)
        return (-groups.argsort(1, descending=True).argsort(1).float()).view(layer.weight.shape)

    line = Method("line", "line", "nobody", drop="magnitude", grow="random", counts=as_planned,
                  density_over_time=lambda share, target: 1 - (1 - target) * share, every=2, stop=0.9)  # fmt: skip
    groups = Method("groups", "groups", "nobody", drop="magnitude", grow=Score("groups", two_of_four),
                    counts=lambda layers, *_: {n: (0, c.weight.numel() // 2) for n, c in layers.items()},
                    every=2, stop=0.9)  # fmt: skip
    seen = {}
    for row in (line, groups):
        torch.manual_seed(0)
        model = nn.Linear(16, 8)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        sparse = vidsparse.sparsify(model, optimizer, row, 0.5, total_steps=10, distribution="uniform")
        seen[row.name] = [sparse.nonzero]
        for _ in range(10):
            optimizer.zero_grad()
            model(torch.randn(8, 16)).square().mean().backward()
            optimizer.step()
            seen[row.name].append(sparse.nonzero)
        if row is groups:
            assert (model.weight.view(-1, 4) != 0).sum(1).tolist() == [2] * 32
    assert seen["line"] == [128, 128, 112, 112, 96, 96, 80, 80, 64, 64, 64]
    wrong = replace(groups, counts=lambda layers, method, plan: dict.fromkeys(layers, (1, 0)))
    model = nn.Linear(16, 8)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    vidsparse.sparsify(model, optimizer, wrong, 0.5, total_steps=10, distribution="uniform")
    for update in (False, True):
        model(torch.randn(8, 16)).square().mean().backward()
        with pytest.raises(ConfigError, match=r"groups: its counts keep 1.*weight") if update else nullcontext():
            optimizer.step()
    with pytest.raises(ConfigError, match="density_over_time"):
        replace(line, density_over_time=lambda progress, target: 2.0).density(0, 10, 0.5)


def test_what_is_registered_where_no_file_is_cannot_be_in_a_run():
    code = """import vidsparse
from dataclasses import replace
from vidsparse.loading.brought_rows import plugin_digests
vidsparse.register(replace(vidsparse.sparsity.METHODS['set'], name='mine'))
plugin_digests(vidsparse.load_config('ucf101_dense', ['sparse.method=mine', 'sparse.sparsity=0.5']))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "put it into a file and name that in plugins" in done.stderr
    with pytest.raises(ConfigError, match="erk already"):
        register(len, kind="distribution", name="erk")


def test_an_entry_point_of_a_package_is_found_when_its_name_is_asked_for(put, tmp_path):
    put("site/their_package.py", MINE)
    put("site/their-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: their\nVersion: 1.0\n")
    points = "[vidsparse.plugins]\nours = their_package\nbad = no_such_thing\n"
    put("site/their-1.0.dist-info/entry_points.txt", points)
    code = """import vidsparse
from vidsparse.loading.brought_rows import plugin_digests
config = vidsparse.load_config('ucf101_dense', ['sparse.method=mine', 'sparse.sparsity=0.5'])
print(config.sparse.decay, *plugin_digests(config))
vidsparse.load_config('ucf101_dense', ['sparse.method=minee'])"""
    environment = {"PYTHONPATH": f"{tmp_path / 'site'}:{Path(vidsparse.__file__).parents[1]}", "PATH": "/usr/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd="/")
    assert done.stdout == "slow sparse.code their_package\n", done.stderr
    assert "did you mean mine?" in done.stderr
    assert "no_such_thing" in done.stderr
