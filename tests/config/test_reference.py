"""--help is what the schema says."""

import pytest

from vidsparse.cli import main
from vidsparse.config import Config, flatten
from vidsparse.config.ranges import ranges
from vidsparse.config.reference import keys


def test_every_key_has_a_meaning_a_type_and_a_default():
    found = {key.name: key for key in keys()}
    from dataclasses import asdict

    default = flatten(asdict(Config()))
    assert set(default) <= set(found)
    assert all(key.meaning and key.type and key.default for key in found.values())
    assert {name for name, key in found.items() if key.range} == set(ranges(Config))
    assert found["sparse.stop"].range == "above 0 and at most 1"
    assert (found["data.timeout_s"].unit, found["data.timeout_s"].default) == ("seconds", "60.0")


@pytest.mark.parametrize("command", ["run", "evaluate", "generate"])
def test_help_lists_every_key(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    said = capsys.readouterr().out
    assert all(f"  {key.name}=" in said for key in keys())
    with pytest.raises(SystemExit):
        main(["prepare", "--help"])
    assert "sparse.sparsity" not in capsys.readouterr().out
