"""An unknown name is answered by the nearest ones, three at most, and where all are; never by a whole table."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import corruptions
from corruptions.exceptions import FEW, CorruptionError, suggestion
from vidsparse import load_config
from vidsparse.data.datasets.prepare import prepare
from vidsparse.data.datasets.source_table import SOURCES
from vidsparse.models.weights.labels import find_classes
from vidsparse.models.zoo import MODELS, create_model
from vidsparse.sparsity.methods import METHODS, SETTINGS
from vidsparse.sparsity.topology import sparsify
from vidsparse.study.planned_runs import plan
from vidsparse.utils.errors import VidsparseError

DOCS = Path(__file__).resolve().parents[1]


def config(*words: str) -> None:
    load_config("ucf101_rigl", words)


def study(word: str) -> None:
    words = ["study.methods=[rigl]", word]
    plan("ucf101_rigl", words, load_config("ucf101_rigl", words))


def sparse(**settings) -> None:
    model = torch.nn.Linear(4, 4)
    sparsify(model, torch.optim.SGD(model.parameters(), 0.1), **settings)


def corrupt(name: str, **settings) -> None:
    corruptions.corrupt(np.zeros((2, 16, 16, 3), np.uint8), name, 1, key="k", **settings)


CASES = {  # kind: (how it is asked for, a name near to one, that one, a name near to none, where all are)
    "model": (lambda n: config(f"model.name={n}"), "r3d18", "r3d_18", "qqq", "vidsparse.list_models()"),
    "timm": (lambda n: config(f"model.name=timm/{n}"), "resnet5O", "timm/resnet50", "qq", 'list_models("timm/*")'),
    "built model": (lambda n: create_model(n, 3), "x3d-s", "x3d_s", "qqq", "vidsparse.list_models()"),
    "method": (lambda n: config(f"sparse.method={n}"), "riggl", "rigl", "qqq", "docs/methods/README.md"),
    "sparsified": (lambda n: sparse(method=n), "riggl", "rigl", "qqq", "docs/methods/README.md"),
    "setting": (lambda n: sparse(**{n: 1}), "evry", "every", "qqq", "docs/methods/README.md"),
    "distribution": (lambda n: sparse(distribution=n), "uniforn", "uniform", "qqq", "erk, er, uniform"),
    "source": (lambda n: config(f"data.source={n}"), "ucf", "ucf101", "qqq", "docs/data.md"),
    "prepared": (lambda n: prepare(n, Path("nowhere")), "ucf1001", "ucf101", "qqq", "docs/data.md"),
    "test source": (lambda n: config(f"data.eval_source={n}"), "imagenett", "imagenet", "qqq", "docs/data.md"),
    "suite": (lambda n: config(f"evaluation.suite={n}"), "core10", "core_10", "qqq", "corruptions.SUITES"),
    "suite itself": (corruptions.suite, "core10", "core_10", "qqq", "corruptions.SUITES"),
    "protocol": (lambda n: config(f"evaluation.protocol={n}"), "slowfst", "slowfast", "qqq", "docs/data.md"),
    "key": (lambda n: config(f"training.{n}=1"), "epoch", "training.epochs", "qqq", "--print-config"),
    "block": (lambda n: config(f"{n}.seed=1"), "trainin", "training", "qqq", "--print-config"),
    "config": (load_config, "ucf101_rgl", "ucf101_rigl", "qqq", "configs"),
    "decay": (lambda n: config(f"sparse.decay={n}"), "cosin", "cosine", "qqq", "constant, cosine, halved"),
    "optimizer": (lambda n: config(f"training.optimizer.name={n}"), "adam", "adamw", "qqq", "sgd, adamw"),
    "schedule": (lambda n: config(f"training.schedule.name={n}"), "cos", "cosine", "qqq", "multistep"),
    "corruption": (corrupt, "gausian_noise", "gaussian_noise", "qqq", "corruptions.names()"),
    "of a suite": (lambda n: config(f"evaluation.corruptions=[{n}]"), "freez", "freeze", "qqq", "corruptions.SUITES"),
    "profile": (lambda n: corrupt("fog", profile=n), "imagenetc", "imagenet_c", "qqq", "imagenet_c"),
    "family": (corruptions.names, "noice", "noise", "qqq", "corruptions.REGISTRY"),
    "label space": (find_classes, "imagnet", "imagenet", "qqq", "docs/data.md"),
    "study's method": (lambda n: study(f"study.methods=[{n}]"), "riggl", "rigl", "qqq", "docs/methods/README.md"),
    "study's model": (lambda n: study(f"study.models=[{n}]"), "r3d18", "r3d_18", "qqq", "vidsparse.list_models()"),
    "study's data": (lambda n: study(f"study.data=[{n}]"), "ucf11", "ucf101", "qqq", "docs/data.md"),
}


def answer(ask, name: str) -> str:
    with pytest.raises((VidsparseError, CorruptionError)) as caught:
        ask(name)
    return str(caught.value)


@pytest.mark.parametrize("kind", CASES)
def test_an_unknown_name_is_answered_by_near_ones_and_where_all_are(kind):
    ask, near, meant, far, where = CASES[kind]
    said = answer(ask, near)
    assert re.search(rf"did you mean [^?]*{re.escape(meant)}\b[^?]*\?", said), said
    for text in (said, answer(ask, far)):
        assert where in text
        assert len(text) < 300, text
    for page in re.findall(r"docs/[\w/]+\.md", said):
        assert (DOCS / page).is_file()


@pytest.mark.parametrize("table", [METHODS, SETTINGS, MODELS, SOURCES, corruptions.REGISTRY, corruptions.SUITES])
def test_no_answer_names_more_than_three_of_a_long_table(table):
    for near in (*table, *(f"{name}x" for name in table), "x", ""):
        said = suggestion(near, table, "there")
        meant = re.findall(r"[\w/]+", said.partition("did you mean")[2].partition("?")[0])
        assert len([word for word in meant if word != "or"]) <= 3, said
        assert said.endswith("ll are in there")


def test_short_tables_are_said_whole():
    assert suggestion("q", tuple("abcde"), "") == "there are a, b, c, d, e"
    assert FEW == 5


def test_a_network_that_timm_alone_has_is_found_there():
    assert " or timm/resnet50?" in answer(CASES["model"][0], "resnet50")
