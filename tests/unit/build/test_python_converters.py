"""The python buildpack's readers of Pipenv's and Poetry's files, run as the buildpack runs them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from calzion.host.runtimes import packaged

LIB = Path(__file__).parents[3] / "buildpacks/python/lib"
PUBLIC = "https://pypi.example/simple"
SIX = {"version": "==1.17.0", "hashes": ["sha256:bb", "sha256:aa"]}


class Converted:
    def __init__(self, status, error, directory):
        self.status, self.error, self._directory = status, error, directory

    @property
    def requirements(self):
        return (self._directory / "requirements").read_text().splitlines()

    @property
    def options(self):
        return (self._directory / "options").read_text().splitlines()

    @property
    def installs_itself(self):
        return (self._directory / "requirements.root").exists()


@pytest.fixture
def convert(tmp_path):
    def run(program, files, python="3.11.2", **environment):
        app = tmp_path / "app"
        for name, text in files.items():
            (app / name).parent.mkdir(parents=True, exist_ok=True)
            (app / name).write_text(text)
        done = subprocess.run(
            [sys.executable, "-s", "-B", LIB / program, app, tmp_path / "requirements", tmp_path / "options"],
            env={"CALZION_PYTHON_VERSION": python, "PYTHONPATH": str(packaged("poetry.core").parents[1])}
            | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Converted(done.returncode, done.stderr, tmp_path)

    return run


def lock(*sources, **default):
    return {
        "Pipfile.lock": json.dumps({"_meta": {"sources": sources}, "default": default, "develop": {"x": {}}})
    }


def test_a_pipfile_lock(convert, tmp_path):
    done = convert(
        "pipfile.py",
        lock(
            {"name": "pypi", "url": PUBLIC, "verify_ssl": True},
            six=SIX,
            requests={"version": "==2.0", "extras": ["socks", "x"], "markers": "python_version >= '3'"},
            tool={"git": "https://example.com/tool.git", "ref": "abc", "subdirectory": "sub"},
            own={"editable": True, "git": "git@example.com:me/own.git", "ref": "def"},
            here={"editable": True, "path": "."},
            wheel={"file": "https://example.com/a.whl"},
        ),
    )
    assert done.requirements == [
        "six==1.17.0 --hash=sha256:aa --hash=sha256:bb",
        "requests[socks,x]==2.0 ; (python_version >= '3')",
        "tool @ git+https://example.com/tool.git@abc#subdirectory=sub",
        "own @ git+ssh://git@example.com/me/own.git@def",
        f"-e {tmp_path / 'app'}",
        "wheel @ https://example.com/a.whl",
    ]
    assert done.options == ["--index-strategy", "unsafe-best-match"]


def test_private_indexes_of_a_pipfile_lock(convert):
    done = convert(
        "pipfile.py",
        lock(
            {"name": "own one", "url": "https://${USER}:$PASS@own.example/simple", "verify_ssl": False},
            {"name": "pypi", "url": PUBLIC},
            {"name": "more", "url": "https://more.example/simple"},
        ),
        USER="me",
        PASS="secret",
    )
    assert done.options[2:] == [
        *("--default-index", "own-one=https://me:secret@own.example/simple"),
        *("--allow-insecure-host", "own.example"),
        *("--index", "more=https://more.example/simple"),
    ]


def test_a_pipfile_without_lock(convert):
    done = convert(
        "pipfile.py",
        {
            "Pipfile": '[packages]\nsix = "*"\nflask = "~=1.1"\nx = {version = "<2", extras = ["a"], sys_platform ='
            ' "== \'win32\'", python_version = "< \'3.9\'"}\n[dev-packages]\npytest = "*"\n'
        },
    )
    assert done.requirements == [
        "six",
        "flask~=1.1",
        "x[a]<2 ; sys_platform == 'win32' and python_version < '3.9'",
    ]
    assert done.options == []


def test_markers_that_stand_in_the_pipfile_alone(convert):
    done = convert(
        "pipfile.py",
        lock(**{"py-win": {"version": "*"}})
        | {"Pipfile": '[packages]\nPy_Win = {version = "*", sys_platform = "== \'win32\'"}\n'},
    )
    assert done.requirements == ["py-win ; (sys_platform == 'win32')"]


@pytest.mark.parametrize(("name", "text"), [("Pipfile.lock", "{"), ("Pipfile", "[")])
def test_a_broken_pipfile_is_named(convert, name, text):
    done = convert("pipfile.py", {name: text})
    assert done.status == 1
    assert done.error.startswith(f"{name} can't be read: ")


PROJECT = """
[tool.poetry]
name = "my-app"
version = "1"
description = ""
authors = ["A <a@example.com>"]
[tool.poetry.dependencies]
python = "^3.8"
{dependencies}
[tool.poetry.dev-dependencies]
pytest = "*"
[tool.poetry.extras]
more = ["extra"]
"""


def project(dependencies, more=""):
    return {"pyproject.toml": PROJECT.format(dependencies=dependencies) + more}


def package(name, version="1.0", more="", python="*"):
    return (
        f'[[package]]\nname = "{name}"\nversion = "{version}"\noptional = false\npython-versions = "{python}"\n'
        f'files = [{{file = "x", hash = "sha256:{name}"}}]\n{more}\n'
    )


def test_a_poetry_lock_gives_what_the_main_dependencies_reach(convert):
    locked = (
        package(
            "direct",
            more='[package.dependencies]\nbelow = ">=1"\n'
            'win = {version = "*", markers = "os_name == \'nt\'"}\n',
        )
        + package("below")
        + package("win")
        + package("extra")
        + package("pytest")
    )
    files = project('direct = "^1.0"\nextra = {version = "*", optional = true}') | {"poetry.lock": locked}
    done = convert("poetry_lock.py", files)
    assert done.error == ""
    assert done.requirements == ["below==1.0 --hash=sha256:below", "direct==1.0 --hash=sha256:direct"]
    assert not done.installs_itself


@pytest.mark.parametrize(("python", "version"), [("3.8.18", "1.24"), ("3.11.2", "1.26")])
def test_one_package_locked_in_two_versions(convert, python, version):
    wanted = 'num = [{version = "<1.25", python = "<3.9"}, {version = ">=1.25", python = ">=3.9"}]'
    locked = package("num", "1.24", python=">=3.8,<3.12") + package("num", "1.26", python=">=3.9")
    done = convert("poetry_lock.py", project(wanted) | {"poetry.lock": locked}, python=python)
    assert done.requirements == [f"num=={version} --hash=sha256:num"]


@pytest.mark.parametrize(("python", "version"), [("3.8.18", "1.0"), ("3.11.2", "2.0")])
def test_the_markers_of_newer_locks(convert, python, version):
    groups = 'groups = ["main", "dev"]\n'
    locked = package("a", "1.0", groups + "markers = \"python_version < '3.10'\"\n") + package(
        "a",
        "2.0",
        groups + "markers = {main = \"python_version >= '3.10'\", dev = \"python_version < '3'\"}\n",
    )
    done = convert("poetry_lock.py", project('a = "*"') | {"poetry.lock": locked}, python=python)
    assert done.requirements == [f"a=={version} --hash=sha256:a"]


def test_extras_bring_their_own_dependencies(convert):
    locked = (
        package(
            "Uvi.Corn",
            more="[package.dependencies]\n"
            'loop = {version = ">=1", optional = true, markers = "extra == \'standard\'"}\n'
            'other = {version = "*", optional = true}\n[package.extras]\nstandard = ["loop (>=1)"]\nx = ["other"]\n',
        )
        + package("loop")
        + package("other")
    )
    wanted = 'uvi-corn = {version = "*", extras = ["standard"]}'
    done = convert("poetry_lock.py", project(wanted) | {"poetry.lock": locked})
    assert done.requirements == ["Uvi.Corn==1.0 --hash=sha256:Uvi.Corn", "loop==1.0 --hash=sha256:loop"]


def test_the_first_form_of_the_lock_file(convert):
    locked = (
        '[[package]]\nname = "six"\nversion = "1.0"\ncategory = "main"\noptional = false\npython-versions = "*"\n'
        '[metadata]\nlock-version = "1.1"\n[metadata.files]\nsix = [{file = "x", hash = "sha256:aa"}]\n'
    )
    done = convert("poetry_lock.py", project('six = "*"') | {"poetry.lock": locked})
    assert done.requirements == ["six==1.0 --hash=sha256:aa"]


def test_packages_from_elsewhere(convert, tmp_path):
    def source(kind, url, more=""):
        return f'[package.source]\ntype = "{kind}"\nurl = "{url}"\n{more}\n'

    locked = (
        package(
            "a",
            more=source("git", "https://example.com/a.git", 'reference = "main"\nresolved_reference = "abc"'),
        )
        + package("b", more="develop = true\n" + source("directory", "libs/b"))
        + package("c", more=source("url", "https://example.com/c.whl"))
        + package("d", more=source("legacy", "https://own.example/simple", 'reference = "own"'))
    )
    wanted = (
        'a = {git = "https://example.com/a.git", branch = "main"}\nb = {path = "libs/b", develop = true}\n'
        'c = {url = "https://example.com/c.whl"}\nd = {version = "*", source = "own"}'
    )
    index = '\n[[tool.poetry.source]]\nname = "own"\nurl = "https://own.example/simple"\n'
    files = project(wanted, index) | {"poetry.lock": locked, "libs/b/setup.py": ""}
    done = convert("poetry_lock.py", files)
    assert done.requirements == [
        f"-e {tmp_path}/app/libs/b",
        "a @ git+https://example.com/a.git@abc",
        "c @ https://example.com/c.whl",
        "d==1.0 --hash=sha256:d",
    ]
    assert done.options[2:] == ["--index", "own=https://own.example/simple"]


def test_a_lock_out_of_step_is_named(convert):
    done = convert("poetry_lock.py", project('new = "^2.0"') | {"poetry.lock": package("old")})
    assert done.status == 1
    assert done.error.startswith(
        "poetry.lock has no new (>=2.0,<3.0) for Python 3.11.2, which pyproject.toml"
    )


def test_poetry_without_lock(convert):
    done = convert("poetry_lock.py", project('six = "^1.16"\nx = {version = "~2.1", python = "<3.8"}'))
    assert done.requirements == ["six (>=1.16,<2.0)"]


def test_a_project_installs_itself_where_its_module_is_there(convert):
    build = '\n[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
    assert not convert("poetry_lock.py", project("", build)).installs_itself
    assert convert("poetry_lock.py", project("", build) | {"src/my_app/__init__.py": ""}).installs_itself


def test_the_project_table_of_newer_poetry(convert):
    files = {
        "pyproject.toml": '[project]\nname = "x"\nversion = "1"\ndependencies = ["six (>=1.0)"]\n',
        "poetry.lock": package("six"),
    }
    assert convert("poetry_lock.py", files).requirements == ["six==1.0 --hash=sha256:six"]
