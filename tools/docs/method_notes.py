"""What the page of each sparse-training method says beyond its row: rule, equation, origins, departures; data alone."""

from collections.abc import Mapping

from tools.docs.channel_notes import CHANNEL_NOTES
from tools.docs.note import COSINE, Note

# Where settings come from that mean the same for all methods, unless a note says otherwise.
COMMON_ORIGINS: Mapping[str, str] = {
    "decay": "RigL's paper, half a cosine",
    "drop_fraction_end": "RigL's paper: 0",
    "decay_until": "as `stop`",
    "grow_window": "the paper: the last batch, of 4,096 images; a run takes as many steps as show about 4,096 samples",
    "reset_regrown": "public code of RigL, SET, GraNet and ITOP: such a weight keeps its value",
    "signed_drop": "public code of most: by size, whatever the sign; SET's paper: each sign by itself",
}
_SIMPLE = "keep  top(n − k, |w|) of the layer's n weights\n"
_FRACTION = "k = ⌊f(t) · n⌋"
_EVERY_100 = "that of RigL's paper; the interval of this method in arXiv 2410.03030 is not public"
_STOP = "RigL's public schedule: 25,000 of 32,000 steps"
_MAGNITUDE_DROP = "It drops by |w| as arXiv 2410.03030 does for all its methods, not by |w| + λ|g|."
_MEST_RESET = "the public code, which sets what it drops to 0 before it grows"
_MEST_ORIGIN = {
    "every": _EVERY_100,
    "stop": _STOP,
    "soft_bound": "10 % of the target density: second-hand, from the public reviews of arXiv 2410.03030",
    "decay": "ours; the paper's public schedules go down in steps",
    "reset_regrown": _MEST_RESET,
}
_MEST_PAPER = (
    _MAGNITUDE_DROP,
    "The bound decays by half a cosine and ends with the last update; the paper's public schedules go down in steps "
    "every few epochs, from a sparsity of 0.85 over 0.875 to 0.9.",
)
_GRANET_ORIGIN = {
    "every": "RigL's; GraNet's public code takes 1000 (CIFAR) and 4000 (ImageNet)",
    "stop": "the paper: regeneration between the first and the last pruning; public code: to the end of the training",
    "drop_fraction": "GraNet's public code, 0.5",
    "prune_until": "GraNet's public CIFAR script, epoch 80 of 160; 30 of 100 for ImageNet",
}
_GRANET_PAPER = (
    "The fraction falls by a cosine to 0 where pruning ends. Public code regenerates to the end of the training, by a "
    "cosine to 0.005: `stop=1.0, drop_fraction_end=0.005` does so here.",
    "A layer keeps at least a tenth of the whole density when all layers are pruned together, so that none is emptied.",
)
_GRANET_CODE = (
    "Public code ends slightly above the target (0.10005 for 0.1), because its last pruning falls one step short of "
    "the "
    "end of its schedule; here the last one reaches the count exactly.",
    "Public code keeps every weight that ties with the threshold and can so become dense; here counts are exact.",
)
_ITOP_ORIGIN = {
    "stop": "the paper's public code: updates go on to the end",
    "drop_fraction": "the paper's public code: 0.5",
    "drop_fraction_end": "the paper's public code: 0.005",
}
_ITOP_CODE = (
    "Public code draws random growth weight by weight, so that counts vary (263 to 311 where 300 were asked); here "
    "they "
    "are exact.",
    "Public code can drop, of the negative weights, all but the least; here all are ranked by |w|.",
)

