import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corruptions import counter_rng

BITS_64 = st.integers(0, 2**64 - 1)


def test_the_sequence_is_splitmix64() -> None:
    # the test vector that circulates with the generator, seed 1234567
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert [counter_rng.state(1234567, i) for i in range(4)] == expected


def test_seeds_tell_key_corruption_and_stream_apart_and_never_change() -> None:
    assert counter_rng.seed("0/ucf101/a", "freeze") == 4324871395130311598  # b2sum -l 64, little-endian
    seeds = {counter_rng.seed(*names) for names in (("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""), ("a", "b", "d"))}
    assert len(seeds) == 4


def test_a_file_name_that_is_no_utf_8_is_a_key() -> None:
    name = b"v_caf\xe9".decode(errors="surrogateescape")
    assert counter_rng.seed(name, "freeze") != counter_rng.seed("v_caf", "freeze")


@given(BITS_64, st.integers(0, 10**9), st.integers(0, 10**9))
def test_uniform_is_inside_the_open_interval(seed: int, frame: int, pixel: int) -> None:
    assert 0 < counter_rng.uniform(seed, frame, pixel) < 1


def test_uniform_is_uniform_over_frames_pixels_and_seeds() -> None:
    for values in (
        [counter_rng.uniform(7, t) for t in range(4000)],
        [counter_rng.uniform(7, 0, p) for p in range(4000)],
        [counter_rng.uniform(s, 0) for s in range(4000)],
    ):
        counts = np.histogram(values, 20, (0, 1))[0]
        assert ((counts - 200) ** 2 / 200).sum() < 45  # chi-squared, 19 degrees of freedom, p < 0.001
