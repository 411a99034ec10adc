"""The upload of a published folder to Hugging Face, by its own client: only where a person asked for it."""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from vidsparse.utils.errors import ConfigError, MachineError, brief, install

_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def check(name: str) -> None:
    """ConfigError where nothing could be pushed as `name`: no OWNER/NAME, no client, no token of it."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"--push={name} is no OWNER/NAME")
    if find_spec("huggingface_hub") is None:
        raise ConfigError(f"--push needs huggingface-hub: {install('hub', 'huggingface-hub')}")
    from huggingface_hub import get_token

    if not get_token():
        raise ConfigError(
            f"--push={name} needs a token of Hugging Face that may write: hf auth login, or set the variable HF_TOKEN"
        )


def push(folder: Path, name: str) -> str:
    """Upload the folder as the model OWNER/NAME, made where it is not there; the address of the commit.

    Raises ConfigError where `check` does or the hub refuses, MachineError where it cannot be reached.
    """
    check(name)
    from huggingface_hub import HfApi

    api, errors = HfApi(), import_module("huggingface_hub.errors")  # its HTTPError: of the httpx that the client brings
    try:
        api.create_repo(name, exist_ok=True)
        return str(api.upload_folder(repo_id=name, folder_path=folder).commit_url)
    except (errors.HfHubHTTPError, ValueError) as error:
        raise ConfigError(f"--push={name}: {api.endpoint} refused it ({brief(error)}); {folder} is whole") from error
    except (errors.HTTPError, OSError) as error:
        raise MachineError(
            f"--push={name}: {api.endpoint} cannot be reached ({brief(error)}); {folder} is whole, push it later"
        ) from error
