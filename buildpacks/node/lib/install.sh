# Development dependencies are there for the build script alone.
install_dependencies() {
    key=
    if has plain; then
        key=$(fingerprint)
    fi
    rm -rf node_modules
    if is_cached; then
        echo "dependencies are unchanged: taken from the cache"
        restore "$cache/node_modules"
    else
        run_npm
        save
    fi
}

is_cached() { [ -n "$key" ] && [ "$(cat "$cache/key" 2>/dev/null)" = "$key" ]; }

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
    rm -rf "$cache/key" "$cache/node_modules" "$cache/pruned" "$cache/pruned.new"
    if [ -n "$key" ] && [ -d node_modules ]; then
        cp -a node_modules "$cache/node_modules"
        printf '%s' "$key" >"$cache/key.new"
        mv "$cache/key.new" "$cache/key"
    fi
}

# A build script may write into files of node_modules; without one they can be shared with the cache.
restore() {
    local how=-al
    if has build; then
        how=-a
    fi
    cp "$how" "$1" node_modules
}

# Removes the development dependencies.
prune() {
    if is_cached && [ -d "$cache/pruned" ]; then
        rm -rf node_modules
        restore "$cache/pruned"
        return
    fi
    npm prune --omit=dev
    if is_cached && [ -d node_modules ]; then
        rm -rf "$cache/pruned.new"
        cp -a node_modules "$cache/pruned.new"
        mv "$cache/pruned.new" "$cache/pruned"
    fi
}
