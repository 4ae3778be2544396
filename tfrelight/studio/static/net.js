// The studio's process: what the page asks of it, and what it says when something is not possible.

export class Problem extends Error {
  constructor(text, reason = "") {
    super(text);
    this.reason = reason;
  }
}

const STOPPED =
  "The studio's process does not answer. Start it again with “python -m tfrelight.studio”, then try " +
  "once more: the light on this page stays.";

// progress: called with the share of `body` that is sent.
export function post(path, body, progress = () => {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.responseType = "arraybuffer";
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) progress(event.loaded / event.total);
    };
    request.onerror = () => reject(new Problem(STOPPED, "stopped"));
    request.onload = () => {
      if (request.status < 300) {
        resolve({ data: request.response, header: (name) => request.getResponseHeader(name) });
      } else {
        reject(problemOf(request.response));
      }
    };
    request.send(body);
  });
}

function problemOf(data) {
  try {
    const { error, reason } = json(data);
    return new Problem(error, reason);
  } catch {
    return new Problem(STOPPED, "stopped");
  }
}

export const json = (data) => JSON.parse(new TextDecoder().decode(data));

export async function get(path) {
  let answer;
  try {
    answer = await fetch(path);
  } catch {
    throw new Problem(STOPPED, "stopped");
  }
  if (!answer.ok) throw problemOf(await answer.arrayBuffer());
  return answer;
}

export function save(data, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([data], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
