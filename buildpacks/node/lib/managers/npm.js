"use strict";

/** npm as data: its commands, for the version that runs them. */
module.exports = {
  files: ["package-lock.json", "npm-shrinkwrap.json", ".npmrc"],
  lifecycle: ["preinstall", "install", "postinstall", "prepare"],

  isLocked: (app, variables) =>
    variables.USE_NPM_INSTALL !== "true" && (app.has("package-lock.json") || app.has("npm-shrinkwrap.json")),

  settings: () => ({}),

  install: ({ locked, development, version }) => [
    ["npm", locked ? "ci" : "install", groups(development, version), "--prefer-offline"],
  ],

  prune: ({ version }) => [["npm", "prune", groups(false, version), "--ignore-scripts"]],

  run: (script) => ["npm", "run", script],

  keeps: () => [],
};

function groups(development, version) {
  if (parseInt(version, 10) < 7) return `--production=${!development}`;
  return development ? "--include=dev" : "--omit=dev";
}
