"""Networks with a class for every pixel: shapes, auxiliary heads, small batches, and other people's weights."""

import pytest
import torch
from safetensors.torch import save_file

from vidsparse.models.segmentation import AUXILIARY
from vidsparse.models.weights.pretrained import Given, evaluated, initialize
from vidsparse.models.zoo import MODELS, create_model
from vidsparse.sparsity.measure.flops import count_flops
from vidsparse.sparsity.topology import sparsify
from vidsparse.utils.errors import ConfigError

ROWS = [name for name, row in MODELS.items() if row.task == "segmentation"]
HEADED = "deeplabv3_mobilenet_v3_large"
VOC = [f"class{number}" for number in range(21)]


@pytest.mark.parametrize("name", ROWS)
def test_every_row_has_the_names_and_map_shapes_of_its_library_and_pruned_auxiliary_heads(name):
    with torch.device("meta"):
        model = create_model(name, 21, 3, 64)
        maps = model.train()(torch.empty(2, 3, 3, 64, 72))
        alone = model.eval()(torch.empty(2, 3, 1, 64, 72))
    assert alone.shape == (2, 21, 1, 64, 72)
    headed = any(key.startswith(AUXILIARY) for key in model.state_dict())
    assert headed == (name.startswith(("fcn", "deeplab")))
    assert [m.shape for m in (maps if headed else (maps,))] == [(2, 21, 3, 64, 72)] * (1 + headed)
    if MODELS[name].weights:
        from torchvision.models import segmentation

        with torch.device("meta"):
            theirs = getattr(segmentation, name)(
                weights=None, weights_backbone=None, num_classes=21, **({"aux_loss": True} if headed else {})
            )
        assert list(model.state_dict()) == list(theirs.state_dict())


@pytest.mark.parametrize("name", [HEADED, "lraspp_mobilenet_v3_large", "unet"])
def test_frames_are_seen_one_by_one(name):
    torch.manual_seed(0)
    model = create_model(name, 4, 3, 32).eval()
    clip = torch.randn(2, 3, 3, 32, 40)
    with torch.no_grad():
        alone = torch.cat([model(clip[:, :, t : t + 1]) for t in range(3)], dim=2)
        torch.testing.assert_close(model(clip), alone, rtol=1e-4, atol=1e-5)


def test_a_batch_of_one_frame_trains_where_a_head_pools_all_of_it():
    """torch's own batch norm refuses one value a channel; more than one is normalised as ever."""
    torch.manual_seed(0)
    model = create_model(HEADED, 3, 1, 32).train()
    maps = model(torch.randn(1, 3, 1, 32, 32))
    maps[0].sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    norm, stock = model.classifier[0].convs[4][2], torch.nn.BatchNorm2d(256)
    several = torch.randn(2, 256, 1, 1)
    torch.testing.assert_close(norm(several), stock(several))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        stock(several[:1])


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A state dict of 21 classes, as torchvision's file has it."""
    torch.manual_seed(0)
    model = create_model(HEADED, 21, 1, 32).eval()
    path = tmp_path_factory.mktemp("weights") / "voc.pth"
    torch.save({"model": {f"module.{key}": tensor for key, tensor in model.state_dict().items()}, "epoch": 3}, path)
    return model, str(path)


def test_weights_behind_a_prefix_are_evaluated_with_only_the_datas_classes(published, tmp_path):
    theirs, path = published
    (tmp_path / "names.txt").write_text("\n".join(VOC))
    model, found = evaluated(HEADED, ["class5", "class0"], 1, 32, Given(path, str(tmp_path / "names.txt"), "data"))
    clip = torch.randn(1, 3, 2, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(clip), theirs(clip)[:, [5, 0]])
    assert (found.classes, found.answers) == (21, 2)
    assert any("module." in note for note in found.notes)


def test_another_number_of_classes_is_refused_and_a_new_head_fits_both_heads(published):
    with pytest.raises(ConfigError, match="21 classes, the data 3"):
        evaluated(HEADED, list("abc"), 1, 32, Given(published[1], "order", "data"))
    fresh = create_model(HEADED, 3, 1, 32)
    found = initialize(fresh, HEADED, 1, 32, published[1])
    assert "aux_classifier.4.weight" in found.notes[-1]
    assert torch.equal(fresh.state_dict()["backbone.0.0.weight"], published[0].state_dict()["backbone.0.0.weight"])


