"""The torchvision fix, each time in a fresh interpreter: what it does cannot be undone in this one."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# `torchvision_compat` by its path, without `vidsparse/__init__.py`, which would install the fix before the test looks.
PREAMBLE = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("compat", "vidsparse/utils/torchvision_compat.py")
compat = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compat)


def finders():  # ours: other packages add some too
    return sum(type(finder).__name__ == "_BeforeTorchvision" for finder in sys.meta_path)
"""


def python(code: str) -> str:
    """What `code` prints in a fresh interpreter in the repository root, where `compat` is the module."""
    command = [sys.executable, "-c", PREAMBLE + textwrap.dedent(code)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_install_adds_one_finder_however_often_and_imports_nothing_heavy():
    printed = python("""
        compat.install()
        compat.install()
        print(finders(), {"torch", "torchvision"} & set(sys.modules))
    """)
    assert printed == "1 set()"


@pytest.mark.slow
@pytest.mark.parametrize("importer", ["timm.models", "pytorchvideo.models.hub", "torchmetrics"])
def test_whoever_imports_torchvision_first_is_covered(importer):
    printed = python(f"""
        compat.install()
        import {importer}
        import torch, torchvision.ops
        compat.install()  # too late to matter, and harmless
        print(torch.ops.torchvision.nms, finders(), compat.define_missing_operators())
        print(torchvision.models.get_model("r3d_18", weights=None).fc.out_features)
    """)
    assert printed == "torchvision.nms 1 ()\n400"


@pytest.mark.slow
def test_operators_that_exist_are_left_alone():
    printed = python("""
        import torch
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.impl("nms", lambda dets, scores, iou_threshold: dets + 1, "CPU")
        compat.install()
        import torchvision
        print(compat.define_missing_operators(), compat._libraries)
        print(torch.ops.torchvision.nms(torch.ones(1), torch.ones(1), 0.5).item())
    """)
    assert printed == "() []\n2.0"


def test_the_finders_behind_it_still_decide_what_torchvision_is():
    printed = python("""
        class Other:
            def find_spec(name, path, target=None):
                return importlib.util.spec_from_loader(name, Other) if name == "torchvision" else None
            def create_module(spec):
                return None
            def exec_module(module):
                module.made_by = "the other finder"

        sys.meta_path.insert(0, Other)
        compat.install()
        import torchvision
        print(torchvision.made_by)
    """)
    assert printed == "the other finder"


def test_without_torchvision_there_is_nothing_to_do():
    printed = python("""
        importlib.util.find_spec = lambda name: None
        print(compat.define_missing_operators(), "torch" in sys.modules)
    """)
    assert printed == "() False"
