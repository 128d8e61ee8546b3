import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Pushes } from '../web/chat/pushes.js';

const KEY = Buffer.from([4, ...new Array(64).fill(7)]);

/** A browser that may notify; what is asked of it and of the server is written down. */
function visit({ permission = 'granted', key = KEY, fails = {}, supported = true, wanted = null, subscribedWith = null } = {}) {
  const asked = [];
  const kept = new Map(wanted ? [['campanile.notify', wanted]] : []);
  let subscription = null;
  const subscribe = async ({ applicationServerKey }) => {
    if (fails.subscribe) throw new Error('AbortError');
    subscription = {
      endpoint: 'https://push.example/one',
      options: { applicationServerKey: Uint8Array.from(applicationServerKey).buffer },
      toJSON: () => ({ endpoint: 'https://push.example/one', keys: {} }),
      unsubscribe: async () => {
        asked.push('unsubscribe');
        subscription = null;
      },
    };
    return subscription;
  };
  const registration = { active: {}, pushManager: { subscribe, getSubscription: async () => subscription } };
  const serviceWorker = {
    register: async (path) => {
      asked.push(`register ${path}`);
      return registration;
    },
    getRegistration: async () => registration,
    addEventListener: () => {},
    startMessages: () => {},
  };
  const browser = {
    isSecureContext: supported,
    navigator: { serviceWorker },
    PushManager: class {},
    Notification: { permission, requestPermission: async () => permission },
    localStorage: { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value), removeItem: (name) => kept.delete(name) },
  };
  const answer = (line) => {
    asked.push(line);
    if (fails.server) throw Object.assign(new Error('no'), { code: fails.server });
  };
  const api = {
    get: async (path) => {
      answer(`GET ${path}`);
      return { key: Buffer.from(key).toString('base64url') };
    },
    put: async (path) => answer(`PUT ${path}`),
    request: async (method, path) => answer(`${method} ${path}`),
  };
  const pushes = new Pushes({ api, user: 'ada', browser });
  return { pushes, asked, kept, ready: subscribedWith ? subscribe({ applicationServerKey: subscribedWith }) : Promise.resolve() };
}

test('turning notifications on tells the browser and then the server', async () => {
  const { pushes, asked, kept } = visit();
  await pushes.turnOn();
  assert.deepEqual(asked, ['GET /push-key', 'register /assets/chat/push-worker.js', 'PUT /push-subscriptions']);
  assert.equal(pushes.isOn, true);
  assert.equal(kept.get('campanile.notify'), 'ada');
});

test('turning them off takes both back, also where the server does not know', async () => {
  for (const server of [undefined, 'not_found', 'unreachable']) {
    const fails = {};
    const { pushes, asked, kept } = visit({ fails });
    await pushes.turnOn();
    asked.length = 0;
    fails.server = server;
    await pushes.turnOff();
    assert.deepEqual(asked, ['DELETE /push-subscriptions', 'unsubscribe']);
    assert.equal(pushes.isOn, false);
    assert.equal(kept.size, 0);
  }
});

test('why there are no notifications is said in words, and nothing is kept', async () => {
  for (const [about, words] of [
    [{ supported: false }, /cannot show notifications/],
    [{ fails: { server: 'not_found' } }, /does not notify/],
    [{ permission: 'denied' }, /does not allow/],
    [{ fails: { subscribe: true } }, /could not reach its push service/],
  ]) {
    const { pushes, kept } = visit(about);
    await assert.rejects(pushes.turnOn(), words);
    assert.equal(pushes.isOn, false);
    assert.equal(kept.size, 0);
  }
});

test('a subscription for another server\'s key is replaced', async () => {
  const { pushes, asked, ready } = visit({ subscribedWith: [4, 1, 2] });
  await ready;
  await pushes.turnOn();
  assert.ok(asked.includes('unsubscribe'));
  const again = visit({ subscribedWith: KEY });
  await again.ready;
  await again.pushes.turnOn();
  assert.ok(!again.asked.includes('unsubscribe'));
});

test('a new session tells the server again, for the one who asked for it only', async () => {
  const same = visit({ wanted: 'ada', subscribedWith: KEY });
  await same.ready;
  await same.pushes.renew();
  assert.deepEqual(same.asked, ['GET /push-key', 'PUT /push-subscriptions']);
  assert.equal(same.pushes.isOn, true);
  const old = visit({ wanted: 'ada', subscribedWith: [4, 1, 2] });
  await old.ready;
  await old.pushes.renew();
  assert.equal(old.pushes.isOn, false, 'the server has another key now');
  for (const about of [{ wanted: 'bob' }, { wanted: null }, { wanted: 'ada', permission: 'denied' }, { wanted: 'ada', supported: false }]) {
    const other = visit({ subscribedWith: KEY, ...about });
    await other.ready;
    await other.pushes.renew();
    assert.deepEqual(other.asked, []);
    assert.equal(other.pushes.isOn, false);
  }
});
