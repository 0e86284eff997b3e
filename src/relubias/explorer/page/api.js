/** The server: requests with the token, errors as sentences, arrays from base64. */

/**
 * An array of the answer: numbers in row-major order.
 * @typedef {{shape: number[], data: Float64Array | Int8Array | Int32Array}} NumberArray
 *
 * @typedef {Record<string, any>} Answer what /api/run says, its arrays decoded
 */

const TYPES = { float64: Float64Array, int8: Int8Array, int32: Int32Array };

/** This page, so that the server can drop a question of it that a newer one has overtaken. */
const CLIENT = crypto.randomUUID?.() ?? String(Math.random()).slice(2);

const FORBIDDEN = 403;
const STALE = "The server was started anew and does not know this page; reload the page.";

/** What the server refused, or could not finish. */
export class ApiError extends Error {
  /**
   * @param {string} message a sentence for people
   * @param {string | null} field the setting at fault, if it is one
   * @param {number} status of HTTP; 0 if no answer came
   */
  constructor(message, field, status) {
    super(message);
    this.field = field;
    this.status = status;
  }
}

/**
 * One array of the answer.
 * @param {{shape: number[], dtype: "float64" | "int8" | "int32", b64: string}} packed
 * @returns {NumberArray}
 */
function unpackOne({ shape, dtype, b64 }) {
  const text = atob(b64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return { shape, data: new TYPES[dtype](bytes.buffer) };
}

/**
 * The same value with every packed array decoded, at any depth.
 * @param {any} value
 * @returns {any}
 */
export function unpack(value) {
  if (Array.isArray(value)) return value.map(unpack);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.b64 === "string") return unpackOne(value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unpack(inner)]));
}

/**
 * The content of a meta element.
 * @param {string} name
 * @returns {string}
 */
function meta(name) {
  return /** @type {HTMLMetaElement} */ (document.querySelector(`meta[name="${name}"]`)).content;
}

/**
 * Post to this server.
 * @param {string} path
 * @param {{json?: unknown, body?: BodyInit, signal?: AbortSignal}} content
 * @returns {Promise<any>} the parsed answer
 * @throws {ApiError}
 */
export async function request(path, { json, body, signal }) {
  /** @type {Record<string, string>} */
  const headers = { "X-Relubias-Token": meta("relubias-token"), "X-Relubias-Client": CLIENT };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const content = json === undefined ? body : JSON.stringify(json);
  let response;
  try {
    response = await fetch(path, { method: "POST", headers, body: content, signal });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer: is relubias explore still running?", null, 0);
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  if (response.status === FORBIDDEN) throw new ApiError(STALE, null, FORBIDDEN);
  const message = answer?.error ?? `The server said ${response.status} and nothing else.`;
  throw new ApiError(message, answer?.field ?? null, response.status);
}
