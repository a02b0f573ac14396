"""Dependencies of Node apps that can't be installed, and builds of front ends that fail."""

from __future__ import annotations

from calzion.causes.rule import BUILDING, Rule, rule


def _build(pattern: str, sentence: str, hint: str) -> Rule:
    return rule(pattern, sentence, hint, phases=BUILDING)


_SPELLING = (
    "see whether it is spelled right in package.json; a private one needs its registry and token in .npmrc"
)
_VERSION = "choose a version that exists in package.json, and renew the lock file"
_LOCK = "run '{command}' where the app is developed, commit the lock file, and push again"
_ENGINE = "name a Node that fits under 'engines' of package.json, such as '\"node\": \"22.x\"'"

RULES = (
    _build(
        r"^code E404[\s\S]{0,1500}?404 +(?:The requested resource )?'(?P<package>[^'\n]+)'",
        "the registry has no package {package}",
        _SPELLING,
    ),
    _build(
        r"""error Couldn't find package "(?P<package>[^"\n]+)\"""",
        "the registry has no package {package}",
        _SPELLING,
    ),
    _build(
        r"ERR_PNPM_FETCH_404\b[\s\S]{0,600}?^(?P<package>\S+) is not in the npm registry",
        "the registry has no package {package}",
        _SPELLING,
    ),
    _build(
        r"No matching version found for (?P<package>\S+?)[. ]*(?:while|The latest|$)",
        "there is no version {package}",
        _VERSION,
    ),
    _build(
        r"""error Couldn't find any versions for "(?P<package>[^"\n]+)" that matches "(?P<version>[^"\n]+)\"""",
        "there is no version {package}@{version}",
        _VERSION,
    ),
    _build(
        r"`npm ci` can only install packages when your package\.json and package-lock\.json",
        "package-lock.json does not fit package.json",
        _LOCK.format(command="npm install"),
    ),
    _build(
        r"Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`"
        r"|YN0028.*lockfile would have been modified",
        "yarn.lock does not fit package.json",
        _LOCK.format(command="yarn install"),
    ),
    _build(
        r"ERR_PNPM_OUTDATED_LOCKFILE|ERR_PNPM_LOCKFILE_CONFIG_MISMATCH",
        "pnpm-lock.yaml does not fit package.json",
        _LOCK.format(command="pnpm install"),
    ),
    _build(r"ERR_PNPM_NO_LOCKFILE", "there is no pnpm-lock.yaml", _LOCK.format(command="pnpm install")),
    _build(
        r"ERESOLVE (?:unable to resolve dependency tree|could not resolve)[\s\S]{0,3000}?"
        r"Could not resolve dependency:\n *peer (?P<peer>\S+) from (?P<package>\S+)",
        "the dependencies contradict one another: {package} wants {peer}",
        "choose versions that fit each other; 'legacy-peer-deps=true' in .npmrc installs them all the same",
    ),
    _build(
        r"code EINTEGRITY\b",
        "what the registry gave does not have the hash that the lock file asks for",
        "renew the lock file ('npm install') and commit it; where it was right, ask who runs the registry",
    ),
    _build(
        r"\bERESOLVE\b|ERR_PNPM_PEER_DEP_ISSUES",
        "the dependencies contradict one another",
        "choose versions that fit each other; 'legacy-peer-deps=true' (npm) or 'strict-peer-dependencies=false' (pnpm)"
        " in .npmrc installs them all the same",
    ),
    _build(
        r"^code EBADENGINE[\s\S]{0,600}?Required: \{.*?\"node\": ?\"(?P<wanted>[^\"\n]+)\".*\n"
        r".*Actual: +\{\"\w+\":\"(?P<got>[^\"\n]+)",
        "a package wants Node {wanted}, and the build has {got}",
        _ENGINE,
    ),
    _build(
        r"The engine \"node\" is incompatible with this module\. Expected version \"(?P<wanted>[^\"\n]+)\"\."
        r" Got \"(?P<got>[^\"\n]+)\"",
        "a package wants Node {wanted}, and the build has {got}",
        _ENGINE,
    ),
    _build(
        r"ERR_PNPM_UNSUPPORTED_ENGINE\b[\s\S]{0,400}?Expected version: (?P<wanted>.+)\nGot: (?P<got>\S+)",
        "a package wants Node {wanted}, and the build has {got}",
        _ENGINE,
    ),
    _build(
        r"^code EJSONPARSE[\s\S]{0,200}?"
        r"(?P<why>(?:Expected|Unexpected)[^\n]*? in JSON at position \d+|Unexpected end of JSON input)",
        "package.json is no JSON: {why}",
        "correct it ('node -p \"require(\\'./package.json\\')\"' says where), and push again",
    ),
    _build(
        r"(?<!\S)(?P<place>\S+\(\d+,\d+\)|\S+:\d+:\d+ -): error (?P<code>TS\d+): (?P<why>.+)",
        "TypeScript refuses {place}: {why}",
        "correct it: 'npm run build' shows the same where the app is developed",
    ),
    _build(
        r"(?:Module not found: Error: Can't resolve|failed to resolve import|Could not resolve)"
        r" ['\"](?P<name>[^'\"\n]+)['\"]",
        "the front end imports {name!r}, which is not there",
        "list the package in package.json and lock it; a file of the app must be committed, capitals count",
    ),
)
