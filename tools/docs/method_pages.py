"""One Markdown page a sparse-training method, and an index of them: pure functions of METHODS and of the notes."""

from functools import cache
from pathlib import Path
from typing import Final

import torch

from tools.docs import method_measures as measured
from tools.docs.corruption_pages import INDEX, table
from tools.docs.method_notes import COMMON, COMMON_ORIGINS, LEFT_OUT, NOTES
from tools.docs.method_speed import SPEED, SPEED_WHERE, SPEED_WHY
from tools.docs.note import Note
from tools.docs.paper_plans import NETWORKS, PLANS, paper_plans, window_cost
from vidsparse.models.zoo import create_model
from vidsparse.sparsity import counts
from vidsparse.sparsity.budget import Budget
from vidsparse.sparsity.masks import prunable
from vidsparse.sparsity.measure.flops import Flops, count_flops
from vidsparse.sparsity.measure.layer_table import forward_flops, training_cost
from vidsparse.sparsity.methods import METHODS, Method
from vidsparse.utils.files import write

_MADE = "<!-- made by scripts/docs.py from METHODS and the notes beside it: change it there -->\n"
MODEL, FRAMES, SIZE, STEPS, DISTRIBUTION = "r3d_18", 16, 112, 30_000, "erk"
_ERK_COST = (
    "ERK keeps the small first layers, which see the most positions, dense: at half the weights it saves few FLOPs; a "
    "uniform distribution saves them in proportion."
)
SPARSITIES: Final = (0.1, 0.5, 0.9)


