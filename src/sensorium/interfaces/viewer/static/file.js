// One file: it plays, its lanes and words follow, and what is wrong is put right here.
import {h, clock, dialog, named, percent, toast} from './dom.js';
import {get, correct} from './api.js';
import {Lanes} from './lanes.js';
import {Words} from './words.js';
import {openPerson} from './person.js';

export async function fileRoom(place, {id, options}) {
  const data = await get(`api/files/${id}`);
  const room = new FileRoom(data);
  document.title = `${data.name} · Sensorium`;
  place.append(...room.parts());
  const at = options.get('t');
  if (at !== null && isFinite(at)) room.jump(+at);
  return room;
}

class FileRoom {
  constructor(data) {
    this.data = data;
    this.time = 0;
    const jump = time => this.jump(time), who = label => this.who(label);
    this.media = this.player();
    this.timed = data.duration > 0 && data.kind !== 'image';
    if (this.timed) this.lanes = new Lanes(data, {jump, who, move: (...all) => this.move(...all), label: label => this.label(label)});
    this.words = data.words.text.length ? new Words(data, {
      jump, who, label: label => this.label(label), edit: index => this.edit(index), followed: on => this.followed(on),
    }) : null;
    this.keys = {
      ' ': () => this.toggle(), k: () => this.toggle(), j: () => this.jump(this.time - 10), l: () => this.jump(this.time + 10),
      ArrowLeft: () => this.jump(this.time - 5), ArrowRight: () => this.jump(this.time + 5),
      'shift ArrowLeft': () => this.step(-1), 'shift ArrowRight': () => this.step(1),
      e: () => this.edit(this.words ? this.words.current : -1), t: () => this.turn(), f: () => this.words && this.words.setFollow(true),
      '+': () => this.zoom(1.8), '=': () => this.zoom(1.8), '-': () => this.zoom(1 / 1.8), 0: () => this.lanes && this.lanes.fit(),
    };
  }

  label(label) {
    this.byLabel = this.byLabel || new Map(this.data.labels.map(each => [each.label, each]));
    return this.byLabel.get(label);
  }

  player() {
    const {kind, missing, id, name} = this.data;
    if (missing || !kind) return null;
    if (kind === 'image') return h('img', {src: `media/${id}`, alt: name, class: 'still'});
    const media = h(kind, {src: `media/${id}`, controls: true, preload: 'metadata', playsinline: true, 'aria-label': name, tabindex: -1});
    media.addEventListener('play', () => this.run());
    for (const event of ['seeked', 'timeupdate', 'pause']) media.addEventListener(event, () => this.tick(media.currentTime));
    media.addEventListener('error', () => toast('This browser cannot play the file, or it has changed.'));
    return media;
  }

  parts() {
    const {name, about, missing, errors, warnings, labels} = this.data;
    const notes = [...(missing ? [missing] : []), ...errors].map(text => h('p', {class: 'bad'}, text));
    const soft = warnings.map(text => h('p', {class: 'soft'}, `warning: ${text}`));
    this.chips = h('div', {class: 'chips', role: 'group', 'aria-label': 'Who is in it'});
    this.fill();
    const stage = h('div', {class: 'stage'}, this.media || '', this.timed ? this.tools() : '', this.lanes ? this.lanes.node : '', ...notes, ...soft);
    this.back = h('button', {type: 'button', class: 'follow', hidden: true, onclick: () => this.words.setFollow(true)}, 'Follow the words (f)');
    const talk = this.words ? h('div', {class: 'side'}, this.words.node, this.back) : '';
    return [h('div', {class: 'title'}, h('h1', {}, name), h('p', {class: 'soft'}, about)), labels.length ? this.chips : '',
      h('div', {class: this.words ? 'board' : 'board bare'}, stage, talk)];
  }

  tools() {
    this.clock = h('output', {'aria-label': 'Time'}, `0:00 / ${clock(this.data.duration)}`);
    const button = (text, title, act) => h('button', {type: 'button', title, 'aria-label': title, onclick: act}, text);
    const rate = h('select', {'aria-label': 'Speed', onchange: () => { if (this.media) this.media.playbackRate = +rate.value; }},
      ['0.5', '0.75', '1', '1.25', '1.5', '2'].map(value => h('option', {value, selected: value === '1'}, `${value}×`)));
    return h('div', {class: 'tools', role: 'toolbar', 'aria-label': 'Playback and timeline'},
      this.media ? this.button = button('Play', 'Play or pause (space)', () => this.toggle()) : '',
      this.clock, this.media ? rate : '', h('span', {class: 'gap'}),
      this.words ? button('Fix word', 'Fix the current word (e)', () => this.edit(this.words.current)) : '',
      this.data.turns.start.length ? button('Edit turn', 'Edit the current turn (t)', () => this.turn()) : '',
      button('−', 'Show more of the time (-)', () => this.zoom(1 / 1.8)), button('fit', 'Show all (0)', () => this.lanes.fit()), button('+', 'Look closer (+)', () => this.zoom(1.8)));
  }

  fill() {
    this.chips.replaceChildren(...this.data.labels.map(each => h('button', {
      type: 'button', class: `chip c${each.colour % 8}`, title: 'Who is this?', onclick: () => this.who(each.label),
    }, each.face && !this.data.missing ? h('img', {src: `api/files/${this.data.id}/face/${encodeURIComponent(each.label)}`, alt: '', loading: 'lazy'}) : h('i'),
    h('span', {}, named(each), h('small', {}, each.kind === 'voice' ? ' voice' : ' face', each.name && each.name_score < 1 ? ` ${percent(each.name_score)}` : '')))));
  }

  shown() {
    if (this.words) this.words.measure();
    if (this.lanes) this.lanes.draw();
    this.tick(this.time);
  }