def test_weights_without_an_auxiliary_head_fit_and_half_a_head_does_not(published, tmp_path):
    theirs = published[0].state_dict()
    bare = {key: tensor for key, tensor in theirs.items() if not key.startswith(AUXILIARY)}
    save_file(bare, tmp_path / "bare.safetensors")
    model, found = evaluated(HEADED, VOC, 1, 32, Given(str(tmp_path / "bare.safetensors"), "order", "data"))
    assert "no auxiliary head" in found.notes[-1]
    assert torch.equal(model.state_dict()["classifier.4.weight"], theirs["classifier.4.weight"])
    half = bare | {"aux_classifier.0.weight": theirs["aux_classifier.0.weight"]}
    save_file(half, tmp_path / "half.safetensors")
    with pytest.raises(ConfigError, match=r"aux_classifier\.1\.weight is missing"):
        evaluated(HEADED, VOC, 1, 32, Given(str(tmp_path / "half.safetensors"), "order", "data"))


def test_published_weights_are_those_of_vocs_classes(published, tmp_path, monkeypatch):
    """The enum's file, under its own name in torch's cache; its hash is not that of the file here, and is refused."""
    from torchvision.models.segmentation import LRASPP_MobileNet_V3_Large_Weights as Theirs

    from vidsparse.models.weights.labels import find_classes

    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    place = tmp_path / "checkpoints" / Theirs.COCO_WITH_VOC_LABELS_V1.url.rpartition("/")[2]
    place.parent.mkdir()
    name = "lraspp_mobilenet_v3_large"
    torch.save(create_model(name, 21, 1, 32).state_dict(), place)
    classes = ["background" if names[0] == "__background__" else names[0] for names in find_classes("voc")]
    with pytest.raises(ConfigError, match="not the file that was published"):
        evaluated(name, classes, 1, 32, Given("COCO_WITH_VOC_LABELS_V1", "auto", "data"))
    monkeypatch.setattr("vidsparse.utils.files.digest", lambda _: "d234d4ea" + "0" * 56)
    _, found = evaluated(name, classes, 1, 32, Given("COCO_WITH_VOC_LABELS_V1", "auto", "data"))
    assert (found.answers, found.labels) == (21, f"by name, torchvision, {Theirs.COCO_WITH_VOC_LABELS_V1}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "method"),
    [(HEADED, "rigl"), *(("unet", method) for method in ("static", "rigl", "set", "mest_g", "granet_g"))],
)
def test_any_method_keeps_its_exact_budget_auxiliary_heads_included(name, method):
    from vidsparse.training.recipe import pixel_loss

    torch.manual_seed(0)
    model = create_model(name, 3, 2, 32).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    settings = {} if method == "static" else {"every": 1, "stop": 1.0}
    sparse = sparsify(model, optimizer, method, 0.6, 4, **settings)
    clips, masks = torch.randn(2, 3, 2, 32, 32), torch.randint(3, (2, 2, 32, 32), dtype=torch.uint8)
    for _ in range(4):
        optimizer.zero_grad()
        pixel_loss(model(clips), masks).backward()
        optimizer.step()
    assert sparse.nonzero == round(0.4 * sparse.total) == sum(sparse.counts().values())
    assert any(key.startswith(AUXILIARY) for key in sparse.counts()) == (name == HEADED)
    weights = dict(model.named_parameters())
    assert all(int(mask.sum()) == sparse.counts()[key] for key, mask in sparse.masks.items())
    assert all(not weights[key][~mask].any() for key, mask in sparse.masks.items())
    assert method == "static" or sparse.changed > 0


@pytest.mark.slow
def test_flops_are_counted():
    assert (
        count_flops(create_model("unet", 4), (1, 3, 2, 32, 32)).dense
        == 2 * count_flops(create_model("unet", 4), (1, 3, 1, 32, 32)).dense
    )
