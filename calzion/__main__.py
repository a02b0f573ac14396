"""`python -m calzion`, and the path by which Calzion starts its own processes."""

import sys
from pathlib import Path

if not __package__:
    # Run by path: not this folder, whose modules would shadow others, but the one above belongs on the path.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from calzion.cli.main import main

if __name__ == "__main__":
    main()