  jump(time) {
    this.time = Math.min(Math.max(time, 0), this.data.duration);
    if (this.media && this.timed) this.media.currentTime = this.time;
    if (this.words) this.words.setFollow(true);
    this.tick(this.time);
  }

  toggle() {
    if (!this.media || !this.timed) return;
    if (this.media.paused) this.media.play().catch(error => toast(error.message)); else this.media.pause();
  }

  run() {
    const frame = () => {
      if (!this.media || this.media.paused || this.gone) return;
      this.tick(this.media.currentTime);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  // Shows a time in the lanes, the words and the clock; what does not change is left alone.
  tick(time) {
    this.time = time;
    if (this.lanes) this.lanes.show(time);
    if (this.words) this.words.at(time);
    const text = `${clock(time)} / ${clock(this.data.duration)}`;
    if (this.clock && this.clock.textContent !== text) this.clock.textContent = text;
    const sign = this.media && this.media.paused === false ? 'Pause' : 'Play';
    if (this.button && this.button.textContent !== sign) this.button.textContent = sign;
  }

  step(by) {
    if (!this.words) return;
    const index = Math.min(Math.max(this.words.current + by, 0), this.words.starts.length - 1);
    this.jump(this.words.starts[index]);
  }

  zoom(factor) { if (this.lanes) this.lanes.zoom(factor); }

  followed(on) { this.back.hidden = on; }

  who(label) {
    const each = this.label(label);
    if (!each) return;
    openPerson({...each, file: this.data.id});
  }

  edit(index) {
    if (!this.words || index < 0) return;
    const {words} = this.data, heard = words.heard[index] === null ? words.text[index] : words.heard[index];
    const field = h('input', {value: words.text[index], maxlength: 500, 'aria-label': 'What was said', spellcheck: 'true'});
    const about = {do: 'word', file: this.data.id, start: words.start[index], end: words.end[index], heard, channel: words.channel[index]};
    const say = async to => { if (to && await correct({...about, to})) box.close(); };
    const box = dialog('Fix the word', h('form', {onsubmit: event => { event.preventDefault(); say(field.value.trim()); }},
      field, h('p', {class: 'soft'}, `${clock(words.start[index], 1)} · heard “${heard}”${words.score[index] === null ? '' : `, ${percent(words.score[index])} sure`}`),
      h('div', {class: 'acts'}, h('button', {type: 'submit', class: 'main'}, 'Save'),
        h('button', {type: 'button', onclick: () => say(heard)}, 'It was heard right'),
        this.media ? h('button', {type: 'button', onclick: () => this.hear(words.start[index], words.end[index])}, 'Listen') : '')));
    field.select();
  }

  // Plays a passage with a little before and after it.
  hear(start, end) {
    this.jump(Math.max(start - 0.6, 0));
    this.media.play().catch(() => {});
    clearInterval(this.until);
    this.until = setInterval(() => {
      if (this.media.currentTime < end + 0.4 && !this.media.paused) return;
      clearInterval(this.until);
      this.media.pause();
    }, 40);
  }

  turn(index = this.turnAt(this.time)) {
    const {turns, duration} = this.data;
    if (index < 0) { toast('Nobody speaks here.'); return; }
    const edge = (name, at) => {
      const field = h('input', {type: 'number', step: 'any', min: 0, max: duration, value: at.toFixed(2), 'aria-label': `${name}, seconds`, required: true});
      return [field, h('label', {}, name, field, h('button', {type: 'button', onclick: () => { field.value = this.time.toFixed(2); }}, 'at the cursor'))];
    };
    const [from, first] = edge('begins', turns.start[index]), [to, second] = edge('ends', turns.end[index]);
    const box = dialog(`Turn of ${named(this.label(turns.speaker[index]) || {label: turns.speaker[index]})}`, h('form', {class: 'turn', onsubmit: async event => {
      event.preventDefault();
      if (await this.move(index, +from.value, +to.value)) box.close();
    }}, first, second, h('div', {class: 'acts'}, h('button', {type: 'submit', class: 'main'}, 'Save'),
      this.media ? h('button', {type: 'button', onclick: () => this.hear(+from.value, +to.value)}, 'Listen') : '')));
  }

  // The turn at a time, else the last one before it.
  turnAt(time) {
    const {start, end} = this.data.turns;
    let best = -1;
    for (let i = 0; i < start.length && start[i] <= time; i++) if (best < 0 || end[i] > time || end[best] <= time) best = i;
    return best < 0 && start.length ? 0 : best;
  }

  async move(index, start, end) {
    const {turns} = this.data;
    const done = await correct({do: 'edge', file: this.data.id, start: turns.found_start[index], end: turns.found_end[index],
      speaker: turns.speaker[index], to_start: start, to_end: end});
    if (!done && this.lanes) this.lanes.draw();
    return done;
  }

  // What was corrected, here or in another tab: names are read anew, and words and turns where it is of them.
  async refresh({do: deed, file}) {
    if (file && file !== this.data.id) return;
    if (['word', 'edge', 'undo'].includes(deed)) {
      const fresh = await get(`api/files/${this.data.id}`);
      Object.assign(this.data, fresh);
    } else {
      this.data.labels = await get(`api/files/${this.data.id}/labels`);
    }
    this.byLabel = null;
    this.fill();
    if (this.lanes) this.lanes.renew();
    if (this.words) this.words.renew();
  }

  leave() {
    this.gone = true;
    clearInterval(this.until);
    if (this.media && this.timed) { this.media.pause(); this.media.removeAttribute('src'); this.media.load(); }
    if (this.lanes) this.lanes.leave();
    if (this.words) this.words.leave();
  }
}
