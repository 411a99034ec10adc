"""Hints name the command that a person has: a script of the checkout, or the program of a wheel."""

from vidsparse.utils import own_commands
from vidsparse.utils.own_commands import typed


def test_a_checkout_has_scripts_and_a_wheel_has_the_program(tmp_path, monkeypatch):
    assert typed("evaluate") == "python scripts/evaluate.py"
    assert typed("doctor") == "vidsparse doctor"
    monkeypatch.setattr(own_commands, "ROOT", tmp_path)
    assert typed("evaluate") == "vidsparse evaluate"
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "evaluate.py").write_text("somebody else's")
    assert typed("evaluate") == "vidsparse evaluate"
