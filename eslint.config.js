// Rules for the modules of both pages and their tests. Beside the recommended ones, those that
// find faults.

import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import globals from "globals";

const PAGES = ["tfrelight/studio/static/*.js", "web/src/*.js"];
const SCRIPTS = ["tests/studio/js/*.js", "tests/web/js/*.js", "web/build.js"];

export default defineConfig([
  { ignores: ["**/node_modules/", "**/build/", "**/dist/"] },
  {
    files: [...PAGES, ...SCRIPTS, "eslint.config.js"],
    extends: [js.configs.recommended],
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "array-callback-return": "error",
      "consistent-return": "error",
      "default-case-last": "error",
      eqeqeq: "error",
      "max-len": ["error", { code: 100 }],
      "no-array-constructor": "error",
      "no-constructor-return": "error",
      "no-else-return": "error",
      "no-eval": "error",
      "no-implicit-coercion": "error",
      "no-implicit-globals": "error",
      "no-implied-eval": "error",
      "no-nested-ternary": "error",
      "no-new-wrappers": "error",
      "no-return-assign": "error",
      "no-self-compare": "error",
      "no-sequences": "error",
      "no-shadow": "error",
      "no-template-curly-in-string": "error",
      "no-throw-literal": "error",
      "no-unmodified-loop-condition": "error",
      "no-unreachable-loop": "error",
      "no-unused-expressions": "error",
      "no-unused-vars": "error",
      "no-use-before-define": ["error", { functions: false, classes: false }],
      "no-useless-concat": "error",
      "no-useless-rename": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
      radix: ["error", "as-needed"],
      "require-await": "error",
    },
  },
  { files: PAGES, languageOptions: { globals: globals.browser } },
  { files: SCRIPTS, languageOptions: { globals: globals.nodeBuiltin } },
]);
