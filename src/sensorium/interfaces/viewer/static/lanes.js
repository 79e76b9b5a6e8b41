// Shots, voices, persons and texts along the time, on one canvas: their number costs no nodes.
import {h, clock, colour, countUpTo, named} from './dom.js';

const LANE = 22, GAP = 4, RULER = 22, REACH = 6;  // pixels
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

export class Lanes {
  constructor(data, act) {
    this.data = data;
    this.act = act;  // {jump(time), who(label), turn(index), move(index, start, end)}
    this.length = Math.max(data.duration, 0.001);
    this.from = 0;
    this.to = this.length;
    this.time = 0;
    this.canvas = h('canvas', {'aria-hidden': 'true'});
    this.cursor = h('div', {class: 'cursor'});
    this.tip = h('div', {class: 'tip', hidden: true});
    this.track = h('div', {class: 'track', role: 'slider', tabindex: 0, 'aria-label': 'Position', 'aria-valuemin': 0, 'aria-valuemax': Math.round(this.length)}, this.canvas, this.cursor, this.tip);
    this.labels = h('div', {class: 'labels'});
    this.node = h('div', {class: 'lanes'}, this.labels, this.track);
    for (const kind of ['pointerdown', 'pointermove', 'pointerup', 'pointerleave'])
      this.track.addEventListener(kind, event => this[kind](event));
    this.track.addEventListener('wheel', event => this.wheel(event), {passive: false});
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.track);
    this.scheme = matchMedia('(prefers-color-scheme: dark)');
    this.onscheme = () => this.draw();
    this.scheme.addEventListener('change', this.onscheme);
    this.renew();
  }

  // Names, colours or turns are others than before.
  renew() {
    const {data} = this, rows = (table, keep) => {
      const found = table.start.map((start, i) => [start, table.end[i], i]).filter(([, , i]) => keep(i));
      return {start: found.map(r => r[0]), end: found.map(r => r[1]), index: found.map(r => r[2])};
    };
    this.lanes = [];
    const add = (title, kind, table, more = {}) => { if (table.start.length) this.lanes.push({title, kind, ...table, ...more}); };
    add('shots', 'shots', {...data.shots, index: []});
    for (const who of data.labels) {
      const voice = who.kind === 'voice', table = voice ? data.turns : data.faces;
      const mine = rows(table, i => (voice ? table.speaker : table.person)[i] === who.label);
      add(named(who) + (voice ? '' : ' seen'), voice ? 'turns' : 'faces', mine, {who});
    }
    const texts = {start: data.texts.map(t => t[0]), end: data.texts.map(t => t[1]), text: data.texts.map(t => t[2]), index: []};
    add('on screen', 'texts', texts);
    add('subtitles', 'texts', {...data.subtitles, index: []});
    for (const lane of this.lanes) lane.longest = lane.end.reduce((most, end, i) => Math.max(most, end - lane.start[i]), 0);
    this.labels.replaceChildren(h('div', {class: 'ruler'}), ...this.lanes.map(lane => this.label(lane)));
    this.draw();
  }

  label(lane) {
    const seconds = lane.end.reduce((sum, end, i) => sum + end - lane.start[i], 0);
    const told = `${lane.title}: ${lane.start.length} stretches, ${clock(seconds)} in all`;
    if (!lane.who) return h('div', {class: 'label', title: told}, h('span', {}, lane.title));
    return h('button', {type: 'button', class: `label c${lane.who.colour % 8}`, title: told, 'aria-label': `${told}. Who is this?`, onclick: () => this.act.who(lane.who.label)}, h('i'), h('span', {}, lane.title));
  }

  get rate() { return this.track.clientWidth / (this.to - this.from); }
  timeAt(x) { return this.from + x / this.rate; }
  x(time) { return (time - this.from) * this.rate; }

  draw() {
    const wide = this.track.clientWidth, high = RULER + this.lanes.length * (LANE + GAP), sharp = devicePixelRatio || 1;
    if (!wide) return;
    this.canvas.width = wide * sharp;
    this.canvas.height = high * sharp;
    this.canvas.style.height = `${high}px`;
    const pen = this.canvas.getContext('2d'), style = getComputedStyle(document.documentElement);
    const paint = name => style.getPropertyValue(name).trim();
    pen.scale(sharp, sharp);
    pen.font = '11px system-ui, sans-serif';
    pen.textBaseline = 'middle';
    this.ruler(pen, paint);
    this.lanes.forEach((lane, number) => this.lane(pen, lane, RULER + number * (LANE + GAP), paint));
    this.show(this.time);
  }

  ruler(pen, paint) {
    const step = STEPS.find(each => each * this.rate >= 70) || 7200, wide = this.track.clientWidth;
    pen.fillStyle = paint('--soft');
    for (let t = Math.ceil(this.from / step) * step; t <= this.to; t += step) {
      const x = this.x(t);
      pen.fillRect(x, RULER - 6, 1, 4);
      if (x < wide - 30) pen.fillText(clock(t, step < 1 ? 1 : 0), x + 3, 8);
    }
  }

  lane(pen, lane, top, paint) {
    const wide = this.track.clientWidth, texts = lane.kind === 'texts';
    pen.fillStyle = paint('--lane');
    pen.fillRect(0, top, wide, LANE);
    const bar = lane.who ? colour(lane.who.colour) : paint(texts ? '--text' : '--bar');
    const first = Math.max(countUpTo(lane.start, this.from - lane.longest) - 1, 0);
    const last = countUpTo(lane.start, this.to);
    let right = -1;  // a bar that adds no pixel is not drawn
    for (let i = first; i < last; i++) {
      const held = this.held && lane.kind === 'turns' && lane.index[i] === this.held.index ? this.held : null;
      const x0 = Math.max(this.x(held ? held.start : lane.start[i]), 0), x1 = Math.min(this.x(held ? held.end : lane.end[i]), wide);
      if (x1 < 0 || (x1 <= right && !texts)) continue;
      const gap = x1 - x0 > 3 ? 1 : 0;
      pen.fillStyle = lane.kind === 'shots' ? paint(i % 2 ? '--shot2' : '--shot') : bar;
      pen.globalAlpha = lane.kind === 'faces' ? 0.55 : 1;
      pen.fillRect(x0, top + (lane.kind === 'faces' ? 5 : 2), Math.max(x1 - x0 - gap, 1), LANE - (lane.kind === 'faces' ? 10 : 4));
      pen.globalAlpha = 1;
      right = Math.max(right, Math.floor(x1));
      const text = lane.kind === 'shots' ? String(i) : lane.text ? lane.text[i] : '';
      if (text && x1 - x0 > (texts ? 30 : 16)) {
        pen.save();
        pen.beginPath();
        pen.rect(x0, top, x1 - x0 - 4, LANE);
        pen.clip();
        pen.fillStyle = paint('--ink');
        pen.fillText(text, x0 + 5, top + LANE / 2 + 0.5);
        pen.restore();
      }
    }
  }

  // Moves the cursor; nothing is drawn, so this may happen with every frame.
  show(time) {
    const before = this.time, moved = time !== before, inside = at => at >= this.from && at <= this.to;
    this.time = time;
    // A zoomed view turns the page as the cursor leaves it, and goes where somebody jumps to; who looks
    // elsewhere while it plays is left there.
    if (moved && !inside(time) && (inside(before) || Math.abs(time - before) > 1)) {
      const span = this.to - this.from;
      this.view(time - span / 10, time + 0.9 * span);
      return;
    }
    const x = this.x(time), wide = this.track.clientWidth;
    this.cursor.hidden = !inside(time);
    this.cursor.style.transform = `translateX(${Math.min(Math.max(x, 0), wide - 1)}px)`;
    const second = Math.floor(time);
    if (second !== this.second) {
      this.second = second;
      this.track.setAttribute('aria-valuenow', second);
      this.track.setAttribute('aria-valuetext', `${clock(time)} of ${clock(this.length)}`);
    }
  }

  view(from, to) {
    const span = Math.min(Math.max(to - from, 2), this.length);
    this.from = Math.min(Math.max(from, 0), this.length - span);
    this.to = this.from + span;
    this.draw();
  }

  zoom(factor, at = this.time) {
    const where = Math.min(Math.max(at, this.from), this.to);
    this.view(where - (where - this.from) / factor, where + (this.to - where) / factor);
  }

  fit() { this.view(0, this.length); }

  wheel(event) {
    const x = event.clientX - this.track.getBoundingClientRect().left;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), this.timeAt(x));
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
      event.preventDefault();
      const by = (event.deltaX || event.deltaY) / this.rate;
      this.view(this.from + by, this.to + by);
    }
  }

  // What lies under the pointer: the lane, the row in it, and which edge of a turn is near.
  under(event) {
    const box = this.track.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const lane = this.lanes[Math.floor((y - RULER) / (LANE + GAP))], time = this.timeAt(x), reach = REACH / this.rate;
    if (!lane || y < RULER) return {time};
    for (let i = Math.max(countUpTo(lane.start, time + reach) - 1, 0); i >= 0 && lane.start[i] > time - lane.longest - reach; i--) {
      if (time < lane.start[i] - reach || time > lane.end[i] + reach) continue;
      const large = (lane.end[i] - lane.start[i]) * this.rate > 3 * REACH;
      const edge = lane.kind !== 'turns' || !large ? '' : Math.abs(time - lane.start[i]) < reach ? 'start' : Math.abs(time - lane.end[i]) < reach ? 'end' : '';
      return {time, lane, i, edge};
    }
    return {time, lane};
  }

  pointerdown(event) {
    const {time, lane, i, edge} = this.under(event);
    this.track.setPointerCapture(event.pointerId);
    this.dragging = true;
    if (edge) this.held = {index: lane.index[i], edge, start: lane.start[i], end: lane.end[i], from: time};
    else this.act.jump(Math.min(Math.max(time, 0), this.length));
  }

  pointermove(event) {
    const {time, lane, i, edge} = this.under(event);
    if (this.held) {
      const held = this.held, at = Math.min(Math.max(time, 0), this.length);
      if (held.edge === 'start') held.start = Math.min(at, held.end - 0.05); else held.end = Math.max(at, held.start + 0.05);
      this.draw();
      this.hint(event, `${clock(held.start, 2)} – ${clock(held.end, 2)}`);
    } else if (this.dragging) this.act.jump(Math.min(Math.max(time, 0), this.length));
    else {
      this.track.classList.toggle('edge', Boolean(edge));
      const text = lane && i !== undefined ? `${lane.text ? lane.text[i] : lane.title} ${clock(lane.start[i])}–${clock(lane.end[i])}` : clock(time, 1);
      this.hint(event, text);
    }
  }

  pointerup() {
    const held = this.held;
    this.held = null;
    this.dragging = false;
    this.tip.hidden = true;
    if (held) this.act.move(held.index, held.start, held.end);
  }

  pointerleave() {
    if (!this.held) this.tip.hidden = true;
  }

  hint(event, text) {
    if (event.pointerType === 'touch' && !this.held) return;
    const box = this.track.getBoundingClientRect(), x = event.clientX - box.left;
    this.tip.textContent = text;
    this.tip.hidden = false;
    this.tip.style.transform = `translate(${Math.max(Math.min(x + 12, box.width - this.tip.offsetWidth - 2), 0)}px, ${event.clientY - box.top + 14}px)`;
  }

  leave() {
    this.resized.disconnect();
    this.scheme.removeEventListener('change', this.onscheme);
  }
}
