"use strict";
const path = require("path");

/** pnpm as data. */
module.exports = {
  files: ["pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc", ".pnpmfile.cjs", ".pnpmfile.mjs"],
  lifecycle: ["preinstall", "install", "postinstall", "prepare"],

  isLocked: (app) => app.has("pnpm-lock.yaml"),

  settings: (cache) => ({
    npm_config_store_dir: path.join(cache, "pnpm"),
    pnpm_config_store_dir: path.join(cache, "pnpm"),
    npm_config_manage_package_manager_versions: "false",
    pnpm_config_pm_on_fail: "ignore",
  }),

  install: ({ locked, development }) => [
    ["pnpm", "install", development ? "--prod=false" : "--prod", locked ? "--frozen-lockfile" : "--no-frozen-lockfile"],
  ],

  /** `pnpm prune` leaves members alone. CI keeps pnpm from asking before it removes node_modules. */
  prune: ({ app }) => [
    app.isMonorepo
      ? ["env", "CI=true", "pnpm", "install", "--prod", "--frozen-lockfile", "--offline", "--ignore-scripts"]
      : ["env", "CI=true", "pnpm", "prune", "--prod", "--ignore-scripts"],
  ],

  run: (script) => ["pnpm", "run", script],

  keeps: () => [],
};
