import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";

const FOLDER = new URL("../../../tfrelight/studio/static/", import.meta.url);
// Those of values, which may fill several lines, and those of types, in a comment.
const IMPORT = /^(?:import|\/\*\* @import) [^"]*? from "([^"]*)"/gm;

/** The modules that each module imports, those whose types it uses included. */
function graph() {
  const names = readdirSync(FOLDER).filter((name) => /\.js(on)?$/.test(name));
  return Object.fromEntries(
    names.map((name) => {
      const text = readFileSync(new URL(name, FOLDER), "utf8");
      return [name, [...text.matchAll(IMPORT)].map(([, path]) => path)];
    }),
  );
}

test("modules import only modules of the page", () => {
  const modules = graph();
  assert.ok(modules["main.js"].length > 10);
  for (const [name, imported] of Object.entries(modules)) {
    for (const path of imported) assert.ok(path.slice(2) in modules, `${name} imports ${path}`);
  }
});

test("modules import each other one way", () => {
  const modules = graph();
  const finished = new Set();
  const visit = (name, path) => {
    assert.ok(!path.includes(name), `A circle of imports: ${[...path, name].join(" -> ")}`);
    if (finished.has(name)) return;
    for (const imported of modules[name]) visit(imported.slice(2), [...path, name]);
    finished.add(name);
  };
  for (const name of Object.keys(modules)) visit(name, []);
});
