from __future__ import annotations

from pathlib import Path

from calzion.build.lfs import pointers, remark

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12345\n"


def test_pointers_are_found_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "model.bin").write_text(POINTER)
    (tmp_path / "deep" / "er" / "large.png").write_text(POINTER)
    (tmp_path / "deep" / "readme").write_text(
        "version https://git-lfs.github.com/spec/v1 is a line" + "x" * 100
    )
    (tmp_path / "link").symlink_to("model.bin")
    (tmp_path / "above").symlink_to("..")
    assert sorted(pointers(tmp_path)) == ["deep/er/large.png", "model.bin"]


def test_what_is_said_of_them() -> None:
    assert remark([]) == ""
    assert remark(["a"]).startswith("a is a pointer of Git LFS")
    assert "b, c and 2 more" in remark(list("bcde"), shown=2)
    assert remark(["a\x1b[31m\n"]).isprintable()
