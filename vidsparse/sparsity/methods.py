"""Every DST method as a row. Adding a method is adding a row, here or by `register` in a file of one's own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from corruptions.exceptions import suggestion
from corruptions.open_table import OpenTable, caller
from vidsparse.sparsity import counts
from vidsparse.sparsity.channel_rule import ChannelRule, channel_settings
from vidsparse.sparsity.method import SETTINGS, Method
from vidsparse.sparsity.scores import GRADIENT, MAGNITUDE, MAGNITUDE_AND_GRADIENT, MOMENTUM, RANDOM
from vidsparse.utils.errors import ConfigError

__all__ = ["METHODS", "SETTINGS", "Method", "method_row", "register"]

_SET = Method(
    "set",
    "SET",
    source="Mocanu et al. 2018, Nature Communications 9:2383",
    drop=MAGNITUDE,
    grow=RANDOM,
    decay="cosine",
    drop_fraction=0.3,
    every=100,
    stop=0.75,
)
_RIGL = Method(
    "rigl",
    "RigL",
    source="Evci et al. 2020, Rigging the Lottery, algorithm 1",
    drop=MAGNITUDE,
    grow=GRADIENT,
    decay="cosine",
    drop_fraction=0.3,
    every=100,
    stop=0.75,
    grow_window=1,
)
_MEST = Method(
    "mest",
    "MEST",
    source="Yuan et al. 2021, MEST, elastic mutation",
    drop=MAGNITUDE_AND_GRADIENT,
    grow=RANDOM,
    decay="halved",
    drop_fraction=0.2,
    every=100,
    stop=0.75,
    gradient_weight=0.01,
    reset_regrown=True,
)
_MEST_SOFT = replace(
    _MEST,
    source="Yuan et al. 2021, MEST, soft memory bound; magnitude removal as in arXiv 2410.03030, section 3.2",
    drop=MAGNITUDE,
    decay="cosine",
    drop_fraction=0.0,
    gradient_weight=0.0,
    counts=counts.softly_bound,
    soft_bound=0.1,
)
_GRANET = Method(
    "granet_g",
    "GraNet_g",
    source="Liu et al. 2021, GraNet; initial density as in arXiv 2410.03030 (dense where the target is above it: ours)",
    drop=MAGNITUDE,
    grow=GRADIENT,
    decay="cosine",
    counts=counts.pruned_globally,
    across_layers=True,
    drop_fraction=0.5,
    every=100,
    stop=0.5,
    initial_density=0.8,
    prune_until=0.5,
    grow_window=1,
)
_ROWS = (
    Method("dense", "dense training", source="the control: no masks at all"),
    Method("static", "static sparse training", source="the control: a random sparse network that stays as it is"),
    _SET,
    _RIGL,
    _MEST,
    replace(_MEST_SOFT, name="mest_r", title="MEST_r", grow=RANDOM),
    replace(_MEST_SOFT, name="mest_g", title="MEST_g", grow=GRADIENT, grow_window=1),
    replace(_GRANET, name="granet_r", title="GraNet_r", grow=RANDOM, grow_window=0),
    _GRANET,
    replace(
        _GRANET,
        name="granet_dense",
        title="GraNet, dense start",
        source="Liu et al. 2021, GraNet, dense to sparse",
        initial_density=1.0,
    ),
    replace(
        _SET,
        name="itop_r",
        title="SET with ITOP",
        source="Liu et al. 2021, Do We Actually Need Dense Over-Parameterization?, SET-ITOP",
        decay="cosine",
        drop_fraction=0.5,
        drop_fraction_end=0.005,
        every=1500,
        stop=1.0,
    ),
    replace(
        _RIGL,
        name="itop_g",
        title="RigL with ITOP",
        source="Liu et al. 2021, Do We Actually Need Dense Over-Parameterization?, RigL-ITOP",
        decay="cosine",
        drop_fraction=0.5,
        drop_fraction_end=0.005,
        every=4000,
        stop=1.0,
    ),
    Method(
        "snfs",
        "SNFS",
        source="Dettmers and Zettlemoyer 2019, Sparse Networks from Scratch, sparse momentum",
        drop=MAGNITUDE,
        grow=MOMENTUM,
        decay="cosine",
        counts=counts.shared_by_momentum,
        across_layers=True,
        drop_fraction=0.5,
        every=100,
        stop=1.0,
        smoothing=0.9,
    ),
    replace(
        _RIGL,
        name="srigl",
        title="SRigL",
        source="Lasby et al. 2024, Dynamic Sparse Training with Structured Sparsity",
        constant_fan_in=True,
        min_salient=0.3,
    ),
    replace(
        _RIGL,
        name="chase",
        title="Chase",
        source="Yin et al. 2023, Dynamic Sparsity Is Channel-Level Sparsity Learner",
        counts=counts.within_channels,
        across_layers=True,
        channels=ChannelRule("mean of the present", across=True),
        own=channel_settings(multiple=1, least=0.2),
    ),
    replace(
        _RIGL,
        name="rigl_channels",
        title="RigL with coupled channels",
        source="Evci et al. 2020, RigL, algorithm 1, in a network that loses whole channels (ours)",
        counts=counts.within_channels,
        across_layers=True,
        channels=ChannelRule("sum over all", across=False),
        own=channel_settings(multiple=8, least=0.1),
    ),
    Method(
        "gmp",
        "gradual magnitude pruning",
        source="Zhu and Gupta 2017, To prune, or not to prune",
        drop=MAGNITUDE,
        grow=RANDOM,  # only where rounding gives a layer one weight more than before
        counts=counts.as_planned,
        every=100,
        stop=0.75,
        initial_density=1.0,
        prune_until=0.75,
    ),
)
PAGE = "docs/methods/README.md"  # where all of them and their settings are


def _made(name: str, row: Any) -> Method:
    """A row of the table, once its own settings are certain to be ones."""
    if not isinstance(row, Method):
        raise ConfigError(f"method {name or row!r}: it is a vidsparse.sparsity.Method, not a {type(row).__name__}")
    for each in row.own:
        if each.name in SETTINGS:
            raise ConfigError(f"{row.name}: {each.name} is a setting of all methods; set it in the row")
        if why := each.declared.problem(each.value):
            raise ConfigError(f"{row.name}: {each.name}={each.value}: {why}")
    if row.dynamic != (row.grow is not None):
        raise ConfigError(f"{row.name}: it has a score by which weights are dropped or one for growth; give both")
    return row


METHODS: OpenTable[Method] = OpenTable("method", PAGE, ConfigError, _made, {row.name: row for row in _ROWS})


def register(row: Method) -> Method:
    """Add a method of one's own to those that configs and `sparsify` know by name, in this process; returns it.

    Raises:
        ConfigError: there is a method of that name, or one of its own settings has a name or a value that cannot be.
    """
    return METHODS.add(row.name, row, module=caller())


def method_row(name: str | Method, settings: Mapping[str, Any], sparsity: float = 0.0) -> Method:
    """The row called `name`, or given itself, with what a caller set (None: nothing), for a target `sparsity`.

    Raises:
        ConfigError: what is unknown, out of range or means nothing for this method, but for the controls, which ignore
            all settings; a start that the caller asked for and that is not denser than the
            end. A row whose own start is not starts dense.
    """
    found = METHODS.find(name)
    if "density" in settings:
        raise ConfigError("density is not a setting: pass sparsity, the share of zeros (sparsity = 1 - density)")
    given = {key: value for key, value in settings.items() if value is not None}
    declared = found.declared
    for key, value in given.items():
        if key not in declared:
            raise ConfigError(f"unknown setting {key!r}: {suggestion(key, declared, PAGE)}")
        if why := declared[key].problem(value):
            raise ConfigError(f"{key}={value}: {why}")
        if found.dynamic and key not in found.settings:
            raise ConfigError(f"{key}={value}: {found.name} has no such setting: {', '.join(found.settings)}")
    row = found.having(**given)
    if not row.initial_density or row.initial_density > 1 - sparsity:
        return row
    if "initial_density" in given:
        raise ConfigError(
            f"initial_density={row.initial_density:g} is not above the density in the end, {1 - sparsity:g} at "
            f"sparsity={sparsity:g}; 1 starts dense"
        )
    return replace(row, initial_density=1.0)
