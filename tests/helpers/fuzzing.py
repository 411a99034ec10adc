"""Fuzzed inputs: how bytes and texts are changed, and what every input must come to, in time and within memory.

An input is right, or refused by a named error of one sentence. Anything else is a finding: another error, a wrong
result that nothing is said of, too long, too much memory.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from corruptions.exceptions import CorruptionError
from vidsparse.utils.errors import VidsparseError

Trial = Callable[[random.Random], str]  # makes one input and says what came of it; AssertionError for a wrong result
MOST_SECONDS = 60.0  # of one input, on a busy machine; most take milliseconds
MOST_MEMORY = 1024  # MiB that one input may add: a picture of the most pixels takes some 600
LONGEST = 4000  # characters of one sentence


class TooLong(BaseException):
    """An input that did not end in time; no `except Exception` may hide it."""


@dataclass
class Tally:
    """Outcomes counted by kind of input, and the findings: (kind, seed, what was wrong)."""

    counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: list[tuple[str, int, str]] = field(default_factory=list)

    def rows(self) -> Iterator[str]:
        """A row a kind, for docs/trials.md."""
        for kind in dict.fromkeys(kind for kind, _ in self.counted):
            of = {outcome: n for (each, outcome), n in sorted(self.counted.items()) if each == kind}
            yield f"| {kind} | {sum(of.values())} | " + ", ".join(f"{n} {outcome}" for outcome, n in of.items()) + " |"


@contextmanager
def in_time(seconds: float) -> Iterator[None]:
    """Raise TooLong in the body after so many seconds of wall time."""

    def ended(number: int, frame: FrameType | None) -> None:
        raise TooLong(f"not done after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ended)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def tried(kind: str, trial: Trial, seed: int, tally: Tally) -> None:
    """Make the input of this seed, and count what came of it."""
    held, started = _fresh_peak(), time.monotonic()
    found = ""
    try:
        with in_time(MOST_SECONDS):
            outcome = trial(random.Random(f"{kind}/{seed}"))
    except (VidsparseError, CorruptionError) as error:
        outcome, said = "refused", str(error)
        if not said.strip() or "\n" in said or len(said) > LONGEST:
            found = f"no sentence: {type(error).__name__} of {len(said)} characters: {said[:200]!r}"
    except AssertionError as error:
        outcome, found = "finding", f"wrong: {error}"
    except (Exception, TooLong) as error:
        outcome, found = "finding", f"{type(error).__name__}: {str(error)[:300]}{_place(error)}"
    added = _peak() - held
    if not found and added > MOST_MEMORY:
        found = f"{added} MiB of memory"
    if not found and time.monotonic() - started > MOST_SECONDS:
        found = f"{time.monotonic() - started:.0f} s"
    tally.counted[kind, "finding" if found else outcome] += 1
    if found:
        tally.findings.append((kind, seed, found))


def _place(error: BaseException) -> str:
    """Where in our packages it was raised."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if f"{os.sep}vidsparse{os.sep}" in name or f"{os.sep}corruptions{os.sep}" in name:
            place = f" [{Path(name).name}:{trace.tb_lineno}]"
        trace = trace.tb_next
    return place


def _fresh_peak() -> int:
    """MiB held now, from which the peak is counted again where the system can do that."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    """The most MiB that were held since; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


def changed(content: bytes, rng: random.Random) -> bytes:
    """Bytes with some flipped, overwritten, cut out, inserted, doubled or zeroed, or cut off; at times others."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(data) + 1)
        at = min(at, rng.randrange(64)) if rng.random() < 0.3 else at  # headers are where most is decided
        size = rng.choice((1, 1, 2, 4, 8, rng.randrange(1, 64)))
        how = rng.randrange(9)
        if how <= 1 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif how == 2:
            data[at : at + size] = rng.randbytes(size)
        elif how == 3:
            del data[at : at + size]
        elif how == 4:
            data[at:at] = rng.randbytes(size)
        elif how == 5:
            data[at : at + size] = rng.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * size
        elif how == 6:
            data[at:at] = data[at : at + rng.randrange(1, 400)]
        elif how == 7:
            del data[at:]
        elif rng.random() < 0.2:
            data = bytearray(rng.randbytes(rng.choice((0, 1, 16, 300))))
    return bytes(data)


# fmt: off
ODD_WORDS = (
    "", " ", "\t", "\0", "\ufeff", "\u2028", "\x85", "\x1c", "\x0b", "..", "../..", "/", "//", ".", "~", "\\", ":",
    "a/b/c",
    ".avi", "a.avi/", "/etc/passwd", "CON", "-", "--", "#", "é", "e\u0301", "日本", "\U0001f600", "\u202e", "\xa0",
    "\u200b",
    "0", "-1", "1", "2", "3", "102", "999999", "1e999", "inf", "nan", "-inf", "1.5", "0x10", "1_0", "³", "٣", "१",
    "9" * 30, "9" * 5000, "a" * 300, "a" * 100_000, "true", "null", "NaN", "Infinity", "None", "{}", "[]",
    '""', '"', "'",
    ",", ";", "=", "[", "]", "{", "}", "[" * 100_000, '{"a":' * 50_000, "${name}", "${a", "!!python/object:os.system",
    "&a [*a]", "<<: *a", "*a", "? ", "- ", "| ", "> ", "%", "@", "`", "\r", "\n", "\n\n", "%s", "{0}", "&amp;",
)
# fmt: on
NEUTRAL = ("BOM", "CRLF", "blank lines", "no last line end")
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "utf-7", "shift_jis")


def neutral(text: str, how: str) -> bytes:
    """The same list as another program writes it: what is read must not change."""
    content = text.encode()
    if how == "BOM":
        return b"\xef\xbb\xbf" + content
    if how == "CRLF":
        return content.replace(b"\n", b"\r\n")
    return content + b"\n\n" if how == "blank lines" else content.rstrip(b"\n")


def rewritten(text: str, rng: random.Random) -> bytes:
    """A text with lines and words changed, in other encodings at times, or with its bytes changed."""
    lines = text.split("\n")
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(lines)) if lines else 0
        line, word = lines[at] if lines else "", rng.choice(ODD_WORDS)
        how = rng.randrange(10)
        if how == 0:
            lines.insert(at, line)
        elif how == 1:
            del lines[at : at + 1]
        elif how == 2:
            lines.insert(at, word)
        elif how == 3 and lines:
            place = rng.randrange(len(line) + 1)
            lines[at] = line[:place] + word + line[place:]
        elif how in (4, 5) and lines:
            gap = rng.choice((" ", ",", "\t", "/", ":", "=", '"', "."))
            words = line.split(gap)
            words[rng.randrange(len(words))] = word
            lines[at] = gap.join(words)
        elif how == 6 and lines:
            lines[at] = line.replace(rng.choice((" ", ",", "/", ":")), word if len(word) < 9 else "\t")
        elif how == 7:
            rng.shuffle(lines)
        elif how == 8 and lines:
            other = rng.randrange(len(lines))
            lines[at] = " ".join((lines[at].split(" ")[0], *lines[other].split(" ")[1:]))
        elif lines:
            lines[at] = rng.choice((line.upper(), line.lower(), line.strip(), f"  {line}  ", line[: len(line) // 2]))
    whole = "\n".join(lines)
    chance = rng.random()
    if chance < 0.08:
        return whole.encode(rng.choice(ENCODINGS), errors="replace")
    content = whole.encode(errors="replace")
    return changed(content, rng) if chance < 0.25 else content
