"""What a push needs from elsewhere: buildpacks by address, and submodules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.git_site import GitSite
from tests.stories.apps import web
from tests.stories.site import Repository, Site


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[GitSite]:
    elsewhere = GitSite(tmp_path)
    yield elsewhere
    elsewhere.close()


def with_submodule(repository: Repository, url: str, commit: str) -> None:
    repository.commit({".gitmodules": f'[submodule "lib"]\n\tpath = lib\n\turl = {url}\n'})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},lib")
    repository.git("commit", "--quiet", "--message", "a submodule")


def test_a_push_with_a_buildpack_and_a_submodule_from_elsewhere(site: Site, elsewhere: GitSite) -> None:
    compile = (
        'mkdir -p "$1/.profile.d"\necho "export FROM_PACK=$(cat "$1/lib/lib.txt")" > "$1/.profile.d/a.sh"\n'
    )
    pack = elsewhere.commit(
        "pack", {"bin/detect": "#!/bin/sh\necho Pack\n", "bin/compile": f"#!/bin/sh\nset -e\n{compile}"}
    )
    lib = elsewhere.commit("lib", {"lib.txt": "from-lib"})
    address = f"{elsewhere.plain_url}/pack.git#{pack}"
    template = f"web:\n  git: .\n  buildpacks: ['{address}', procfile]\n  healthcheck: {{grace: 5}}\n"
    repository = site.repository("third", web(template__yaml=template))
    with_submodule(repository, f"{elsewhere.plain_url}/lib.git", lib)
    push = repository.push("third")
    assert push.status == 0, push
    for words in ("fetched the submodule 'lib'", f"buildpack 1 of 2: {address}", "Pack app detected"):
        assert words in push, push
    assert '"FROM_PACK": "from-lib"' in site.get("third")[1]

    with_submodule(repository, "git@example.org:me/lib.git", "1" * 40)
    push = repository.push("third")
    assert push.status != 0
    assert "web: the submodule 'lib' can't be fetched: ssh needs a key, and builds have none" in push, push
    assert "calzion deploy --working-tree" in push
    assert site.get("third")[0] == 200
