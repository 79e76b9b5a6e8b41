// What is least sure, first: a question, and y or n.
import {h, clock, percent} from './dom.js';
import {get, correct} from './api.js';

const KINDS = [['', 'All'], ['name', 'Names'], ['same', 'Same person?'], ['word', 'Words']];

export async function reviewRoom(place, {options}) {
  document.title = 'Review · Sensorium';
  const kind = options.get('kind') || '';
  const room = new ReviewRoom(await get(`api/review?kind=${encodeURIComponent(kind)}`), kind);
  place.append(...room.parts());
  return room;
}

class ReviewRoom {
  constructor(doubts, kind) {
    this.doubts = doubts;
    this.kind = kind;
    this.place = 0;
    this.keys = {y: () => this.answer(true), n: () => this.answer(false), s: () => this.next(), ' ': () => this.hear(), k: () => this.hear()};
  }

  parts() {
    const tabs = KINDS.map(([kind, name]) => h('a', {href: kind ? `#/review?kind=${kind}` : '#/review', 'aria-current': kind === this.kind ? 'true' : null}, name));
    this.card = h('section', {class: 'question', 'aria-live': 'polite', 'aria-label': 'Question'});
    this.show();
    return [h('h1', {}, 'Review'), h('p', {class: 'soft'}, 'The least sure first; people before words, for an answer about a person counts in every file.'), h('div', {class: 'tabs'}, tabs), this.card];
  }

  show() {
    const doubt = this.doubts[this.place];
    this.stop();
    if (!doubt) {
      this.card.replaceChildren(h('p', {}, this.doubts.length ? 'That was all for now.' : 'Nothing is in doubt.'));
      return;
    }
    const ask = {name: () => this.name(doubt), same: () => this.same(doubt), word: () => this.word(doubt)}[doubt.kind]();
    const button = (text, key, act, main) => h('button', {type: 'button', class: main ? 'main' : '', 'aria-keyshortcuts': key, onclick: act}, `${text} `, h('kbd', {}, key));
    const word = doubt.kind === 'word';
    this.card.replaceChildren(...ask, h('p', {class: 'soft'}, h('a', {href: `#/file/${doubt.file}?t=${doubt.start || 0}`}, doubt.called), ` ${clock(doubt.start)} · ${percent(doubt.score)} sure · ${this.place + 1} of ${this.doubts.length}`),
      h('div', {class: 'acts'}, button(word ? 'Right' : 'Yes', 'y', () => this.answer(true), true), button(word ? 'Wrong' : 'No', 'n', () => this.answer(false)), button('Skip', 's', () => this.next()), button('Listen', 'space', () => this.hear())));
    const {start} = doubt;
    this.media = start === null ? null : h('video', {src: `media/${doubt.file}`, preload: 'metadata', playsinline: true, class: 'small', 'aria-label': doubt.called});
    if (this.media) {
      this.media.addEventListener('loadedmetadata', () => { this.media.hidden = !this.media.videoWidth; this.media.currentTime = start; });
      this.media.addEventListener('error', () => { this.media.hidden = true; });
      this.card.prepend(this.media);
    }
  }

  face(of) {
    return of.face ? h('img', {src: `api/files/${of.file}/face/${encodeURIComponent(of.label)}`, alt: `${of.label}`}) : h('i', {'aria-hidden': 'true'}, '♪');
  }

  name(doubt) {
    return [h('div', {class: 'pair'}, this.face(doubt.like || doubt)), h('h2', {}, `Is this ${doubt.name}?`), h('p', {class: 'soft'}, doubt.why)];
  }

  same(doubt) {
    const who = doubt.name || doubt.identity;
    return [h('div', {class: 'pair'}, this.face(doubt), this.face(doubt.like)), h('h2', {}, doubt.face ? `Is this face ${who}?` : `Is this voice ${who}?`)];
  }

  word(doubt) {
    return [h('h2', {}, 'Was this heard right?'), h('blockquote', {}, doubt.before, ' ', h('mark', {}, doubt.heard), ' ', doubt.after)];
  }

  async answer(yes) {
    const doubt = this.doubts[this.place];
    if (!doubt || this.busy) return;
    this.busy = true;
    try {
      const done = doubt.kind === 'word' ? await this.said(doubt, yes) : await correct(
        doubt.kind === 'name' ? {do: 'name', identity: doubt.identity, name: yes ? doubt.name : ''} : {do: yes ? 'confirm' : 'disown', sample: doubt.sample});
      if (done) this.next();
    } finally {
      this.busy = false;
    }
  }

  said(doubt, yes) {
    const say = to => correct({do: 'word', file: doubt.file, start: doubt.start, end: doubt.end, heard: doubt.heard, channel: doubt.channel, to});
    if (yes) return say(doubt.heard);
    const field = h('input', {value: doubt.heard, maxlength: 500, 'aria-label': 'What was said'});
    const form = h('form', {class: 'name', onsubmit: async event => {
      event.preventDefault();
      if (field.value.trim() && await say(field.value.trim())) this.next();
    }}, field, h('button', {type: 'submit', class: 'main'}, 'Save'));
    if (!this.card.querySelector('form')) this.card.append(form);
    field.focus();
    field.select();
    return false;
  }

  next() {
    this.place = Math.min(this.place + 1, this.doubts.length);
    this.show();
  }

  hear() {
    const doubt = this.doubts[this.place], media = this.media;
    if (!doubt || !media) return;
    clearInterval(this.until);
    media.currentTime = Math.max(doubt.start - 0.6, 0);
    media.play().catch(() => {});
    this.until = setInterval(() => { if (media.currentTime > doubt.end + 0.4) { media.pause(); clearInterval(this.until); } }, 40);
  }

  stop() {
    clearInterval(this.until);
    if (this.media) { this.media.pause(); this.media.removeAttribute('src'); this.media.load(); }
    this.media = null;
  }

  // An undone answer is asked again.
  async refresh({do: deed}) {
    if (deed !== 'undo') return;
    this.doubts = await get(`api/review?kind=${encodeURIComponent(this.kind)}`);
    this.place = 0;
    this.show();
  }

  leave() { this.stop(); }
}
