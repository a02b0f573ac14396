import pytest

from calzion.build.slugignore import is_ignored, parse_slugignore, remove_ignored


def remaining(root, content):
    patterns, unusable = parse_slugignore(content)
    remove_ignored(str(root), patterns)
    left = sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())
    return left, unusable


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "app"
    for name in (
        "a.md",
        "docs/a.md",
        "docs/keep",
        "lib/docs/x",
        "lib/test/y",
        "test/z",
        "deep/er/a.psd",
        ".dot.md",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


ALL = [".dot.md", "a.md", "deep/er/a.psd", "docs/a.md", "docs/keep", "lib/docs/x", "lib/test/y", "test/z"]


@pytest.mark.parametrize(
    ("content", "gone"),
    [
        (b"# nothing\n\n", set()),
        (b"*.md\r\n", {".dot.md", "a.md", "docs/a.md"}),
        (b"*.psd  # art", {"deep/er/a.psd"}),
        (b"/test", {"test/z"}),
        (b"test", {"test/z", "lib/test/y"}),
        (b"docs/", {"docs/a.md", "docs/keep", "lib/docs/x"}),
        (b"a.md/", set()),
        (b"docs/*.md", {"docs/a.md"}),
        (b"lib/docs", {"lib/docs/x"}),
        (b"deep/**", {"deep/er/a.psd"}),
        (b"**/er/*.psd", {"deep/er/a.psd"}),
        (b"lib/**/y", {"lib/test/y"}),
        (b"./docs/keep", {"docs/keep"}),
        (b"[ab].md", {"a.md", "docs/a.md"}),
    ],
)
def test_patterns(root, content, gone):
    assert remaining(root, content) == (sorted(set(ALL) - gone), [])


@pytest.mark.parametrize("line", [b"../outside", b"docs/../../outside", b"!a.md", b"/..", b"a\0b"])
def test_lines_that_are_no_patterns(root, line):
    left, unusable = remaining(root, line)
    assert left == ALL
    assert len(unusable) == 1


@pytest.mark.parametrize("line", [b"out/x", b"out/*", b"out/**", b"**/x", b"/out/x"])
def test_links_lead_nowhere(root, tmp_path, line):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x").write_text("")
    (root / "out").symlink_to(tmp_path / "outside")
    remaining(root, line)
    assert (tmp_path / "outside" / "x").exists()


def test_absolute_patterns_count_from_the_root(root, tmp_path):
    (tmp_path / "victim").write_text("")
    remaining(root, str(tmp_path / "victim").encode())
    assert (tmp_path / "victim").exists()


def test_a_directory_below_an_ignored_one_is_ignored():
    patterns, _ = parse_slugignore(b"/docs\nthemes/\n")
    assert is_ignored(patterns, "docs/theme")
    assert is_ignored(patterns, "x/themes")
    assert not is_ignored(patterns, "lib/docs")


@pytest.mark.parametrize("pattern", [b"*a" * 60 + b"b", b"**/" * 60 + b"x", b"[" * 200])
def test_no_pattern_takes_for_ever(pattern):
    (parsed,), _ = parse_slugignore(pattern)
    assert not parsed.matches(["a" * 250] * 64, is_directory=True)
