// Notifications while one is away: asks the browser, tells the server, and takes both back.

const WORKER = '/assets/chat/push-worker.js';
const WANTED = 'campanile.notify';

/** What the browser says when its push service cannot be reached, and other reasons, in words. */
const WORDS = {
  unsupported: 'This browser cannot show notifications here. They need HTTPS, and on iPhones the page on the home screen.',
  off: 'This server does not notify.',
  denied: 'The browser does not allow notifications of this page. Allow them in its settings for this address.',
  unreachable: 'The browser could not reach its push service. Try again later.',
};

/** The notifications of one person on this browser. */
export class Pushes {
  #api;
  #user;
  #browser;
  isOn = false;

  /** `browser` is what of the browser is used; tests give another. */
  constructor({ api, user, browser = globalThis }) {
    this.#api = api;
    this.#user = user;
    this.#browser = browser;
  }

  /** Calls back with the room of a notification that was pressed. */
  onOpen(callback) {
    const { serviceWorker } = this.#browser.navigator;
    serviceWorker?.addEventListener('message', ({ data }) => data?.open && callback(data.open));
    serviceWorker?.startMessages();
  }

  /** Tells the server again what it may have forgotten: a new session has no subscription yet. */
  async renew() {
    if (!this.#isSupported || this.#browser.localStorage.getItem(WANTED) !== this.#user) return;
    const subscription = await this.#subscription();
    if (!subscription || this.#browser.Notification.permission !== 'granted') return;
    const { key } = await this.#api.get('/push-key');
    if (!same(subscription.options.applicationServerKey, bytes(key))) return;
    await this.#api.put('/push-subscriptions', subscription.toJSON());
    this.isOn = true;
  }

  /** Notifies from now on; throws an error in words where that cannot be. */
  async turnOn() {
    if (!this.#isSupported) throw new Error(WORDS.unsupported);
    const { key } = await this.#api.get('/push-key').catch((error) => {
      throw error.code === 'not_found' ? new Error(WORDS.off) : error;
    });
    if ((await this.#browser.Notification.requestPermission()) !== 'granted') throw new Error(WORDS.denied);
    const subscription = await this.#subscribe(bytes(key));
    await this.#api.put('/push-subscriptions', subscription.toJSON());
    this.#browser.localStorage.setItem(WANTED, this.#user);
    this.isOn = true;
  }

  /** Notifies no longer. What cannot be reached is forgotten by itself. */
  async turnOff() {
    this.isOn = false;
    if (!this.#isSupported) return;
    this.#browser.localStorage.removeItem(WANTED);
    const subscription = await this.#subscription();
    if (!subscription) return;
    await this.#api.request('DELETE', '/push-subscriptions', { endpoint: subscription.endpoint }).catch(() => {});
    await subscription.unsubscribe();
  }

  get #isSupported() {
    const { navigator, isSecureContext, PushManager, Notification } = this.#browser;
    return Boolean(isSecureContext && navigator.serviceWorker && PushManager && Notification);
  }

  async #subscription() {
    const registration = await this.#browser.navigator.serviceWorker.getRegistration(WORKER);
    return (await registration?.pushManager.getSubscription()) ?? null;
  }

  async #subscribe(applicationServerKey) {
    const registration = await this.#browser.navigator.serviceWorker.register(this.#trusted(WORKER));
    const { pushManager } = await active(registration);
    const options = { userVisibleOnly: true, applicationServerKey };
    const known = await pushManager.getSubscription();
    // One for another key, of a server that was here before, is of no use.
    if (known && !same(known.options.applicationServerKey, applicationServerKey)) await known.unsubscribe();
    try {
      return await pushManager.subscribe(options);
    } catch {
      throw new Error(WORDS.unreachable);
    }
  }

  /** The page's policy takes no plain text as the address of a script. */
  #trusted(path) {
    const { trustedTypes } = this.#browser;
    return trustedTypes ? trustedTypes.createPolicy('campanile-push', { createScriptURL: () => path }).createScriptURL('') : path;
  }
}

/** Waits until a registration has a worker that runs. */
async function active(registration) {
  const worker = registration.installing ?? registration.waiting;
  if (!registration.active && worker) {
    await new Promise((resolve) => {
      worker.addEventListener('statechange', () => worker.state === 'activated' && resolve());
    });
  }
  return registration;
}

function bytes(base64url) {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function same(buffer, expected) {
  const found = buffer === null ? [] : [...new Uint8Array(buffer)];
  return found.length === expected.length && found.every((byte, place) => byte === expected[place]);
}
