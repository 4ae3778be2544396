// Builds the page into `dist`, or into the folder that it is given: static files for any web
// server, and `tfrelight.html`, all of it in one file.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";
import wabt from "wabt";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.dirname(HERE);
const STUDIO = path.join(ROOT, "tfrelight", "studio", "static");
const DIST = path.resolve(process.argv[2] ?? path.join(HERE, "dist"));
const SAMPLES = JSON.parse(readFileSync(path.join(HERE, "src", "constants.json"))).samples;
const LITERT = path.dirname(path.dirname(createRequire(import.meta.url).resolve("@litertjs/core")));
// The one that needs no relaxed SIMD, which some browsers lack.
const RUNTIME = "litert_wasm_compat_internal";

/** The content of a file as text. */
const text = (...parts) => readFileSync(path.join(...parts), "utf8");

/** The studio's modules take the page's `photo.js` for theirs. */
const inTheBrowser = {
  name: "in the browser",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\.\/photo\.js$/ }, ({ resolveDir }) =>
      resolveDir === STUDIO ? { path: path.join(HERE, "src", "photo.js") } : undefined,
    ),
};

/** Modules import WebAssembly's text as its binary. */
const assembled = {
  name: "assembled",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.wat$/ }, async ({ path: file }) => {
      const { parseWat } = await wabt();
      return { contents: parseWat(file, text(file)).toBinary({}).buffer, loader: "binary" };
    }),
};

/** A module and all that it imports as one script. */
async function bundled(module, format, define = {}) {
  const { outputFiles } = await build({
    entryPoints: [module], bundle: true, minify: true, write: false, format, define,
    target: "es2022", charset: "utf8", plugins: [inTheBrowser, assembled], logLevel: "warning",
  });
  return outputFiles[0].text;
}

/** Replaces a part of a text that must be there once. */
function replaced(page, part, other) {
  if (page.split(part).length !== 2) throw new Error(`The page should hold this once: ${part}`);
  return page.replace(part, () => other);
}

/** A content-security policy as an element. */
function policy(given) {
  const rules = {
    "default-src": "'none'", "base-uri": "'none'", "form-action": "'none'", ...given,
  };
  const content = Object.entries(rules).map((rule) => rule.join(" ")).join("; ");
  return `<meta http-equiv="Content-Security-Policy" content="${content}" />`;
}

const digest = (content) => createHash("sha256").update(content).digest("base64");

const dataUrl = (type, content) =>
  `data:${type};base64,${Buffer.from(content).toString("base64")}`;

/** Text that ends no script that it lies in. */
const inScript = (script) => script.replaceAll("</script", "<\\/script");

const ICON = '<link rel="icon" href="static/icon.svg" type="image/svg+xml" />';
const STYLE = '<link rel="stylesheet" href="static/style.css" />';
const SCRIPT = '<script type="module" src="static/main.js"></script>';
const MANIFEST = {
  name: "tfrelight", short_name: "tfrelight", start_url: "./", display: "standalone",
  background_color: "#f4f2ef", theme_color: "#b8400a",
  icons: [{ src: "icon.svg", sizes: "any", type: "image/svg+xml" }],
};
const CHARSET = '<meta charset="utf-8" />';

/** Has the browser check the file that an element loads. */
const checked = (part, content) =>
  part.replace(/( \/)?>/, ` integrity="sha256-${digest(content)}"$&`);

/** The page as files beside each other. */
function servedPage(page, files) {
  const rules = {
    "script-src": "'self' 'wasm-unsafe-eval'", "worker-src": "'self'", "style-src": "'self'",
    "img-src": "'self'", "connect-src": "'self'", "manifest-src": "'self'",
  };
  let served = replaced(page, CHARSET, `${CHARSET}\n    ${policy(rules)}`);
  served = replaced(served, ICON, ICON.replace("static/", ""));
  for (const [part, name] of [[STYLE, "style.css"], [SCRIPT, "main.js"]]) {
    served = replaced(served, part, checked(part.replace("static/", ""), files[name]));
  }
  const link = '<link rel="manifest" href="manifest.webmanifest" />';
  served = replaced(served, "</head>", `  ${link}\n  </head>`);
  return served;
}

