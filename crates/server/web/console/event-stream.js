// Server-sent events over fetch: the browser's own EventSource sends no token.

/** What blocks of a stream say: `feed(text)` gives the events that are whole by then. */
export class EventReader {
  #rest = '';

  /** Events `{name, data}` whose data is JSON. Comments are passed over. */
  feed(text) {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop();
    return blocks.map(read).filter(({ data }) => data !== undefined);
  }
}

/** A stream that comes back until it is closed. `onState` is told `connecting`, `live` or `away`, with the error. */
export class EventStream {
  #api;
  #path;
  #onEvent;
  #onState;
  #abort = new AbortController();
  #againMs;

  constructor({ api, path, onEvent, onState, againMs = 2_000 }) {
    this.#api = api;
    this.#path = path;
    this.#onEvent = onEvent;
    this.#onState = onState;
    this.#againMs = againMs;
    this.#run();
  }

  close() {
    this.#abort.abort();
  }

  async #run() {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      let pause = this.#againMs;
      this.#tell('connecting');
      try {
        await this.#read(await this.#api.stream(this.#path, signal));
        this.#tell('away', new Error('The server has ended the stream.'));
      } catch (error) {
        this.#tell('away', error);
        pause = Math.max(pause, error.retryAfterMs ?? 0);
      }
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve, { once: true });
        setTimeout(resolve, pause);
      });
    }
  }

  async #read(response) {
    const [reader, decoder] = [new EventReader(), new TextDecoder()];
    for (const chunks = response.body.getReader(); ;) {
      const { done, value } = await chunks.read();
      if (done) return;
      for (const event of reader.feed(decoder.decode(value, { stream: true }))) {
        this.#tell('live');
        if (!this.#abort.signal.aborted) this.#onEvent(event);
      }
    }
  }

  #tell(state, error) {
    if (!this.#abort.signal.aborted) this.#onState(state, error);
  }
}

function read(block) {
  const fields = new Map(block.split('\n').map((line) => {
    const [name, ...rest] = line.split(': ');
    return [name, rest.join(': ')];
  }));
  const data = fields.get('data');
  return { name: fields.get('event') ?? 'message', data: data === undefined ? undefined : JSON.parse(data) };
}
