import pytest

from calzion.build.detect import detect
from calzion.errors import CalzionError


def nothing(path):
    return None


@pytest.mark.parametrize(
    ("names", "buildpack"),
    [
        (("requirements.txt", "package.json", "Procfile"), "python"),
        (("pyproject.toml",), "python"),
        (("uv.lock",), "python"),
        (("poetry.lock", "pyproject.toml"), "python"),
        (("Pipfile", "package.json"), "python"),
        (("setup.py", "Procfile"), "python"),
        (("Procfile", "package.json", "index.html"), "node"),
        (("Procfile", "index.html"), "static"),
        (("static.json",), "static"),
        (("Procfile", "main.sh"), "procfile"),
        (("setup.py", "package.json"), "node"),
    ],
)
def test_the_first_that_fits(names, buildpack):
    assert detect(names, nothing) == (buildpack,)


def test_public_index_is_a_static_site():
    assert detect(("public/",), lambda path: b"" if path == "public/index.html" else None) == ("static",)


def test_a_directory_does_not_count_as_a_file():
    with pytest.raises(CalzionError):
        detect(("requirements.txt/",), nothing)


def test_nothing_fits_says_what_was_looked_for_and_what_is_there():
    with pytest.raises(CalzionError) as caught:
        detect(("main.c", "src/"), nothing)
    assert caught.value.code == "build"
    assert "requirements.txt" in caught.value.detail[0]
    assert caught.value.detail[1] == "at the root: main.c, src/"


def test_a_language_without_a_buildpack_is_named():
    with pytest.raises(CalzionError, match=r"no buildpack for Go ships with Calzion \(go\.mod\)"):
        detect(("go.mod", "main.go"), nothing)


def test_conda_is_recognised_and_refused():
    with pytest.raises(CalzionError, match=r"environment.yml \(conda\) alone is not supported"):
        detect(("environment.yml", "Procfile"), nothing)


def test_the_buildpacks_file_decides():
    content = b"# both\nnode\n./tools/buildpack\n"
    assert detect((".buildpacks", "requirements.txt"), lambda path: content) == ("node", "./tools/buildpack")


@pytest.mark.parametrize("entry", [b"http://example.com/x.git#v1", b"../up", b"./a/../../b", b"ruby", b""])
def test_unusable_entries_of_the_buildpacks_file(entry):
    with pytest.raises(CalzionError, match="can't be used"):
        detect((".buildpacks",), lambda path: entry)
