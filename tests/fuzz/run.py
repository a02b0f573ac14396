"""Fuzzes one target for some seconds: python -m tests.fuzz.run TARGET SECONDS. What breaks it is kept in the corpus.

With atheris where it is installed, which is led by what the code does; else with hypothesis, which is led by words.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
_AT_ONCE = 500


def main(target: str, seconds: float) -> int:
    """The exit status: 1 where something broke the target."""
    seeds = CORPUS / target
    if importlib.util.find_spec("atheris"):
        command = [sys.executable, "-m", "tests.fuzz.led", target, f"-max_total_time={seconds:.0f}"]
        options = [
            "-timeout=10",
            "-rss_limit_mb=1024",
            "-max_len=4096",
            "-verbosity=0",
            "-print_final_stats=1",
        ]
        return subprocess.run(
            [*command, *options, f"-artifact_prefix={seeds}/", str(_scratch(target)), str(seeds)], check=False
        ).returncode
    from tests.fuzz.targets import TARGETS

    return _by_words(TARGETS[target], seeds, seconds)


def _scratch(target: str) -> Path:
    """Where atheris keeps what it finds interesting: only what breaks something is worth keeping in the project."""
    path = Path(".fuzz") / target
    path.mkdir(parents=True, exist_ok=True)
    return path


def _by_words(target: Callable[[bytes], None], seeds: Path, seconds: float) -> int:
    given_ones = [path.read_bytes() for path in sorted(seeds.iterdir())]
    words = sorted(
        {word for each in given_ones for word in each.split(b" ")} | {b" ", b"\n", b"'", b"\0", b": "}
    )
    pieces = st.sampled_from(words) | st.sampled_from(given_ones) | st.binary(max_size=8)
    broken: list[bytes] = []

    @settings(
        max_examples=_AT_ONCE,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(pieces, max_size=20).map(b"".join))
    def attempt(data: bytes) -> None:
        try:
            target(data)
        except Exception:
            broken.append(data)
            raise

    tried, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            attempt()
        except Exception as error:  # whatever it is, this input is to be kept
            path = seeds / f"broke-{hashlib.sha1(broken[-1]).hexdigest()[:12]}"
            path.write_bytes(broken[-1])
            print(f"{path}: {error!r}")
            return 1
        tried += _AT_ONCE
    print(f"{tried} inputs, nothing broke")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2])))