NOTES: dict[str, Note] = {
    "dense": Note(
        what="The control: no masks, no hooks, an ordinary training.",
        equation="θ ← optimizer(θ, ∇L(θ))",
    ),
    "static": Note(
        what="A random sparse network that stays as it is: the control that tells what changing the topology adds.",
        equation="mask ~ uniform over all masks with the layer's count;   θ ← mask ⊙ optimizer(θ, mask ⊙ ∇L(θ))",
        from_code=(
            "Public code draws each weight by itself, so that counts vary (39,458 to 40,060 where 39,834 were meant, "
            "over "
            "eight seeds); here a layer has exactly its count.",
        ),
    ),
    "set": Note(
        what="Sparse evolutionary training: the weakest weights give way to random ones.",
        equation=f"{_SIMPLE}grow  k others, uniformly at random\n{_FRACTION},   {COSINE}",
        origins={
            "every": _EVERY_100 + "; SET's is one epoch, which the shipped configs take (`every_epochs: 1`)",
            "stop": "ours, as RigL's; the paper: to the end, where the last epoch only removes",
            "drop_fraction": "the paper: ζ = 0.3; public code of the authors of arXiv 2410.03030: 0.2",
            "decay": "ours, as RigL's; the paper: constant; public code of the authors of arXiv 2410.03030: a cosine "
            "to 0.001",
        },
        from_paper=(
            "The fraction decays and updates stop at three quarters. With the paper's constant 0.3 to the end, at a "
            "learning rate that has fallen to nothing, what is grown last never leaves 0: of a small network's weights "
            "26 % ended below a twentieth of the median size, and a sparsity of 0.5 was in effect 0.63. The paper's "
            "own last epoch removes and grows nothing. `decay='constant', stop=1.0` is its schedule without that.",
            "The weights nearest to zero go, whatever their sign; the paper takes the share ζ of the positive and of "
            "the negative ones, each by itself (`signed_drop=True`).",
            "Grown weights start at 0; the paper draws small random values.",
            "The last layer is sparse too; the authors' code keeps it dense (`last_layer='dense'` does so here).",
        ),
        from_code=(
            "The authors' code makes a new optimizer each epoch, which forgets all momentum; here only new connections "
            "start without.",
            "Weights that were just dropped can be grown again, as in the authors' code; they keep value and state.",
        ),
    ),
    "rigl": Note(
        what="Rigging the lottery: the weakest weights give way to those with the largest gradient.",
        equation=f"{_SIMPLE}grow  top(k, |∂L/∂w|) of all that was not kept\n{_FRACTION},   {COSINE}",
        origins={
            "every": "the paper: ΔT = 100",
            "stop": _STOP,
            "drop_fraction": "the paper: α = 0.3",
        },
        from_paper=(
            "An update follows an optimizer step; in the paper it takes the place of one, so that a batch trains "
            "nothing.",
            "A weight that is dropped and grown at once keeps value and optimizer state, as in the authors' code; the "
            "paper sets all grown weights to 0.",
            "Under a uniform distribution the first layer is sparse too; the paper keeps it dense and out of the "
            "budget "
            "(`first_layer='dense', dense_in_budget=False`).",
        ),
        from_code=(
            "The authors' code adds noise of 1e-5 to |w|; here ties go to the lower index. So a layer whose dense "
            "gradient is all zero (a branch behind zero-initialised normalisation, early in training) fills its first "
            "channels: see that in the kernel maps before reading structure into them.",
            "The authors' code makes its first update at step 0; here it comes after `every` steps.",
            "PyTorch ports average |g| over processes; here g is averaged and then taken |g|, as one process would "
            "see it.",
            "PyTorch ports reset the momentum of SGD alone; here all state of new connections of any optimizer is at "
            "rest.",
        ),
    ),
    "mest": Note(
        what="Elastic mutation of MEST: weights that are small and hardly move give way to random ones.",
        equation="score = |w| + λ |∂L/∂w|\nkeep  top(n − k, score);   grow  k others, uniformly at random\n"
        f"{_FRACTION},   f(t) = α, halved from ¾ of T_end on",
        origins={
            "every": _EVERY_100 + "; MEST's is 5 epochs",
            "stop": "the paper's public script: the last mutation ends at epoch 120 of 160",
            "drop_fraction": "the paper's public script: from a sparsity of 0.90 to 0.92 and back, a fifth of the "
            "weights",
            "gradient_weight": "ours; the public code's default is 0",
            "decay": "the paper's public script: lower in the last quarter of the mutations",
            "reset_regrown": _MEST_RESET,
        },
        from_paper=("Layers share the budget by `distribution`; the paper gives each layer a rate by hand.",),
        from_code=(
            "In the public code λ is 0, and gradients are gone when scores are taken; here the gradient of the step "
            "counts.",
            "Public code rebuilds masks from non-zero weights on resuming, and loses grown ones that are still 0.",
        ),
    ),
    "mest_r": Note(
        what="MEST with a soft memory bound and random growth: a little over the budget, with what does not prove "
        "itself "
        "pruned back.",
        equation="keep  top(n_target, |w|);   grow at random up to n_target · (1 + b · ½ (1 + cos(π t / T_end)))",
        origins=_MEST_ORIGIN,
        from_paper=_MEST_PAPER,
    ),
    "mest_g": Note(
        what="MEST with a soft memory bound and growth by gradient, as arXiv 2410.03030 introduces it.",
        equation="keep  top(n_target, |w|);   grow  by top |∂L/∂w| up to n_target · (1 + b · ½ (1 + cos(π t / T_end)))",
        origins=_MEST_ORIGIN,
        from_paper=(*_MEST_PAPER, "It grows by gradient; MEST itself never needs a dense gradient."),
    ),
    "granet_r": Note(
        what="Gradual pruning with regeneration at random: the network gets sparser as it trains, and rewires "
        "meanwhile.",
        equation="d(t) = d_f + (d_i − d_f) (1 − t / t_f)³\n1. keep top(d(t) · N, |w|) over all layers together\n"
        f"2. in each layer  keep top(n − k, |w|), grow k at random\n{_FRACTION},   {COSINE}",
        origins={
            **_GRANET_ORIGIN,
            "initial_density": "0.8: second-hand, from the public reviews of arXiv 2410.03030; GraNet's is 0.5. "
            "Where the "
            "target is denser, training starts dense, and a run says so: ours",
        },
        from_paper=(*_GRANET_PAPER, "It grows at random, as arXiv 2410.03030 introduces it; GraNet grows by gradient."),
        from_code=_GRANET_CODE,
    ),
    "granet_g": Note(
        what="Gradual pruning with regeneration by gradient: the network gets sparser as it trains, and rewires "
        "meanwhile.",
        equation="d(t) = d_f + (d_i − d_f) (1 − t / t_f)³\n1. keep top(d(t) · N, |w|) over all layers together\n"
        f"2. in each layer  keep top(n − k, |w|), grow top(k, |∂L/∂w|)\n{_FRACTION},   {COSINE}",
        origins={
            **_GRANET_ORIGIN,
            "initial_density": "0.8: second-hand, from the public reviews of arXiv 2410.03030; GraNet's is 0.5. "
            "Where the "
            "target is denser, training starts dense, and a run says so: ours",
        },
        from_paper=_GRANET_PAPER,
        from_code=_GRANET_CODE,
    ),
    "granet_dense": Note(
        what="GraNet from a dense start: gradual pruning that can take back what it pruned.",
        equation="as granet_g with d_i = 1",
        origins={**_GRANET_ORIGIN, "initial_density": "the paper's dense-to-sparse setting"},
        from_paper=_GRANET_PAPER,
        from_code=_GRANET_CODE,
    ),
    "itop_r": Note(
        what="SET that waits longer between larger changes, so that grown weights can prove themselves before they are "
        "judged and the training explores most of the weights in time.",
        equation=f"{_SIMPLE}grow  k others, uniformly at random\n{_FRACTION},   f(t) = p · (0.01 + 0.99 · ½ (1 + "
        f"cos(π t / T)))",
        origins={"every": "the paper: ΔT = 1500 for SET", **_ITOP_ORIGIN},
        from_paper=("Growth does not prefer weights that never existed, an option of the public code.",),
        from_code=_ITOP_CODE,
    ),
    "itop_g": Note(
        what="RigL that waits longer between larger changes and never stops them, so that the training explores most "
        "of "
        "the weights in time.",
        equation=f"{_SIMPLE}grow  top(k, |∂L/∂w|) of all that was not kept\n"
        f"{_FRACTION},   f(t) = p · (0.01 + 0.99 · ½ (1 + cos(π t / T)))",
        origins={"every": "the paper: ΔT = 4000 for RigL", **_ITOP_ORIGIN},
        from_code=(
            *_ITOP_CODE,
            "Public code draws masks by the rank's own seed and never compares them; here all ranks have the same.",
        ),
    ),
    "snfs": Note(
        what="Sparse networks from scratch: weights grow where the smoothed gradient is largest, and go from layers "
        "where "
        "it is small to layers where it is large.",
        equation="m ← β m + (1 − β) ∂L/∂w   at every step, for all weights\nkeep  top(n − k, |w|);   "
        "layer l grows  Σk · M_l / ΣM  by top |m|,   M_l = mean |m| of its weights",
        origins={
            "every": _EVERY_100 + "; SNFS' is one epoch",
            "stop": "the paper: to the end",
            "drop_fraction": "the paper: 0.5",
            "smoothing": "the paper's momentum, 0.9",
        },
        from_paper=(
            "The momentum by which weights are judged is kept beside the optimizer, for any optimizer; the paper uses "
            "that of SGD, which then holds and applies dense gradients.",
            "The drop fraction decays by half a cosine to 0, the other of the paper's two decays being linear.",
            "Growth sees the smoothed gradient of all steps, so it has no window.",
        ),
        from_code=(
            "In the public code the total drifts with redistribution; here it is exact at every update.",
            "The public code can remove the largest negative weights; here all are ranked by |w|.",
        ),
    ),
    "srigl": Note(
        what="Structured RigL: every neuron of a layer has as many weights as the others, and neurons that lose their "
        "salient weights are ablated.",
        equation="K = ⌊f(t) · n⌋ weakest weights of the layer go;   salient: kept, or among the K largest |∂L/∂w|\n"
        "ablate neurons with fewer than max(1, ⌊γ k⌋) salient weights;   k' = ⌊neurons · k / neurons left⌋\n"
        f"each neuron left keeps its best k' and grows by |∂L/∂w| up to k',   {COSINE}",
        origins={
            "every": "the paper: ΔT = 100, as RigL",
            "stop": "the paper: 75 %, as RigL",
            "drop_fraction": "the paper: α = 0.3, as RigL",
            "min_salient": "the paper: γ_sal = 0.3 for convolutional networks",
        },
        from_paper=(
            "The last layer's neurons, the classes, are never ablated; nor are so many that the rest could not hold "
            "the "
            "layer's weights.",
            "The fan-in is the layer's count divided among its neurons and rounded, so that totals are as near to the "
            "target as equal neurons allow.",
        ),
        from_code=(
            "The public code looks for stray weights in every layer at every step; here zeros stay zero by themselves.",
            "The public code takes 3-D batch norms for layers; here norms are never sparse.",
        ),
    ),
    "gmp": Note(
        what="Gradual magnitude pruning: from dense to sparse, what is pruned stays out; the usual baseline of the "
        "pruning literature.",
        equation="d(t) = d_f + (1 − d_f) (1 − t / t_f)³;   each layer keeps its top |w|, as many as the distribution "
        "gives",
        origins={
            "every": "the paper: 100 to 1000 steps make no difference",
            "stop": "ours, as RigL's",
            "initial_density": "the paper: dense",
            "prune_until": "ours: at the end of the updates",
        },
        from_paper=(
            "Layers share the density by `distribution`; the paper gives all the same (`distribution='uniform'`).",
            "Where rounding gives a layer one weight more than before, that one is drawn at random.",
        ),
        from_code=(
            "A public implementation divides by t_f and not by t_f − t_0, and ends at 0.875 for a target of 0.9; "
            "here the "
            "last update reaches the count exactly.",
        ),
    ),
    **CHANNEL_NOTES,
}