def write_method_pages(folder: Path) -> None:
    """Write every page and the index into a folder; pages of methods that are no longer there are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = method_pages()
    for name, text in texts.items():
        write(folder / name, text)
    for file in folder.glob("*.md"):
        if file.name not in texts:
            file.unlink()


def method_pages() -> dict[str, str]:
    """Return the text of every page by file name."""
    return {INDEX: method_index(), **{f"{name}.md": method_page(row, NOTES[name]) for name, row in METHODS.items()}}


def method_page(row: Method, note: Note) -> str:
    """Return the page of one method."""
    parts = [f"{_MADE}# {row.name}: {row.title}", note.what, f"```\n{note.equation}\n```"]
    if row.dynamic:
        parts.append(
            "n: weights of a layer that exist; t: the step after which the update comes; T_end: `stop` · steps."
        )
    if row.settings:
        rows = [
            (f"`{key}`", _what(row, key), _shown(value), note.origins.get(key) or COMMON_ORIGINS[key])
            for key, value in row.settings.items()
        ]
        parts.append(f"## Settings\n\n{table(('setting', 'what', 'value', 'from'), rows)}")
    for title, sentences in (("the paper", note.from_paper), ("public code", note.from_code)):
        if sentences:
            parts.append(f"## Departures from {title}\n\n" + "\n".join(f"- {each}" for each in sentences))
    if row.sparse:
        parts.append(f"What all methods share, and where that departs: [the index]({INDEX}#what-all-methods-share).")
    parts.append(f"## Cost\n\n{_cost(row)}")
    parts.append(f"## Source\n\n{row.source}.")
    return "\n\n".join(parts) + "\n"


def method_index() -> str:
    """Return the list of all methods by their axes, what they share, what they cost, and what is left out."""
    rows = [
        (
            f"[{row.name}]({row.name}.md)",
            "constant fan-in" if row.constant_fan_in else "any" if row.sparse else "",
            row.drop.name if row.drop else "",
            _grown(row),
            _fraction(row),
            _density(row),
            _dense_gradients(row),
        )
        for row in METHODS.values()
    ]
    head = ("method", "distribution", "drop", "grow", "share dropped", "density", "dense gradients")
    costs = [(name, *_shares(row)) for name, row in METHODS.items() if row.sparse]
    costs.append(("static, uniform", *_shares(METHODS["static"], "uniform")))
    parts = [
        f"{_MADE}# The sparse-training methods",
        f"{len(METHODS)} rows of one table: distribution × drop score × grow score × schedule. A distribution (`erk`, "
        "`er`, `uniform`) says how many weights each layer has, and is chosen apart from the method.",
        '```python\nsparse = vidsparse.sparsify(model, optimizer, "rigl", sparsity=0.5, total_steps=10_000)\n```',
        table(head, rows),
        "Suffix `_r`: growth at random; `_g`: growth by gradient, as in arXiv 2410.03030.",
        f"## What all methods share\n\n{table(('what', 'here', 'elsewhere'), COMMON)}",
        f"## Cost\n\n{_costed()} {_ERK_COST}\n\n{table(('method', *_heads()), costs)}",
        f"## In the paper's setting\n\n{PLANS}",
        *(f"{network}:\n\n{paper_plans(network)}" for network in NETWORKS),
        f"{measured.EXPLORED_TEXT}\n\n{table(measured.EXPLORED_HEAD, measured.EXPLORED)}",
        f"## What growth sees\n\n{measured.OVERLAP_TEXT}\n\n{table(measured.OVERLAP_HEAD, measured.OVERLAP)}",
        f"{measured.OVERLAP_MEANS} {window_cost('slow_r50')}",
        f"## Speed\n\n{SPEED_WHERE}\n\n{table(('method', 'a step', 'an update'), SPEED)}\n\n{SPEED_WHY}",
        f"{measured.ADAMW_TEXT}\n\n{table(measured.ADAMW_HEAD, measured.ADAMW)}",
        "## Left out\n\n" + "\n".join(f"- **{name}** {why}." for name, why in LEFT_OUT.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _what(row: Method, key: str) -> str:
    return row.declared[key].what.removeprefix("the ")


def _shown(value: float | str | bool) -> str:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value).lower()


def shares(row: Method, sparsity: float, distribution: str = DISTRIBUTION) -> tuple[float, float]:
    """FLOPs of inference and of the whole training, as shares of dense ones, of the example that the pages count."""
    flops, shapes = _example()
    budget = Budget(shapes, frozenset(), row, sparsity if row.sparse else 0.0, distribution, STEPS)
    forward = forward_flops(flops, budget)
    training = training_cost(flops, budget, forward)
    return forward[max(forward)] / flops.dense, training / (3.0 * flops.dense * STEPS)


@cache
def _example() -> tuple[Flops, dict[str, tuple[int, ...]]]:
    with torch.device("meta"):
        model = create_model(MODEL, 101, FRAMES, SIZE)
    shapes = {name: tuple(weight.shape) for name, weight in prunable(model).items()}
    return count_flops(model, (1, 3, FRAMES, SIZE, SIZE)), shapes


def _grown(row: Method) -> str:
    if row.counts is counts.as_planned:
        return "nothing"
    return row.grow.name + (", across layers" if row.counts is counts.shared_by_momentum else "") if row.grow else ""


def _fraction(row: Method) -> str:
    if not row.drop_fraction:
        return "what is over the target" if row.dynamic else ""
    end = f" to {row.drop_fraction_end:g}" if row.drop_fraction_end else ""
    return f"{row.drop_fraction:g}, {row.decay}{end}"


def _density(row: Method) -> str:
    if row.initial_density:
        return f"{row.initial_density:g} to the target, {'all layers together' if row.across_layers else 'by layer'}"
    if row.soft_bound:
        return f"up to {100 * row.soft_bound:g} % above the target"
    return "the target" if row.sparse else "1"


def _dense_gradients(row: Method) -> str:
    return "every step" if row.dense_gradient and row.smoothing else "at updates" if row.dense_gradient else "never"


def _cost(row: Method) -> str:
    step = {
        "every step": "2 f_S + f_D, since each step computes the gradient of all weights",
        "at updates": "3 f_S, and 2 f_S + f_D in the w = `grow_window` steps before updates: "
        f"(3 (ΔT − w) f_S + w (2 f_S + f_D)) / ΔT with ΔT = {row.every}, w = {row.grow_window}",
        "never": "3 f_S" if row.sparse else "3 f_D",
    }[_dense_gradients(row)]
    memory = {
        "every step": "a dense average of gradients, at all times",
        "at updates": "a dense gradient, at updates",
        "never": "nothing dense",
    }[_dense_gradients(row)]
    if not row.sparse:
        return f"A step: {step}, f_D being the FLOPs of a forward pass."
    return (
        f"A step: {step} (f_S: FLOPs of a sparse forward pass, f_D: of a dense one). Beyond the sparse weights it "
        f"needs {memory}. {_costed()}\n\n{table(_heads(), [_shares(row)])}"
    )


def _costed() -> str:
    return (
        f"Shares of the FLOPs of dense inference and training, {MODEL}, {FRAMES} × {SIZE} px, {DISTRIBUTION}, "
        f"{STEPS:,} steps; counted, theoretical: masks are simulated and save no time."
    )


def _heads() -> tuple[str, ...]:
    return tuple(f"{what} at {each:g}" for each in SPARSITIES for what in ("inference", "training"))


def _shares(row: Method, distribution: str = DISTRIBUTION) -> tuple[str, ...]:
    return tuple(f"{share:.3f}" for each in SPARSITIES for share in shares(row, each, distribution))
