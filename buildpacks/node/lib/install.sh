# Development dependencies are there for the build script alone.
install_dependencies() {
    local key=
    if has plain; then
        key=$(fingerprint)
    fi
    rm -rf node_modules
    if [ -n "$key" ] && [ "$(cat "$cache/key" 2>/dev/null)" = "$key" ]; then
        echo "dependencies are unchanged: taken from the cache"
        cp -a "$cache/node_modules" node_modules
    else
        run_npm
        save "$key"
    fi
}

run_npm() {
    local verb=install omit=--omit=dev
    if [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then
        verb=ci
    fi
    if has build; then
        omit=--include=dev
    fi
    echo "running npm $verb"
    npm "$verb" "$omit" --prefer-offline
}

fingerprint() {
    {
        printf '%s\n' "$STACK"
        env | LC_ALL=C sort | grep -iE '^(npm_config|NODE)_' || true
        local file
        for file in package.json package-lock.json npm-shrinkwrap.json .npmrc; do
            [ ! -f "$file" ] || sha256sum "$file"
        done
    } | sha256sum | cut -d ' ' -f 1
}

save() {
    rm -rf "$cache/key" "$cache/node_modules"
    if [ -n "$1" ] && [ -d node_modules ]; then
        cp -a node_modules "$cache/node_modules"
        printf '%s' "$1" >"$cache/key.new"
        mv "$cache/key.new" "$cache/key"
    fi
}
