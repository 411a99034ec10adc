"""The version of vidsparse: that of the package corruptions, which its wheel brings, and so said in one place."""

from corruptions import __version__ as VERSION

__all__ = ["VERSION"]
