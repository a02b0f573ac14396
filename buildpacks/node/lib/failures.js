"use strict";

/** What package managers say when they fail, and what to do about it; the first that fits counts. */
const KNOWN = [
  [
    /can only install packages when your package\.json and package-lock\.json/,
    (output) =>
      outOfStep("package-lock.json", "npm install", /npm (?:error|ERR!) ((?:Missing|Invalid): .+)/.exec(output)),
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
    /ERR_PNPM_LOCKFILE_BREAKING_CHANGE|Ignoring not compatible lockfile/,
    () =>
      "pnpm-lock.yaml was written by another major of pnpm than the one that runs here: name yours in package.json," +
      ' such as "packageManager": "pnpm@10.12.1"',
  ],
  [
    /ERR_PNPM_(?:OUTDATED_LOCKFILE|LOCKFILE_CONFIG_MISMATCH)|pnpm-lock\.yaml is not up to date/,
    () => outOfStep("pnpm-lock.yaml", "pnpm install"),
  ],
  [
    /npm (?:error|ERR!) code ERESOLVE/,
    () =>
      "two dependencies ask for different versions of the same package: update the one that npm names above, or put" +
      " 'legacy-peer-deps=true' into .npmrc",
  ],
  [
    /code E(?:BADENGINE|BADDEVENGINES)|ERR_PNPM_UNSUPPORTED_ENGINE/,
    () => 'a package does not run on this version: set "engines" in package.json to what the line above asks for',
  ],
  [
    /npm (?:error|ERR!) code E40[13]|ERR_PNPM_FETCH_40[13]|Request failed \\?"40[13] |YN0041/,
    () =>
      "the registry refuses access: commit an .npmrc with '//HOST/:_authToken=${NPM_TOKEN}' and name NPM_TOKEN in the" +
      " service's 'build_env'",
  ],
  [
    /^(?:\/bin\/)?sh: (?:(?:line )?\d+: )?(\S+): (?:command )?not found$/m,
    (output, [, name]) =>
      `a script of package.json runs ${name}, which is not there: add the package that brings it to package.json`,
  ],
];

function outOfStep(lock, command, found) {
  const detail = found ? ` (${found[1].trim()})` : "";
  return `${lock} does not match package.json${detail}: run '${command}' and commit ${lock}`;
}

/** The sentence for a failed command's output; null where it is not a known failure. */
function recognise(output) {
  for (const [pattern, sentence] of KNOWN) {
    const found = pattern.exec(output);
    if (found) return sentence(output, found);
  }
  return null;
}

module.exports = { recognise };
