"""Weights from a file: all of them or none, whoever wrote it, and a sentence that says why."""

import argparse
import pickle
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vidsparse.models.weights.checkpoints import load_weights
from vidsparse.models.zoo import create_model
from vidsparse.utils.errors import ConfigError


def network(classes: int = 5) -> nn.Module:
    return create_model("cifar_resnet20", classes, 1, 32)


def shifted(state: dict[str, torch.Tensor], by: int = 1) -> dict[str, torch.Tensor]:
    return {key: tensor + by for key, tensor in state.items()}


def equal(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


def prefixed(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + key: tensor for key, tensor in state.items()}


@pytest.fixture
def state():
    torch.manual_seed(0)
    return network().state_dict()


@pytest.fixture
def saved(state, tmp_path):
    save_file(state, tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth", ".ckpt", ".pyth", ".bin"])
def test_a_round_trip_gives_back_every_tensor(state, tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    assert equal(create_model("cifar_resnet20", 5, 1, 32, path).state_dict(), state)


WRAPPED = {
    "DataParallel": lambda s: prefixed(s, "module."),
    "Lightning": lambda s: {"state_dict": prefixed(s, "model."), "epoch": 3, "optimizer_states": [{"state": {}}]},
    "torch.compile": lambda s: prefixed(s, "_orig_mod."),
    "compiled in Lightning": lambda s: {"state_dict": prefixed(s, "model._orig_mod.")},
    "a compiled part": lambda s: {k.replace("layer1.", "layer1._orig_mod."): t for k, t in s.items()},
    "backbone and head": lambda s: {k if k.startswith("fc") else f"backbone.{k}": t for k, t in s.items()},
    "pytorchvideo": lambda s: {"model_state": s},
    "DeiT": lambda s: {"model": s, "args": argparse.Namespace(lr=0.1)},
    "a loss beside it": lambda s: {**prefixed(s, "net."), "criterion.weight": torch.ones(5)},
    "old batch norms": lambda s: {k: t for k, t in s.items() if not k.endswith("num_batches_tracked")},
    "an average": lambda s: {"state_dict": shifted(s), "state_dict_ema": s},
    "AveragedModel": lambda s: {**prefixed(s, "module."), "n_averaged": torch.tensor(7)},
    "two in one": lambda s: {**prefixed(shifted(s), "model."), **prefixed(s, "ema_model.")},
    "half precision": lambda s: {k: t.half() if t.is_floating_point() else t for k, t in s.items()},
}


@pytest.mark.parametrize("wrapper", WRAPPED)
def test_what_wrappers_put_around_a_network_is_taken_off(state, tmp_path, wrapper):
    torch.save(WRAPPED[wrapper](state), tmp_path / "wrapped.pt")
    model = network()
    load_weights(model, tmp_path / "wrapped.pt")
    loaded = model.state_dict()
    for key in state:
        torch.testing.assert_close(loaded[key], state[key], rtol=2e-3, atol=1e-3)


def test_what_was_taken_off_is_said(state, tmp_path):
    torch.save({"state_dict_ema": prefixed(state, "module.")}, tmp_path / "wrapped.pt")
    notes = load_weights(network(), tmp_path / "wrapped.pt")
    assert notes == ("from 'state_dict_ema' in the file", "names without their prefix 'module.'")


def test_names_that_are_all_unknown_are_taken_by_order_loudly(state, tmp_path):
    torch.save({f"a{n}.{k.rpartition('.')[2]}": t for n, (k, t) in enumerate(state.items())}, tmp_path / "other.pt")
    model = network()
    (note,) = load_weights(model, tmp_path / "other.pt")
    assert equal(model.state_dict(), state)
    assert note.startswith("BY ORDER")


@pytest.mark.parametrize("change", ["one more", "another shape", "another kind", "another order"])
def test_by_order_means_every_tensor_in_number_kind_and_shape(state, tmp_path, change):
    other = {f"a{n}.{k.rpartition('.')[2]}": t for n, (k, t) in enumerate(state.items())}
    if change == "one more":
        other["z.weight"] = torch.ones(1)
    if change == "another shape":
        other["a0.weight"] = torch.ones(16, 3, 5, 5)
        other["a6.weight"] = torch.ones(3)
        other["a12.weight"] = torch.ones(3)
    if change == "another kind":
        other = {k.replace(".running_mean", ".mean"): t for k, t in other.items()}
    if change == "another order":
        other = dict(reversed(other.items()))
    torch.save(other, tmp_path / "other.pt")
    with pytest.raises(ConfigError, match="does not fit the network"):
        load_weights(network(), tmp_path / "other.pt")


def test_another_class_count_and_another_network_are_named(saved):
    with pytest.raises(ConfigError, match=r"net\.safetensors .*5 classes.*7"):
        create_model("cifar_resnet20", 7, 1, 32, saved)
    with pytest.raises(ConfigError, match=r"conv1\.weight .*\(16, 3, 3, 3\).*\(64, 3, 3, 3\).*\d+ more"):
        create_model("cifar_resnet18", 5, 1, 32, saved)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"fc.weight": None}, "fc.weight is missing there"),
        ({"fc.weight": torch.ones(5, 8)}, "fc.weight is (5, 8) there, (5, 64) here"),
        ({"ema": torch.ones(1)}, "ema is unknown here"),
        ({"conv1.weight": torch.full((16, 3, 3, 3), float("nan"))}, "no finite numbers, in conv1.weight"),
        ({"fc.bias": torch.ones(5, dtype=torch.int32)}, "fc.bias holds other than the network's kind of numbers"),
    ],
)
def test_a_file_that_misses_by_one_tensor_loads_nothing(state, tmp_path, damage, said):
    damaged = {key: tensor for key, tensor in (shifted(state) | damage).items() if tensor is not None}
    save_file(damaged, tmp_path / "damaged.safetensors")
    model = network()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    with pytest.raises(ConfigError, match=re.escape(said)):
        load_weights(model, tmp_path / "damaged.safetensors")
    assert equal(model.state_dict(), before)


