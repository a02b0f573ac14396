from calzion.build.output import KEPT, MARGIN, MAX_LINE, MAX_TOTAL, Lines, clean


def test_escapes_and_control_characters_go():
    assert clean(b"\x1b[31mred\x1b[0m \x1b]0;title\x07b\x08ell\x07\n") == "red bell"


def test_a_redrawn_line_shows_its_last_state():
    assert clean(b"10%\r50%\r100%\r\n") == "100%"


def test_bytes_that_are_no_text_are_replaced():
    assert clean(b"a\xffb") == "a\ufffdb"


def test_lines_over_several_chunks():
    lines = Lines()
    assert [*lines.feed(b"one\ntw"), *lines.feed(b"o\nthree"), *lines.end()] == ["one", "two", "three"]
    assert list(lines.last) == ["one", "two", "three"]


def test_a_long_line_is_cut_and_the_next_one_is_whole():
    lines = Lines()
    told = [*lines.feed(b"x" * (MAX_LINE + 10)), *lines.feed(b"x" * 99 + b"\nnext\n")]
    assert told == ["x" * (MAX_LINE - MARGIN), "next"]


def test_too_much_output_is_said_once_but_the_end_is_kept():
    lines = Lines()
    told = [line for _ in range(10) for line in lines.feed((b"y" * 1023 + b"\n") * (MAX_TOTAL // 4096))]
    told += lines.feed(b"the end\n")
    assert told[-1].startswith(f"(the build has written more than {MAX_TOTAL} bytes, see build-log")
    assert sum(map(len, told)) <= MAX_TOTAL + 100
    assert lines.last[-1] == "the end"
    assert len(lines.last) == KEPT
