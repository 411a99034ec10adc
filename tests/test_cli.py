"""The commands as a person types them: exit codes, one sentence on stderr, quick answers."""

import subprocess
import sys
from pathlib import Path

import pytest

from vidsparse.cli import main

ROOT = Path(__file__).resolve().parents[1]
HEAVY = (
    "torch",
    "torchvision",
    "numba",
    "cv2",
    "matplotlib",
    "pandas",
    "decord",
    "av",
    "albumentations",
    "pytorchvideo",
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_mistake_is_one_sentence_and_exit_code_2(capsys):
    assert main(["run", "ucf101_rigl", "sparse.method=riggl"]) == 2
    assert (
        capsys.readouterr().err
        == "sparse.method=riggl on the command line: did you mean rigl? All are in docs/methods/README.md\n"
    )


def test_print_config_prints_what_would_run(capsys, tmp_path):
    assert main(["run", "ucf101_rigl", "training.seed=7", "--print-config"]) == 0
    assert "seed: 7" in capsys.readouterr().out
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["run", "ucf101_rigl", "sparse.sparsty=1"]])
def test_help_and_config_errors_import_nothing_heavy(arguments):
    code = (
        "import sys; from vidsparse.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        f"print('LOADED', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("LOADED []\n")


@pytest.mark.slow
@pytest.mark.parametrize("script", sorted(p.name for p in (ROOT / "scripts").glob("*.py")))
def test_every_script_explains_itself(script):
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / script), "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "usage" in done.stdout


def test_settings_and_options_come_in_any_order(capsys):
    assert main(["run", "ucf101_rigl", "training.seed=7", "--print-config", "data.stride=3"]) == 0
    printed = capsys.readouterr().out
    assert "seed: 7" in printed
    assert "stride: 3" in printed
    with pytest.raises(SystemExit) as stopped:
        main(["run", "ucf101_rigl", "--frish"])
    assert stopped.value.code == 2


def test_evaluate_asks_for_weights(capsys):
    assert main(["evaluate", "ucf101_dense"]) == 2
    assert "model.weights" in capsys.readouterr().err


def test_report_of_an_unfinished_run_is_refused(capsys):
    assert main(["report", "runs/none"]) == 2
    assert "not a finished run" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["0", "-3", "nan", "inf", "1e3", "9" * 5000, "9" * 400, "99999", "", "many"])
@pytest.mark.parametrize("option", ["preview v.mp4 --size", "preview v.mp4 --severity", "prepare folder . --workers",
                                    "prepare folder . --timeout", "prepare folder . --short"])  # fmt: skip
def test_a_number_of_an_option_that_cannot_be_is_refused_by_its_name(option, value, capsys):
    fits = {"--workers": ("0",), "--timeout": ("1e3", "99999"), "--short": ("0", "99999")}
    name = option.split()[-1]
    if value in fits.get(name, ()):
        return
    with pytest.raises(SystemExit) as caught:
        main([*option.split(), value])
    said = capsys.readouterr().err
    assert caught.value.code == 2
    assert f"argument {name}" in said
    assert "Traceback" not in said


def test_a_report_is_imported_without_what_it_does_not_need() -> None:
    program = (
        "import sys; import vidsparse.report.page; "
        "print(sorted({'torch', 'matplotlib.pyplot', 'numba', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
