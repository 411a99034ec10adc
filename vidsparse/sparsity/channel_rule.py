"""How a method takes whole channels out of a network. Reading this imports no torch, as lists of methods need."""

from dataclasses import dataclass
from typing import Literal

from vidsparse.sparsity.schedule import cubic
from vidsparse.sparsity.settings import Own, described

Worth = Literal["mean of the present", "sum over all"]


@dataclass(frozen=True)
class ChannelRule:
    """Which channels go first: those of least `worth`, over all streams of the network together (`across`) or the same
    share of each. A stream is all channels that the same layers write; a channel goes in all layers at once.

    The worth of a channel is the mean |weight| of the weights that write it and exist (Chase's UMM), or the sum of
    |weight| over all that write or read it.
    """

    worth: Worth
    across: bool


def channel_settings(multiple: int, least: float) -> tuple[Own, ...]:
    """The settings that every method of channels has."""
    return (
        Own("channel_sparsity", 0.25, described(0.25, "the share of channels taken out", at_least=0, at_most=0.9)),
        Own("channel_multiple", multiple, described(multiple, "what the channels left in a stream are a multiple of",
                                                    at_least=1, largest=1024)),
        Own("channel_least", least, described(least, "β, the least share of a stream's channels that stays",
                                              above=0, at_most=1)),
        Own("channels_until", 0.75, described(0.75, "the share of the updates by which all of them are gone",
                                              above=0, at_most=1)),
    )  # fmt: skip


def share_gone(step: int, last_update: int, share: float, until: float) -> float:
    """The share of channels that is gone after the update at `step`: fast at first, all by `until` of the updates.

    >>> [round(share_gone(step, 100, 0.4, 0.75), 3) for step in (0, 25, 50, 75, 100)]
    [0.0, 0.281, 0.385, 0.4, 0.4]
    """
    return share * (1 - cubic(step / max(1.0, until * last_update)))
