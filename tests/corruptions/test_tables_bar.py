from corruptions.registry import names
from corruptions.suites import suite
from corruptions.tables_bar import NOTES_BAR, SIDES_BAR, TABLES_BAR


def test_levels_grow_within_the_published_scale() -> None:
    for table in TABLES_BAR.values():
        levels = [level for (level,) in table]
        assert levels == sorted(set(levels))
        assert levels[0] > 0
        assert levels[-1] <= 10
    assert {profile for profile, _ in TABLES_BAR} == set(SIDES_BAR)


def test_both_benchmarks_have_ten_and_every_corruption_its_story() -> None:
    assert len(suite("imagenet_c_bar_10")) == len(suite("cifar_c_bar_10")) == 10
    assert {*suite("imagenet_c_bar_10"), *suite("cifar_c_bar_10")} == set(names("bar")) == set(NOTES_BAR)
    assert len(set(suite("imagenet_c_bar_10")) & set(suite("cifar_c_bar_10"))) == 5
    assert all(len(note) < 240 and "\n" not in note for notes in NOTES_BAR.values() for note in notes)
