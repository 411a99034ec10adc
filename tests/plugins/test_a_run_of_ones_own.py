"""Model, data set, loss, optimizer, learning rate and method of one's own, from one file, in a whole run."""

import json
import subprocess
import sys

import pytest
import torch
from torch import nn

import vidsparse
from vidsparse.cli import main
from vidsparse.evaluation.metrics import example_table
from vidsparse.models.zoo import ModelSpec
from vidsparse.report.own_metrics import loaded, own_metrics
from vidsparse.tasks import TASKS
from vidsparse.training.recipe import learning_rate, make_optimizer, objective_of
from vidsparse.utils.errors import ConfigError, DataError, RunFolderError

MINE = """
import torch
import vidsparse
from torch import nn
from vidsparse.data.datasets.image_sets import load_folder
from vidsparse.sparsity import METHODS
from dataclasses import replace

@vidsparse.register(kind="model", name="small")
class Small(nn.Sequential):
    def __init__(self, num_classes):
        super().__init__(nn.Conv3d(3, 8, 3, 2), nn.ReLU(), nn.Conv3d(8, 8, 3, padding=1), nn.ReLU(),
                         nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, num_classes))

@vidsparse.register(kind="data")
def stripes(root, split):
    return replace(load_folder(root, split), name="stripes")

@vidsparse.register(kind="loss")
def squares(outputs, labels):
    return (outputs.softmax(1) - nn.functional.one_hot(labels, outputs.shape[1])).square().mean()

@vidsparse.register(kind="optimizer")
def rms(params, lr, alpha=0.9):
    return torch.optim.RMSprop(params, lr, alpha)

vidsparse.register(lambda progress: 1 - progress, kind="learning_rate", name="line")
vidsparse.register(replace(METHODS["set"], name="mine", title="My method"))
vidsparse.register(lambda rows: len(rows), kind="metric", name="videos")
"""
WORDS = ("plugins=mine.py", "data.source=stripes", "model.name=small", "training.loss=squares", "sparse.method=mine",
         "training.optimizer.name=rms", "training.optimizer.settings.alpha=0.8", "training.schedule.name=line",
         "sparse.distribution=uniform", "name=own", "report.metrics=[videos]")  # fmt: skip


@pytest.mark.slow
def test_a_run_of_ones_own_is_continued_refused_when_edited_and_reported_without_the_file(put, tiny_config, capsys):
    file = put("mine.py", MINE)
    config = tiny_config(*WORDS, "engine.workers=1")
    folder = vidsparse.run(config)
    identity = json.loads((folder / "run.json").read_text())["identity"]
    code = {key for key in identity if "mine" in key}
    blocks = ("sparse", "model", "data", "training")
    assert code == {"plugins.mine", *(f"{block}.code mine" for block in blocks)}
    assert identity["training.optimizer.settings.alpha"] == 0.8
    assert "videos" in (folder / "tables" / "own_metrics.csv").read_text().splitlines()[0]
    assert "stripes" in capsys.readouterr().out
    vidsparse.run(tiny_config(*WORDS, "engine.workers=1"))
    put("mine.py", MINE.replace("(1 - progress)", "(1 - progress / 2)") + "# edited")
    with pytest.raises(RunFolderError, match=r"plugins\.mine .was .*--fresh"):
        vidsparse.run(tiny_config(*WORDS))
    vidsparse.run(tiny_config(*WORDS), fresh=True)
    file.unlink()
    asked = [sys.executable, "-m", "vidsparse", "report", str(folder)]
    done = subprocess.run(asked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "mine.py" in done.stdout + done.stderr
    assert main(["run", str(folder / "config.yaml")]) == 2


def test_what_a_model_of_ones_own_must_be(put):
    put("nets.py", """
        from torch import nn
        def five(num_classes): return 5
        def asks(n_classes): return nn.Linear(3, n_classes)
        def short(num_classes): return nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, 2))
        def flat(): return nn.Linear(7, 7)
        def right(num_classes): return nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, num_classes))
        """)  # fmt: skip
    for name, said in (("five", "int"), ("asks", "n_classes"), ("short", r"\(1, 2\), not \(1, 4\)"), ("flat", "clip"),
                       ("wrong", "has no wrong")):  # fmt: skip
        with pytest.raises(ConfigError, match=said) as caught:
            vidsparse.create_model(f"nets:{name}", 4, 2, 8)
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)
    torch.manual_seed(3)
    model = vidsparse.create_model("nets:right", 4, 2, 8)
    drawn = torch.rand(1)
    torch.manual_seed(3)
    nn.Linear(3, 4)
    assert torch.equal(drawn, torch.rand(1))
    assert model.training
    assert model.example_shape == (1, 3, 2, 8, 8)
    spec = ModelSpec("mine", lambda num_classes: nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes)), "video",
                     2, 8, 8, "unit", "nobody", min_size=1)  # fmt: skip
    assert vidsparse.create_model(spec, 3, 2, 8)(torch.zeros(5, 3, 2, 8, 8)).shape == (5, 3)
    assert vidsparse.load_config("ucf101_dense", ["model.name=nets:right"]).model.name == "nets:right"
    with pytest.raises(ConfigError, match=r"model\.name=nets:rigt.*did you mean right"):
        vidsparse.load_config("ucf101_dense", ["model.name=nets:rigt"])


