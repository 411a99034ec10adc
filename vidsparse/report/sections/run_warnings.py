"""What a careful reader should know before believing the numbers of a run."""

from collections.abc import Mapping, Sequence

from vidsparse.data.load import say_untrained
from vidsparse.evaluation.metrics import undecodable
from vidsparse.evaluation.summary import undecided_words
from vidsparse.report.tables import Run
from vidsparse.report.words import count, is_at_chance, some
from vidsparse.run_dir.record import DataRecord
from vidsparse.utils.errors import plural

FEW_UPDATES = 5
WIDE = 0.05  # half-width of the clean accuracy's interval from which the page warns


def warnings(run: Run, numbers: Mapping[str, float]) -> list[str]:
    """What a careful reader should know before believing the numbers, one sentence each."""
    data, topology = run.record.data, run.record.topology
    half = (numbers["clean_high"] - numbers["clean_low"]) / 2
    present, of_all = data.classes_present, len(data.classes)
    substituted, damaged = len(run.record.unreadable_places), data.damaged
    unreadable = sorted(run.predictions.loc[undecodable(run.predictions), "id"].unique())
    words = run.words
    found = {
        "These numbers are from built-in sample data: they show that the pipeline works and say nothing about "
        "real videos.": run.on_sample_data,
        f"{plural(data.missing, 'video')} of the official lists missing: {_missing(data)}.": data.missing,
        _untrained(data.untrained): data.untrained,
        f"Only {present} of {of_all} classes are present: {words.scores} do not compare with published ones.": present
        < of_all,
        f"{plural(substituted, 'training clip')} could not be read and gave way to another clip.": substituted,
        f"{plural(len(damaged), 'video')} damaged, used as far as it decodes: {some(damaged)}.": damaged,
        f"{plural(len(unreadable), 'test clip')} could not be decoded and {words.unread}: "
        f"{some(unreadable)}.": unreadable,
        undecided_words(numbers): numbers["undecidable_rows"],
        f"The topology was updated only {plural(topology.updates, 'time')}, too few to be called dynamic; lower "
        f"sparse.every or "
        f"train longer.": run.is_dynamic and topology.updates < FEW_UPDATES,
        "No connection ever changed: this run is in effect static.": run.is_dynamic and not topology.changed,
        f"{count(numbers['clips'])} test {words.clips} give clean {words.score} a 95 % interval of about "
        f"±{100 * half:.0f} "
        f"points; smaller differences are not resolved.": half > WIDE,
        f"Clean {words.score} is not above {words.chance} by its 95 % interval: what is lost under corruption means "
        f"nothing.": is_at_chance(run, numbers),
        run.note: run.note,
    }
    return [sentence for sentence, holds in found.items() if holds]


def _untrained(classes: Sequence[str]) -> str:
    sentence = say_untrained(classes)
    return f"{sentence[:1].upper()}{sentence[1:]}: {some(classes)}."


def _missing(data: DataRecord) -> str:
    more = data.missing - len(data.missing_named)
    return some(data.missing_named, max(more, 0))
