// A plot of the last five minutes: SVG, so that it is sharp on every screen and styled by classes.
// The pointer and the arrow keys move a cursor through time; what it stands on is shown and read out.

import { el, setText } from '../shared/dom.js';
import { exactTime } from '../shared/words.js';
import { SPAN_MS, summary } from './samples.js';
import { ticks } from './scale.js';

const NAMESPACE = 'http://www.w3.org/2000/svg';
const HEIGHT = 168;
const EDGE = { top: 10, right: 8, bottom: 20, left: 58 };
const SPAN_LEAST_MS = 60_000;
const TIME_STEPS_S = [10, 15, 30, 60];
const TIME_LABEL_PX = 70;

/** One plot. `series` are `{name, pick(values), tone}`; `format(value)` words a value. */
export class Plot {
  #series;
  #format;
  #title;
  #binary;
  #least;
  #samples = [];
  #now = 0;
  #spanMs = SPAN_LEAST_MS;
  #width = 400;
  #cursor = null;
  #svg = shape('svg', { class: 'plot-svg', 'aria-hidden': 'true', focusable: 'false' });
  #grid = shape('g', { class: 'plot-grid' });
  #marks = shape('g', {});
  #lines = [];
  #area = shape('path', { class: 'plot-area' });
  #tip = el('div', { class: 'plot-tip', hidden: true });
  #said = el('p', { class: 'sr-only', 'aria-live': 'polite' });
  #legend = el('dl', { class: 'plot-legend' });
  #field;

