from __future__ import annotations

import json
import os

from calzion.build.interpreters import MachineInterpreters
from tests.stories.apps import web
from tests.stories.site import Site

SHOWN = '"text": TEXT'


def app(version: str) -> dict[str, str]:
    files = web(requirements__txt="six==1.17.0\n") | {".python-version": f"{version}\n"}
    files["server.py"] = "import platform, six\n" + files["server.py"].replace(
        SHOWN, f'{SHOWN}, "python": platform.python_version()'
    )
    return files


def test_an_app_runs_on_the_python_that_it_asks_for(site: Site) -> None:
    interpreters = MachineInterpreters(os.environ, site.data, os.defpath)
    here = [each for each in interpreters.available() if each.numbers >= (3, 8)]
    repository = site.repository("snake", app(here[0].version))
    for each in (here[0], here[-1]):
        repository.commit(app(each.version))
        push = repository.push("snake-staging")
        assert push.status == 0, push
        assert f"using Python {each.version}" in push
        assert json.loads(site.get("snake-staging")[1])["python"] == each.version
    repository.commit(app("3.4"))
    push = repository.push("snake-staging")
    assert push.status != 0
    assert "Python 3.4, which .python-version asks for, is not on this server; there is" in push
    assert json.loads(site.get("snake-staging")[1])["python"] == here[-1].version
