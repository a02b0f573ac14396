"""JOB is a JSON file with `seconds`, `size` and `tasks`; RESULT becomes the list of their answers, in order."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from calzion.build.fetching.archive import place_archive
from calzion.build.fetching.failed import Failed
from calzion.build.fetching.limits import Limits
from calzion.build.fetching.place import Place
from calzion.build.fetching.repository import Repository
from calzion.build.fetching.submodule import place_submodule

AT_ONCE = 4


def main(job: str, result: str) -> None:
    order = json.loads(Path(job).read_text())
    resource.setrlimit(resource.RLIMIT_FSIZE, (order["size"], order["size"]))
    limits = Limits(time.monotonic() + order["seconds"], order["size"])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda task: _answer(task, limits), order["tasks"]))
    Path(result).write_text(json.dumps(answers))


def _answer(task: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """`version` of what was found or fetched, or `error` with the reason and whether the network is `away`."""
    try:
        return {"version": _carry_out(task, limits)}
    except Failed as error:
        return {"error": str(error), "away": error.away}
    except OSError as error:
        return {"error": f"it can't be written: {error.strerror}", "away": False}


def _carry_out(task: Mapping[str, Any], limits: Limits) -> str:
    place = Place(task["url"], task["user"], task["password"])
    if task["kind"] == "resolve":
        return Repository(place, "", limits).resolve(task["version"])
    began, into = time.monotonic(), Path(task["into"])
    print(f"fetching {task['label']}", flush=True)
    version = _fetch(task, place, into, limits)
    print(f"fetched {task['label']} at {version[:12]} in {time.monotonic() - began:.1f} s", flush=True)
    return version


def _fetch(task: Mapping[str, Any], place: Place, into: Path, limits: Limits) -> str:
    version = str(task["version"])
    if task["kind"] == "archive":
        return place_archive(place, into, limits)
    if task["kind"] == "submodule":
        place_submodule(place, version, into, task["path"], limits)
        return version
    with tempfile.TemporaryDirectory(suffix=".git") as git_dir:
        return Repository(place, git_dir, limits).checkout(version, into)


if __name__ == "__main__":
    main(*sys.argv[1:])
