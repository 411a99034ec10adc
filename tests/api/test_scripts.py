"""A person's script, as short as in the README: it calls us at its top, and processes are started all the same."""

import subprocess
import sys

import pytest

CALL = """
import sys
import torch
import vidsparse
from vidsparse.utils import torchvision_compat

print("begun")
model = torch.nn.Sequential(torch.nn.AdaptiveAvgPool3d(1), torch.nn.Flatten(), torch.nn.Linear(3, 3))
{guard}
    result = vidsparse.evaluate(model, "folder", sys.argv[1], labels="order", normalize="unit", frames=4, size=32,
                                suite="core_10", corruptions=["gaussian_noise"], severities=[3], workers=2)
    made = vidsparse.generate("folder", sys.argv[1], "benchmark", corruptions=["gaussian_noise"], severities=[3],
                              frames=4, size=32, short_side=40, workers=2)
    print(len(result.table), vidsparse.CorruptedClips(made, "gaussian_noise", 3)[0][0].shape)
    vidsparse.run(vidsparse.load_config("ucf101_dense", ["data.root=" + sys.argv[1], *sys.argv[2].split()]))
    assert sys.modules["__main__"].__file__ == __file__
"""


EVALUATED = ("training.epochs=0", "engine.workers=2", "evaluation.corruptions=[gaussian_noise]", "report.figures=none")


@pytest.mark.slow
@pytest.mark.parametrize("guard", ["if True:", 'if __name__ == "__main__":'], ids=["bare", "guarded"])
def test_a_script_is_carried_out_once_whatever_processes_it_starts(guard, tiny, tiny_root, tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(CALL.format(guard=guard))
    command = [sys.executable, str(script), str(tiny_root), " ".join([*tiny, *EVALUATED])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "12 torch.Size([3, 4, 32, 32])" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["benchmark", "mine.py", "runs"]
    if guard == "if True:":
        assert done.stdout.count("begun") == 1
