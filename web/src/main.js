// @ts-check
// The page that needs no server: the studio's page, and what keeps its files.

import { startedEngine } from "./photo.js";

export { studio } from "../../tfrelight/studio/static/main.js";

/** Keeps the page for the next visit, also without a network. */
async function keepPage() {
  // Behind what the first picture needs.
  await startedEngine();
  await navigator.serviceWorker.register("service_worker.js");
}

// A page that was opened from a file is there already. Browsers may refuse, in private windows for
// example; the page then works as before.
if (location.protocol.startsWith("http") && "serviceWorker" in navigator) {
  keepPage().catch(() => {});
}
