"""Node programs that break while they start."""

from __future__ import annotations

import re

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts, Phase
from calzion.causes.rule import explained, rule, tidy


def _module(match: re.Match[str], facts: Facts) -> Cause:
    name = tidy(match["name"])
    if match["name"].startswith((".", "/")):
        return Cause(
            f"the file {name} is not there",
            "see that it is committed, or made by the build script; capitals count in its name",
        )
    where = "'dependencies'" if facts.phase is not Phase.BUILD else "'dependencies' or 'devDependencies'"
    return Cause(
        f"the Node module {name} is not there",
        f"list it under {where} of package.json ('npm install {name}') and commit the lock file",
    )


_NEWER = 'set \'engines: {{"node": "{wanted}"}}\' in package.json to have a newer Node'


RULES = (
    rule(
        r"ERR_OSSL_EVP_UNSUPPORTED|digital envelope routines::unsupported",
        "this code (webpack 4, mostly) needs hashes that Node 17 and later refuse",
        "upgrade webpack to 5, or set NODE_OPTIONS: --openssl-legacy-provider under 'env:' of {service}",
    ),
    explained(r"Error(?: \[\w+\])?: Cannot find (?:module|package) '(?P<name>[^'\n]+)'", _module),
    rule(
        r"ERR_REQUIRE_ESM\b",
        "a module that is only for 'import' is loaded with 'require'",
        "use 'import', take an older version of that package, or have Node 22: 'engines: {{\"node\": \"22.x\"}}'",
    ),
    rule(
        r"SyntaxError: Cannot use import statement outside a module",
        "Node reads this file as CommonJS, and it uses 'import'",
        'write \'"type": "module"\' into package.json, or name the file .mjs',
    ),
    rule(
        r"ReferenceError: (?P<name>require|module|exports|__dirname) is not defined in ES module scope",
        "Node reads this file as an ES module, where {name!r} does not exist",
        'take \'"type": "module"\' out of package.json, or name the file .cjs',
    ),
    rule(
        r"SyntaxError: Unexpected token '(?P<token>\?\?=|\|\|=|&&=)'",
        "{token!r} needs Node 15 or later",
        _NEWER.replace("{wanted}", ">=18"),
    ),
    rule(
        r"SyntaxError: Unexpected token '?(?P<token>\?|\.|\?\.)'?$",
        "'?.' and '??' need Node 14 or later",
        _NEWER.replace("{wanted}", ">=18"),
    ),
    rule(
        r"ReferenceError: fetch is not defined",
        "'fetch' needs Node 18 or later",
        _NEWER.replace("{wanted}", ">=18"),
    ),
    rule(
        r"compiled against a different Node\.js version|was compiled against .*NODE_MODULE_VERSION",
        "a native module was compiled for another Node",
        "don't commit node_modules: put it into .gitignore, 'git rm -r --cached node_modules', and push again",
    ),
    rule(
        r"invalid ELF header",
        "a native module was compiled for another kind of machine",
        "don't commit node_modules: put it into .gitignore, 'git rm -r --cached node_modules', and push again",
    ),
)
