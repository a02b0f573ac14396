"""`python -m calzion.host --data DIRECTORY` runs the host daemon."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from calzion.errors import CODES, CalzionError
from calzion.host.daemon import run_host
from calzion.layout import Layout


def main() -> int:
    parser = argparse.ArgumentParser(prog="calzion.host", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory of everything Calzion keeps")
    try:
        run_host(Layout(parser.parse_args().data.resolve()), os.environ)
    except CalzionError as error:
        print(error, file=sys.stderr)
        return CODES[error.code].exit
    return 0


if __name__ == "__main__":
    sys.exit(main())
