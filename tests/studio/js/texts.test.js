// The table of texts is whole, and no page says anything that is not in it.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";

import ts from "typescript";

import { LANGUAGES, currentLanguage, number, preferred, text } from
  "../../../tfrelight/studio/static/texts.js";
import table from "../../../tfrelight/studio/static/texts.json" with { type: "json" };
import constants from "../../../web/src/constants.json" with { type: "json" };

const FOLDERS = ["tfrelight/studio/static/", "web/src/"].map(
  (path) => new URL(`../../../${path}`, import.meta.url),
);
const sources = FOLDERS.flatMap((folder) =>
  readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder), "utf8")]),
);
const codes = Object.keys(LANGUAGES);

const placeholders = (one) => [...one.matchAll(/\{\w+\}/g)].map(([found]) => found).sort();

test("every language has every text, with the same placeholders", () => {
  for (const [key, texts] of Object.entries(table)) {
    assert.deepEqual(Object.keys(texts).sort(), [...codes].sort(), key);
    for (const [code, one] of Object.entries(texts)) {
      assert.ok(one.trim() === one && one.length > 0, `${key} in ${code}`);
      assert.deepEqual(placeholders(one), placeholders(texts.en), `${key} in ${code}`);
    }
  }
});

test("languages with another script are written in it", () => {
  const scripts = {
    zh: /\p{Script=Han}/u, ja: /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}/u,
    hi: /\p{Script=Devanagari}/u, ar: /\p{Script=Arabic}/u,
  };
  for (const [key, texts] of Object.entries(table)) {
    for (const [code, script] of Object.entries(scripts)) {
      assert.match(texts[code], script, `${key} in ${code}`);
    }
  }
});

test("presets and samples have names and descriptions", () => {
  for (const name of Object.keys(constants.presets)) {
    assert.ok(`preset_${name}` in table && `preset_${name}_about` in table, name);
  }
  for (const name of constants.samples) assert.ok(`sample_${name.split(".")[0]}` in table, name);
});

test("every text of the table is used", () => {
  const all = sources.filter(([name]) => !name.endsWith(".json")).map(([, one]) => one).join("\n");
  // Those whose keys are put together.
  const composed = /^(preset|sample|view|tint|scene|part)_/;
  const unused = Object.keys(table).filter((key) =>
    !composed.test(key) && !new RegExp(`\\b${key}\\b`).test(all),
  );
  assert.deepEqual(unused, []);
});

// Properties whose values people see or hear.
const SHOWN = ["textContent", "innerText", "title", "ariaLabel", "alt", "placeholder"];
// Not sentences for people: programs for the clipboard and for the graphics card.
const PROGRAMS = ["commands.js", "shaders.js"];
const sentence = /\p{L}{2,} \p{L}{2,} \p{L}{2,}|^\p{Lu}\p{Ll}+( \p{L}+)*[.:…!?]|\p{L}{3,}…/u;

/** Literals of a module that people may read, except messages of errors, which are for us. */
function visible(name, source) {
  const found = [];
  const visit = (node) => {
    if (ts.isThrowStatement(node) || ts.isNewExpression(node)) {
      if (/^(throw )?new (Type|Range)?Error\(/.test(node.getText())) return;
    }
    // What a file holds, for programs.
    if (ts.isVariableDeclaration(node) && node.name.getText() === "BASIS") return;
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
      const said = ts.isTemplateExpression(node)
        ? node.head.text + node.templateSpans.map((span) => `{}${span.literal.text}`).join("")
        : node.text;
      const { name: property, left } = node.parent;
      const target = (property ?? left)?.getText().split(".").at(-1);
      if (sentence.test(said) || (SHOWN.includes(target) && /\p{L}/u.test(said))) found.push(said);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true));
  return found;
}

test("modules hold no sentence", () => {
  for (const [name, source] of sources) {
    if (!name.endsWith(".js") || PROGRAMS.includes(name)) continue;
    assert.deepEqual(visible(name, source), [], name);
  }
});

test("a sentence in a module is found", () => {
  for (const source of [
    'notify("Saved.")', 'button.textContent = "Undo"', 'element("p", { title: "Undo" })',
    'report("Reading…")', `show(\`\${name} cannot be read.\`)`,
  ]) assert.equal(visible("some.js", source).length, 1, source);
  assert.deepEqual(visible("some.js", 'throw new Error("The page has no such element.")'), []);
});

test("the document and its style hold no word but names", () => {
  const names = /^(tfrelight( studio)?|Python|MP4|WebP)$/;
  const [, page] = sources.find(([name]) => name === "index.html");
  const texts = page.replace(/<[^>]*>/g, "\n").split("\n").map((one) => one.trim());
  const attributes = [...page.matchAll(/ (?:aria-label|title|alt|placeholder)="([^"]*)"/g)];
  for (const one of [...texts, ...attributes.map(([, value]) => value)]) {
    if (/\p{L}/u.test(one)) assert.match(one, names);
  }
  for (const [, key] of page.matchAll(/ data-(?:text|label|title)="([^"]*)"/g)) {
    assert.ok(key in table, key);
  }
  const [, style] = sources.find(([name]) => name === "style.css");
  for (const [, content] of style.matchAll(/content: *"([^"]*)"/g)) assert.equal(content, "");
});

test("the first language that the page knows", () => {
  assert.equal(preferred(["pt-BR", "de-AT", "en"]), "de");
  assert.equal(preferred(["zh-TW"]), "zh");
  assert.equal(preferred(["pt"]), "en");
  assert.equal(preferred([]), "en");
});

test("values in texts", () => {
  assert.equal(currentLanguage(), "en");
  assert.equal(
    text("file_large", { name: "a {limit}.jpg", size: 1200, limit: 500 }).slice(0, 64),
    "a {limit}.jpg has 1,200 MB, more than the limit of 500 MB. Choos",
  );
  assert.equal(number(0.5, { style: "percent" }), "50%");
});
