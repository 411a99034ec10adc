"""`vidsparse doctor`: each check tries the thing itself, and says what is broken."""

import json

import pytest

import corruptions
from vidsparse.cli import main
from vidsparse.doctor import checkups
from vidsparse.doctor.checkups import CHECKS, Finding, found


def states(check, folder="runs") -> dict[str, str]:
    return {finding.what: finding.state for finding in found(check, folder)}


def test_this_machine_can_run_and_nothing_is_left_behind(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", "--json"]) == 0
    said = {row["what"]: row for row in json.loads(capsys.readouterr().out)}
    assert {"python", "packages", "torch", "GPU", "PyAV", "codecs", "runs folder", "corruptions"} <= set(said)
    assert said["PyAV"]["state"] == "fine"
    assert corruptions.fingerprint() in said["codecs"]["found"]
    assert [row["what"] for row in said.values() if row["state"] != "fine" and not row["advice"]] == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_broken_is_said_and_ends_in_1(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(checkups, "NEEDED", ("torch", "no-such-package"))
    assert states(checkups.packages)["packages"] == "broken"
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setattr("vidsparse.doctor.command.CHECKS", (checkups.packages,))
    assert main(["doctor"]) == 1
    assert "pip install no-such-package" in capsys.readouterr().out


def test_a_folder_that_may_not_be_written_is_named(monkeypatch):
    def refused(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkups.tempfile, "TemporaryFile", refused)
    monkeypatch.setattr(checkups, "user_cache", lambda: checkups.Path("/nowhere/cache"))
    assert set(states(checkups.folders, "/nowhere/runs").values()) == {"broken"}


def test_a_codec_that_does_not_work_is_named_and_the_others_are_tried(monkeypatch):
    whole = corruptions.corrupt

    def lame(clip, name, *rest, **settings):
        if name == "h265_crf":
            raise ValueError("no such encoder: libx265")
        return whole(clip, name, *rest, **settings)

    monkeypatch.setattr(corruptions, "corrupt", lame)
    findings = found(checkups.codecs, "runs")
    assert [finding.state for finding in findings] == ["fine", "limited"]
    assert "libx265" in findings[1].found
    assert "mpeg4" in findings[0].found


def test_a_check_that_stumbles_is_a_finding():
    def stumbles(_: str):
        raise ImportError("libGL.so.1: cannot open shared object file")
        yield

    (finding,) = found(stumbles, "runs")
    assert (finding.what, finding.state) == ("stumbles", "broken")
    assert "libGL" in finding.found


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_finding_has_a_state_that_is_known(check):
    assert all(isinstance(each, Finding) and each.state in ("fine", "limited", "broken") for each in found(check, "."))
