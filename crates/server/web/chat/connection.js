// The WebSocket to the server: says hello, matches answers to requests, notices a dead network, and
// comes back after every loss. It knows nothing of rooms; `sync` resumes them on each `onReady`.
//
//   connecting ─► online ─► waiting ─► connecting …        stop() ─► stopped
//        └──────────────────► refused (the token is not valid; no further try)

import { Backoff } from './backoff.js';

const REQUEST_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 10_000;
const STEADY_MS = 5_000;
const OVERLOADED_MS = 1_000;

const CLOSE_OVERLOADED = 1013;
const SOCKET_OPEN = 1;

/** A request that was answered with an error, or (`lost`, `timeout`) not answered at all. */
export class RequestError extends Error {
  constructor(code, message, retryAfterMs = 0) {
    super(message);
    this.name = 'RequestError';
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** One signed-in user's line to the server. */
export class Connection {
  #options;
  #timers;
  #backoff;
  #socket = null;
  #requests = new Map();
  #nextId = 1;
  #state = { name: 'stopped' };
  #draining = false;
  #timer = null;
  #steadyTimer = null;
  #pingTimer = null;
  #pingIntervalMs = 25_000;

  /**
   * `open(url)` makes a socket; `timers` and `random` can be replaced in tests. Called back:
   * `onState(state)`, `onReady(hello)` when requests may be made, `onEvent(event)`.
   */
  constructor({ url, token, open = (address) => new WebSocket(address), timers = browserTimers(), random = Math.random, onState, onReady, onEvent }) {
    this.#options = { url, token, open, onState, onReady, onEvent };
    this.#timers = timers;
    this.#backoff = new Backoff({ random });
  }

  /** `{name, retryAt?, draining?}`. */
  get state() {
    return this.#state;
  }

  start() {
    if (this.#state.name !== 'stopped') return;
    this.#connect();
  }

  /** Closes for good. */
  stop() {
    this.#enter({ name: 'stopped' });
    this.#drop('the connection was closed');
  }

  /** Tries now instead of waiting on: the network is back, or a person asks. */
  retryNow() {
    if (this.#state.name === 'waiting') this.#connect();
    else if (this.#state.name === 'online') this.#ping();
  }

  /** Sends a request; resolves with the answer's data. */
  request(op, fields = {}) {
    if (this.#state.name !== 'online') {
      return Promise.reject(new RequestError('lost', 'There is no connection.'));
    }
    return this.#ask(op, fields);
  }

  #connect() {
    this.#clearTimers();
    this.#enter({ name: 'connecting' });
    const socket = this.#options.open(this.#options.url);
    this.#socket = socket;
    this.#timer = this.#timers.set(() => this.#lost(socket, 0), CONNECT_TIMEOUT_MS);
    socket.onopen = () => this.#hello(socket);
    socket.onmessage = (message) => this.#receive(socket, message.data);
    socket.onclose = (closing) => this.#lost(socket, closing?.code ?? 0);
    socket.onerror = () => {};
  }

  async #hello(socket) {
    try {
      const answer = await this.#ask('hello', { token: this.#options.token });
      if (socket !== this.#socket) return;
      this.#timers.clear(this.#timer);
      this.#draining = false;
      this.#pingIntervalMs = answer.ping_interval_ms ?? this.#pingIntervalMs;
      this.#steadyTimer = this.#timers.set(() => this.#backoff.reset(), STEADY_MS);
      this.#watch();
      this.#enter({ name: 'online' });
      this.#options.onReady(answer);
    } catch (error) {
      if (socket !== this.#socket) return;
      if (error.code === 'unauthenticated') this.#refuse();
      else this.#lost(socket, 0, error.retryAfterMs);
    }
  }

  #refuse() {
    this.#drop('the token is not valid');
    this.#enter({ name: 'refused' });
  }

  #ask(op, fields) {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      const timer = this.#timers.set(() => {
        this.#requests.delete(id);
        reject(new RequestError('timeout', 'The server did not answer in time.'));
      }, REQUEST_TIMEOUT_MS);
      this.#requests.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ op, id, ...fields }));
    });
  }

  #receive(socket, text) {
    if (socket !== this.#socket) return;
    this.#watch();
    const frame = JSON.parse(text);
    if (frame.id === undefined) {
      this.#event(frame);
      return;
    }
    const request = this.#requests.get(frame.id);
    if (!request) return;
    this.#requests.delete(frame.id);
    this.#timers.clear(request.timer);
    if (frame.op === 'ok') request.resolve(frame.data ?? {});
    else request.reject(new RequestError(frame.code, frame.message, frame.retry_after_ms ?? 0));
  }

  #event(frame) {
    if (frame.op === 'draining') {
      this.#draining = true;
      this.#enter({ ...this.#state, draining: true });
    }
    this.#options.onEvent(frame);
  }

  /** The socket is gone: fail what waits for it, and come back later. */
  #lost(socket, closeCode, atLeastMs = 0) {
    if (socket !== this.#socket) return;
    this.#drop('the connection was lost');
    if (this.#state.name === 'stopped' || this.#state.name === 'refused') return;
    const delay = this.#backoff.next(closeCode === CLOSE_OVERLOADED ? Math.max(OVERLOADED_MS, atLeastMs) : atLeastMs);
    this.#enter({ name: 'waiting', retryAt: this.#timers.now() + delay, draining: this.#draining, closeCode });
    this.#timer = this.#timers.set(() => this.#connect(), delay);
  }

  #drop(reason) {
    this.#clearTimers();
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      // A dead network never finishes the closing handshake, so nobody waits for it.
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const waiting = [...this.#requests.values()];
    this.#requests.clear();
    for (const request of waiting) {
      this.#timers.clear(request.timer);
      request.reject(new RequestError('lost', reason));
    }
  }

  /** Anything that arrives proves the line; when nothing does for a while, ask. */
  #watch() {
    this.#timers.clear(this.#pingTimer);
    this.#pingTimer = this.#timers.set(() => this.#ping(), this.#pingIntervalMs);
  }

  async #ping() {
    const socket = this.#socket;
    if (socket?.readyState !== SOCKET_OPEN) return;
    try {
      await this.#ask('ping', {});
    } catch (error) {
      if (error.code === 'timeout') this.#lost(socket, 0);
    }
  }

  #clearTimers() {
    for (const timer of [this.#timer, this.#steadyTimer, this.#pingTimer]) this.#timers.clear(timer);
  }

  #enter(state) {
    this.#state = state;
    this.#options.onState?.(state);
  }
}

function browserTimers() {
  return {
    set: (callback, ms) => setTimeout(callback, ms),
    clear: (timer) => clearTimeout(timer),
    now: () => Date.now(),
  };
}
