import pytest

from calzion.build.pythonrequest import python_request
from calzion.errors import CalzionError


def request(files):
    return python_request(tuple(files), lambda name: files[name].encode() if name in files else None)


def allowed(files, versions="3.8.18 3.9.7 3.9.18 3.10.13 3.11.2 3.12.1 3.13.0"):
    found = request(files)
    return [version for version in versions.split() if found.allows(version)]


def poetry(constraint):
    return {"pyproject.toml": f'[tool.poetry.dependencies]\npython = "{constraint}"\n'}


@pytest.mark.parametrize(
    ("files", "versions"),
    [
        ({".python-version": "3.12\n"}, ["3.12.1"]),
        ({".python-version": "# ours\n\n3.12  # the newest\n3.9\n"}, ["3.12.1"]),
        ({".python-version": "cpython-3.10"}, ["3.10.13"]),
        ({".python-version": "3.13-dev"}, ["3.13.0"]),
        ({".python-version": ">=3.9,<3.11"}, ["3.9.7", "3.9.18", "3.10.13"]),
        ({"runtime.txt": "python-3.9.18\r\n"}, ["3.9.18"]),
        ({"runtime.txt": "python-3.9.x"}, ["3.9.7", "3.9.18"]),
        ({"runtime.txt": "python-3.9", ".python-version": "3.12"}, ["3.9.7", "3.9.18"]),
        ({"Pipfile": '[requires]\npython_version = "3.8"'}, ["3.8.18"]),
        ({"Pipfile": '[requires]\npython_version = "3.9"\npython_full_version = "3.9.7"'}, ["3.9.7"]),
        ({"Pipfile.lock": '{"_meta": {"requires": {"python_version": "3.8"}}}'}, ["3.8.18"]),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.12"'}, ["3.12.1", "3.13.0"]),
        ({"pyproject.toml": '[project]\nrequires-python = "~=3.9.10"'}, ["3.9.18"]),
        (poetry("^3.11"), ["3.11.2", "3.12.1", "3.13.0"]),
        (poetry("~3.9"), ["3.9.7", "3.9.18"]),
        (poetry("~3.8 || 3.13.*"), ["3.8.18", "3.13.0"]),
        (poetry(">=3.9 <3.9.10"), ["3.9.7"]),
        (poetry("3.10"), ["3.10.13"]),
    ],
)
def test_what_the_files_ask_for(files, versions):
    assert allowed(files) == versions


@pytest.mark.parametrize(
    "files",
    [
        {},
        {".python-version": "\n# nothing\n"},
        {".python-version": "system"},
        {"Pipfile": "[packages]"},
        {"pyproject.toml": "[tool.black]"},
        {"Pipfile": '[requires]\npython_version = "3.8"', "uv.lock": ""},
    ],
)
def test_what_they_leave_open(files):
    assert request(files) is None


def test_a_lock_of_another_tool_leaves_the_pipfile_aside():
    files = {"Pipfile": '[requires]\npython_version = "3.8"', "poetry.lock": ""} | poetry("^3.12")
    assert request(files).place == "pyproject.toml"


def test_one_exact_version_bears_another_of_the_same_minor():
    found = request({"runtime.txt": "python-3.9.99"})
    assert (found.text, found.place) == ("3.9.99", "runtime.txt")
    assert not found.allows("3.9.18")
    assert found.bears("3.9.18")
    assert not found.bears("3.10.13")


@pytest.mark.parametrize("asked", ["my-env", "pypy-3.10", "3.x.y", ">=three", "3.9 or later", "\x00"])
def test_what_names_no_version(asked):
    with pytest.raises(CalzionError, match=r"\.python-version asks for .* which names no version"):
        request({".python-version": asked})


@pytest.mark.parametrize(
    ("name", "content"), [("pyproject.toml", "[x"), ("Pipfile", "="), ("Pipfile.lock", "{")]
)
def test_files_that_can_not_be_read(name, content):
    with pytest.raises(CalzionError, match=f"{name} can't be read: "):
        request({name: content})


def test_wrong_types_ask_for_nothing():
    assert request({"pyproject.toml": "project = 1\n[tool]\npoetry = []"}) is None
    assert request({"Pipfile": "requires = 3"}) is None
