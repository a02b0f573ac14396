import pytest

from calzion.build.committed import refuse_committed_environment
from calzion.errors import CalzionError


def check(*paths):
    names = tuple({path.partition("/")[0] + ("/" if "/" in path else ""): None for path in paths})
    refuse_committed_environment(names, lambda path: b"" if path in paths else None)


@pytest.mark.parametrize(
    ("path", "directory"),
    [
        ("venv/pyvenv.cfg", "venv"),
        (".venv/pyvenv.cfg", ".venv"),
        ("my-own/pyvenv.cfg", "my-own"),
        ("env/bin/activate", "env"),
        ("venv/Scripts/activate", "venv"),
    ],
)
def test_a_committed_environment_is_refused(path, directory):
    with pytest.raises(CalzionError, match=f"^{directory}/ is a virtual environment") as caught:
        check("requirements.txt", "src/a.py", path)
    assert f"git rm -r --cached {directory}" in caught.value.hint
    assert ".gitignore" in caught.value.hint


def test_an_environment_at_the_root_is_refused():
    with pytest.raises(CalzionError, match="the root of the app is a virtual environment"):
        check("pyvenv.cfg", "bin/activate")


def test_directories_that_only_look_like_one():
    check("env/settings.py", "bin/activate", "scripts/bin/activate", ".env", "requirements.txt")


def test_no_more_than_the_root_is_looked_at():
    asked = []
    names = (*(f"directory-{number}/" for number in range(1000)), "requirements.txt")
    refuse_committed_environment(names, asked.append)
    assert len(asked) <= 100
