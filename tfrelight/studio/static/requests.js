// @ts-check
// Requests to the studio's process.

/** @import { TextKey, Values } from "./texts.js" */

/** An error whose text is shown on the page; `reason` is its code, for example "no_face". */
export class StudioError extends Error {
  /**
   * @param {TextKey} key  of its text
   * @param {Values} [values]  in the text
   * @param {string} [reason]
   */
  constructor(key, values = {}, reason = "") {
    super(`${key} ${JSON.stringify(values)}`);
    this.key = key;
    this.values = values;
    this.reason = reason;
  }
}

// Texts for the studio's refusals. Those of the last line go on with a sentence of Python's, for
// example what is wrong with a file.
/** @type {Record<string, TextKey>} */
const REFUSALS = {
  no_face: "no_face", busy: "studio_busy", slow: "studio_slow", large: "studio_large",
  full: "studio_full", gone: "studio_gone", memory: "studio_memory",
  input: "studio_file", server: "studio_server", broken: "studio_broken", refused: "studio_refused",
};

const noAnswer = () =>
  new StudioError("no_answer", { command: "python -m tfrelight.studio" }, "stopped");

/**
 * Parses JSON in UTF-8.
 *
 * @param {ArrayBuffer} data
 */
export const parseJson = (data) => JSON.parse(new TextDecoder().decode(data));

/**
 * The error that a response of the studio describes.
 *
 * @param {ArrayBuffer} data  body of the response
 */
function errorIn(data) {
  try {
    const { error, reason } = parseJson(data);
    return Object.hasOwn(REFUSALS, reason)
      ? new StudioError(REFUSALS[reason], { detail: error }, reason)
      : new StudioError("studio_says", { detail: error }, reason);
  } catch {
    // Somebody else answered, a proxy for example.
    return noAnswer();
  }
}

/**
 * Sends data.
 *
 * @param {string} path
 * @param {XMLHttpRequestBodyInit} body
 * @param {(share: number) => void} [onProgress]  gets the share of `body` that is sent, 0 to 1
 * @param {AbortSignal} [signal]  ends the request
 * @returns {Promise<{ data: ArrayBuffer, header: (name: string) => string | null }>}
 * @throws {StudioError} the studio refused, or did not answer
 * @throws {DOMException} the signal ended the request
 */
export function post(path, body, onProgress = () => {}, signal) {
  // `fetch` does not report the progress of an upload.
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.responseType = "arraybuffer";
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    request.onerror = () => reject(noAnswer());
    request.onabort = () => reject(signal?.reason);
    signal?.addEventListener("abort", () => request.abort());
    request.onload = () => {
      if (request.status < 300) {
        resolve({ data: request.response, header: (name) => request.getResponseHeader(name) });
      } else {
        reject(errorIn(request.response));
      }
    };
    request.send(body);
  });
}

/**
 * Fetches a resource.
 *
 * @param {string} path
 * @returns {Promise<Response>}
 * @throws {StudioError} the studio refused, or did not answer
 */
export async function get(path) {
  let response;
  try {
    response = await fetch(path);
  } catch {
    throw noAnswer();
  }
  if (!response.ok) throw errorIn(await response.arrayBuffer());
  return response;
}
