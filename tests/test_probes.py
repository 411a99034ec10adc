"""Networks with something taken away: exactly that, the same each time, and the given one stays as it is."""

import copy

import pytest
import torch
from torch import nn

import vidsparse
from vidsparse import probes


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(3, 8, 3), nn.BatchNorm3d(8), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 5))


@pytest.mark.parametrize("probe", [probes.noisy_weights, probes.fewer_links])
def test_the_given_network_stays_and_a_seed_gives_the_same(probe):
    model = network()
    before = copy.deepcopy(model.state_dict())
    first, again, other = (probe(model, 0.3, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(torch.equal(first[name], value) for name, value in again.items())
    assert not torch.equal(first["0.weight"], other["0.weight"])
    assert all(torch.equal(first[name], before[name]) for name in before if before[name].dim() < 2)


def test_noise_has_its_size_and_leaves_zeros():
    model = network()
    with torch.no_grad():
        model[0].weight[:, 0] = 0
    changed = probes.noisy_weights(model, 0.5)
    there = model[0].weight != 0
    ratio = (changed[0].weight - model[0].weight).detach()[there].std() / model[0].weight.detach()[there].std()
    assert 0.4 < float(ratio) < 0.6
    assert (changed[0].weight[~there] == 0).all()


def test_links_go_by_their_count_and_more_for_a_larger_share():
    model = network()
    with torch.no_grad():
        model[0].weight[:4] = 0
    left = {share: probes.fewer_links(model, share)[0].weight != 0 for share in (0.25, 0.5)}
    assert [int(mask.sum()) for mask in left.values()] == [243, 162]  # of 324
    assert (left[0.25] | ~left[0.5]).all()


def test_links_in_any_memory_layout_go_the_same_way():
    model = network()
    last = copy.deepcopy(model)
    last[0].weight.data = last[0].weight.data.contiguous(memory_format=torch.channels_last_3d)
    assert torch.equal(probes.fewer_links(model, 0.4)[0].weight, probes.fewer_links(last, 0.4)[0].weight)


def test_what_a_topology_holds_can_be_probed():
    model = network()
    vidsparse.sparsify(model, torch.optim.SGD(model.parameters(), lr=0.1), method="static", sparsity=0.5)
    changed = probes.noisy_weights(model, 0.1).eval()
    assert changed(torch.rand(2, 3, 4, 8, 8)).shape == (2, 5)
    assert ((changed[0].weight == 0) == (model[0].weight == 0)).all()


def test_backwards_turns_time_alone():
    clips = torch.rand(2, 3, 4, 5, 5)
    assert torch.equal(probes.backwards(lambda given: given)(clips), clips.flip(2))


@pytest.mark.parametrize("wrong", [-0.1, 1.5])
def test_shares_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="0 to 1"):
        probes.fewer_links(network(), wrong)


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
def test_a_box_covers_its_share_of_every_frame_and_moves_where_it_should(share, moving):
    clips = 1 + torch.rand(6, 3, 5, 40, 60)
    hidden = probes.occluded(lambda given: given, share, moving)(clips) == 0
    assert (hidden.all(1) == hidden.any(1)).all()
    assert ((hidden.float().mean((1, 3, 4)) - share).abs() < 0.02).all()
    still = [bool((clip == clip[:, :1]).all()) for clip in hidden]
    assert moving or all(still)
    if 0 < share < 0.9:  # a larger box has hardly a place to go to
        assert not moving or not any(still)
        assert len({clip.numpy().tobytes() for clip in hidden}) == 6


def test_a_clip_is_hidden_the_same_way_in_any_batch_and_otherwise_by_another_seed():
    clips = torch.rand(3, 3, 2, 16, 16)
    seen = probes.occluded(lambda given: given, 0.3, moving=True)
    assert torch.equal(seen(clips)[1:2], seen(clips[1:2]))
    assert not torch.equal(seen(clips), probes.occluded(lambda given: given, 0.3, moving=True, seed=1)(clips))
    with pytest.raises(ValueError, match="0 to 1"):
        probes.occluded(seen, 1.2)


def _most_in_the_dark(clips: torch.Tensor) -> torch.Tensor:
    """Class 1 where more than half of the values are not hidden."""
    seen = (clips != 0).float().mean((1, 2, 3, 4))
    return torch.stack([0.5 - seen, seen - 0.5], dim=1)


def test_an_occlusion_curve_falls_where_the_box_hides_what_the_answer_needs():
    clips, labels = torch.ones(5, 3, 3, 16, 16), torch.tensor([1, 1, 1, 1, 0])
    curve = probes.occlusion_curve(_most_in_the_dark, clips, labels, shares=(0.0, 0.3, 0.8), batch=2)
    for moving in (False, True):
        part = curve[curve["moving"] == moving].set_index("share")
        assert part["accuracy"].to_dict() == pytest.approx({0.0: 0.8, 0.3: 0.8, 0.8: 0.2})
        assert set(part["n"]) == {5}


def test_an_occlusion_curve_does_not_depend_on_batches_and_counts_nan_as_wrong():
    draw = torch.Generator().manual_seed(0)
    clips, labels = torch.randn(6, 3, 2, 8, 8, generator=draw), torch.zeros(6, dtype=torch.long)
    by_place = lambda x: torch.stack([x[:, :, :, :4].sum((1, 2, 3, 4)), x[:, :, :, 4:].sum((1, 2, 3, 4))], 1)  # noqa: E731
    curves = [probes.occlusion_curve(by_place, clips, labels, batch=batch) for batch in (1, 4, 6)]
    assert curves[0].equals(curves[1])
    assert curves[0].equals(curves[2])
    broken = probes.occlusion_curve(lambda x: by_place(x) * float("nan"), clips, labels, shares=(0.0,))
    assert broken["accuracy"].tolist() == [0.0, 0.0]


def test_an_occlusion_curve_of_no_clips_or_of_too_few_labels_is_refused():
    for count, labels in ((0, torch.zeros(0)), (3, torch.zeros(2)), (3, torch.zeros(3, 1))):
        with pytest.raises(ValueError, match="one label a clip"):
            probes.occlusion_curve(_most_in_the_dark, torch.ones(count, 3, 2, 4, 4), labels)
