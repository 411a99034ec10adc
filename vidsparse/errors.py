"""Mistakes that a person can mend. Each message is one sentence: what is wrong, where, and what to do."""


class VidsparseError(Exception):
    """Base of every error that the command line shows as one sentence, with exit code 2."""


class ConfigError(VidsparseError):
    """A key, value or combination in a config that cannot be carried out."""


class DataError(VidsparseError):
    """A data set that is missing, incomplete or not laid out as its source says."""


class ClipDecodeError(DataError):
    """A video file that no decoder can read; the message names the file."""


class RunFolderError(VidsparseError):
    """A run folder that belongs to another experiment, or a checkpoint in it that cannot be read."""