# Choices that all methods share, and what papers or public code do instead.
COMMON = (
    ("counts", "integers, exact in every layer at every step", "re-derived from a rounded sparsity: off by up to 20"),
    ("first mask", "uniform over all masks of that count", "each weight by itself (SET, SNFS, GraNet, ITOP)"),
    ("ties", "the lower flat index wins", "all that tie go, or stay: 50 dropped where 15 were asked"),
    ("an update", "follows an optimizer step; no batch is lost", "replaces it (RigL's paper, some ports)"),
    ("first, last", "after `every` steps; before `stop`", "step 0 (RigL's code); at the end too (others)"),
    ("grown weights", "0, with state at rest", "old state is left (most; AdamW keeps 388 of 459)"),
    ("dropped and grown", "keep value and state, but MEST's start anew", "set to 0 (RigL's paper, a reproduction)"),
    ("counts dropped", "rounded down, ⌊f · n⌋, as RigL's code", "rounded up (GraNet, ITOP, SNFS): 1 a layer more"),
    ("growth sees", "the mean gradient of `grow_window` steps", "that of the last batch, however small"),
    ("gradients", "masked before clipping", "clipped by a norm 1.6 to 2.4 times too large (dense ones)"),
    (
        "many processes",
        "size of the mean gradient, one set of masks",
        "mean of sizes; masks that differ by rank (GraNet's code)",
    ),
    ("norms", "never sparse, 3-D ones included", "BatchNorm3d is pruned (a PyTorch port of RigL)"),
    ("resuming", "masks, momenta and windows are saved", "masks redrawn (GraNet's and ITOP's CIFAR code)"),
)

LEFT_OUT = {
    "Top-KAST": "keeps all weights and trains a superset of those that the forward pass uses: its memory is dense, "
    "and a "
    "mask is no state of its own",
    "CHTs": "(Cannistraci-Hebb training, soft rule; CHTss lets its density fall) is tried in an appendix of arXiv "
    "2410.03030 that is not public. It scores absent links of a linear layer by shared neighbours. Its paper (arXiv "
    "2501.19107) and its authors' code, read on 29 November 2026, contradict each other (`tests/sparsity/test_chts.py` "
    "says by how much): new links are drawn by their scores in the abstract and in the code of July 2025 (d1677b5); "
    "those of the highest scores are taken in the official code of February 2026 (1f91f31), which also loses links "
    "where none has a score; removal hardens from |w| to |w|³ in the text and in the code of 2025, to |w|⁹ in the "
    "appendix and in the commands of 2026; neurons without links lose the rest in the commands of 2025 alone; and each "
    "experiment draws its first masks in another way. Convolutions have another rule, CHT-Conv (NeurReps 2025), whose "
    "code we did not find: with CHTs they would stay dense, all of `r3d_18` but its last layer",
    "DSR": "moves weights between layers by one global threshold, so that counts are met only about",
}
