// The worker that shows notifications while no page is open. It keeps nothing and asks for nothing.

addEventListener('push', (event) => event.waitUntil(show(event.data)));
addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.room));
});

/** One notification for each room: the next one takes the place of the last. */
async function show(data) {
  const { room, from, body } = data.json();
  await registration.showNotification(from, { body, tag: room, renotify: true, icon: '/assets/favicon.svg', data: { room } });
}

/** Leads to the room: in a page that is open, else in a new one. */
async function open(room) {
  const windows = await clients.matchAll({ type: 'window', includeUncontrolled: true });
  const chat = windows.find(({ url }) => new URL(url).pathname === '/');
  if (!chat) {
    await clients.openWindow(`/#/room/${room}`);
    return;
  }
  chat.postMessage({ open: room });
  await chat.focus();
}
