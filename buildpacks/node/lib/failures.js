"use strict";

/** What package managers say when they fail, and what to do about it; the first that fits counts. */
const KNOWN = [
  [
    /`npm ci` can only install packages when your package\.json and (?:package-lock\.json|npm-shrinkwrap\.json)/,
    (output) => outOfStep("package-lock.json", "npm install", /npm (?:error|ERR!) ((?:Missing|Invalid): .+)/.exec(output)),
  ],
  [
    /Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`/,
    () => outOfStep("yarn.lock", "yarn install"),
  ],
  [
    /YN0028.*The lockfile would have been (?:modified|created)/,
    () => outOfStep("yarn.lock", "yarn install"),
  ],
  [
    /ERR_PNPM_(?:OUTDATED_LOCKFILE|LOCKFILE_CONFIG_MISMATCH)|pnpm-lock\.yaml is not up to date/,
    (output) => outOfStep("pnpm-lock.yaml", "pnpm install", /^.*(\* \d+ dependenc.+)$/m.exec(output)),
  ],
  [
    /ERR_PNPM_LOCKFILE_BREAKING_CHANGE|Ignoring not compatible lockfile/,
    () =>
      "pnpm-lock.yaml was written by another major of pnpm than the one that runs here: name yours in package.json," +
      ' such as "packageManager": "pnpm@10.12.1"',
  ],
  [
    /ERR_PNPM_BROKEN_LOCKFILE|Merge conflict detected in (?:yarn\.lock|pnpm-lock)|npm (?:error|ERR!).*conflict markers/,
    () => "the lock file can't be read: resolve the conflict in it, or make it anew, and commit",
  ],
  [
    /npm (?:error|ERR!) code ERESOLVE/,
    () =>
      "two dependencies ask for different versions of the same package: update the one that npm names above, or put" +
      " 'legacy-peer-deps=true' into .npmrc",
  ],
  [
    /code E(?:BADENGINE|BADDEVENGINES)|ERR_PNPM_UNSUPPORTED_ENGINE|The engine "\w+" is incompatible|YN0060.*engine/,
    () => 'a package does not run on this version: set "engines" in package.json to what the line above asks for',
  ],
  [
    /npm (?:error|ERR!) code E40[13]|ERR_PNPM_FETCH_40[13]|(?:Request failed|status code).{0,3}"?40[13]|YN0041/,
    () =>
      "the registry refuses access: commit an .npmrc with '//HOST/:_authToken=${NPM_TOKEN}' and name NPM_TOKEN in the" +
      " service's 'build_env'",
  ],
];

function outOfStep(lock, command, found) {
  const detail = found ? ` (${found[1].trim()})` : "";
  return `${lock} does not match package.json${detail}: run '${command}' and commit ${lock}`;
}

/** The sentence for a failed command's output; null where it is not a known failure. */
function recognise(output) {
  const found = KNOWN.find(([pattern]) => pattern.test(output));
  return found ? found[1](output) : null;
}

module.exports = { recognise };
