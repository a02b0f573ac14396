from calzion.build.failure import LAST_LINES, explain
from calzion.errors import LAST_LINES_TITLE

UV = [
    "Using Python 3.11.2 environment at: .calzion/python",
    "error: No solution found when resolving dependencies",
    "  cause: Because foo was not found in the package registry and you require foo, we can conclude that x.",
]
UV_WRAPPED = [
    "  × No solution found when resolving dependencies:",
    "  ╰─▶ Because foo was not found in the package registry and you",
    "      require foo, we can conclude that x.",
]
NPM = [
    "npm error code E404",
    "npm error 404 Not Found - GET https://registry.example/foo",
    "npm error 404",
    "npm error 404  'foo@1' is not in this registry.",
    "npm error 404 Note that you can also install from a",
    "npm error 404 tarball, folder, http url, or git url.",
]
BECAUSE = "Because foo was not found in the package registry and you require foo, we can conclude that x."


def test_what_uv_says_comes_first():
    assert explain(UV)[:2] == [BECAUSE, LAST_LINES_TITLE]
    assert explain(UV_WRAPPED)[0] == BECAUSE


def test_what_npm_says_comes_first():
    assert explain(NPM)[:3] == [NPM[1], NPM[3], LAST_LINES_TITLE]


def test_what_a_buildpack_says_of_itself_comes_before_what_its_tools_say():
    assert explain([*NPM, " ! the lock file is old: renew it"])[:2] == [
        "the lock file is old: renew it",
        LAST_LINES_TITLE,
    ]


def test_a_python_error_is_found_between_other_lines():
    assert explain(["Traceback", "ValueError: no", *["noise"] * 50])[0] == "ValueError: no"


def test_without_a_known_cause_the_last_lines_stand_alone():
    lines = [f"line {number}" for number in range(100)]
    assert explain(lines) == [LAST_LINES_TITLE, *lines[-LAST_LINES:]]


def test_long_lines_are_cut():
    assert max(map(len, explain(["error: " + "x" * 10_000]))) <= 600
