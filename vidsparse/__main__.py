"""`python -m vidsparse`: the command `vidsparse`."""

import sys

from vidsparse.cli import main

if __name__ == "__main__":
    sys.exit(main())
