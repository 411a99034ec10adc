"""`vidsparse corrupt`: its options, and what is carried out."""

import argparse

from vidsparse.plugins.named_plugins import add_option
from vidsparse.utils.files import at_home


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("video", metavar="VIDEO", help="any video file")
    parser.add_argument("corruption", metavar="CORRUPTION", help="such as fog; all are in docs/corruptions")
    parser.add_argument(
        "severity", type=int, choices=range(6), metavar="SEVERITY", help="1 to 5; 0 is the video as it is"
    )
    parser.add_argument(
        "--out", metavar="FILE", help=".mp4, .m4v, .mov or .mkv; default: VIDEO_CORRUPTION_SEVERITY.mp4"
    )
    parser.add_argument("--lossless", action="store_true", help="FFV1 in .mkv: every byte of the corrupted frames")
    parser.add_argument("--key", help="what is drawn from; default: the name of the video without suffix")
    parser.add_argument("--profile", help="the table of severities, such as imagenet_c; default: the corruption's home")
    parser.add_argument("--temporal", default="default", choices=("default", "static", "drift", "independent"))
    sizes = "relative scales lengths to the frame, absolute takes pixels as published (default: relative)"
    parser.add_argument("--resolution", default="relative", choices=("relative", "absolute"), help=sizes)
    parser.add_argument("--fresh", action="store_true", help="replace FILE where it is there")
    add_option(parser)


def carry_out(options: argparse.Namespace) -> None:
    """Write the video file under the corruption."""
    from corruptions.transforms import Corrupt
    from vidsparse.corrupt_video.corrupted_file import corrupt_file

    settings = {name: getattr(options, name) for name in ("profile", "temporal", "resolution")}
    condition = Corrupt(options.corruption, options.severity, **settings).condition("")
    video = at_home(options.video)
    suffix = ".mkv" if options.lossless else ".mp4"
    out = at_home(options.out or f"{video.stem}_{options.corruption}_{options.severity}{suffix}")
    key = video.stem if options.key is None else options.key
    corrupt_file(video, condition, key, out, options.lossless, options.fresh)
