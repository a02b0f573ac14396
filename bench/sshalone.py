"""Calzion's SSH server alone in its process: `python -m bench.sshalone DIRECTORY [PROGRAMS]`; prints its port."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from calzion.config import Address
from calzion.gitreceive.git import SEARCH_PATH
from calzion.resources import resource
from calzion.sshd.limits import SshLimits
from calzion.sshd.server import SshConfig, SshServer


def main(root: Path, programs: str) -> None:
    config = SshConfig(
        address=Address("127.0.0.1", 0),
        keys=root / "ssh",
        push_socket=root / "push.sock",
        repositories=root / "repositories",
        hooks=resource("hooks"),
        search_path=f"{programs}:{SEARCH_PATH}",
        limits=SshLimits(key_connections=250),
    )
    server = SshServer(config)
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    server.run(lambda address: print(address.port, flush=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
