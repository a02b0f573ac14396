#!/bin/bash
# Runs buildpacks in order by the classic contract: slugbuilder.sh PYTHON OUT CACHE [LABEL DIRECTORY]...
#
# Runs inside the sandbox with the source in /app. OUT gets `language`, what the last bin/detect said, and `release`,
# what the last bin/release said. Names are long: a buildpack's `export` is sourced and may set any other.
set -uo pipefail
calzion_python=$1 calzion_out=$2 calzion_cache=$3
shift 3
calzion_buildpacks=("$@")
calzion_own="$(dirname "$0")"
calzion_scratch=/tmp/buildpacks
calzion_count=$((${#calzion_buildpacks[@]} / 2))

fail() {
    echo "$1"
    exit "${2:-1}"
}

# A fetched buildpack is used as a copy: some of them write beside themselves.
writable() {
    case $2 in
    */remote-*)
        mkdir -p "$calzion_scratch/$1" && cp -R -- "$2/." "$calzion_scratch/$1" && echo "$calzion_scratch/$1"
        ;;
    *) echo "$2" ;;
    esac
}

cd /app || exit 1
unset GIT_DIR
rm -rf .calzion
if [ -f .slugignore ] && [ ! -L .slugignore ]; then
    "$calzion_python" -IS "$calzion_own/slugignore.py" /app || fail "the .slugignore can't be applied"
fi
: >"$calzion_out/release"

for ((calzion_number = 1; calzion_number <= calzion_count; calzion_number++)); do
    calzion_label=${calzion_buildpacks[calzion_number * 2 - 2]}
    calzion_here=$(writable "$calzion_number" "${calzion_buildpacks[calzion_number * 2 - 1]}")
    [ "$calzion_count" = 1 ] || echo "buildpack $calzion_number of $calzion_count: $calzion_label"
    [ -f "$calzion_here/bin/compile" ] || fail "$calzion_label is no buildpack: it has no bin/compile"
    chmod +x "$calzion_here"/bin/* 2>/dev/null

    cd /app || exit 1
    calzion_name=$("$calzion_here/bin/detect" /app) || fail "the buildpack $calzion_label does not fit this app"
    calzion_name=${calzion_name%%$'\n'*}
    echo "$calzion_name app detected"
    "$calzion_here/bin/compile" /app "$calzion_cache" /env || exit
    cd /app || fail "the buildpack $calzion_label left no /app"
    printf '%s' "$calzion_name" >"$calzion_out/language"
    if [ -x "$calzion_here/bin/release" ]; then
        "$calzion_here/bin/release" /app >"$calzion_out/release" || fail "bin/release of $calzion_label failed" "$?"
    fi
    if [ -f "$calzion_here/export" ]; then
        set +u
        . "$calzion_here/export"
        set +e -uo pipefail
    fi
done
