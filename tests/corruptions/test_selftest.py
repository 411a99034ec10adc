import os
import subprocess
import sys

import corruptions


def test_compiling_twice_is_free_and_knows_its_names() -> None:
    corruptions.compile_kernels(corruptions.suite("core_10"))
    assert 0 <= corruptions.compile_kernels() < 1


def test_a_fresh_process_with_another_hash_seed_has_the_same_fingerprint() -> None:
    code = "import corruptions; print(corruptions.fingerprint())"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert fresh.stdout.strip() == corruptions.fingerprint()
    assert "numpy" in corruptions.fingerprint()
