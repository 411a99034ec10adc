"""What every stage of a run works with, made once."""

from dataclasses import dataclass

from vidsparse.config import Config
from vidsparse.data.clips import Clips
from vidsparse.run_dir.folder import RunFolder
from vidsparse.training.engine import Engine


@dataclass(frozen=True)
class Session:
    """One process at work on one run: its config, the clips, where it computes, and the folder that it fills."""

    config: Config
    clips: Clips
    engine: Engine
    folder: RunFolder
