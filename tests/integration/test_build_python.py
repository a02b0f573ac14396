"""The shapes in which Python apps come, each built as it stands."""

import re

import pytest

from calzion.errors import CalzionError
from tests.integration.build_site import Site, inside

CACHED = "dependencies are unchanged: taken from the cache"
SIX = "sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"
PIPFILE = """
[[source]]
name = "pypi"
url = "https://pypi.example/simple"
[packages]
six = "*"
[dev-packages]
x = "*"
"""
POETRY = """
[tool.poetry]
name = "my-app"
version = "1"
description = ""
authors = ["A <a@example.com>"]
[tool.poetry.dependencies]
python = ">=3.8"
six = "^1.16"
[tool.poetry.scripts]
serve = "my_app:main"
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.rest()


def pipfile_lock(digest=SIX):
    return (
        '{"_meta": {"sources": [{"name": "pypi", "url": "https://pypi.example/simple"}]}, "develop": {"x": {}},'
        f' "default": {{"six": {{"hashes": ["{digest}"], "version": "==1.17.0"}}}}}}'
    )


def poetry_lock(version="1.17.0", digest=SIX):
    return (
        f'[[package]]\nname = "six"\nversion = "{version}"\noptional = false\npython-versions = "*"\n'
        f'files = [{{file = "six-{version}-py2.py3-none-any.whl", hash = "{digest}"}}]\n'
        '[metadata]\nlock-version = "2.0"\n'
    )


def failure(site, files, **environment):
    with pytest.raises(CalzionError) as caught:
        site.build(files, **environment)
    return caught.value


def test_a_pipfile_lock_is_installed_as_it_stands(site):
    app = {"Pipfile": PIPFILE, "Pipfile.lock": pipfile_lock()}
    slug, lines = site.build(app)
    assert "installing the default packages of Pipfile.lock" in lines
    assert inside(slug, "python -c 'import six; print(six.__version__)'") == "1.17.0"
    _, lines = site.build(app | {"a.py": ""})
    assert CACHED in lines


def test_a_wrong_hash_in_a_lock_fails_the_build(site):
    wrong = SIX.replace("4", "5")
    for app in (
        {"Pipfile.lock": pipfile_lock(wrong)},
        {"pyproject.toml": POETRY, "poetry.lock": poetry_lock(digest=wrong)},
    ):
        assert "Hash mismatch" in str(failure(site, app).detail)


def test_a_pipfile_without_lock(site):
    slug, lines = site.build({"Pipfile": PIPFILE})
    assert "installing the packages of Pipfile (no Pipfile.lock: the newest that fit)" in lines
    assert inside(slug, "python -c 'import six; print(1)'") == "1"


def test_a_poetry_project_with_its_own_command(site):
    app = {
        "pyproject.toml": POETRY,
        "poetry.lock": poetry_lock(),
        "src/my_app/__init__.py": "def main():\n    import six; print(six.__version__)\n",
    }
    slug, lines = site.build(app)
    assert "installing the main dependencies of poetry.lock" in lines
    assert inside(slug, "serve") == "1.17.0"
    slug, lines = site.build(app | {"a.py": ""})
    assert CACHED in lines
    assert inside(slug, "serve") == "1.17.0"


def test_another_lock_drops_the_cache(site):
    app = {"pyproject.toml": POETRY, "poetry.lock": poetry_lock()}
    site.build(app)
    other = "sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254"
    slug, lines = site.build(app | {"poetry.lock": poetry_lock("1.16.0", other)})
    assert CACHED not in lines
    assert inside(slug, "python -c 'import six; print(six.__version__)'") == "1.16.0"
    _, lines = site.build(app | {"poetry.lock": poetry_lock("1.16.0", other), "a.py": ""})
    assert CACHED in lines


def test_setup_py_alone(site):
    setup = (
        'from setuptools import setup\nsetup(name="x", version="1", py_modules=["mine"], install_requires=["six"],'
        ' entry_points={"console_scripts": ["mine=mine:main"]})\n'
    )
    slug, lines = site.build({"setup.py": setup, "mine.py": "def main():\n    import six; print('ran')\n"})
    assert lines[0] == "Python app detected"
    assert inside(slug, "mine") == "ran"


def test_requirements_go_before_a_bare_project_and_locks_before_both(site):
    loose = {"requirements.txt": "six\n", "Pipfile": PIPFILE, "pyproject.toml": "[project]\nname = 'x'\n"}
    assert "installing the dependencies of requirements.txt" in site.build(loose)[1]
    locked = loose | {"Pipfile.lock": pipfile_lock()}
    assert "installing the default packages of Pipfile.lock" in site.build(locked)[1]


@pytest.fixture
def another(site):
    """An interpreter of this machine that is not the default."""
    interpreters = site.builder().workshop.interpreters
    default = interpreters.default()
    others = [
        each
        for each in interpreters.available()
        if each.numbers[:2] != default.numbers[:2] and each.numbers >= (3, 8)
    ]
    if not others:
        pytest.skip("this machine has one Python alone")
    return others[0]


def test_the_interpreter_that_is_asked_for(site, another):
    minor = another.version.rpartition(".")[0]
    app = {"requirements.txt": "six\n", ".python-version": f"{minor}\n"}
    slug, lines = site.build(app)
    assert f"using Python {another.version}" in lines
    assert (
        inside(slug, "python -c 'import six, platform; print(platform.python_version())'") == another.version
    )
    _, lines = site.build(app | {"a.py": ""})
    assert CACHED in lines
    slug, lines = site.build({"requirements.txt": "six\n"})
    assert CACHED not in lines
    assert (
        inside(slug, "python -c 'import six, platform; print(platform.python_version())'") != another.version
    )


def test_another_patch_is_said(site):
    default = site.builder().workshop.interpreters.default()
    minor = default.version.rpartition(".")[0]
    _, lines = site.build({"requirements.txt": "", "runtime.txt": f"python-{minor}.999\n"})
    assert any(
        re.search(rf"{minor}\.999 \(runtime.txt\) is not on this server: {minor}\.\d+ is", line)
        for line in lines
    )


def test_an_interpreter_that_is_nowhere_is_refused_before_the_build(site):
    order = site.order({"requirements.txt": "", ".python-version": "3.4"})
    with pytest.raises(
        CalzionError, match=r"^Python 3\.4, which \.python-version asks for, is not on this server"
    ):
        site.builder().key(order)


def test_a_committed_environment_is_refused_before_the_build(site):
    order = site.order({"requirements.txt": "", "venv/pyvenv.cfg": ""})
    with pytest.raises(CalzionError, match=r"^venv/ is a virtual environment"):
        site.builder().key(order)


def test_scripts_of_the_app_run_before_and_after(site):
    app = {
        "requirements.txt": "",
        "bin/pre_compile": "echo six==1.17.0 >requirements.txt\n",
        "bin/post_compile": '#!/bin/bash\n[[ $GIVEN = yes ]] && python -c "import six; print(six.__version__)"\n',
    }
    _, lines = site.build(app, GIVEN="yes")
    assert lines.index("running bin/pre_compile") < lines.index("running bin/post_compile")
    assert "1.17.0" in lines
    error = failure(site, app, GIVEN="no")
    assert error.detail[-1] == "bin/post_compile failed (exit code 1)"
    error = failure(site, {"requirements.txt": "", "hooks/pre_compile": "exit 7"})
    assert error.detail[-1] == "hooks/pre_compile failed (exit code 7)"


def test_a_script_may_change_what_was_installed_without_changing_the_cache(site):
    change = 'echo "changed = True" >>"$(python -c "import six; print(six.__file__)")"\n'
    app = {"requirements.txt": "six\n"}
    site.build(app)
    slug, _ = site.build(app | {"bin/post_compile": change})
    assert inside(slug, "python -c 'import six; print(six.changed)'") == "True"
    slug, lines = site.build(app | {"a.py": ""})
    assert CACHED in lines
    assert inside(slug, "python -c 'import six; print(hasattr(six, \"changed\"))'") == "False"


DJANGO = {
    "requirements.txt": "django==4.2.16\n",
    "site/manage.py": (
        "import os, sys\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mine.settings')\n"
        "from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n"
    ),
    "site/mine/__init__.py": "",
    "site/mine/settings.py": (
        "import os\nSECRET_KEY = os.environ['SECRET_KEY']\nINSTALLED_APPS = ['django.contrib.staticfiles']\n"
        "STATIC_URL = '/static/'\nSTATIC_ROOT = 'collected'\nSTATICFILES_DIRS = ['assets']\n"
    ),
    "assets/style.css": "a {}",
}


def test_static_files_of_a_django_app(site):
    slug, lines = site.build(DJANGO, SECRET_KEY="x")
    assert "running site/manage.py collectstatic" in lines
    assert (slug.root / "collected/style.css").read_text() == "a {}"
    error = failure(site, DJANGO)
    assert error.detail[0] == "KeyError: 'SECRET_KEY'"
    assert "DISABLE_COLLECTSTATIC" in error.detail[-1]
    slug, lines = site.build(DJANGO, DISABLE_COLLECTSTATIC="1")
    assert "collectstatic is left out: DISABLE_COLLECTSTATIC is set" in lines
    assert not (slug.root / "collected").exists()
    settings = "SECRET_KEY = 'x'\nINSTALLED_APPS = []\n"
    _, lines = site.build(DJANGO | {"site/mine/settings.py": settings})
    assert lines[-2].startswith("collectstatic is left out: django.contrib.staticfiles is not")


def test_settings_that_ask_for_addresses_of_services_do_not_hinder_collectstatic(site):
    known = "SECRET_KEY = 'x'\nDATABASE = os.environ['DATABASE_URL']\nCACHE = os.environ['REDIS_URL']\n"
    settings = DJANGO["site/mine/settings.py"].replace("SECRET_KEY = os.environ['SECRET_KEY']\n", known)
    slug, lines = site.build(DJANGO | {"site/mine/settings.py": settings}, REDIS_URL="redis://own")
    assert "the settings ask for addresses of services: collectstatic gets some that lead nowhere" in lines
    assert (slug.root / "collected/style.css").exists()
    error = failure(site, DJANGO | {"site/mine/settings.py": settings + "os.environ['QUEUE_URL']\n"})
    assert error.detail[0] == "KeyError: 'QUEUE_URL'"
