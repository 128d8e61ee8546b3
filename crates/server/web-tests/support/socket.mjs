// A socket whose other end is the test.

export class Line {
  sockets = [];

  open = (url) => {
    const socket = new Socket(url);
    this.sockets.push(socket);
    return socket;
  };

  /** The newest socket. */
  get current() {
    return this.sockets.at(-1);
  }
}

class Socket {
  readyState = 0;
  sent = [];
  isClosed = false;

  constructor(url) {
    this.url = url;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
  }

  /** The server took the connection. */
  accept() {
    this.readyState = 1;
    this.onopen();
  }

  /** The server says something. */
  say(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /** The server answers the newest request. */
  answer(data = {}) {
    this.say({ op: 'ok', id: this.sent.at(-1).id, data });
  }

  /** The server refuses the newest request. */
  refuse(code, retryAfterMs) {
    this.say({ op: 'error', id: this.sent.at(-1).id, code, message: code, retry_after_ms: retryAfterMs });
  }

  /** The connection breaks. */
  break(code = 1006) {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}
