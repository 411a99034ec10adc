"""`vidsparse doctor`: its options, and what is printed."""

import argparse
import json
import sys
from dataclasses import asdict

from vidsparse.doctor.checkups import CHECKS, Finding, found

_MARKS = {"fine": "ok", "limited": "--", "broken": "NO"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("--json", action="store_true", help="a list of objects, for programs")
    parser.add_argument("--dir", default="runs", help="the folder that runs are to be written in; default: runs")


def carry_out(options: argparse.Namespace) -> int:
    """Print what each check found; 1 where something is broken that runs need, else 0."""
    findings = [finding for check in CHECKS for finding in found(check, options.dir)]
    sys.stdout.write(f"{json.dumps([*map(asdict, findings)], indent=1) if options.json else as_text(findings)}\n")
    return int(any(finding.state == "broken" for finding in findings))


def as_text(findings: list[Finding]) -> str:
    """A line a finding, and below it what it means, where it is not fine.

    >>> print(as_text([Finding("decord", "limited", "not installed", "PyAV reads videos alone")]))
    --  decord  not installed
                PyAV reads videos alone
    """
    width = max(len(finding.what) for finding in findings)
    lines = []
    for each in findings:
        lines.append(f"{_MARKS[each.state]}  {each.what:<{width}}  {each.found}".rstrip())
        lines += [f"{' ' * (width + 6)}{each.advice}"] if each.advice else []
    return "\n".join(lines)
