"""Which channels a topology has taken out at an update, and what is left to each layer: for methods with `channels`."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

from torch import nn

from vidsparse.sparsity.budget import Budget
from vidsparse.sparsity.channel_rule import share_gone
from vidsparse.sparsity.channels.channel_sets import Bools, Floats
from vidsparse.sparsity.channels.coupled import Channels
from vidsparse.sparsity.method import Method
from vidsparse.sparsity.scores import Candidates
from vidsparse.sparsity.selection import count
from vidsparse.sparsity.update_plan import Plan
from vidsparse.utils.errors import ConfigError

_NEAR = 0.01  # of all channels: what rounding takes from each stream and nobody need be told


@dataclass(frozen=True)
class ChannelPlan:
    """The coupled channels of a network and the method that takes them out. It keeps nothing between updates: what is
    gone has no weights, so that it is worth the least and goes again.
    """

    method: Method
    channels: Channels

    @classmethod
    def of(cls, model: nn.Module, budget: Budget, weights: Mapping[str, nn.Parameter]) -> "ChannelPlan | None":
        """The plan for a model whose `weights` have masks; None for a method without channels.

        Raises:
            ConfigError: so many weights have no room between the channels that are to stay.
        """
        method, total = budget.method, sum(budget.target[name] for name in weights)
        if method.channels is None or not weights:
            return None
        made = cls(method, Channels.of(model, weights))
        if not made.channels.streams:
            warnings.warn(
                f"{method.name} finds no channel of this network that can be taken out, so that it takes none: "
                f"{made.channels.why_none}",
                stacklevel=5,
            )
        shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
        share = method.values["channel_sparsity"]
        room = sum(made.channels.room(made._gone(made.channels.evenly_worth(), share), shapes).values())
        if room < total:
            size = sum(map(prod, shapes.values()))
            raise ConfigError(
                f"channel_sparsity={share:g} leaves room for {room / size:.0%} of the weights, and the sparsity is to "
                f"leave {total / size:.0%}: raise sparse.sparsity, or lower channel_sparsity"
            )
        made._say_planned(share)
        return made

    def _say_planned(self, share: float) -> None:
        """Warn where the multiples and the least that streams keep leave fewer channels to go than were asked for."""
        gone, count = self._share_of(self._gone(self.channels.evenly_worth(), share))
        if self.channels.streams and gone < (share - _NEAR) * count:
            multiple, least = (self.method.values[f"channel_{name}"] for name in ("multiple", "least"))
            warnings.warn(
                f"{self.method.name} can take out {gone} of {count} channels ({gone / count:.1%}), not "
                f"channel_sparsity={share:g}: what is left of a stream is a multiple of {multiple:g}, and {least:.0%} "
                "of it or more",
                stacklevel=6,
            )

    def _say_made(self, gone: Bools, wanted: Bools) -> None:
        """Warn where the weights that are to exist kept channels that were to be gone by now."""
        (made, count), (asked, _) = self._share_of(gone), self._share_of(wanted)
        if made < asked:
            warnings.warn(
                f"{self.method.name} took out {made} of {count} channels ({made / count:.1%}), not {asked}: so many "
                "weights have no room between fewer; raise sparse.sparsity or lower channel_sparsity",
                stacklevel=2,
            )

    def _share_of(self, gone: Bools) -> tuple[int, int]:
        """How many channels go, and how many there are in streams."""
        return int(gone.sum()), sum(map(len, self.channels.streams))

    def within(self, layers: Mapping[str, Candidates], plan: Plan) -> dict[str, Candidates]:
        """The layers at an update without the weights of channels that go with it, and where others may grow."""
        assert self.method.channels is not None
        last = self.method.update_steps(plan.total_steps)[-1]
        settings = self.method.values
        share = share_gone(plan.step, last, settings["channel_sparsity"], settings["channels_until"])
        worth = self.channels.worth(layers, self.method.channels)
        shapes = {name: tuple(layer.weight.shape) for name, layer in layers.items()}
        total = sum(plan.planned[name] for name in layers)
        gone = self.channels.fitting(lambda part: self._gone(worth, part), share, total, shapes)
        if share == settings["channel_sparsity"]:
            self._say_made(gone, self._gone(worth, share))
        return {name: self._restricted(name, layer, gone) for name, layer in layers.items()}

    def _gone(self, worth: Floats, share: float) -> Bools:
        assert self.method.channels is not None
        return self.channels.gone(worth, share, self.method.channels, self.method.values)

    def _restricted(self, name: str, layer: Candidates, gone: Bools) -> Candidates:
        allowed = self.channels.allowed(name, gone, layer.weight)
        active = layer.active & allowed
        left = count(active)
        return replace(layer, active=active, nonzero=left, allowed=allowed, lost=layer.nonzero - left)
