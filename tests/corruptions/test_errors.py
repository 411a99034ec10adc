from corruptions.exceptions import UnknownName
from corruptions.registry import nearest


def test_nearest_finds_a_typo_and_gives_up_on_nonsense() -> None:
    assert nearest("shot_nois", ("shot_noise", "freeze")) == "shot_noise"
    assert nearest("FOG", ("frost", "fog")) == "fog"
    assert nearest("kinetics400_v1", ("KINETICS400_V1",)) == "KINETICS400_V1"
    assert nearest("zzz", ("shot_noise", "freeze")) is None


def test_an_unknown_name_shows_the_nearest_or_else_all() -> None:
    assert "did you mean freeze" in str(UnknownName("corruption", "freez", ("freeze", "contrast")))
    assert "freeze, contrast" in str(UnknownName("corruption", "zzz", ("freeze", "contrast")))
