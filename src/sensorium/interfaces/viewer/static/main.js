// The rooms of the viewer, the way between them, and the keyboard.
import {h, toast, dialog} from './dom.js';
import {undo} from './api.js';
import {listRoom} from './list.js';
import {fileRoom} from './file.js';
import {peopleRoom} from './people.js';
import {reviewRoom} from './review.js';
import {historyRoom} from './history.js';

const main = document.getElementById('main'), query = document.getElementById('q');
let room = {};
let coming = 0;

const KEYS = [
  ['space, k', 'play or pause'], ['←  →', '5 s back, on'], ['j  l', '10 s back, on'],
  ['shift ←  →', 'the word before, after'], ['e', 'fix this word'], ['t', 'edit this turn'],
  ['f', 'follow the words'], ['+  −  0', 'zoom the timeline'], ['/', 'search'], ['u', 'undo the last correction'],
  ['y  n  s', 'review: yes, no, skip'], ['?', 'this help'],
];

function help() {
  dialog('Keyboard', h('dl', {class: 'keys'}, KEYS.flatMap(([key, what]) => [h('dt', {}, key), h('dd', {}, what)])));
}

function route() {
  const [path, tail] = location.hash.replace(/^#/, '').split('?');
  const [, name = '', id = ''] = path.split('/');
  return {name, id, options: new URLSearchParams(tail || '')};
}

async function go() {
  const here = route(), turn = ++coming;
  if (room.leave) room.leave();
  room = {};
  const rooms = {'': listRoom, file: fileRoom, people: peopleRoom, review: reviewRoom, history: historyRoom};
  for (const link of document.querySelectorAll('nav a')) {
    if (link.getAttribute('href') === `#/${here.name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  main.setAttribute('aria-busy', 'true');
  if (here.name !== '' || !here.options.get('q')) query.value = '';
  const place = h('div', {class: `room ${here.name || 'list'}`});
  try {
    const next = await (rooms[here.name] || listRoom)(place, here);
    if (turn !== coming) { if (next && next.leave) next.leave(); return; }
    room = next || {};
  } catch (error) {
    place.replaceChildren(h('p', {class: 'bad', role: 'alert'}, error.message));
  }
  if (turn !== coming) return;
  main.replaceChildren(place);
  main.removeAttribute('aria-busy');
  scrollTo(0, 0);
  if (turn > 1) main.focus({preventScroll: true});  // so a new room is read from its start
  if (room.shown) room.shown();
}

function typing(target) {
  return target.closest('input, select, textarea, dialog') !== null;
}

addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
  const onButton = event.target.closest('button, a, summary') && (event.key === ' ' || event.key === 'Enter');
  if (onButton) return;
  const own = {'/': () => { query.focus(); query.select(); }, '?': help, u: () => undo()};
  const act = own[event.key] || (room.keys && room.keys[(event.shiftKey && event.key.length > 1 ? 'shift ' : '') + event.key]);
  if (act) {
    event.preventDefault();
    act();
  }
});

document.getElementById('help').addEventListener('click', help);
document.getElementById('search').addEventListener('submit', event => {
  event.preventDefault();
  location.hash = query.value.trim() ? `#/?q=${encodeURIComponent(query.value.trim())}` : '#/';
  query.blur();
});
document.querySelector('.skip').addEventListener('click', event => {
  event.preventDefault();  // the address after # says the room
  main.focus();
});
query.addEventListener('keydown', event => { if (event.key === 'Escape') query.blur(); });
addEventListener('corrected', async event => {
  if (!room.refresh) return;
  try {
    await room.refresh(event.detail);
  } catch (error) {
    toast(error.message);
  }
});
addEventListener('hashchange', go);
go();
