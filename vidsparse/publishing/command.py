"""`vidsparse publish` and `vidsparse board`."""

import argparse

from vidsparse.utils.files import at_home


def add_publish(parser: argparse.ArgumentParser) -> None:
    """The arguments of `vidsparse publish`."""
    parser.add_argument("run", metavar="RUN", help="the folder of a finished run that was trained here")
    parser.add_argument("--out", help="the folder to write; default: RUN/published")
    parser.add_argument("--licence", default="", help="of the weights, such as cc-by-4.0; sample data needs none")
    parser.add_argument(
        "--push", metavar="OWNER/NAME", help="also upload it to Hugging Face under this name (extra hub)"
    )


def publish(options: argparse.Namespace) -> None:
    """Write a folder for a model hub; upload it only where that is asked for."""
    from vidsparse.publishing import hub_push
    from vidsparse.publishing.hub_folder import write_folder
    from vidsparse.utils.progress import say

    if options.push:
        hub_push.check(options.push)
    run = at_home(options.run)
    folder = write_folder(run, at_home(options.out) if options.out else run / "published", options.licence)
    say(f"published  {folder}: vidsparse.from_pretrained({str(folder)!r}) loads it")
    if options.push:
        say(f"pushed     {hub_push.push(folder, options.push)}")


def add_board(parser: argparse.ArgumentParser) -> None:
    """The arguments of `vidsparse board`."""
    parser.add_argument("folders", metavar="FOLDER", nargs="+", help="folders of runs and comparisons: results.json")
    parser.add_argument("--out", default="runs/board", help="the folder of the page")


def board(options: argparse.Namespace) -> None:
    """Write a static leaderboard."""
    from vidsparse.publishing.static_board import write_board
    from vidsparse.utils.progress import say

    say(f"board      {write_board([at_home(folder) for folder in options.folders], at_home(options.out))}")
