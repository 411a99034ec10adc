"""Clips out of a person's hands: lists, Datasets and DataLoaders, in whatever form they come."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

import vidsparse
from vidsparse.api.given_clips import Given
from vidsparse.api.given_network import logits_of
from vidsparse.evaluation.metrics import MismatchedTables, UndecidableAnswers
from vidsparse.utils.errors import ConfigError, DataError

ASK = {"normalize": "unit", "suite": "core_10", "corruptions": ["gaussian_noise"], "severities": [3], "progress": False}


def network(classes: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(3, 6, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(),
                         nn.Linear(6, classes))  # fmt: skip


def pixels(number: int, frames: int = 4, side: int = 32) -> np.ndarray:
    """One clip uint8 (T, H, W, 3), others for other numbers."""
    return np.random.default_rng(number).integers(0, 256, (frames, side, side, 3), dtype=np.uint8)


CLIPS = [(pixels(number), number % 3) for number in range(18)]


class Held(Dataset):
    """The clips as a training would hold them: float (3, T, H, W)."""

    def __init__(self, named: bool = False, turn=lambda clip: clip) -> None:
        self.named, self.turn = named, turn

    def __len__(self) -> int:
        return len(CLIPS)

    def __getitem__(self, place):
        clip, label = CLIPS[place]
        made = self.turn(torch.from_numpy(clip).permute(3, 0, 1, 2).float() / 255)
        return (made, label, f"clip {place}") if self.named else (made, label)


@pytest.fixture(scope="module")
def wanted():
    return vidsparse.evaluate(network(), CLIPS, **ASK)


def same(result, wanted) -> None:
    pd.testing.assert_frame_equal(result.table, wanted.table, check_exact=True)


def test_lists_datasets_and_loaders_of_the_same_clips_have_the_same_answers(wanted):
    tensors = [(torch.from_numpy(clip).permute(0, 3, 1, 2), torch.tensor(label)) for clip, label in CLIPS]
    mean, std = (torch.tensor(each).view(3, 1, 1, 1) for each in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    same(vidsparse.evaluate(network(), tensors, **ASK), wanted)
    same(vidsparse.evaluate(network(), iter(CLIPS), **ASK), wanted)
    same(vidsparse.evaluate(network(), Held(), **ASK), wanted)
    same(vidsparse.evaluate(network(), DataLoader(Held(), batch_size=5), **ASK), wanted)
    normalised = DataLoader(Held(turn=lambda clip: (clip - mean) / std), batch_size=4)
    same(vidsparse.evaluate(network(), normalised, normalized_by="imagenet", **ASK), wanted)


def test_the_order_of_a_loader_must_tell_its_clips_apart(wanted):
    for loader in (DataLoader(Held(), batch_size=4, shuffle=True),
                   DataLoader(Held(), batch_size=4, drop_last=True)):  # fmt: skip
        with pytest.raises(DataError, match=r"shuffle=False|drop_last=False"):
            vidsparse.evaluate(network(), loader, **ASK)
    named = vidsparse.evaluate(network(), DataLoader(Held(named=True), batch_size=18), **ASK)
    shuffled = vidsparse.evaluate(network(), DataLoader(Held(named=True), batch_size=4, shuffle=True), **ASK)
    assert named.clean == shuffled.clean == wanted.clean
    merged = named.table.merge(shuffled.table, on=["id", "corruption"])
    assert np.allclose(merged["confidence_x"], merged["confidence_y"], atol=1e-5)
    assert set(named.table["id"]) == {f"clip {place}" for place in range(18)}


@pytest.mark.parametrize(("clip", "said"), [
    (np.zeros((4, 32, 32, 3), np.float32) + 200.0, "floats from 0 to 1"),
    (np.zeros((4, 32, 32, 3), np.float32) - 2.1, "before they are normalised"),
    (np.full((4, 32, 32, 3), np.nan, np.float32), "nan"),
    (np.zeros((3, 3, 32, 32), np.uint8), "layout="),
    (np.zeros((4, 32, 32, 1), np.uint8), "grey"),
    (np.zeros((4, 32, 32, 3), np.int64), "uint8"),
    ("clip.mp4", "str"),
])  # fmt: skip
def test_what_is_no_clip_of_pixels_is_refused_by_its_number(clip, said):
    with pytest.raises(DataError, match=f"clip 000001.*{said}|{said}.*clip 000001"):
        vidsparse.evaluate(network(), [CLIPS[0], (clip, 1)], **ASK)


@pytest.mark.parametrize(("label", "said"), [
    (3, "0 to 2"), (-1, "from 0"), (0.5, "from 0"), (True, "from 0"), ("Left", "labels="), (torch.zeros(3), "from 0"),
])  # fmt: skip
def test_a_label_that_is_the_number_of_no_logit_is_refused(label, said):
    with pytest.raises(DataError, match=said):
        vidsparse.evaluate(network(), [CLIPS[0], (CLIPS[1][0], label)], **ASK)


def test_labels_may_be_names_where_the_logits_have_some(wanted):
    names = ["Left", "Right", "Still"]
    result = vidsparse.evaluate(network(), [(clip, names[label]) for clip, label in CLIPS], labels=names, **ASK)
    same(result, wanted)
    assert result.record.data.classes == tuple(names)
    with pytest.raises(ConfigError, match="labels"):
        vidsparse.evaluate(network(5), CLIPS, labels=names, **ASK)


def test_empty_data_and_things_that_are_no_data_are_refused():
    for data in ([], DataLoader([]), {}, 5, [5], [(1, 2, 3, 4)], [{"clip": 1}], "nowhere"):
        with pytest.raises((DataError, ConfigError)):
            vidsparse.evaluate(network(), data, **ASK)
    with pytest.raises(DataError, match="id 'a'"):
        vidsparse.evaluate(network(), [(*CLIPS[0], "a"), (*CLIPS[1], "a")], **ASK)


def test_clips_of_several_lengths_or_sizes_need_a_word(wanted):
    longer = [*CLIPS[:3], (pixels(9, frames=9), 0)]
    with pytest.raises(DataError, match="frames="):
        vidsparse.evaluate(network(), longer, **ASK)
    assert len(vidsparse.evaluate(network(), longer, frames=4, **ASK).table) == 8
    larger = [*CLIPS[:3], (pixels(9, side=48), 0)]
    with pytest.raises(DataError, match="size="):
        vidsparse.evaluate(network(), larger, **ASK)
    assert len(vidsparse.evaluate(network(), larger, size=32, **ASK).table) == 8
    with pytest.raises(DataError, match="size="):
        vidsparse.evaluate(network(), [(np.zeros((4, 32, 48, 3), np.uint8), 0)], **ASK)


def test_an_image_is_a_clip_of_one_frame_for_networks_of_clips_and_of_images():
    images = [(pixels(number)[0], number % 3) for number in range(5)]
    flat = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3))
    found = vidsparse.evaluate(flat, images, takes="images", **ASK)
    deep = vidsparse.evaluate(lambda clips: flat(clips.squeeze(2)), images, **ASK)
    same(found, deep)
    frames = vidsparse.evaluate(flat, CLIPS[:5], takes="images", **ASK)
    mean = vidsparse.evaluate(lambda c: flat(c.transpose(1, 2).flatten(0, 1)).unflatten(0, (len(c), -1)).mean(1),
                              CLIPS[:5], **ASK)  # fmt: skip
    same(frames, mean)


def test_the_forms_in_which_networks_give_logits_are_known(wanted):
    model = network()

    class Output:
        def __init__(self, logits):
            self.logits = logits

    forms = (lambda clips: {"logits": model(clips), "hidden": clips}, lambda clips: {"scores": model(clips)},
             lambda clips: Output(model(clips)), lambda clips: (model(clips),),
             lambda clips: [model(clips), clips])  # fmt: skip
    for form in forms:
        same(vidsparse.evaluate(form, CLIPS, **ASK), wanted)
    two = torch.zeros(4, 3)
    for said in ((two, two), {"a": two, "b": two}, two[0], two[:3], two.long(), None, 5.0, torch.zeros(4, 3, 2)):
        with pytest.raises(ConfigError, match="logits"):
            logits_of(said, 4)


def test_a_network_keeps_its_own_precision():
    for dtype in (torch.bfloat16, torch.float64):
        asked = []
        model = network().to(dtype)
        model[0].register_forward_hook(lambda module, inputs, out, asked=asked: asked.append(inputs[0].dtype))
        result = vidsparse.evaluate(model, CLIPS[:3], **ASK)
        assert set(asked) == {dtype}
        assert model[0].weight.dtype == dtype
        assert str(dtype) in result.record.engine.precision
    with pytest.raises(ConfigError, match="precision"):
        vidsparse.evaluate(network(), CLIPS, precision="8", **ASK)


def test_logits_that_are_no_numbers_are_counted_or_refused():
    model = network()
    with pytest.raises(UndecidableAnswers):
        vidsparse.evaluate(lambda clips: model(clips) * float("nan"), CLIPS, **ASK)
    some = vidsparse.evaluate(
        lambda clips: torch.where(clips.mean((1, 2, 3, 4))[:, None] > 0.5, model(clips), torch.nan), CLIPS, **ASK
    )
    assert 0 < some.numbers["undecidable_rows"] < len(some.table)
    assert some.record.undecidable_rows == some.numbers["undecidable_rows"]


def test_a_stop_in_the_middle_leaves_nothing_and_the_network_as_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, calls = network().train(), itertools.count()

    def stopped(clips):
        if next(calls) == 1:
            raise KeyboardInterrupt
        return model(clips)

    with pytest.raises(KeyboardInterrupt):
        vidsparse.evaluate(stopped, CLIPS, **ASK)
    assert model.training
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_results_are_compared_on_the_same_clips_or_on_common_ones_and_said(wanted):
    other = vidsparse.evaluate(network().requires_grad_(False), CLIPS[:12], name="other", **ASK)
    with pytest.raises(MismatchedTables, match="clips"):
        wanted.compare(other)
    found = wanted.compare(other, common=True)
    assert (found.gain, found.clips) == (0.0, 12)
    assert "6 and 0 clips" in "; ".join(found.notes)
    table = vidsparse.compare({"all": wanted, "part": other}, common=True)
    assert list(table.index) == ["all", "part"] or list(table.index) == ["part", "all"]
    assert "12 clips" in table.loc["part", "note"]
    assert table.loc["part", "gain_low"] <= 0 <= table.loc["part", "gain_high"]
    seeds = vidsparse.evaluate(network(), CLIPS, corruption_seed=1, **ASK)
    assert any("corruption_seed is 0 and 1" in note for note in wanted.compare(seeds).notes)
    with pytest.raises(ConfigError, match="reference"):
        vidsparse.compare([wanted], reference="none")


def test_clean_alone_is_a_suite_of_no_corruption():
    result = vidsparse.evaluate(network(), CLIPS, **{**ASK, "suite": "clean"})
    assert set(result.table["corruption"]) == {"clean"}
    assert np.isnan(result.robust)
    assert 0 <= result.clean <= 1


def test_ids_of_a_data_set_draw_its_corruptions(tiny_root):
    """The key of a corruption is seed/dataset/id: held clips of the same names see the bytes of the data set."""
    from vidsparse.data.clips import load_clips
    from vidsparse.data.loader import center_clip
    from vidsparse.loading import load_config

    config = load_config("evaluate_pretrained", [
        "data.source=folder", f"data.root={tiny_root}", "data.frames=4", "data.size=32", "data.short_side=40",
        "data.normalize=unit", "model.name=x3d_s"])  # fmt: skip
    clips = load_clips(config.data, 0, tiny_root / ".index", trains=False)
    held = [(center_clip(clips, sample), sample.label, sample.id) for sample in clips.test]
    settings = {"corruptions": ["gaussian_noise"], "severities": [3], "suite": "core_10", "normalize": "unit"}
    by_name = vidsparse.evaluate(network(), "folder", tiny_root, labels="order", frames=4, size=32, short_side=40,
                                 **settings)  # fmt: skip
    given = vidsparse.evaluate(network(), held, dataset=clips.dataset.name, **settings)
    assert set(given.table["id"]) == set(by_name.table["id"])
    clean = [result.table[result.table["corruption"] == "clean"]["confidence"].tolist() for result in (by_name, given)]
    assert clean[0] == clean[1]


def test_the_number_of_clips_is_known_where_it_can_be():
    assert Given(CLIPS).count == Given(DataLoader(Held(), batch_size=4)).count == 18
    assert Given(iter(CLIPS)).count == 0


def test_every_setting_of_an_evaluation_is_a_keyword():
    from vidsparse.api import keywords

    settings = {*keywords._OF_DATA, *keywords._OF_EVALUATION} - {"normalize"}
    assert settings - set(keywords.Protocol.__annotations__) == set()


def test_corruptions_move_as_the_keyword_says():
    clips = [(np.full((6, 32, 32, 3), 128, np.uint8), 0), (np.full((6, 32, 32, 3), 90, np.uint8), 1)]
    seen = []

    def network(given):
        seen.append(given)
        return torch.nn.functional.one_hot(torch.arange(len(given)) % 2, 2).float()

    for mode in ("static", "independent"):
        asked = {"suite": "core_10", "corruptions": ["gaussian_noise"], "severities": [3], "temporal": mode}
        vidsparse.evaluate(network, clips, normalize="unit", progress=False, **asked)
    moves = [bool((batch[:, :, 1:] != batch[:, :, :1]).any()) for batch in seen]
    assert moves == [False, False, False, True]  # clean and static, clean and independent
