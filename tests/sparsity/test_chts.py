"""CHTs is left out: text and code of its authors contradict each other. Here is where, and what each would give.

Text: arXiv 2501.19107 (NeurIPS 2025), whose abstract samples connections "in both link removal and regrowth"; what its
main text and appendix say of softness stands as it was noted when they were read earlier. Code, as read on 29 November
2026: 2025 is github.com/biomedical-cybernetics/Cannistraci-Hebb-training at d1677b5 (July 2025), 2026 is
Cannistraci-Hebb-Training-Soft-Rule- beside it at 1f91f31 (February 2026), which calls itself the paper's official code.
The literal link scores, and the counts named `seen`, were made by running the 2026 code; the rest is the rule written
out. No rule here is used by the package.
"""

from itertools import combinations, permutations

import numpy as np
import pytest

from tools.docs.method_notes import LEFT_OUT
from vidsparse.sparsity import METHODS

LINKS = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 1, 1], [0, 0, 0, 1]])  # (out, in), after removal
SCORES = np.array([[0, 0, 7, 3], [7, 0, 0, 3], [0, 8, 0, 0], [3, 0, 3, 0]])  # of absent links
WEIGHTS = np.array([1.0, 2.0, 3.0, 4.0])


def link_scores(links: np.ndarray) -> np.ndarray:
    """CH2-L3n: an absent link (i, k) gets (1 + shared) / (1 + outside) for each neuron z of i's side that is linked to
    k and shares neighbours with i, and likewise on k's side; outside: links of z to neither those nor k.
    """
    scores = np.zeros(links.shape)
    for i, k in np.argwhere(links == 0):
        for side, a, b in ((links, i, k), (links.T, k, i)):
            for z in np.flatnonzero(side[:, b]):
                shared = int((side[z] & side[a]).sum())
                if shared:
                    scores[i, k] += (1 + shared) / (1 + side[z].sum() - shared - 1)
    return scores


def chance_of_set(shares: np.ndarray, chosen: tuple[int, ...]) -> float:
    """That drawing without replacement, each time in proportion to `shares`, draws just these."""
    total = 0.0
    for order in permutations(chosen):
        left, chance = shares.sum(), 1.0
        for each in order:
            chance, left = chance * shares[each] / left, left - shares[each]
        total += chance
    return total


def chance_to_stay(weights: np.ndarray, keep: int, exponent: float) -> list[float]:
    """Of each weight, where `keep` are drawn in proportion to |w| ** exponent."""
    sets = {s: chance_of_set(np.abs(weights) ** exponent, s) for s in combinations(range(len(weights)), keep)}
    return [sum(chance for s, chance in sets.items() if i in s) for i in range(len(weights))]


def highest(scores: np.ndarray, count: int, ties: list[int]) -> list[int]:
    """The places of the highest scores; of equal ones those that come first in `ties`."""
    return sorted(range(len(scores)), key=lambda i: (-scores[i], ties.index(i)))[:count]


def softness_to_exponent(softness: float) -> float:
    return softness / (1 - softness)


def test_the_scores_of_absent_links_are_not_in_question():
    np.testing.assert_allclose(link_scores(LINKS), SCORES)
    assert not link_scores(np.eye(4, dtype=int)).any()  # no path of three links


def test_the_text_samples_new_links_where_the_code_of_2026_takes_the_highest():
    absent = np.flatnonzero(LINKS.ravel() == 0)
    scores = SCORES.ravel()[absent]
    best = highest(scores, 3, list(range(len(absent))))
    assert sorted(absent[best]) == [2, 4, 9]  # the 2026 code: these, always
    assert chance_of_set(scores.astype(float), tuple(best)) == pytest.approx(0.1343, abs=5e-5)  # the text and 2025
    others = [i for i in range(len(absent)) if i not in best and scores[i]]
    assert len(others) == 4  # one of which at least is drawn six times in seven


@pytest.mark.parametrize(("grown", "seen"), [(1, 0), (2, 1), (4, 3), (8, 6)])
def test_where_no_absent_link_has_a_score_the_code_of_2026_loses_links(grown, seen):
    """Absent links then score 0, as present ones are made to: what is taken may be there already. 2025 adds 1e-5."""
    links = np.eye(4, dtype=int)
    scores = (link_scores(links) * (links == 0)).ravel()
    present, absent = np.flatnonzero(links), np.flatnonzero(links == 0)
    new = {
        order: len(set(highest(scores, grown, ties)) & set(absent))
        for order, ties in (("present first", [*present, *absent]), ("absent first", [*absent, *present]))
    }
    assert new == {"present first": max(0, grown - 4), "absent first": grown}
    assert new["present first"] <= seen < new["absent first"]
    shares = np.where(links == 0, link_scores(links) + 1e-5, 0)
    assert set(np.flatnonzero(shares)) == set(absent)  # 2025 draws from these, and so grows all that it should


def test_removal_hardens_three_times_in_the_code_of_2025_and_nine_times_in_that_of_2026():
    assert softness_to_exponent(0.5) == 1
    assert softness_to_exponent(0.75) == pytest.approx(3)  # 2025: 1 + 2t, and the main text
    assert softness_to_exponent(0.9) == pytest.approx(9)  # 2026: from start_T 1 to end_T 9, and the appendix
    assert chance_to_stay(WEIGHTS, 3, 1)[0] == pytest.approx(0.4488, abs=5e-5)
    halfway = {year: chance_to_stay(WEIGHTS, 3, exponent)[0] for year, exponent in ((2025, 2), (2026, 5))}
    assert halfway == pytest.approx({2025: 0.2346, 2026: 0.0308}, abs=5e-5)
    end = {year: chance_to_stay(WEIGHTS, 3, exponent)[0] for year, exponent in ((2025, 3), (2026, 9))}
    assert end == pytest.approx({2025: 0.1199, 2026: 0.0020}, abs=5e-5)


def test_links_of_dead_neurons_go_in_the_commands_of_2025_and_stay_in_those_of_2026():
    """`--chain_removal` stands in the 2025 commands for CHTs (MLP, translation), in none of the 2026 ones."""
    first = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]])  # hidden neuron 1 has lost its inputs
    second = np.array([[0, 1, 1], [1, 1, 0]])
    alive = (first.sum(1) > 0) & (second.sum(0) > 0)
    chained = first * alive[:, None], second * alive
    assert [int(m.sum()) for m in (first, second)] == [3, 4]
    assert [int(m.sum()) for m in chained] == [3, 2]  # two links more to grow, and other scores to grow them by
    before, after = link_scores(second), link_scores(chained[1])
    assert before[0, 0] > 0
    assert after[0, 0] == 0


def test_the_handbook_says_so_and_no_method_is_called_so():
    assert "chts" not in METHODS
    assert all(word in LEFT_OUT["CHTs"] for word in ("d1677b5", "1f91f31", "29 November 2026", "test_chts.py"))
