// The REST client: JSON in, JSON out, and one error type that says what the server said.

/** What went wrong, in the server's words where it gave any. */
export class ApiError extends Error {
  /** `code` is one of the contract's, or `unreachable` when there was no answer at all. */
  constructor({ code, status = 0, message, retryAfterMs = 0 }) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Requests to `/api/v1` with one user's token. */
export class Api {
  #token;
  #patienceMs;
  #fetch;

  /** `patienceMs` is how long an answer may take; without it, as long as the browser waits. */
  constructor({ token = null, patienceMs = null, fetch = globalThis.fetch.bind(globalThis) } = {}) {
    this.#token = token;
    this.#patienceMs = patienceMs;
    this.#fetch = fetch;
  }

  get(path) {
    return this.request('GET', path);
  }

  post(path, body) {
    return this.request('POST', path, body);
  }

  put(path, body) {
    return this.request('PUT', path, body);
  }

  patch(path, body) {
    return this.request('PATCH', path, body);
  }

  delete(path) {
    return this.request('DELETE', path);
  }

  /** The answer as it comes, for one that does not end by itself; the signal ends it. */
  async stream(path, signal) {
    const headers = { Accept: 'text/event-stream' };
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
    const response = await this.#send(`/api/v1${path}`, { headers, cache: 'no-store', credentials: 'omit', signal });
    if (!response.ok) throw await refusal(response);
    return response;
  }

  /** The description of the whole interface, which is an OpenAPI document. */
  async description() {
    const response = await this.#send('/api/openapi.json', { headers: { Accept: 'application/json' }, credentials: 'omit' });
    if (!response.ok) throw await refusal(response);
    return response.json();
  }

  /** The answer's JSON, or null where it has none; throws an `ApiError` otherwise. */
  async request(method, path, body) {
    const headers = { Accept: 'application/json' };
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const response = await this.#send(`/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'omit',
      signal: this.#patienceMs === null ? undefined : AbortSignal.timeout(this.#patienceMs),
    });
    if (!response.ok) throw await refusal(response);
    if (response.status === 204) return null;
    return response.json();
  }

  async #send(url, options) {
    try {
      return await this.#fetch(url, options);
    } catch {
      throw new ApiError({ code: 'unreachable', message: 'The server did not answer.' });
    }
  }
}

/** A path segment made safe. */
export function segment(name) {
  return encodeURIComponent(name);
}

async function refusal(response) {
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // A proxy in between may answer with something else.
  }
  return new ApiError({
    code: problem.code ?? codeOf(response.status),
    status: response.status,
    message: problem.detail ?? problem.title ?? `The server answered ${response.status}.`,
    retryAfterMs: retryAfterMs(response.headers.get('Retry-After')),
  });
}

function codeOf(status) {
  const known = { 401: 'unauthenticated', 403: 'forbidden', 404: 'not_found', 409: 'conflict', 429: 'rate_limited', 503: 'unavailable' };
  return known[status] ?? (status >= 500 ? 'internal' : 'bad_request');
}

function retryAfterMs(header) {
  const seconds = Number(header);
  return header !== null && Number.isFinite(seconds) ? seconds * 1000 : 0;
}