  constructor({ title, series, format, binary = false, least = 0 }) {
    this.#title = title;
    this.#series = series;
    this.#format = format;
    this.#binary = binary;
    this.#least = least;
    this.#lines = series.map(({ tone }) => shape('path', { class: `plot-line tone-${tone}` }));
    this.#area.setAttribute('class', `plot-area tone-${series[0].tone}`);
    this.#svg.append(this.#grid, this.#area, ...this.#lines, this.#marks);
    this.#field = el('div', { class: 'plot-field', tabindex: '0', role: 'group', 'aria-label': title }, this.#svg, this.#tip);
    this.root = el('figure', { class: 'plot' }, el('figcaption', {}, el('h2', {}, title), this.#legend), this.#field, this.#said);
    this.#listen();
  }

  /** Draws samples, with `now` at the right edge. */
  draw(samples, now) {
    this.#samples = samples;
    this.#now = now;
    // A young page shows what it has, and not an empty field.
    this.#spanMs = Math.min(SPAN_MS, Math.max(SPAN_LEAST_MS, now - (samples[0]?.at ?? now)));
    this.#drawLegend();
    this.#redraw();
  }

  #listen() {
    new ResizeObserver(([entry]) => {
      this.#width = Math.max(200, entry.contentRect.width);
      this.#redraw();
    }).observe(this.#field);
    this.#field.addEventListener('pointermove', (event) => this.#point(event));
    this.#field.addEventListener('pointerleave', () => this.#place(null));
    this.#field.addEventListener('blur', () => this.#place(null));
    this.#field.addEventListener('keydown', (event) => this.#key(event));
  }

  #drawLegend() {
    const rows = this.#series.map(({ name, pick, tone }) => {
      const { now, most } = summary(this.#samples, pick);
      return el('div', {}, el('dt', { class: `tone-${tone}` }, name),
        el('dd', {}, this.#format(now), this.#series.length <= 2 && el('span', { class: 'peak' }, ` peak ${this.#format(most)}`)));
    });
    this.#legend.replaceChildren(...rows);
    const words = this.#series.map(({ name, pick }) => {
      const { now, least, most, mean } = summary(this.#samples, pick);
      return `${name}: now ${this.#format(now)}, least ${this.#format(least)}, most ${this.#format(most)}, mean ${this.#format(mean)}`;
    });
    this.#field.setAttribute('aria-label', `${this.#title}, last five minutes. ${words.join('. ')}. Arrow keys go through time.`);
  }

  #redraw() {
    const { top, right, bottom, left } = EDGE;
    this.#svg.setAttribute('viewBox', `0 0 ${this.#width} ${HEIGHT}`);
    this.#svg.setAttribute('width', this.#width);
    this.#svg.setAttribute('height', HEIGHT);
    const values = this.#series.flatMap(({ pick }) => this.#samples.map((sample) => (sample.values ? (pick(sample.values) ?? 0) : 0)));
    const steps = ticks(Math.max(this.#least, ...values), { wanted: 3, binary: this.#binary });
    const highest = steps.at(-1);
    this.x = (at) => left + (1 - (this.#now - at) / this.#spanMs) * (this.#width - left - right);
    this.y = (value) => top + (1 - value / highest) * (HEIGHT - top - bottom);
    this.#drawGrid(steps);
    for (const [index, { pick }] of this.#series.entries()) {
      const runs = this.#runs(pick);
      this.#lines[index].setAttribute('d', runs.map((run) => `M${run.join('L')}`).join(''));
      if (index > 0) continue;
      const floor = this.y(0).toFixed(1);
      this.#area.setAttribute('d', runs.map((run) => `M${run[0].split(' ')[0]} ${floor}L${run.join('L')}L${run.at(-1).split(' ')[0]} ${floor}Z`).join(''));
    }
    this.#drawCursor();
  }

  /** The points of a series, in runs that gaps interrupt. */
  #runs(pick) {
    const runs = [];
    let run = null;
    for (const { at, values } of this.#samples) {
      const value = values ? pick(values) : null;
      const x = this.x(at);
      if (value === null || value === undefined || x < EDGE.left) {
        run = null;
        continue;
      }
      if (!run) runs.push(run = []);
      run.push(`${x.toFixed(1)} ${this.y(value).toFixed(1)}`);
    }
    return runs;
  }

  #drawGrid(steps) {
    const { left, right, bottom } = EDGE;
    const parts = [];
    for (const step of steps) {
      const y = Math.round(this.y(step)) + 0.5;
      parts.push(shape('line', { x1: left, x2: this.#width - right, y1: y, y2: y }), label(this.#format(step), left - 8, y + 4, 'end'));
    }
    const room = Math.floor((this.#width - left - right) / TIME_LABEL_PX);
    const seconds = this.#spanMs / 1000;
    const step = TIME_STEPS_S.find((candidate) => seconds / candidate <= room) ?? TIME_STEPS_S.at(-1);
    for (let before = 0; before < seconds - step / 3; before += step) {
      const text = before === 0 ? 'now' : before % 60 === 0 ? `−${before / 60} min` : `−${before} s`;
      parts.push(label(text, this.x(this.#now - before * 1000), HEIGHT - bottom + 16, before === 0 ? 'end' : 'middle'));
    }
    this.#grid.replaceChildren(...parts);
  }

  #point(event) {
    const box = this.#svg.getBoundingClientRect();
    const at = this.#now - (1 - (event.clientX - box.left - EDGE.left) / (this.#width - EDGE.left - EDGE.right)) * this.#spanMs;
    let nearest = null;
    for (const sample of this.#samples) if (!nearest || Math.abs(sample.at - at) < Math.abs(nearest.at - at)) nearest = sample;
    this.#place(nearest);
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === 'Escape') this.#place(null);
    if (!step || this.#samples.length === 0) return;
    event.preventDefault();
    const last = this.#samples.length - 1;
    const at = this.#cursor ? this.#samples.indexOf(this.#cursor) : last + 1;
    this.#place(this.#samples[Math.min(last, Math.max(0, at + step))]);
    setText(this.#said, `${secondsAgo(this.#now, this.#cursor.at)}: ${this.#words(this.#cursor).join(', ')}`);
  }

  #place(sample) {
    this.#cursor = sample;
    this.#drawCursor();
  }

  #words({ values }) {
    return values ? this.#series.map(({ name, pick }) => `${name} ${this.#format(pick(values))}`) : ['no answer'];
  }

  #drawCursor() {
    const sample = this.#cursor && this.#samples.includes(this.#cursor) ? this.#cursor : null;
    this.#tip.hidden = sample === null;
    this.#marks.replaceChildren();
    if (!sample) return;
    const x = this.x(sample.at);
    this.#marks.append(shape('line', { class: 'plot-cursor', x1: x, x2: x, y1: EDGE.top, y2: HEIGHT - EDGE.bottom }));
    for (const { pick, tone } of sample.values ? this.#series : []) {
      const value = pick(sample.values);
      if (value !== null && value !== undefined) this.#marks.append(shape('circle', { class: `tone-${tone}`, cx: x, cy: this.y(value), r: 3.5 }));
    }
    this.#tip.replaceChildren(el('strong', { title: exactTime(sample.at) }, secondsAgo(this.#now, sample.at)), ...this.#words(sample).map((text) => el('span', {}, text)));
    const width = this.#tip.offsetWidth;
    this.#tip.style.left = `${x + 12 + width > this.#width ? x - 12 - width : x + 12}px`;
  }
}

function secondsAgo(now, at) {
  const seconds = Math.round((now - at) / 1000);
  return seconds <= 0 ? 'Now' : `${seconds} s ago`;
}

function label(text, x, y, anchor) {
  const element = shape('text', { x, y, 'text-anchor': anchor });
  element.textContent = text;
  return element;
}

function shape(tag, attributes) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
