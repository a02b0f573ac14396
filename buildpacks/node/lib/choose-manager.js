"use strict";
const { conflictLine } = require("./manifest");
const { Problem } = require("./problem");

const LOCKS = [
  ["npm", "package-lock.json"],
  ["npm", "npm-shrinkwrap.json"],
  ["yarn", "yarn.lock"],
  ["pnpm", "pnpm-lock.yaml"],
];

/** Yarn's versions that read and write a version of its lock file without changing it. */
const BERRY_LOCKS = { 4: ">=2.4 <3.1", 5: "~3.1", 6: "^3.2", 7: ">=4 <4.14", 8: ">=4 <4.14", 9: "~4.14" };
const PNPM_LOCKS = { 5: "^7", 6: "^8", 9: "^10" };

/**
 * Which package manager an app uses: { name, package, ranges, program, told }.
 *
 * `name` is npm, yarn (1), berry (yarn 2 and later) or pnpm. `package` is the npm package to install in a version
 * that satisfies all `ranges`; null is npm in the version that goes with Node. `program` is one that the source brings
 * along. `told` are sentences for the pusher. Throws a Problem where two lock files contradict each other.
 */
function chooseManager(app, semver) {
  const told = [];
  const named = namedManager(app.manifest.packageManager, semver);
  const locks = LOCKS.filter(([, file]) => app.has(file));
  const name = chooseName(locks, named, told);
  const asked = named && named.name === name ? [named.version] : [];
  const wanted = app.manifest.engines[name];
  if (!asked.length && semver.validRange(wanted)) asked.push(wanted);
  refuseConflicts(app, locks.find(([owner]) => owner === name));
  warnAboutBun(app, locks, told);
  return { told, ...CHOICES[name](app, asked, semver) };
}

function namedManager(text, semver) {
  const match = /^(npm|yarn|pnpm|bun)@(\d[\w.-]*)(\+.*)?$/.exec(typeof text === "string" ? text : "");
  return match && semver.validRange(match[2]) ? { name: match[1], version: match[2] } : null;
}

function chooseName(locks, named, told) {
  const names = [...new Set(locks.map(([name]) => name))];
  if (names.length > 1 && !(named && names.includes(named.name))) throw severalLocks(locks);
  if (names.length > 1) {
    const others = locks.filter(([name]) => name !== named.name).map(([, file]) => file);
    told.push(`${others.join(" and ")} is not read: packageManager in package.json names ${named.name}`);
    return named.name;
  }
  if (names.length && named && names[0] !== named.name) {
    told.push(`packageManager in package.json names ${named.name}, but ${locks[0][1]} is ${names[0]}'s: that is used`);
  }
  return names[0] || (named && named.name !== "bun" ? named.name : "npm");
}

function severalLocks(locks) {
  const files = locks.map(([, file]) => file);
  return new Problem(
    `there are lock files of several package managers, ${files.join(" and ")}: remove all but one with 'git rm', or` +
      ' name the one to use in package.json, such as "packageManager": "yarn@1.22.22"',
  );
}

function refuseConflicts(app, lock) {
  const line = lock ? conflictLine(app.read(lock[1])) : 0;
  if (!line) return;
  const [manager, file] = lock;
  throw new Problem(`${file}:${line} holds a merge conflict: run '${manager} install' and commit ${file}`);
}

function warnAboutBun(app, locks, told) {
  const lock = ["bun.lock", "bun.lockb"].find((file) => app.has(file));
  if (lock && !locks.length) told.push(`${lock} can't be read here: the newest versions that fit are installed`);
}

const CHOICES = {
  npm: (app, asked) => ({ name: "npm", package: null, ranges: asked }),

  yarn: (app, asked, semver) => {
    const lock = app.read("yarn.lock");
    if (!isBerry(app, lock, asked, semver)) {
      const ranges = asked.filter((range) => semver.intersects(range, "^1"));
      return { name: "yarn", package: "yarn", ranges: ["^1", ...ranges] };
    }
    const program = ownProgram(app);
    if (program) return { name: "berry", package: null, ranges: [], program };
    const version = /^__metadata:\s+version: "?(\d+)/m.exec(lock);
    const ranges = asked.some(semver.valid) ? asked : together(asked, version && BERRY_LOCKS[version[1]], semver);
    return { name: "berry", package: "@yarnpkg/cli-dist", ranges };
  },

  pnpm: (app, asked, semver) => {
    const version = /^lockfileVersion: *['"]?(\d+)/m.exec(app.read("pnpm-lock.yaml"));
    const reads = version ? PNPM_LOCKS[version[1]] : "^10";
    return { name: "pnpm", package: "pnpm", ranges: asked.some(semver.valid) ? asked : together(asked, reads, semver) };
  },
};

/** What was asked for, within what reads the lock file where both can be had. */
function together(asked, reads, semver) {
  if (!reads || asked.some((range) => !semver.intersects(range, reads))) return asked;
  return [...asked, reads];
}

function isBerry(app, lock, asked, semver) {
  if (asked.some(semver.valid)) return !asked.some((version) => semver.satisfies(version, "^1"));
  return lock ? /^__metadata:/m.test(lock) : app.has(".yarnrc.yml");
}

/** The release of Yarn that is committed, which .yarnrc.yml names. */
function ownProgram(app) {
  const match = /^yarnPath: *['"]?([\w./@+-]+\.c?js)['"]?\s*$/m.exec(app.read(".yarnrc.yml"));
  return match && !match[1].split("/").includes("..") && app.has(match[1]) ? match[1] : null;
}

module.exports = { chooseManager };
