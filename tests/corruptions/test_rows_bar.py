from corruptions.registry import REGISTRY, names
from corruptions.severities import TABLES
from corruptions.suites import suite


def test_levels_grow_within_the_published_scale() -> None:
    tables = [table for (profile, _), table in TABLES.items() if profile.endswith("_bar")]
    assert len(tables) == 20
    for table in tables:
        levels = [level for (level,) in table]
        assert levels == sorted(set(levels))
        assert levels[0] > 0
        assert levels[-1] <= 10


def test_both_benchmarks_have_ten_and_every_corruption_its_story() -> None:
    assert len(suite("imagenet_c_bar_10")) == len(suite("cifar_c_bar_10")) == 10
    assert {*suite("imagenet_c_bar_10"), *suite("cifar_c_bar_10")} == set(names("bar"))
    assert len(set(suite("imagenet_c_bar_10")) & set(suite("cifar_c_bar_10"))) == 5
    notes = [note for name in names("bar") for note in REGISTRY[name].notes]
    assert all(REGISTRY[name].notes for name in names("bar"))
    assert all(len(note) < 240 and "\n" not in note for note in notes)
