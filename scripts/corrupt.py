"""python scripts/corrupt.py: see --help."""

import sys

from vidsparse.cli import script

if __name__ == "__main__":
    sys.exit(script("corrupt"))
