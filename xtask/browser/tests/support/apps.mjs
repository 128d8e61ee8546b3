// Applications beside the console: a server that has some, their clients, and who receives webhooks.

import { createHmac } from "node:crypto";
import { once } from "node:events";
import http from "node:http";

import { account, eventually, open } from "../../harness.mjs";
import { signedIn } from "./people.mjs";
import { OwnServer } from "./server.mjs";

/** The application that is used. */
export const shop = { id: "shop", key: "key-of-the-shop", secret: "a secret of the shop" };

/** A server with the shop and a disabled application, and its operator. `more` are further settings. */
export async function serverWithApps(t, more = {}) {
  const server = await OwnServer.start(t, {
    CAMPANILE_LIMITS__ENABLED: "false",
    CAMPANILE_APPS__0__ID: shop.id,
    CAMPANILE_APPS__0__KEY: shop.key,
    CAMPANILE_APPS__0__SECRET: shop.secret,
    CAMPANILE_APPS__1__ID: "closed-for-winter",
    CAMPANILE_APPS__1__KEY: "key-of-another-one",
    CAMPANILE_APPS__1__SECRET: "a secret of another one",
    CAMPANILE_APPS__1__ENABLED: "false",
    ...more,
  });
  const operator = await account("keeper", server.url);
  return { server, operator };
}

/** A page of the operator at a section of the console. */
export async function consoleAt(t, { server, operator }, section, options = {}) {
  // The server ends with the test before its pages do, and the console asks it again and again.
  const tolerate = options.tolerate ?? /ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|EMPTY_RESPONSE)/;
  return signedIn(t, operator, { at: server.url, ...options, tolerate, where: `/console#${section}` });
}

/** A client of the shop, whose socket is that of a page of its own. */
export class Client {
  #page;
  #id;

  static async open(t, server) {
    const client = new Client();
    client.#page = await open(t, "/favicon.ico", { at: server.url });
    await client.#page.evaluate((where) => {
      globalThis.heard = [];
      globalThis.socket = new WebSocket(where);
      globalThis.socket.addEventListener("message", ({ data }) => globalThis.heard.push(JSON.parse(data)));
    }, `${server.url.replace("http", "ws")}/app/${shop.key}?protocol=7`);
    const established = await client.hears("pusher:connection_established");
    client.#id = JSON.parse(established.data).socket_id;
    return client;
  }

  /** Subscribes, in a presence channel as this user. */
  async subscribe(channel, user) {
    const data = { channel };
    if (user !== undefined) data.channel_data = JSON.stringify({ user_id: user });
    if (/^(private|presence)-/.test(channel)) data.auth = this.#sign(channel, data.channel_data);
    await this.send("pusher:subscribe", data);
    await this.hears("pusher_internal:subscription_succeeded", channel);
  }

  send(event, data, channel) {
    return this.#page.evaluate((frame) => globalThis.socket.send(frame), JSON.stringify({ event, data, channel }));
  }

  leave() {
    return this.#page.evaluate(() => globalThis.socket.close());
  }

  hears(event, channel) {
    return eventually(async () => {
      const heard = await this.#page.evaluate(() => globalThis.heard);
      const frame = heard.find((one) => one.event === event && (!channel || one.channel === channel));
      if (!frame) throw new Error(`no ${event} in ${JSON.stringify(heard)}`);
      return frame;
    });
  }

  #sign(channel, data) {
    const text = [this.#id, channel, data].filter((part) => part !== undefined).join(":");
    return `${shop.key}:${createHmac("sha256", shop.secret).update(text).digest("hex")}`;
  }
}

/** Somebody who receives webhooks, and answers with `status`. */
export class Receiver {
  status = 200;
  taken = 0;

  static async start(t) {
    const receiver = new Receiver();
    receiver.listener = http.createServer((request, response) => {
      request.resume().on("end", () => {
        if (receiver.status === 200) receiver.taken += 1;
        response.writeHead(receiver.status).end();
      });
    }).listen(0, "127.0.0.1");
    await once(receiver.listener, "listening");
    t.after(() => receiver.listener.close());
    return receiver;
  }

  /** The settings with which the shop tells it when channels come to life. */
  get settings() {
    return {
      CAMPANILE_WEBHOOKS__ALLOW: "127.0.0.0/8",
      CAMPANILE_APPS__0__WEBHOOKS__0__URL: `http://127.0.0.1:${this.listener.address().port}/hooks`,
      CAMPANILE_APPS__0__WEBHOOKS__0__EVENTS: "channel_occupied",
      CAMPANILE_APPS__0__LIMITS__WEBHOOK_RETRY_SECONDS: "0",
    };
  }
}
