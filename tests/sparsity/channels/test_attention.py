"""Whole heads of self-attention as channels: found, taken out by methods, compacted without another output."""

import pytest
import timm
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import video

from vidsparse.models import huggingface
from vidsparse.sparsity import compaction
from vidsparse.sparsity.channels.channel_graph import trace_channels
from vidsparse.sparsity.topology import sparsify

WIDTH, HEADS, SIZE, DEPTH = 48, 4, 12, 2
CLIPS = {"vit": (1, 3, 32, 32), "timesformer_s": (1, 3, 2, 32, 32), "videomae_s": (1, 3, 2, 32, 32),
         "vivit_s": (1, 3, 2, 32, 32), "swin3d": (1, 3, 4, 36, 28), "mvit": (1, 3, 4, 32, 32)}  # fmt: skip


def network(name: str, monkeypatch, **settings) -> nn.Module:
    torch.manual_seed(0)
    if name == "vit":
        model = timm.models.vision_transformer.VisionTransformer(
            32, 8, num_classes=5, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS, **settings
        )
    elif name == "swin3d":  # windows that are shifted in the second block, and reach over the clip's borders
        model = video.swin_transformer.SwinTransformer3d([2, 4, 4], WIDTH, [DEPTH], [HEADS], [8, 4, 4], num_classes=5)
    elif name == "mvit":
        pools = [[3, 3, 3], [3, 3, 3]]
        blocks = [video.mvit.MSBlockConfig(HEADS, WIDTH, WIDTH, *pools, [1, by, by], [1, 2, 2]) for by in (1, 2)]
        model = video.MViT((32, 32), 4, blocks, True, False, True, True, num_classes=5)
    else:
        small = {"hidden_size": WIDTH, "num_attention_heads": HEADS, "num_hidden_layers": DEPTH}
        monkeypatch.setattr(huggingface, "_SMALL", {**small, "intermediate_size": 2 * WIDTH, **settings})
        model = huggingface.build(name, 5, 2, 32)
    for weight in model.parameters():  # biases that are not zero, as after training
        nn.init.normal_(weight, std=0.2)
    model.example_shape = CLIPS[name]
    return model.eval()


def attentions(model: nn.Module) -> dict[str, tuple[list[nn.Linear], nn.Linear]]:
    """{name of the attention: its layers of queries, keys, values, and the one that reads the heads}."""
    named = dict(model.named_modules())
    found = {}
    for name, module in named.items():
        parts = dict(module.named_children())
        if {"qkv"} <= parts.keys():
            above = named[name.rpartition(".")[0]]
            mixing = parts.get("proj") or parts.get("project", [None])[0]
            found[name] = ([parts["qkv"]], mixing or above.output.dense)
        elif {"query", "key", "value"} <= parts.keys():
            above = named[name.rpartition(".")[0]]
            found[name] = ([parts["query"], parts["key"], parts["value"]], above.output.dense)
        elif {"q_proj", "o_proj"} <= parts.keys():
            found[name] = ([parts["q_proj"], parts["k_proj"], parts["v_proj"]], parts["o_proj"])
    return found


