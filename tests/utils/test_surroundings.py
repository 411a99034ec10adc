"""What a command meets outside itself does not stop it, each tried in a real process."""

import os
import subprocess
import sys

import pytest

from helpers.killing import ROOT
from vidsparse.utils import csv_text, errors
from vidsparse.utils.machine import user_cache

SPEAK = """
import sys
from vidsparse.utils.surroundings import prepare_environment, steady_streams
prepare_environment()
with steady_streams():
    from vidsparse.utils.progress import say
    for _ in range(3000):
        say("frost: \\u00e9 \\u4e2d " + 40 * "x")
    import matplotlib
    from matplotlib.figure import Figure
    from vidsparse.report.figures.charts import save, style
    from pathlib import Path
    with style():
        figure = Figure(figsize=(1, 1))
        figure.subplots().set_title("share_of_5%")
    save(figure, Path(sys.argv[1]))
sys.exit(7)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "environment"),
    [
        ('"$@" >&-', {}),
        ('"$@" >&- 2>&- <&-', {"TERM": "dumb"}),
        ('set -o pipefail; "$@" | head -n 1', {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}),
        ('"$@" >/dev/full', {"HOME": "/nonexistent", "MPLCONFIGDIR": "/proc/none"}),
        ('"$@" >out', {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}),
    ],
)
def test_a_command_goes_on(shell, environment, tmp_path):
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.family: no such font\nsavefig.format: xyz\n")
    done = subprocess.run(
        ["bash", "-c", shell, "bash", sys.executable, "-c", SPEAK, str(tmp_path / "figure.png")],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)} | environment, capture_output=True, text=True,
        timeout=300, errors="replace",
    )  # fmt: skip
    assert done.returncode == 7, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "figure.png").stat().st_size > 500
    if (tmp_path / "out").exists():
        assert r"frost: \xe9 \u4e2d" in (tmp_path / "out").read_text("ascii")


def test_a_broken_tensorboard_is_said_and_left_out(tmp_path, monkeypatch, capsys):
    from vidsparse.config import LoggingConfig
    from vidsparse.run_dir.dashboards import Dashboards
    from vidsparse.run_dir.folder import RunFolder

    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard" / "__init__.py").write_text("raise TypeError('Descriptors cannot be created directly')")
    for name in [name for name in sys.modules if name.split(".")[0] == "tensorboard" or "torch.utils.tensorb" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    boards = Dashboards(RunFolder(tmp_path / "run"), LoggingConfig())
    boards.log({"loss": 1.0}, 1)
    boards.close()
    assert "tensorboard cannot be used here (TypeError: Descriptors" in " ".join(capsys.readouterr().out.split())


def test_a_user_without_a_home_has_a_cache(monkeypatch):
    for name in ("HOME", "XDG_CACHE_HOME", "VIDSPARSE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pathlib.Path.home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert user_cache().name.startswith("vidsparse-")


def test_cells_that_begin_a_formula_are_text_and_numbers_stay():
    table = 'id,"=cmd()",x\n+1+2,-0.5,@a\n"a,b",1e-3,"\tx"\n'
    assert csv_text.safe(table) == "id,'=cmd(),x\n'+1+2,-0.5,'@a\n\"a,b\",1e-3,'\tx\n"
    assert csv_text.safe("a,b\n-1,c\n") == "a,b\n-1,c\n"


def test_hints_name_the_checkout_or_the_package(monkeypatch, tmp_path):
    assert errors.install("hf", "transformers") == f"pip install -e '.[hf]' in {ROOT}"
    monkeypatch.setattr(errors, "__file__", str(tmp_path / "site-packages" / "vidsparse" / "errors.py"))
    assert errors.install("cluster", "dask", "distributed") == "pip install dask distributed"


@pytest.mark.parametrize(
    ("command", "own", "stands"),
    [
        (["-m", "vidsparse", "run"], {}, "PASSIVE"),
        (["scripts/generate.py"], {}, "PASSIVE"),
        (["scripts/run.py"], {"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"),
        (["scripts/run.py"], {"GOMP_SPINCOUNT": "100"}, None),
    ],
)
def test_threads_wait_asleep_from_before_torch_is_loaded_unless_the_user_says_how(command, own, stands, tmp_path):
    (tmp_path / "seen.py").write_text(
        "import os, sys\nsys.stderr.write(f\"seen {os.environ.get('OMP_WAIT_POLICY')} {'torch' in sys.modules}\")\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_WAIT", "GOMP_", "KMP_"))}
    named = [*command, "ucf101_rigl", f"plugins={tmp_path / 'seen.py'}", "no=1"]
    done = subprocess.run([sys.executable, *named], cwd=ROOT, env=kept | own, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"seen {stands} False" in done.stderr
