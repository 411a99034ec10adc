import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corruptions.damage import lose, lose_ts, lost_slices, overwrite, slices
from corruptions.motion import Scene

SEI, IDR, P = b"\x00\x00\x01\x06sei", b"\x00\x00\x01\x65", b"\x00\x00\x01\x41"


def scene(n_frames: int, key: str = "k") -> Scene:
    return Scene(key, "packet_loss", tuple(range(n_frames)), "static", 0.5, 25, 1)


def unit(kind: bytes, size: int = 400, n: int = 8) -> bytes:
    """A picture of n slices whose data are bytes that make no start code."""
    data = np.random.default_rng(size).integers(4, 256, (n, size), np.uint8)
    return SEI + b"".join(kind + row.tobytes() for row in data)


def test_a_picture_has_eight_slices_or_one_a_row_of_macroblocks() -> None:
    assert [slices(height) for height in (16, 17, 112, 113, 1080)] == [1, 2, 7, 8, 8]


@given(st.integers(1, 60), st.integers(16, 240), st.text(max_size=5))
def test_losses_of_a_lower_share_are_among_those_of_a_higher_and_there_is_one(n: int, height: int, key: str) -> None:
    shares = (0.01, 0.02, 0.03, 0.04, 0.06, 0.5)
    lost = [lost_slices(scene(n, key), height, share, 1) for share in shares]
    assert all(np.all(harder | ~milder) for milder, harder in itertools.pairwise(lost))
    assert not lost[-1][0].any()
    assert lost[0].any() == (n > 1)


@pytest.mark.parametrize("burst", [1, 4])
def test_the_share_lost_is_the_one_asked_for(burst: float) -> None:
    lost = np.concatenate([lost_slices(scene(400, str(key)), 128, 0.05, burst)[8:] for key in range(12)])
    assert lost.mean() == pytest.approx(0.05, abs=0.006)
    edges = np.diff(np.concatenate([[0], lost.ravel(), [0]]).astype(int))
    runs = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    assert runs.mean() == pytest.approx(1.05 if burst == 1 else 4.4, rel=0.15)


def test_lost_slices_vanish_and_the_rest_stays() -> None:
    hurt, lost = lose(scene(50), 128, 0.2, 1), lost_slices(scene(50), 128, 0.2, 1)
    sent = unit(P)
    parts = sent.split(P)[1:]
    for t in range(50):
        assert hurt(t, sent) == SEI + b"".join(P + part for s, part in enumerate(parts) if not lost[t, s])


@given(st.integers(2, 40), st.text(max_size=5))
def test_overwritten_bytes_are_nested_never_in_a_header_and_there_is_one(n: int, key: str) -> None:
    rates = (0.01, 0.05, 0.1, 0.3, 5)
    units = [unit(IDR), *[unit(P, 100 + t) for t in range(1, n)]]
    changed = []
    for rate in rates:
        hurt = overwrite(scene(n, key), 128, rate)
        made = [np.frombuffer(hurt(t, sent), np.uint8) for t, sent in enumerate(units)]
        changed.append([made[t] != np.frombuffer(sent, np.uint8) for t, sent in enumerate(units)])
        assert all(bytes(m).count(b"\x00\x00\x01") == 9 for m in made)
        assert all(bytes(m).count(P) == 8 for m in made[1:])
        assert all(m[c].min(initial=4) >= 4 for m, c in zip(made, changed[-1], strict=True))  # no start code is made
        assert not changed[-1][0].any()
        assert sum(int(c.sum()) for c in changed[-1]) >= 1
    assert all(np.all(h | ~m) for a, b in itertools.pairwise(changed) for m, h in zip(a, b, strict=True))


def test_as_many_bytes_are_overwritten_as_asked_for() -> None:
    sent = unit(P, 1000)
    hits = []
    for key in range(5):
        hurt = overwrite(scene(200, str(key)), 128, 4)
        hits.append(sum(sum(a != b for a, b in zip(hurt(t, sent), sent, strict=True)) for t in range(1, 200)))
    assert np.mean(hits) == pytest.approx(199 * 4, rel=0.08)


def sent_and_arrived(share: float, burst: float, key: str, n: int = 400) -> tuple[list[bytes], list[bytes]]:
    """Pictures of 20 packets each, whose bytes say which packet they came in, and what is left of them."""
    whole = b"".join(bytes([number]) * (170 if number == 0 else 184) for number in range(20))
    hurt = lose_ts(Scene(key, "ts_loss", tuple(range(n)), "static", 0.5, 25, 1), share, burst)
    return [whole] * n, [hurt(t, whole) for t in range(n)]


@pytest.mark.parametrize("burst", [2, 6])
def test_packets_of_a_transport_stream_are_lost_in_bursts_of_the_stated_share(burst: float) -> None:
    lost = []
    for key in range(6):
        for arrived in sent_and_arrived(0.06, burst, str(key))[1][1:]:
            there = set(arrived)
            lost.append([number not in there for number in range(1, 20)] if arrived else [])
    rows = np.array([row for row in lost if row])
    gone = sum(not row for row in lost) / len(lost)
    assert gone == pytest.approx(0.06, abs=0.02)  # the first packet is lost, and the picture with it
    assert rows.mean() == pytest.approx(0.06, abs=0.025)
    follows = rows[:, 1:][rows[:, :-1]].mean()  # in a burst of b packets of which 80 % are lost
    assert follows == pytest.approx(0.8 * (1 - 1 / burst), abs=0.08)


def test_of_a_transport_stream_whole_packets_vanish_and_one_does_at_any_share() -> None:
    for key in "abcd":
        sent, arrived = sent_and_arrived(1e-9, 4, key, 30)
        assert arrived[0] == sent[0]
        hit = [t for t in range(30) if arrived[t] != sent[t]]
        assert len(hit) == 1
        left = arrived[hit[0]]
        assert not left or len(left) == len(sent[0]) - 184
        milder, harder = (sent_and_arrived(share, 4, key, 30)[1] for share in (0.02, 0.1))
        assert sum(map(len, harder)) < sum(map(len, milder))
    one = lose_ts(Scene("k", "ts_loss", (0,), "static", 0.5, 25, 1), 0.5, 4)
    assert one(0, b"x" * 1000) == b"x" * 1000