/** The page as one file. */
function singlePage(page, script, files) {
  const style = text(STUDIO, "style.css");
  const code = inScript(script);
  const icon = dataUrl("image/svg+xml", text(STUDIO, "icon.svg"));
  const rules = {
    "script-src": `'sha256-${digest(code)}' blob: 'wasm-unsafe-eval'`, "worker-src": "blob:",
    "style-src": `'sha256-${digest(style)}'`, "img-src": "data: blob:", "connect-src": "blob:",
  };
  const packed = Object.entries(files).map(([name, content]) => {
    const type = "application/octet-stream";
    if (SAMPLES.includes(name)) {
      const url = dataUrl("image/jpeg", content);
      return `<script type="${type}" id="file-${name}" data-url="${url}"></script>\n`;
    }
    const data = gzipSync(content, { level: 9 }).toString("base64");
    return `<script type="${type}" id="file-${name}">${data}</script>\n`;
  });
  let single = replaced(page, CHARSET, `${CHARSET}\n    ${policy(rules)}`);
  single = replaced(single, ICON, ICON.replace("static/icon.svg", icon));
  single = replaced(single, STYLE, `<style>${style}</style>`);
  single = replaced(single, SCRIPT, "");
  const module = `<script type="module">${code}</script>`;
  return replaced(single, "</body>", `${packed.join("")}${module}\n</body>`);
}

const python = process.env.PYTHON ?? "python";
rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST, { recursive: true });
execFileSync(python, [path.join(ROOT, "tools", "page_assets.py"), `--output=${DIST}`], {
  stdio: "inherit", env: { ...process.env, PYTHONPATH: ROOT },
});
const page = text(STUDIO, "index.html");
const script = await bundled(path.join(HERE, "src", "main.js"), "esm");
const worker = await bundled(path.join(HERE, "src", "worker.js"), "iife");
const files = {
  "worker.js": worker,
  "litert.js": readFileSync(path.join(LITERT, "wasm", `${RUNTIME}.js`)),
  "litert.wasm": readFileSync(path.join(LITERT, "wasm", `${RUNTIME}.wasm`)),
};
for (const name of ["network.tflite", "finder.bin", ...SAMPLES]) {
  files[name] = readFileSync(path.join(DIST, name));
}
const served = {
  ...files,
  "main.js": script,
  "style.css": text(STUDIO, "style.css"),
  "icon.svg": text(STUDIO, "icon.svg"),
  "manifest.webmanifest": JSON.stringify(MANIFEST),
};
served["index.html"] = servedPage(page, served);
const hash = createHash("sha256");
for (const content of Object.values(served)) hash.update(content);
served["service_worker.js"] = await bundled(path.join(HERE, "src", "service_worker.js"), "iife", {
  FILES: JSON.stringify(["./", ...Object.keys(served)]),
  VERSION: JSON.stringify(hash.digest("hex").slice(0, 16)),
});
for (const [name, content] of Object.entries(served)) {
  writeFileSync(path.join(DIST, name), content);
}
writeFileSync(path.join(DIST, "tfrelight.html"), singlePage(page, script, files));

/** The size of a file as servers send it, megabytes. */
const megabytes = (name) => gzipSync(served[name], { level: 9 }).length / 1e6;

// The service worker is loaded after the first picture.
const first = Object.keys(served).filter((name) => name !== "service_worker.js");
for (const name of first) console.log(`${name}: ${megabytes(name).toFixed(2)} MB`);
const total = first.reduce((sum, name) => sum + megabytes(name), 0);
console.log(`To the first picture, compressed: ${total.toFixed(1)} MB`);
