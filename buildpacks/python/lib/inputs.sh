# What an environment is made from.

# lock, requirements, project or nothing
choose_manager() {
    if [ -f uv.lock ]; then
        echo lock
    elif [ -f requirements.txt ]; then
        echo requirements
    elif grep -q '^[[:space:]]*\[project\]' pyproject.toml; then
        echo project
    else
        echo nothing
    fi
}

# Names everything that decides what is installed; empty where that can't be told.
fingerprint() {
    local files
    case $1 in
    lock) files='uv.lock pyproject.toml' ;;
    requirements) files=$(requirement_files requirements.txt 0) || return 0 ;;
    project) files=pyproject.toml ;;
    nothing) files= ;;
    esac
    {
        printf '%s\n' "$STACK" "$1"
        env | LC_ALL=C sort | grep -E '^(UV|PIP)_' || true
        local file
        for file in $files .python-version runtime.txt; do
            [ ! -f "$file" ] || sha256sum "$file"
        done
    } | sha256sum | cut -d ' ' -f 1
}

# The file and those that it includes. Fails where a requirement is a local path, whose content is not in these files.
requirement_files() {
    local file=$1 depth=$2 line included
    [ -f "$file" ] && [ "$depth" -lt 8 ] || return 1
    printf '%s\n' "$file"
    while read -r line || [ -n "$line" ]; do
        case $line in
        '-r '* | '-c '* | '--requirement '* | '--constraint '*)
            included=${line#* }
            case $included in *[!A-Za-z0-9_./-]*) return 1 ;; esac
            requirement_files "$(dirname "$file")/$included" $((depth + 1)) || return 1
            ;;
        '--index-url'* | '--extra-index-url'* | '-i '* | '--hash'*) ;;
        -* | .* | /* | *file:*) return 1 ;;
        esac
    done <"$file"
}
