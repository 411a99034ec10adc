"""Intervals hold the truth as often as they say, tests reject as often as they say; published numbers."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers.worlds import coverage, paired_scores
from vidsparse.evaluation import statistics


def bootstrap(scores: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    found = statistics.grouped_bootstrap(scores, groups)
    return found.low, found.high


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seeds", "groups", "uneven", "seed_sd"),
    [(1, 8, True, 0.0), (1, 40, True, 0.0), (3, 12, True, 0.1), (3, 12, False, 0.4), (2, 12, True, 0.4)],
)
def test_the_grouped_bootstrap_covers_where_few_groups_and_seeds_are(seeds, groups, uneven, seed_sd):
    """Binomial noise of 400 trials is about one percentage point; tests/soak measures it to a third of that."""
    assert coverage(bootstrap, seeds, groups, uneven, seed_sd, trials=400) >= 0.925


@pytest.mark.slow
def test_it_would_not_cover_if_clips_of_a_group_were_taken_as_independent():
    def naive(scores, groups):
        return bootstrap(scores, np.arange(groups.size))

    assert coverage(naive, 1, 12, True, 0.0, 400) < coverage(bootstrap, 1, 12, True, 0.0, 400) - 0.05


@pytest.mark.slow
def test_it_would_not_cover_if_the_seeds_were_taken_as_one_model():
    def one(scores, groups):
        return bootstrap(scores.mean(0), groups)

    assert coverage(one, 3, 40, False, 0.4, 300) < 0.6


@pytest.mark.slow
def test_its_p_values_are_below_5_percent_5_percent_of_the_time():
    rng = np.random.default_rng(0)
    p = [statistics.grouped_bootstrap(*paired_scores(rng, 1, 15, True, 0.0)).p for _ in range(600)]
    assert 0.03 <= np.mean(np.array(p) < 0.05) <= 0.075


def test_it_repeats_and_does_not_depend_on_the_order_of_groups_names_or_on_a_shift():
    scores, groups = paired_scores(np.random.default_rng(3), 3, 12, True, 0.2)
    one = statistics.grouped_bootstrap(scores, groups)
    assert one == statistics.grouped_bootstrap(scores, [f"g{10 + g}" for g in groups])
    moved = statistics.grouped_bootstrap(scores + 0.1, groups)
    assert moved.high - moved.low == pytest.approx(one.high - one.low, rel=0.05)
    assert moved.estimate == pytest.approx(one.estimate + 0.1)


def test_the_estimate_is_the_plain_mean_and_equal_models_differ_by_nothing():
    scores, groups = paired_scores(np.random.default_rng(4), 2, 7, True, 0.2)
    assert statistics.grouped_bootstrap(scores, groups).estimate == pytest.approx(scores.mean())
    assert statistics.grouped_bootstrap(0 * scores, groups) == statistics.Interval(0, 0, 0, 1)


def test_one_recording_gives_an_interval_over_seeds_only_and_one_seed_of_it_none():
    assert math.isnan(statistics.grouped_bootstrap([0.1, 0.2], ["a", "a"]).low)
    over_seeds = statistics.grouped_bootstrap([[0.1, 0.2], [0.2, 0.3], [0.0, 0.1]], ["a", "a"])
    low, high = statistics.mean_interval([0.15, 0.25, 0.05])
    assert over_seeds.high - over_seeds.low == pytest.approx(high - low, rel=0.35)


@pytest.mark.slow
def test_intervals_of_a_mean_over_seeds_cover():
    rng = np.random.default_rng(0)
    for n in (2, 3, 5):
        intervals = [statistics.mean_interval(rng.normal(0.7, 0.02, n)) for _ in range(2000)]
        assert 0.935 <= np.mean([low <= 0.7 <= high for low, high in intervals]) <= 0.965
    assert all(map(math.isnan, statistics.mean_interval([0.5])))


@pytest.mark.slow
@pytest.mark.parametrize("truth", [0.5, 0.9])
def test_intervals_of_a_share_cover_when_clips_hang_together(truth):
    rng, held = np.random.default_rng(1), 0
    for _ in range(600):
        chance = rng.beta(2 * truth, 2 * (1 - truth), 20)
        groups = np.repeat(np.arange(20), 5)
        low, high = statistics.share_interval(rng.random(100) < chance[groups], groups)
        held += low <= truth <= high
    assert 0.93 <= held / 600 <= 0.99


def test_intervals_of_a_share_stay_open_where_every_answer_is_right():
    low, high = statistics.share_interval(np.ones(40), np.repeat(np.arange(10), 4))
    assert (0.5 < low < 0.75, high) == (True, 1.0)
    assert statistics.share_interval([], []) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_equals_the_published_intervals(right, n, low, high):
    """Table I, method 3, of "Two-sided confidence intervals for the single proportion" (1998)."""
    assert statistics.wilson_interval(right, n) == pytest.approx((low, high), abs=6e-5)


@given(st.integers(0, 30), st.integers(0, 30))
def test_the_sign_test_is_the_binomial_test_of_a_fair_coin(wins, losses):
    expected = stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert statistics.sign_test(wins, losses) == pytest.approx(expected)


def test_the_papers_18_of_19_corruptions_are_no_coincidence_but_10_of_16_may_be():
    assert statistics.sign_test(18, 1) < 1e-4
    assert statistics.sign_test(10, 6) == pytest.approx(0.4545, abs=1e-4)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_its_definition_and_never_below_the_raw_value(p):
    adjusted, order = statistics.holm(p), np.argsort(p, kind="stable")
    for rank, at in enumerate(order):
        assert adjusted[at] == pytest.approx(max(min(1, (len(p) - j) * p[order[j]]) for j in range(rank + 1)))
    assert (adjusted >= np.array(p) - 1e-12).all()


@pytest.mark.slow
def test_holm_keeps_the_share_of_studies_with_any_false_alarm_at_5_percent():
    rng = np.random.default_rng(0)
    false = [(statistics.holm(rng.random(16)) < 0.05).any() for _ in range(2000)]
    assert 0.035 <= np.mean(false) <= 0.065


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_a_difference_that_is_said_to_be_detectable_is_detected_80_times_in_100(seeds):
    rng, difference = np.random.default_rng(0), statistics.detectable_difference(0.01, seeds)
    ours, dense = rng.normal(0.7 + difference, 0.01, (4000, seeds)), rng.normal(0.7, 0.01, (4000, seeds))
    assert np.mean(stats.ttest_ind(ours, dense, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=0.02)
    assert statistics.detectable_difference(0.01, 1) == math.inf


def test_the_pooled_deviation_is_that_of_all_arms_and_says_its_degrees_of_freedom():
    rng = np.random.default_rng(0)
    arms = [rng.normal(mean, 0.02, 3) for mean in np.linspace(0.5, 0.9, 400)]
    sd, df = statistics.pooled_sd(arms)
    assert sd == pytest.approx(0.02, rel=0.08)
    assert df == 800
    assert math.isnan(statistics.pooled_sd([[0.1], [0.2]])[0])


def test_groups_that_all_agree_tell_no_spread_and_no_more_than_their_signs():
    everything_right = statistics.grouped_bootstrap([1.0] * 6, ["a", "a", "b", "b", "c", "c"])
    assert everything_right.estimate == 1
    assert math.isnan(everything_right.low)
    assert math.isnan(everything_right.high)
    assert everything_right.p == 0.25
    assert statistics.grouped_bootstrap([[1.0] * 6] * 2, list("aabbcc")).p == 0.25
    assert statistics.grouped_bootstrap([[0.1] * 9] * 3, list("aaabbcccc")).p == 0.25, "equal but for rounding"
    no_difference = statistics.grouped_bootstrap([0.0] * 6, list("aabbcc"))
    assert (no_difference.low, no_difference.high, no_difference.p) == (0, 0, 1)


def test_seeds_that_agree_leave_the_interval_to_the_groups():
    row = [0.0, 0.1, 0.3, 0.2, 0.5, 0.4]
    one, two = (statistics.grouped_bootstrap([row] * seeds, range(6)) for seeds in (1, 2))
    assert two.p == pytest.approx(one.p)
    assert two.high - two.low == pytest.approx(one.high - one.low, rel=0.05)  # the draws differ


def test_seeds_whose_totals_agree_by_chance_still_have_an_interval():
    rows = np.array([[0.9, -0.8, 0.7, -0.5], [-0.8, 0.9, -0.6, 0.8]])
    found = statistics.grouped_bootstrap(rows, range(4))
    assert found.low < found.estimate < found.high
    assert 0 < found.p <= 1


@pytest.mark.parametrize(
    ("scores", "low", "high"),
    [([0] * 51, 0.0, 0.073), ([1] * 24, 0.849, 1.0), ([0.5] * 24, 0.424, 0.576), ([[1.0] * 24] * 3, 0.849, 1.0)],
)
def test_recordings_that_all_agree_still_leave_what_another_one_might_do(scores, low, high):
    found = statistics.ranged_interval(scores, range(np.shape(scores)[-1]))
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))


def test_one_rule_gives_a_run_and_an_arm_of_one_seed_the_same_interval():
    from vidsparse.evaluation.comparison import arm_numbers
    from vidsparse.evaluation.summary import summary

    for right in (range(0), range(24), range(0, 24, 3)):
        rows = [(f"c{n}", c, "p" * (c != "clean"), 3 * (c != "clean"), 1, int(n in right)) for n in range(24)
                for c in ("clean", "fog")]  # fmt: skip
        table = pd.DataFrame(rows, columns=["id", "corruption", "profile", "severity", "label", "prediction"])
        table = table.assign(view=0, group=table["id"])
        run, arm = summary(table), arm_numbers({0: table})
        for key in ("clean_low", "clean_high", "robust_low", "robust_high"):
            assert run[key] == pytest.approx(arm[key]), key
        assert run["clean_high"] - run["clean_low"] > 0.1
        if right:
            assert run["retention_low"] <= run["retention"] <= run["retention_high"]


def test_models_that_agree_everywhere_are_not_known_to_be_equal():
    found = statistics.ranged_interval([0.0] * 24, range(24), lowest=-1)
    assert found.low < -0.1
    assert found.high > 0.1
    assert math.isnan(statistics.ranged_interval([0.0] * 3, [1] * 3, lowest=-1).low)
    assert statistics.ranged_interval([1.0] * 3, [1] * 3).low == 0
