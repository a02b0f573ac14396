"""Real applications through the buildpacks that ship with Calzion."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from calzion.errors import CalzionError
from tests.integration.build_site import Cancel, Output, anywhere, inside, site_of

CACHED = "dependencies are unchanged: taken from the cache"


@pytest.fixture
def site(tmp_path, request):
    yield from site_of(tmp_path, request)


@anywhere
def test_requirements_are_installed_once(site):
    app = {"requirements.txt": "six==1.17.0\n", "app.py": "import six", "Procfile": "web: python app.py"}
    slug, lines = site.build(app)
    assert slug.language == "Python"
    assert not (slug.root / ".calzion-cache").exists()
    assert slug.process_types == (("web", "python app.py"),)
    assert CACHED not in lines
    assert site.inside(slug, "python -c 'import six, sys; print(six.__version__, sys.prefix)'") == (
        "1.17.0 /app/.calzion/python"
    )
    changed, lines = site.build(app | {"app.py": "import six  # changed"})
    assert CACHED in lines
    assert changed.key != slug.key
    assert site.inside(changed, "python -c 'import six; print(six.__version__)'") == "1.17.0"


def test_a_lock_is_installed_as_it_stands(site, tmp_path):
    project = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["six"]\n'
    locked, _ = site.build({"pyproject.toml": project})
    lock = (locked.root / "uv.lock").read_text()
    slug, lines = site.build({"pyproject.toml": project, "uv.lock": lock})
    assert "installing the dependencies of uv.lock" in lines
    assert inside(slug, "python -c 'import six; print(1)'") == "1"
    again, lines = site.build({"pyproject.toml": project, "uv.lock": lock, "a.py": ""})
    assert CACHED in lines
    assert inside(again, "python -c 'import six; print(1)'") == "1"


def test_a_python_app_without_a_procfile_is_told_so(site):
    slug, lines = site.build({"requirements.txt": ""})
    assert slug.process_types == ()
    assert any(line.startswith("no Procfile:") for line in lines)


def test_a_requirement_that_does_not_exist(site):
    with pytest.raises(CalzionError) as caught:
        site.build({"requirements.txt": "calzion-no-such-package\n"})
    assert caught.value.code == "build"
    assert caught.value.message == (
        "web: build failed (exit code 1): the package index has no package calzion-no-such-package"
    )
    assert "calzion-no-such-package was not found" in caught.value.detail[0]
    assert len(caught.value.detail) < 40
    assert site.leftovers() == []


@anywhere
def test_npm_installs_builds_and_prunes_once(site):
    app = {
        "package.json": '{"name": "x", "scripts": {"start": "node main.js", "build": "echo built > built.txt"},'
        ' "dependencies": {"is-number": "7.0.0"}, "devDependencies": {"isarray": "2.0.5"}}',
        "main.js": "",
    }
    slug, lines = site.build(app)
    assert slug.process_types == (("web", "node main.js"),)
    assert (slug.root / "built.txt").read_text() == "built\n"
    assert "running npm install" in lines
    changed, lines = site.build(app | {"main.js": "// changed"})
    assert CACHED in lines
    for each in (slug, changed):
        assert sorted(path.name for path in (each.root / "node_modules").glob("is*")) == ["is-number"]
    assert (
        site.inside(changed, "node -p 'require(\"is-number\")(5) + process.env.NODE_ENV'") == "trueproduction"
    )


def test_an_npm_package_that_does_not_exist(site):
    with pytest.raises(CalzionError) as caught:
        site.build({"package.json": '{"dependencies": {"@calzion/no-such-package": "1"}}'})
    assert "404" in caught.value.detail[0]


def test_package_json_that_is_no_json(site):
    with pytest.raises(CalzionError) as caught:
        site.build({"package.json": "{"})
    assert caught.value.detail[0].startswith("package.json:1 is no JSON (")


@anywhere
def test_the_procfile_alone(site):
    slug, _ = site.build({"Procfile": "web: one\nworker: two\n", "run.sh": ""})
    assert slug.process_types == (("web", "one"), ("worker", "two"))
    assert slug.language == "Procfile"


@pytest.fixture
def static_site(site, free_port):
    slug, _ = site.build(
        {
            "public/index.html": "<h1>hello",
            "public/sub/index.html": "below",
            "public/.hidden": "no",
            "public/404.html": "lost",
            "secret.txt": "no",
        }
    )
    ((kind, command),) = slug.process_types
    assert kind == "web"
    server = subprocess.Popen(
        ["bash", "-c", command],
        cwd=slug.root,
        env={"PATH": os.environ["PATH"], "PORT": str(free_port)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdout.readline() == f"listening on port {free_port}\n"
    yield f"http://127.0.0.1:{free_port}"
    server.kill()
    server.wait()
    server.stdout.close()


@pytest.fixture
def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answer(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            request, timeout=20
        ) as response:
            return response.status, response.read().decode(), response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers


def test_a_static_site_is_served(static_site):
    status, body, headers = answer(f"{static_site}/")
    assert (status, body) == (200, "<h1>hello")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer(f"{static_site}/", **{"If-None-Match": headers["ETag"]})[0] == 304
    assert answer(f"{static_site}/sub")[1] == "below"
    for path in ("/nothing", "/.hidden", "/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%00"):
        assert answer(f"{static_site}{path}")[:2] == (404, "lost"), path


def test_what_a_build_script_made_is_served(site):
    build = "mkdir dist && echo built >dist/index.html"
    app = {"index.html": "source", "public/a.txt": "", ".buildpacks": "node\nstatic\n"}
    _, lines = site.build(app | {"package.json": json.dumps({"scripts": {"build": build}})})
    assert "files are served from dist" in lines


def test_the_examples_build(site):
    examples = Path(__file__).parents[2] / "examples"
    for name in ("hello-python", "hello-node"):
        files = {path.name: path.read_text() for path in (examples / name).iterdir() if path.is_file()}
        slug, _ = site.build(files)
        assert [kind for kind, _ in slug.process_types] == ["web"]


def test_the_next_build_ends_what_prepares_its_cache(site):
    app = {"requirements.txt": "six\n", "Procfile": "web: a"}
    builder = site.builder()
    for number in range(3):
        builder.build(site.order(app | {"x": str(number)}), Output(), Cancel())
    site.rest()
    output = Output()
    slug = builder.build(site.order(app | {"x": "last"}), output, Cancel())
    assert CACHED in output.lines
    assert list(slug.root.glob(".calzion/python/lib/*/site-packages/__pycache__/six.*.pyc"))
    assert inside(slug, "python -c 'import six; print(1)'") == "1"


def test_files_that_the_source_brings_in_our_place_are_ignored(site):
    slug, _ = site.build({"requirements.txt": "six\n", ".calzion/python/bin/python": "no"})
    assert inside(slug, "python -c 'import six; print(1)'") == "1"
