// @ts-check
// What both pages say, in the language of whoever reads it. `texts.json` holds every sentence.

import table from "./texts.json" with { type: "json" };

/** @typedef {keyof typeof table} TextKey */
/** @typedef {Record<string, string | number>} Values  what stands for `{name}` in a text */

/** Languages by the codes of the table, each under the name that its readers know. */
export const LANGUAGES = {
  en: "English", de: "Deutsch", fr: "Français", es: "Español", zh: "简体中文", ja: "日本語",
  hi: "हिन्दी", ar: "العربية",
};
/** @typedef {keyof typeof LANGUAGES} Language */

const STORED = "tfrelight-language";
const RIGHT_TO_LEFT = ["ar"];
// Around a name in another script, so that it does not rearrange its sentence.
const [ISOLATED, END] = ["\u2068", "\u2069"];

/** @type {Language} */
let language = "en";

/** @type {(code: string) => code is Language} */
const isKnown = (code) => Object.hasOwn(LANGUAGES, code);

/**
 * The first known of a reader's languages, or English.
 *
 * @param {readonly string[]} wanted  BCP 47 tags, for example "pt-BR"
 * @returns {Language}
 */
export function preferred(wanted) {
  return wanted.map((tag) => tag.split("-")[0].toLowerCase()).find(isKnown) ?? "en";
}

/** @returns {Language} the language of the page */
export const currentLanguage = () => language;

/**
 * A text of the table.
 *
 * @param {TextKey} key
 * @param {Values} [values]
 */
export function text(key, values = {}) {
  return table[key][language].replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    if (typeof value === "number") return number(value);
    return RIGHT_TO_LEFT.includes(language) ? `${ISOLATED}${value}${END}` : value;
  });
}

/**
 * A number as the language writes it.
 *
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [options]
 */
export function number(value, options) {
  // Latin digits everywhere: the lamps have them too.
  return new Intl.NumberFormat(`${language}-u-nu-latn`, options).format(value);
}

/**
 * Makes an element show a text, now and after another language is chosen.
 *
 * @template {HTMLElement} T
 * @param {T} shown
 * @param {Partial<Record<"text" | "label" | "title", TextKey>>} keys  of its content, its name for
 *   screen readers, and its tooltip
 * @returns {T}
 */
export function say(shown, keys) {
  Object.assign(shown.dataset, keys);
  const { text: content, label, title } = shown.dataset;
  if (content) shown.textContent = text(/** @type {TextKey} */ (content));
  if (label) shown.setAttribute("aria-label", text(/** @type {TextKey} */ (label)));
  if (title) shown.title = text(/** @type {TextKey} */ (title));
  return shown;
}

/** Shows all texts of the page in its language. */
function sayAll() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
  for (const shown of document.querySelectorAll("[data-text], [data-label], [data-title]")) {
    if (shown instanceof HTMLElement) say(shown, {});
  }
}

/**
 * Shows the page in another language, and remembers it.
 *
 * @param {Language} chosen
 */
export function speak(chosen) {
  language = chosen;
  sayAll();
  try {
    localStorage.setItem(STORED, chosen);
  } catch {
    // Browsers may refuse to store anything; the next visit then starts with their language.
  }
}

function remembered() {
  try {
    return localStorage.getItem(STORED) ?? "";
  } catch {
    return "";
  }
}

/** Shows the page in the language that was chosen before, or in the browser's. */
export function speakFirst() {
  const stored = remembered();
  language = isKnown(stored) ? stored : preferred(navigator.languages);
  sayAll();
}

/**
 * Fills the page's choice of languages.
 *
 * @param {HTMLSelectElement} select
 * @param {() => void} onChange  called after another language was chosen
 */
export function offerLanguages(select, onChange) {
  for (const [code, name] of Object.entries(LANGUAGES)) {
    const option = new Option(name, code, false, code === language);
    option.lang = code;
    select.append(option);
  }
  select.addEventListener("change", () => {
    speak(/** @type {Language} */ (select.value));
    onChange();
  });
}
