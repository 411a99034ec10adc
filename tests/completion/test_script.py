"""`vidsparse completion`: a script that a shell reads, and one sentence without shtab."""

import shutil
import subprocess
from importlib.util import find_spec

import pytest

from vidsparse.cli import COMMANDS, main

shtab = pytest.mark.skipif(find_spec("shtab") is None, reason="shtab is an extra")


def test_without_shtab_one_sentence_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr("vidsparse.completion.command.find_spec", lambda name: None)
    assert main(["completion", "bash"]) == 2
    said = capsys.readouterr().err
    assert "pip install" in said
    assert said.count("\n") == 1


@shtab
@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_the_script_knows_every_command(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert [name for name in COMMANDS if name not in script] == []


@shtab
@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(("words", "wanted"), [
    (["vidsparse", "ev"], "evaluate"),
    (["vidsparse", "run", "ucf101_ri"], "ucf101_rigl"),
    (["vidsparse", "run", "ucf101_rigl", "sparse.spars"], "sparse.sparsity="),
    (["vidsparse", "list", "corr"], "corruptions"),
    (["vidsparse", "doctor", "--js"], "--json"),
])  # fmt: skip
def test_bash_completes_commands_configs_keys_and_options(words, wanted, tmp_path, capsys):
    main(["completion", "bash"])
    (tmp_path / "vidsparse").write_text(capsys.readouterr().out)
    typed = " ".join(f"'{word}'" for word in words)
    trial = (
        f"source {tmp_path / 'vidsparse'}; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; COMP_LINE='{typed}';"
        "_shtab_vidsparse 2>/dev/null || $(complete -p vidsparse | sed 's/.*-F \\([^ ]*\\).*/\\1/');"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", trial], capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert wanted in [line.strip() for line in done.stdout.splitlines()], done
