# Scripts of the app that run before and after its dependencies are installed.

has_hook() { [ -f "bin/$1" ] || [ -f "hooks/$1" ]; }

run_hook() {
    local script
    for script in "bin/$1" "hooks/$1"; do
        [ -f "$script" ] || continue
        echo "running $script"
        start_hook "$script" || {
            echo "$script failed (exit code $?)"
            exit 1
        }
        return
    done
}

# A script without a first line that says what runs it is bash's.
start_hook() {
    if [ "$(head -c 2 "$1" | tr -d '\0')" = '#!' ]; then
        chmod +x "$1"
        "./$1"
    else
        bash "$1"
    fi
}
