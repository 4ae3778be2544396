// @ts-check
/* global FILES, VERSION */
// Keeps the page's files, so that it opens without a network from the second visit on.

/**
 * What TypeScript's types of pages lack.
 *
 * @typedef {object} Scope
 * @property {() => Promise<void>} skipWaiting
 * @property {{ claim: () => Promise<void> }} clients
 * @property {(name: string, listener: (event: Event & Extended) => void) => void} addEventListener
 */

/**
 * @typedef {object} Extended
 * @property {(work: Promise<unknown>) => void} waitUntil
 * @property {(response: Promise<Response>) => void} respondWith
 * @property {Request} request
 */

// The build puts in both: names of the files, and a hash of their contents.
/** @type {string[]} */
const files = FILES;
// Other pages of this address may have caches of their own.
const PREFIX = "tfrelight-";
const version = `${PREFIX}${VERSION}`;

const scope = /** @type {Scope} */ (/** @type {unknown} */ (self));

scope.addEventListener("install", (event) => {
  event.waitUntil(keep());
});

async function keep() {
  const cache = await caches.open(version);
  await cache.addAll(files);
  await scope.skipWaiting();
}

scope.addEventListener("activate", (event) => {
  event.waitUntil(tidy());
});

async function tidy() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== version);
  await Promise.all(old.map((name) => caches.delete(name)));
  await scope.clients.claim();
}

scope.addEventListener("fetch", (event) => {
  if (event.request.method === "GET") event.respondWith(answer(event.request));
});

/** @param {Request} request */
async function answer(request) {
  const cache = await caches.open(version);
  return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
}
