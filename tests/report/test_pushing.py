"""The push to a hub: the real client of Hugging Face against a hub of this machine, and what is refused before it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.hub_server import TOKEN, hub
from vidsparse.publishing import hub_push
from vidsparse.utils.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
FILES = {"README.md": b"# A card", "config.yaml": b"name: a", "model.safetensors": os.urandom(3000)}
FETCH = "import huggingface_hub; print(huggingface_hub.snapshot_download('me/net'))"
PUSH = """
import sys
from pathlib import Path
from vidsparse.publishing.hub_push import push
from vidsparse.utils.errors import VidsparseError
try:
    print(push(Path("published"), "me/net"))
except VidsparseError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "published").mkdir()
    for name, data in FILES.items():
        (tmp_path / "published" / name).write_bytes(data)
    return tmp_path


def client(code: str, folder: Path, endpoint: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    """The code in a process of its own: the client reads its settings when it is imported."""
    own = {"HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": token}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    return subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment | {"PYTHONPATH": str(ROOT)} | own,
                          capture_output=True, text=True, check=False, timeout=300)  # fmt: skip


@pytest.mark.slow
def test_a_pushed_folder_is_on_the_hub_byte_for_byte_and_comes_back(folder: Path) -> None:
    with hub() as server:
        done = client(PUSH, folder, server.address)
        assert not done.returncode, done.stderr
        assert done.stdout.strip() == f"{server.address}/me/net/commit/{'a' * 40}"
        assert server.name == "me/net"
        assert server.files == FILES
        assert list(server.stored.values()) == [FILES["model.safetensors"]], "on its own, not in the commit"
        fetched = client(FETCH, folder, server.address)
        assert not fetched.returncode, fetched.stderr
    back = Path(fetched.stdout.strip())
    assert {path.name: path.read_bytes() for path in back.iterdir()} == FILES


@pytest.mark.slow
def test_what_the_hub_refuses_or_nobody_answers_is_said_in_a_sentence(folder: Path) -> None:
    with hub() as server:
        wrong = client(PUSH, folder, server.address, token="hf_of_somebody_else")
        assert server.files == {}
    assert wrong.returncode == 1
    assert wrong.stderr.startswith(f"ConfigError: --push=me/net: {server.address} refused it (")
    assert "401" in wrong.stderr
    away = client(PUSH, folder, server.address)
    assert away.stderr.startswith(f"MachineError: --push=me/net: {server.address} cannot be reached (")
    for said in (wrong.stderr, away.stderr):
        assert "published is whole" in said
        assert len(said.splitlines()) == 1
        assert "hf_of" not in said


def test_nothing_is_pushed_without_a_name_the_client_or_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for odd in ("no name", "net", "a/b/c", "../x/y"):
        with pytest.raises(ConfigError, match="OWNER/NAME"):
            hub_push.check(odd)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(ConfigError, match="HF_TOKEN"):
        hub_push.push(Path("published"), "me/net")
    monkeypatch.setattr(hub_push, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install .*(hub|huggingface-hub)"):
        hub_push.check("me/net")