def assert_same(one: nn.Module, other: nn.Module, shape: tuple[int, ...]) -> None:
    x = torch.randn(3, *shape[1:])
    with torch.no_grad():
        torch.testing.assert_close(one(x), other(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", CLIPS)
@torch.no_grad()
def test_a_head_goes_where_nobody_reads_it_or_its_values_are_constant(name, monkeypatch):
    model = network(name, monkeypatch)
    (first, (_, reads)), *_, (last, (writes, _)) = attentions(model).items()
    reads.weight[:, SIZE : 2 * SIZE] = 0  # the second head is not read
    values = writes[-1].weight[-HEADS * SIZE :]
    values[: 2 * SIZE] = 0  # the first two heads of another layer carry nothing but their biases
    made = compaction(model, CLIPS[name])
    pooled = name == "mvit"  # pools the values with zeros around them, and adds queries to the means
    assert bool(made.left_alone) == pooled
    assert [made.reads[each][1] for each in readers(made, model, first)] == [(HEADS - 1) * SIZE]
    left = HEADS if pooled else HEADS - 2
    assert [made.reads[each][1] for each in readers(made, model, last)] == [left * SIZE]
    assert_same(made.model, model, CLIPS[name])
    again = compaction(made.model, CLIPS[name])
    assert sum(w.numel() for w in again.model.parameters()) == sum(w.numel() for w in made.model.parameters())


def readers(made, model: nn.Module, attention: str) -> list[str]:
    names = {module: name for name, module in model.named_modules()}
    return [names[attentions(model)[attention][1]]]


@pytest.mark.parametrize("name", CLIPS)
@torch.no_grad()
def test_a_part_of_a_head_does_not_go(name, monkeypatch):
    model = network(name, monkeypatch)
    for _, reads in attentions(model).values():
        reads.weight[:, SIZE : 2 * SIZE - 1] = 0
    made = compaction(model, CLIPS[name])
    assert all(before == now for before, now in made.writes.values())


@pytest.mark.parametrize("method", ["chase", "rigl_channels"])
@pytest.mark.parametrize(
    "name", ["vit", *(pytest.param(n, marks=pytest.mark.slow) for n in ("timesformer_s", "swin3d", "mvit"))]
)
def test_methods_take_out_whole_heads_and_whole_hidden_units(name, method, monkeypatch):
    model = network(name, monkeypatch).train()
    opt = torch.optim.AdamW(model.parameters(), 1e-3)
    sparse = sparsify(model, opt, method, 0.6, 12, every=2, channel_sparsity=0.5)
    for step in range(12):
        generator = torch.Generator().manual_seed(step)
        x, y = torch.randn(2, *CLIPS[name][1:], generator=generator), torch.randint(5, (2,), generator=generator)
        opt.zero_grad()
        F.cross_entropy(model(x), y).backward()
        opt.step()
    assert sparse.nonzero == round(0.4 * sparse.total)
    lost = 0
    for writes, reads in attentions(model).values():
        by_head = torch.stack([each.weight.reshape(-1, HEADS, SIZE, each.in_features) for each in writes])
        gone = by_head.ne(0).sum((0, 1, 3, 4)) == 0
        assert not reads.weight.reshape(-1, HEADS, SIZE).ne(0).sum((0, 2))[gone].any(), "all of it goes, or nothing"
        lost += int(gone.sum())
    assert lost > 0 or method == "chase"  # which weighs heads and hidden units together
    made = compaction(model.eval(), CLIPS[name])
    assert sum(w.numel() for w in made.model.parameters()) < 0.9 * sum(w.numel() for w in model.parameters())
    assert_same(made.model, model, CLIPS[name])


def test_attention_of_another_make_keeps_its_heads_and_says_why(monkeypatch):
    class Own(timm.layers.Attention):
        """Its forward pass may do anything."""

    model = network("vit", monkeypatch, scale_attn_norm=True, norm_layer=nn.LayerNorm)
    assert trace_channels(model, torch.zeros(CLIPS["vit"])).heads == {}
    model = network("vit", monkeypatch)
    model.blocks[0].attn.__class__ = Own
    assert list(trace_channels(model, torch.zeros(CLIPS["vit"])).heads) == ["blocks.1.attn"]
    model.blocks[1].attn.qkv.register_forward_hook(lambda *_: None)
    made = compaction(model, CLIPS["vit"])
    assert made.left_alone == {"blocks.1.attn": "Attention has hooks"}
    assert made.writes["blocks.0.mlp.fc1"] == (4 * WIDTH, 4 * WIDTH)


def test_queries_and_keys_that_are_normalised_head_by_head_do_not_matter(monkeypatch):
    model = network("vit", monkeypatch, qk_norm=True)
    with torch.no_grad():
        model.blocks[0].attn.proj.weight[:, :SIZE] = 0
    made = compaction(model, CLIPS["vit"])
    assert made.model.blocks[0].attn.num_heads == HEADS - 1
    assert_same(made.model, model, CLIPS["vit"])
