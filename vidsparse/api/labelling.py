"""Which logit is which class: by the names that somebody gives, or by order where somebody says so; never by guess."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vidsparse.classes.matching import find_all, sets_of
from vidsparse.data.clips import Clips
from vidsparse.evaluation.answerable import answerable
from vidsparse.models.weights.labels import SPACES, Names, find_classes, one_each
from vidsparse.models.weights.pretrained import answer_rows, joined
from vidsparse.utils.errors import ConfigError, some

ORDER = "order"


@dataclass(frozen=True)
class Labels:
    """How logits become answers, and how that is known.

    `rows`: for each answer its logits, the classes of the data first; None where logits are answers as they come.
    `logits`: how many there must be, where that is known. `names`: of the logits, where somebody knows them.
    """

    how: str
    rows: tuple[tuple[int, ...], ...] | None = None
    logits: int | None = None
    names: tuple[str, ...] = ()
    joined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def labels_of(clips: Clips, said: str | Sequence[str] | None, answers: str = "all") -> tuple[Labels, Clips]:
    """How the logits of a network are matched to the classes of a data set, and the clips that can be judged so.

    `said`: "order" (logit i is class i of the data), a label space (kinetics400, imagenet, ...), a file of names, or
    the names in the order of the logits. ConfigError where nobody says, or names do not fit.
    """
    classes = clips.dataset.classes
    if said is None:
        raise ConfigError(
            "labels: nobody says which logit is which class; give labels=[...], the names in the order of the logits, "
            f"a label space ({', '.join(SPACES)}), or labels='order' if logit i is class i of the data: "
            f"{some(classes, 6)}"
        )
    if said == ORDER:
        return Labels("by order, as labels='order' says", logits=len(classes) or None), clips
    names = names_of(said)
    if not classes:
        return Labels(_how(said), logits=len(names), names=_firsts(names)), clips
    try:
        if sets_of(classes) and sets_of(_firsts(names)):
            found = find_all(classes, names)
            clips = answerable(clips, [tuple(names[place][0] for place in places) for places in found])
            classes = clips.dataset.classes
        order = find_all(classes, names)
        one_each(classes, names, order)
    except ConfigError as error:
        raise ConfigError(str(error).replace("model.labels", "labels").replace("; fine-tune with training.init, or give"
                          " a file of names as labels", "")) from error  # fmt: skip
    rows = tuple(answer_rows(order, len(names), answers == "all"))
    plain = None if rows == tuple((place,) for place in range(len(names))) else rows
    return Labels(_how(said), plain, len(names), _firsts(names), joined(classes, order, _firsts(names))), clips


def labels_given(said: str | Sequence[str] | None) -> Labels:
    """How the logits of a network are called where labels come with the clips, as numbers of logits or as names."""
    if said is None or said == ORDER:
        return Labels("the labels are numbers of logits")
    names = _firsts(names_of(said))
    return Labels(_how(said), logits=len(names), names=names)


def names_of(said: str | Sequence[str]) -> tuple[Names, ...]:
    """The names of the logits, with their synonyms."""
    if isinstance(said, str):
        return find_classes(said)
    names = tuple(said)
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise ConfigError("labels: give names, a text for each logit in their order")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"labels: {some(twice)} stands there twice; each logit needs a name of its own")
    return tuple((name,) for name in names)


def _firsts(names: Sequence[Names]) -> tuple[str, ...]:
    return tuple(each[0] for each in names)


def _how(said: str | Sequence[str]) -> str:
    return f"by name, {said}" if isinstance(said, str) else "by the names that were given"
