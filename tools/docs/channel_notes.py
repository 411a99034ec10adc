"""What the pages of methods say that take whole channels out; data alone."""

from tools.docs.note import COSINE, Note

_ORIGINS = {
    "every": "the paper of RigL: ΔT = 100",
    "stop": "the paper of RigL: 75 %",
    "drop_fraction": "the paper of RigL: α = 0.3",
    "channels_until": "ours: the last quarter of the updates sees the channels that stay",
}
_HEADS = (
    "A head of attention (its queries, keys and values, and what is read of it) is one channel, in timm's attention, "
    "and that of TimeSformer, VideoMAE, ViViT, and torchvision's MViT and Swin (of clips); other attention keeps its "
    "heads."
)

CHANNEL_NOTES = {
    "chase": Note(
        what="Channels go while the topology changes: those whose weights are smallest on average, in all layers that "
        "write or read them, so that `compact` takes them out without changing an output.",
        equation="UMM(c) = mean |w| of the weights that write channel c and exist\n"
        "gone(t) = S_c (1 − (1 − t / T_c)³)   of all channels, those of lowest UMM;   a stream keeps "
        "the share β or more\n"
        f"else as RigL between the channels left,   {COSINE}",
        origins=_ORIGINS
        | {
            "channel_sparsity": "ours: 0.25; the paper has 0.3 and 0.4 on ImageNet",
            "channel_multiple": "the paper: single channels",
            "channel_least": "the public code: β = 0.2 on ImageNet, 0.5 for ResNet-50 on CIFAR",
        },
        from_paper=(
            "A channel goes where all layers that write it can spare it: along a residual sum all its layers lose the "
            "same channels. The paper masks the filters of each layer by itself, which a sum fills again.",
            "Weights are dropped and grown in each layer, and shared out by the distribution over what room is left; "
            "the paper drops and grows over all layers together, within a soft bound of memory.",
            "The share of channels that is gone follows the cubic schedule; the paper takes as many at each step.",
            _HEADS,
            "The paper skips the pruning of layers of its choice (prune skip); here `exclude` does that.",
        ),
        from_code=(
            "The public code removes channels at an interval of their own; here each update of the topology may.",
        ),
    ),
    "rigl_channels": Note(
        what="RigL in a network that loses the same share of the channels of each stream, in such numbers that those "
        "left are a multiple of 8, for which kernels are made. A stream is all channels that the same layers write.",
        equation="worth(c) = Σ |w| over all weights that write or read channel c\n"
        "of a stream of n channels stay  8 ⌈(1 − gone(t)) n / 8⌉, those of highest worth;   "
        "gone(t) = S_c (1 − (1 − t / T_c)³)\n"
        f"else as RigL between the channels left,   {COSINE}",
        origins=_ORIGINS
        | {
            "channel_sparsity": "ours: below a quarter little is gained on a clock, see docs/speed.md",
            "channel_multiple": "ours: of 8, the width of a vector register",
            "channel_least": "ours",
        },
        from_paper=(
            "RigL knows no channels. What is said of them is ours; channels do not come back.",
            _HEADS,
            "Layers have the counts of the distribution as far as the channels left have room, and share out the rest.",
        ),
        from_code=("As for `rigl`.",),
    ),
}
