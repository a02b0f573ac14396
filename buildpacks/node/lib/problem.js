"use strict";

/** What keeps an app from being built: a sentence for whoever pushed, with a next step. */
class Problem extends Error {}

/** A line of the build's output. */
function tell(line) {
  process.stdout.write(`${line}\n`);
}

module.exports = { Problem, tell };
