#!/bin/bash
# Runs buildpacks in order by the classic contract: slugbuilder.sh OUT BUILDPACK...
#
# Runs inside the sandbox with the source in /app. OUT gets `language` and `release`, those of the last buildpack.
set -uo pipefail
out=$1
shift
build=/app cache=/cache environment=/env
cd "$build" || exit 1
unset GIT_DIR
rm -rf .calzion

remove_ignored() {
    local pattern
    while IFS= read -r pattern || [ -n "$pattern" ]; do
        pattern=${pattern%$'\r'}
        case $pattern in '' | '#'* | *..*) continue ;; esac
        case ${pattern%/} in
        */*) compgen -G "./${pattern#/}" | xargs -r -d '\n' rm -rf -- ;;
        *) find . -mindepth 1 -name "${pattern%/}" -prune -exec rm -rf -- {} + ;;
        esac
    done <.slugignore
}

[ ! -f .slugignore ] || remove_ignored
for buildpack in "$@"; do
    chmod +x "$buildpack"/bin/* 2>/dev/null
    if ! name=$("$buildpack/bin/detect" "$build"); then
        echo "the buildpack ${buildpack##*/} does not fit this app"
        exit 1
    fi
    name=${name%%$'\n'*}
    echo "$name app detected"
    "$buildpack/bin/compile" "$build" "$cache" "$environment" || exit
    printf '%s' "$name" >"$out/language"
    : >"$out/release"
    if [ -x "$buildpack/bin/release" ]; then
        "$buildpack/bin/release" "$build" >"$out/release" || exit
    fi
    if [ -f "$buildpack/export" ]; then
        set +u
        . "$buildpack/export"
        set -u
    fi
done