def test_a_data_source_that_gives_no_data_set_is_refused(put, tiny_config):
    from vidsparse.data.load import load_and_tell

    put("sets.py", "def none(root, split): return []")
    with pytest.raises(DataError, match=r"sets:none.*list"):
        load_and_tell(tiny_config("data.source=sets:none"), trains=True)


@pytest.mark.slow
def test_optimizers_of_torch_stand_by_their_place_and_own_parameters_are_checked(put):
    def optimizer(*words):
        settings = vidsparse.load_config("ucf101_dense", words).training.optimizer
        return make_optimizer(nn.Linear(3, 3), settings)

    made = optimizer("training.optimizer.name=torch.optim:RAdam", "training.optimizer.settings.eps=0.001")
    assert isinstance(made, torch.optim.RAdam)
    assert made.defaults["eps"] == 0.001
    assert [group["weight_decay"] for group in made.param_groups] == [5e-4, 0.0]
    with pytest.raises(ConfigError, match="epps"):
        optimizer("training.optimizer.name=torch.optim:RAdam", "training.optimizer.settings.epps=1")
    with pytest.raises(ConfigError, match="alpha"):
        optimizer("training.optimizer.settings.alpha=1")
    with pytest.raises(ConfigError, match=r"optimizer\.name=torch\.optim:Adm.*Adam"):
        optimizer("training.optimizer.name=torch.optim:Adm")


def test_losses_and_learning_rates_of_ones_own_are_checked(put):
    put("mine.py", """
        import torch
        def vector(outputs, labels): return outputs.sum(1)
        def plain(outputs, labels): return outputs.mean()
        def down(progress): return -1.0
        def half(progress): return 0.5
        """)  # fmt: skip
    outputs, labels = torch.ones(2, 3, requires_grad=True), torch.tensor([0, 1])
    plain = objective_of("classification", "mine:plain")
    assert plain.loss(outputs, labels, 0.0) == 1
    assert plain.right(outputs, labels) == 1
    own = TASKS["classification"].objective
    stock = objective_of("classification", "torch.nn.functional:cross_entropy")
    assert torch.equal(stock.loss(outputs, labels, 0.1), own.loss(outputs, labels, 0.1))
    assert objective_of("classification", None) is own
    with pytest.raises(ConfigError, match="one number"):
        objective_of("classification", "mine:vector").loss(outputs, labels, 0.0)
    with pytest.raises(ConfigError, match="label_smoothing"):
        plain.loss(outputs, labels, 0.1)
    config = vidsparse.load_config("ucf101_dense", ["training.schedule.name=mine:half"])
    assert learning_rate(0.2, config.training.schedule, 5000, 10, 9000) == 0.1
    down = vidsparse.load_config("ucf101_dense", ["training.schedule.name=mine:down"])
    with pytest.raises(ConfigError, match="at least 0"):
        learning_rate(0.2, down.training.schedule, 5000, 10, 9000)
    with pytest.raises(ConfigError, match="crossentropy"):
        vidsparse.load_config("ucf101_dense", ["training.loss=crossentropy"])


def test_a_metric_of_ones_own_is_a_column_over_the_conditions(put):
    put("mine.py", """
        def confident(rows): return (rows.prediction == rows.label).mean()
        def words(rows): return "many"
        """)  # fmt: skip
    table = own_metrics(example_table(), ["mine:confident"])
    assert table["mine:confident"].tolist() == [1.0, 1.0, 0.5]
    assert table["corruption"].tolist() == ["clean", "fog", "fog"]
    with pytest.raises(ConfigError, match="'many', not a number"):
        own_metrics(example_table(), ["mine:words"])
    with pytest.raises(ConfigError, match=r"report\.metrics.*did you mean confident"):
        vidsparse.load_config("ucf101_dense", ["report.metrics=[mine:confidnt]"])
    assert vidsparse.load_config("ucf101_dense", ["report.metrics=[mine:confident]"]).report.metrics == [
        "mine:confident"
    ]
    assert loaded(["gone", "mine:confident"]) == ["mine:confident"]
