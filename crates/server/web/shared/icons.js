// The icons, drawn on a 24-unit grid as strokes, and the mark of the house.

const NAMESPACE = 'http://www.w3.org/2000/svg';

const STROKES = {
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6L6 18',
  search: 'M11 4a7 7 0 1 1 0 14a7 7 0 0 1 0-14zM20 20l-4-4',
  menu: 'M4 7h16M4 12h16M4 17h16',
  back: 'M15 5l-7 7l7 7',
  down: 'M12 5v13M6 12l6 6l6-6',
  send: 'M5 12h12M12 6l6 6l-6 6',
  people: 'M9 5a3 3 0 1 1 0 6a3 3 0 0 1 0-6zM3 19c0-3.5 2.5-5.5 6-5.5s6 2 6 5.5M16 5.4a3 3 0 0 1 0 5.2M17.5 14c2.2.6 3.5 2.3 3.5 5',
  hash: 'M9 4L7 20M17 4l-2 16M4 9h16M4 15h16',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  compass: 'M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18zM15.5 8.5l-2 5l-5 2l2-5z',
  message: 'M4 6.5A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.5v8a1.5 1.5 0 0 1-1.5 1.5H11l-4.5 4v-4h-1A1.5 1.5 0 0 1 4 14.5z',
  smile: 'M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18zM8.5 14.5c1.8 2.4 5.2 2.4 7 0M9 9.5v.5M15 9.5v.5',
  reply: 'M10 6l-6 6l6 6M4 12h9c4 0 6.5 2 7 6',
  edit: 'M5 19l1-4L16 5l3 3L9 18zM14 7l3 3',
  trash: 'M5 7h14M10 4h4M7 7l1 13h8l1-13M10 11v5M14 11v5',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  checks: 'M2 12.5l4.5 4.5L15 8M11.5 15.5L13 17l9-9.5',
  clock: 'M12 4a8 8 0 1 1 0 16a8 8 0 0 1 0-16zM12 8v4l3 2',
  alert: 'M12 4l9 16H3zM12 10v4M12 17v.5',
  sun: 'M12 8a4 4 0 1 1 0 8a4 4 0 0 1 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  moon: 'M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z',
  contrast: 'M12 4a8 8 0 1 1 0 16a8 8 0 0 1 0-16zM12 4v16M15 5.5v13M18 7.5v9',
  exit: 'M14 5H6v14h8M10 12h10M16 8l4 4l-4 4',
  key: 'M8 9a4 4 0 1 1 0 8a4 4 0 0 1 0-8zM11 10.5l8-6.5M16 7l2.5 3',
  gauge: 'M4 17a8.5 8.5 0 1 1 16 0M12 15l4-5',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  bell: 'M4.5 17c1.7-1.8 2.2-3.8 2.2-6.7a5.3 5.3 0 0 1 10.6 0c0 2.9.5 4.9 2.2 6.7zM9.7 20c1.2 1.1 3.4 1.1 4.6 0',
  bellOff: 'M4.5 17c1.7-1.8 2.2-3.8 2.2-6.7a5.3 5.3 0 0 1 10.6 0c0 2.9.5 4.9 2.2 6.7zM9.7 20c1.2 1.1 3.4 1.1 4.6 0M4 4l16 16',
  retry: 'M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4',
};

/** An icon; it is hidden from screen readers, so what it stands in must have a name. */
export function icon(name) {
  const svg = drawing('0 0 24 24', 'icon');
  svg.append(path(STROKES[name]));
  return svg;
}

/** The mark: a bell tower with one bell. */
export function mark() {
  const svg = drawing('0 0 32 40', 'mark');
  svg.append(
    path('M16 .5L27 12H5z', 'mark-roof'),
    path('M4.5 13.5h23v3h-1.5V36h1.5v3h-23v-3H6V16.5H4.5zM9.5 31h13v-6.5a6.5 6.5 0 0 0-13 0z', 'mark-stone'),
    path('M16 20.2c2.4 0 3.4 1.7 3.4 4.3c0 2 .6 2.9 1.4 3.8h-9.6c.8-.9 1.4-1.8 1.4-3.8c0-2.6 1-4.3 3.4-4.3zM14.5 29h3a1.5 1.5 0 0 1-3 0z', 'mark-bell'),
  );
  return svg;
}

function drawing(viewBox, className) {
  const svg = document.createElementNS(NAMESPACE, 'svg');
  svg.setAttribute('viewBox', viewBox);
  svg.setAttribute('class', className);
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  return svg;
}

function path(strokes, className) {
  const line = document.createElementNS(NAMESPACE, 'path');
  line.setAttribute('d', strokes);
  if (className) line.setAttribute('class', className);
  return line;
}