@pytest.mark.parametrize("bias", [torch.ones(5).to_sparse(), torch.ones(5, device="meta")], ids=["sparse", "meta"])
def test_tensors_that_are_not_laid_out_as_parameters_are_named(state, tmp_path, bias):
    torch.save(shifted(state) | {"fc.bias": bias}, tmp_path / "odd.pt")
    with pytest.raises(ConfigError, match=r"fc\.bias"):
        load_weights(network(), tmp_path / "odd.pt")


class Evil:
    """A pickle that makes a file when it is opened by a trusting reader."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("how", ["torch.save", "legacy", "plain pickle", "beside weights"])
def test_a_pickle_that_runs_code_is_refused_in_one_sentence_and_never_run(state, tmp_path, how):
    mark, path = tmp_path / "owned", tmp_path / "evil.pth"
    if how == "plain pickle":
        path.write_bytes(pickle.dumps(Evil(mark)))
    else:
        tree = {"state_dict": state, "hooks": Evil(mark)} if how == "beside weights" else Evil(mark)
        torch.save(tree, path, _use_new_zipfile_serialization=how != "legacy")
    with pytest.raises(ConfigError) as caught:
        load_weights(network(), path)
    assert not mark.exists()
    assert "evil.pth" in str(caught.value)
    assert "not opened" in str(caught.value) or "cannot be read" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_whole_pickled_module_is_refused_by_name(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "module.pt")
    with pytest.raises(ConfigError, match=r"torch\.nn\.modules\.linear\.Linear .*state_dict"):
        load_weights(network(), tmp_path / "module.pt")


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.99])
@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_file_that_is_cut_short_is_one_sentence(state, tmp_path, suffix, share):
    path = tmp_path / f"cut{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ConfigError, match=r"cut\.\w+ (cannot be read|is a pickle .* damaged)") as caught:
        load_weights(network(), path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git lfs pull"),
        (b"<!DOCTYPE html><title>404</title>", "a page of the web"),
        (b"hello world\n" * 9, "no file of torch.save"),
        (b"", "it is empty"),
        (b"\x80\x02h\x65.", "KeyError"),
    ],
)
def test_what_lies_in_the_place_of_weights_is_named(tmp_path, content, said):
    (tmp_path / "mine.pth").write_bytes(content)
    with pytest.raises(ConfigError, match=rf"mine\.pth cannot be read.*{said}"):
        load_weights(network(), tmp_path / "mine.pth")


@pytest.mark.parametrize(("name", "said"), [("none.safetensors", "does not exist"), ("a.txt", "not a file of param")])
def test_files_that_are_no_weights_are_refused(tmp_path, name, said):
    with pytest.raises(ConfigError, match=said):
        load_weights(network(), tmp_path / name)


def test_a_file_without_tensors_is_refused(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "empty.pt")
    with pytest.raises(ConfigError, match="holds no named tensors"):
        load_weights(network(), tmp_path / "empty.pt")


def test_weights_of_another_clip_size_say_where_positions_come_from(tmp_path):
    save_file(create_model("mvit_v2_s", 5, 4, 64).state_dict(), tmp_path / "mvit.safetensors")
    with pytest.raises(ConfigError, match=r"rel_pos.*data\.frames and data\.size"):
        create_model("mvit_v2_s", 5, 4, 32, tmp_path / "mvit.safetensors")


def written(tree, path):
    torch.save(tree, path)
    return path


TWO = {
    "student and teacher": ("student", "teacher"),
    "model and best_model": ("model", "best_model"),
    "generators": ("netG", "netD"),
    "an average of nobody knows what": ("state_dict", "ema_state_dict"),
    "list": ("0", "1"),
    "prefixes of one dict": ("student", "teacher"),
}


@pytest.mark.parametrize("which", TWO)
def test_several_networks_in_a_file_are_refused_by_name_and_one_is_taken_by_name(state, tmp_path, which):
    one, two = TWO[which]
    tree = {one: state, two: shifted(state)}
    if which == "list":
        tree = [*tree.values()]
    if which == "prefixes of one dict":
        tree = {**prefixed(state, f"{one}."), **prefixed(shifted(state), f"{two}.")}
    path = written(tree, tmp_path / "two.pth")
    said = rf"several sets of weights that fit the network: .*{one}.*; name one, as in model\.weights=.*two\.pth#"
    if which != "an average of nobody knows what":
        with pytest.raises(ConfigError, match=said) as caught:
            load_weights(network(), path)
        assert two in str(caught.value)
    for name, wanted in ((one, state), (two, shifted(state))):
        model = create_model("cifar_resnet20", 5, 1, 32, f"{path}#{name}")
        assert equal(model.state_dict(), wanted)
    with pytest.raises(ConfigError, match=rf"two\.pth .*nobody.*{one}"):
        create_model("cifar_resnet20", 5, 1, 32, f"{path}#nobody")


def test_two_names_of_the_same_weights_are_no_question(state, tmp_path):
    model = network()
    load_weights(model, written({"model": state, "best_model": dict(state)}, tmp_path / "same.pt"))
    assert equal(model.state_dict(), state)


@pytest.mark.parametrize("pair", [("state_dict", "state_dict_ema"), ("model", "model_ema"), ("net", "swa/net")])
def test_averages_are_taken_where_the_convention_says_so(state, tmp_path, pair):
    tree = {pair[0]: shifted(state), **({"swa": {"net": state}} if "/" in pair[1] else {pair[1]: state})}
    model = network()
    notes = load_weights(model, written(tree, tmp_path / "ema.pt"))
    assert equal(model.state_dict(), state)
    assert any(pair[1] in note for note in notes)


@pytest.mark.parametrize("marks", [{"message_hub": {}}, {"meta": {"mmengine_version": "0.10.4"}}, {}])
def test_mmengine_swaps_so_its_state_dict_holds_the_averages(state, tmp_path, marks):
    raw = {**prefixed(shifted(state), "module."), **({} if marks else {"steps": torch.tensor(9)})}
    model = network()
    load_weights(model, written({**marks, "state_dict": state, "ema_state_dict": raw}, tmp_path / "mm.pth"))
    assert equal(model.state_dict(), state)
    other = create_model("cifar_resnet20", 5, 1, 32, written({"state_dict": state}, tmp_path / "UPPER.PTH"))
    assert equal(other.state_dict(), state)


def test_an_average_that_nobody_marked_is_refused(state, tmp_path):
    path = written({"state_dict": shifted(state), "ema_state_dict": state}, tmp_path / "whose.pt")
    with pytest.raises(ConfigError, match=r"ema_state_dict, state_dict; name one, as in"):
        load_weights(network(), path)


class Optimal(nn.Module):
    def __init__(self):
        super().__init__()
        self.optimizer_net = nn.Linear(3, 4)
        self.optimal_head = nn.Linear(4, 2)


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"optimal": s}, lambda s: {"optimizer_net": s}])
def test_a_name_with_optim_in_it_is_no_optimizer(tmp_path, wrap):
    model, other = Optimal(), Optimal()
    adam = torch.optim.Adam(other.parameters())
    sum(p.sum() for p in other.parameters()).backward()
    adam.step()
    tree = {**wrap(other.state_dict()), "optimizer": adam.state_dict(), "optimizer_states": [adam.state_dict()]}
    load_weights(model, written(tree, tmp_path / "optimal.pt"))
    assert equal(model.state_dict(), other.state_dict())


def test_heads_of_another_name_counters_of_thop_and_numpy_scores_do_no_harm(state, tmp_path):
    import numpy as np

    renamed = {key.replace("fc.", "linear."): tensor for key, tensor in prefixed(state, "module.").items()}
    counters = {"module.total_ops": torch.zeros(1, dtype=torch.float64), "module.layer1.total_params": torch.zeros(1)}
    scores = {"best": np.float64(91.3), "curve": np.arange(3.0), "epoch": np.int64(3), "when": np.float32(1)}
    path = written({"state_dict": renamed | counters, **scores}, tmp_path / "found.th")
    model = network()
    notes = load_weights(model, path)
    assert equal(model.state_dict(), state)
    assert "its head 'linear' is 'fc' here" in notes
    with pytest.raises(ConfigError, match="it has 5 classes, the network 7"):
        create_model("cifar_resnet20", 7, 1, 32, path)
    renamed["module.bn1.bias"] = renamed.pop("module.linear.bias")
    with pytest.raises(ConfigError, match=r"fc\.bias is missing there"):
        load_weights(network(), written(renamed, tmp_path / "other.pt"))


def test_float8_is_one_sentence(state, tmp_path):
    narrow = {key: t.to(torch.float8_e4m3fn) if t.dim() == 4 else t for key, t in state.items()}
    with pytest.raises(ConfigError, match=r"float8 .*conv1\.weight.*float32"):
        load_weights(network(), written(narrow, tmp_path / "narrow.pt"))


PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "data" / "weights"


@pytest.mark.skipif(not PUBLISHED.exists(), reason="published weights not at hand: ../shared/data/weights")
@pytest.mark.parametrize(("model", "file"), [("cifar_resnet20", "resnet20-12fca82f.th"),
                                             ("cifar_resnet56", "resnet56-4bfd9763.th")])  # fmt: skip
def test_published_networks_load_whole(model, file):
    theirs = torch.load(PUBLISHED / file, map_location="cpu", weights_only=True)["state_dict"]
    ours = create_model(model, 10, 1, 32, PUBLISHED / file).state_dict()
    assert sum(not key.endswith("num_batches_tracked") for key in ours) == len(theirs)
    assert torch.equal(ours["fc.weight"], theirs["module.linear.weight"])
    with pytest.raises(ConfigError, match="does not fit the network"):
        create_model("cifar_resnet32", 10, 1, 32, PUBLISHED / file)
