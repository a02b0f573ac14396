"use strict";
const { Problem } = require("./problem");

const NAMES = "argon boron carbon dubnium erbium fermium gallium hydrogen iron jod krypton".split(" ");
const ANY = ["node", "latest", "current", "stable", "lts", "lts/*"];
const FILES = [".nvmrc", ".node-version"];
const SHOWN = 5;

/**
 * What the app asks for: { text, range, from, near }, or null. `near` is what does where the range can't be had: files
 * for version managers name one release, often that of whoever wrote them, where "engines" say what is needed.
 *
 * Throws a Problem where "engines" name no version; words that only a version manager knows are passed over.
 */
function askedNode(app, semver) {
  const engine = app.manifest.engines.node;
  if (engine !== undefined && engine.trim()) return fromEngines(engine.trim(), semver);
  for (const file of FILES) {
    const line = app.read(file).split(/\r?\n/).map((text) => text.replace(/#.*/, "").trim()).find(Boolean);
    const range = line ? semver.validRange(spelledOut(line)) : null;
    if (range) return { text: line, range, from: file, near: semver.valid(range) ? `^${range}` : range };
  }
  return null;
}

function fromEngines(text, semver) {
  const from = '"engines" in package.json';
  const range = semver.validRange(spelledOut(text), { loose: true });
  if (range !== null) return { text, range, from, near: range };
  throw new Problem(`${from} asks for Node ${JSON.stringify(text)}, which is no version: write one such as "22.x"`);
}

function spelledOut(text) {
  const lower = text.toLowerCase();
  const name = NAMES.indexOf(lower.replace(/^lts\//, ""));
  if (name >= 0) return `${4 + 2 * name}.x`;
  return ANY.includes(lower) ? "*" : text;
}

/** The newest of `available` that satisfies. Throws a Problem that says what there is. */
function chooseNode(asked, atHand, available, semver) {
  const found = semver.maxSatisfying(available, asked.range) || semver.maxSatisfying(available, asked.near);
  if (found) return found;
  throw new Problem(
    `${asked.from} asks for Node ${JSON.stringify(asked.text)}, which is not to be had;` +
      ` there ${nearest(asked, atHand, available, semver)}: ask for one of them`,
  );
}

/** Those of the same major where there are some, else the newest of every major. */
function nearest(asked, atHand, available, semver) {
  const low = semver.minVersion(asked.range);
  const same = available.filter((version) => low && semver.major(version) === low.major);
  const newest = new Map(semver.sort([...available, atHand]).map((version) => [semver.major(version), version]));
  const shown = same.length ? semver.sort(same).slice(-SHOWN) : [...newest.values()].slice(-SHOWN);
  return `${shown.length === 1 ? "is" : "are"} ${shown.join(", ")}`;
}

/** The npm that came with a major of Node; 8 reads lock files that 6 does not know. */
function npmFor(major, lockVersion) {
  if (major < 12) return "^6";
  if (major < 15) return lockVersion >= 2 ? "^8" : "^6";
  if (major < 18) return "^8";
  return major < 24 ? "^10" : "^11";
}

module.exports = { askedNode, chooseNode, npmFor };
