// Times, numbers and names put into words people read.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long' });
const dayAndMonth = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long' });
const fullDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

/** `14:05`. */
export function timeOfDay(at) {
  return clock.format(new Date(at));
}

/** The whole date and time, for titles. */
export function exactTime(at) {
  return exact.format(new Date(at));
}

/** `Today`, `Yesterday`, `Tuesday`, `3 March`, `3 March 2025`. */
export function dayName(at, now = Date.now()) {
  const date = new Date(at);
  const days = Math.round((startOfDay(now) - startOfDay(date)) / DAY);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days > 1 && days < 7) return weekday.format(date);
  return date.getFullYear() === new Date(now).getFullYear() ? dayAndMonth.format(date) : fullDay.format(date);
}

/** Whether two moments are on the same day here. */
export function sameDay(one, other) {
  return startOfDay(one) === startOfDay(other);
}

/** `just now`, `5 min ago`, `3 h ago`, `yesterday`, `on 3 March`. */
export function ago(at, now = Date.now()) {
  const age = now - new Date(at).getTime();
  if (age < MINUTE) return 'just now';
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min ago`;
  if (age < 12 * HOUR || sameDay(at, now)) return `${Math.floor(age / HOUR)} h ago`;
  const day = dayName(at, now);
  return day === 'Yesterday' ? 'yesterday' : `on ${day}`;
}

/** A length of time in its two largest units: `3 d 4 h`, `5 min 2 s`. */
export function duration(seconds) {
  const parts = [['d', 86_400], ['h', 3_600], ['min', 60], ['s', 1]];
  let rest = Math.max(0, Math.floor(seconds));
  const words = [];
  for (const [unit, size] of parts) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 || (unit === 's' && words.length === 0)) words.push(`${count} ${unit}`);
  }
  return words.slice(0, 2).join(' ');
}

/** `1 message`, `2 messages`. */
export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

/** `ada`, `ada and bob`, `ada, bob and 3 others`. */
export function nameList(names, shown = 2) {
  if (names.length <= 1) return names[0] ?? '';
  if (names.length <= shown) return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return `${names.slice(0, shown).join(', ')} and ${count(names.length - shown, 'other')}`;
}

/** A number short enough for a tile: `950`, `1.25 k`, `3.4 M`. */
export function short(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1e6) return `${digits(value / 1e6)} M`;
  if (size >= 1e4) return `${digits(value / 1e3)} k`;
  return digits(value);
}

/** `12 MiB`. */
export function bytes(value) {
  if (value === null || value === undefined) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${digits(value)} ${units[unit]}`;
}

/** A latency: `430 µs`, `4.2 ms`, `1.3 s`. */
export function latency(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  if (seconds === 0) return '0 s';
  if (seconds < 0.001) return `${digits(seconds * 1e6)} µs`;
  if (seconds < 1) return `${digits(seconds * 1e3)} ms`;
  return `${digits(seconds)} s`;
}

/** A rate, without decimals that only flicker: `0.4/s`, `12/s`. */
export function perSecond(value) {
  if (value === null || value === undefined) return '–';
  return `${value >= 10 ? short(Math.round(value)) : short(Math.round(value * 10) / 10)}/s`;
}

/** `12 %` of one. */
export function percent(ratio) {
  return ratio === null || ratio === undefined ? '–' : `${digits(ratio * 100)} %`;
}

function digits(value) {
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString();
  return value.toLocaleString(undefined, { maximumFractionDigits: size >= 10 ? 1 : 2 });
}

function startOfDay(at) {
  return new Date(at).setHours(0, 0, 0, 0);
}
