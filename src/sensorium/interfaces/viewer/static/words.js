// The transcript. Only what is in sight is in the page: a file may hold tens of thousands of words.
import {h, clock, countUpTo} from './dom.js';

const ROOM = 600;  // pixels kept above and below what is in sight
const UNSURE = 0.5;

export class Words {
  constructor(data, act) {
    this.data = data;
    this.act = act;  // {jump(time), edit(index), who(label)}
    this.starts = data.words.start;
    this.said = data.utterances.map(([start, end, speaker, person, first, last, glue]) => ({start, end, speaker, person, first, last, glue}));
    this.firsts = this.said.map(each => each.first);
    this.inner = h('div', {class: 'sheet', role: 'list', 'aria-label': 'Transcript'});
    this.node = h('div', {class: 'talk', tabindex: 0, role: 'region', 'aria-label': 'Words'}, this.inner);
    this.drawn = new Map();
    this.current = -1;
    this.follow = true;
    this.node.addEventListener('scroll', () => this.draw(), {passive: true});
    for (const kind of ['wheel', 'touchmove', 'pointerdown'])
      this.node.addEventListener(kind, event => { if (kind !== 'pointerdown' || event.target === this.node) this.setFollow(false); }, {passive: true});
    this.node.addEventListener('click', event => this.clicked(event));
    this.node.addEventListener('dblclick', event => {
      const word = event.target.closest('.w');
      if (word) this.act.edit(+word.dataset.i);
    });
    this.resized = new ResizeObserver(() => this.measure());
    this.resized.observe(this.node);
  }

  setFollow(follow) {
    if (this.follow === follow) return;
    this.follow = follow;
    if (this.act.followed) this.act.followed(follow);
    if (follow) this.reveal(this.current);
  }

  clicked(event) {
    const word = event.target.closest('.w'), head = event.target.closest('[data-u]');
    if (word) this.act.jump(this.starts[+word.dataset.i]);
    else if (head && event.target.closest('time')) this.act.jump(this.said[+head.dataset.u].start);
    else if (head && event.target.closest('.who')) this.act.who(this.said[+head.dataset.u].speaker);
  }

  // Heights are estimated from the number of letters, and put right as soon as a row was seen.
  measure() {
    const width = this.node.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    const letters = Math.max((width - 32) / 7.4, 10);
    this.heights = this.said.map(each => {
      let length = 0;
      for (let i = each.first; i < each.last; i++) length += this.data.words.text[i].length + 1;
      return 36 + 25 * Math.ceil(length / letters);
    });
    this.place(0);
    for (const node of this.drawn.values()) node.remove();
    this.drawn.clear();
    this.draw();
    if (this.follow) this.reveal(this.current);
  }

  place(from) {
    this.tops = this.tops && from ? this.tops : [0];
    this.tops.length = from + 1;
    for (let i = from; i < this.heights.length; i++) this.tops.push(this.tops[i] + this.heights[i]);
    this.inner.style.height = `${this.tops[this.heights.length]}px`;
  }

  draw() {
    if (!this.heights || !this.said.length) return;
    for (let round = 0; round < 3; round++) {
      const top = this.node.scrollTop;
      const first = Math.max(countUpTo(this.tops, top - ROOM) - 1, 0);
      const last = Math.min(countUpTo(this.tops, top + this.node.clientHeight + ROOM), this.said.length);
      for (const [index, node] of this.drawn)
        if (index < first || index >= last) { node.remove(); this.drawn.delete(index); }
      const fresh = [];
      for (let index = first; index < last; index++)
        if (!this.drawn.has(index)) { this.drawn.set(index, this.row(index)); fresh.push(index); }
      if (!fresh.length) return;
      this.inner.append(...fresh.map(index => this.drawn.get(index)));
      const wrong = fresh.map(index => [index, this.drawn.get(index).offsetHeight]).filter(([index, high]) => high !== this.heights[index]);
      if (!wrong.length) return;
      const anchor = Math.max(countUpTo(this.tops, top) - 1, 0), offset = top - this.tops[anchor];
      for (const [index, high] of wrong) this.heights[index] = high;
      this.place(Math.min(...wrong.map(([index]) => index)));
      for (const [index, node] of this.drawn) node.style.transform = `translateY(${this.tops[index]}px)`;
      const wanted = this.tops[anchor] + offset;  // what is in sight stays where it is
      if (Math.abs(wanted - top) >= 1) this.node.scrollTop = wanted;
    }
  }

  row(index) {
    const each = this.said[index], label = this.act.label(each.speaker);
    const text = h('p');
    for (let i = each.first; i < each.last; i++) {
      if (i > each.first && each.glue) text.append(each.glue);
      text.append(this.word(i));
    }
    const node = h('div', {class: `said c${label ? label.colour % 8 : ''}`, role: 'listitem', data: {u: index}, 'aria-posinset': index + 1, 'aria-setsize': this.said.length},
      h('div', {class: 'head'},
        each.speaker ? h('button', {type: 'button', class: 'who', title: 'Who is this?'}, label && label.name || each.speaker) : '',
        h('time', {role: 'button', tabindex: 0, 'aria-label': `jump to ${clock(each.start)}`}, clock(each.start))),
      text);
    node.style.transform = `translateY(${this.tops[index]}px)`;
    node.querySelector('time').addEventListener('keydown', event => { if (event.key === 'Enter') this.act.jump(each.start); });
    return node;
  }

  word(i) {
    const {text, score, heard} = this.data.words;
    const unsure = score[i] !== null && score[i] < UNSURE ? ' unsure' : '';
    const fixed = heard[i] !== null && heard[i] !== text[i] ? ' fixed' : '';
    return h('span', {class: `w${unsure}${fixed}`, data: {i}, title: fixed ? `heard: ${heard[i]}` : null,
      'aria-current': i === this.current ? 'true' : null}, text[i]);
  }

  span(i) {
    return i < 0 ? null : this.inner.querySelector(`[data-i="${i}"]`);
  }

  // The word at a time is marked and, if followed, kept in sight. Cheap where nothing changes.
  at(time) {
    const index = countUpTo(this.starts, time + 0.001) - 1;
    if (index === this.current) return;
    const before = this.span(this.current);
    if (before) before.removeAttribute('aria-current');
    this.current = index;
    if (this.follow) this.reveal(index);
    const now = this.span(index);
    if (now) now.setAttribute('aria-current', 'true');
  }

  reveal(i) {
    if (i < 0 || !this.tops || !this.said.length) return;
    const row = Math.max(countUpTo(this.firsts, i) - 1, 0);
    const high = this.node.clientHeight, top = this.node.scrollTop;
    let y = this.tops[row];
    if (y < top - ROOM || y > top + high + ROOM) { this.node.scrollTop = y - high / 4; this.draw(); }
    const word = this.span(i);
    if (!word) return;
    y = this.tops[row] + word.offsetTop;
    if (y < this.node.scrollTop + 30 || y > this.node.scrollTop + high - 60) this.node.scrollTop = y - high / 3;
  }

  // Draws anew what is in the page: names or words were corrected.
  renew() {
    for (const node of this.drawn.values()) node.remove();
    this.drawn.clear();
    this.draw();
  }

  leave() {
    this.resized.disconnect();
  }
}
