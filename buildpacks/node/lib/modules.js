"use strict";
const fs = require("fs");
const path = require("path");

/**
 * Paths, relative to `root`, of all that a package manager installed: node_modules of the root and of members, and what
 * else it `keeps`. Those that exist.
 */
function installed(app, keeps) {
  const modules = ["", ...app.members()].map((directory) => path.join(directory, "node_modules"));
  return [...modules, ...keeps].filter((name) => app.has(name));
}

/** The entries of these node_modules, down to nested ones: packages, links to them and their programs. */
function entries(root, names) {
  const found = new Set();
  const waiting = names.filter((name) => path.basename(name) === "node_modules");
  while (waiting.length) {
    const directory = waiting.pop();
    for (const entry of list(path.join(root, directory))) {
      const name = path.join(directory, entry.name);
      found.add(name);
      if (!entry.isDirectory()) continue;
      if (entry.name.startsWith("@") || entry.name === ".bin" || entry.name === ".pnpm") waiting.push(name);
      else waiting.push(path.join(name, "node_modules"));
    }
  }
  return found;
}

function list(directory) {
  try {
    return fs.readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** What is gone, topmost entries alone; null where something came instead, so that removing is not all of it. */
function removed(before, after) {
  if ([...after].some((name) => !before.has(name))) return null;
  const gone = [...before].filter((name) => !after.has(name)).sort();
  const top = [];
  for (const name of gone) {
    if (!top.length || !name.startsWith(`${top[top.length - 1]}/`)) top.push(name);
  }
  return top;
}

module.exports = { entries, installed, removed };
