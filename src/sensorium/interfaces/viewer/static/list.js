// All files of the library, and what a search finds in them.
import {h, clock} from './dom.js';
import {get} from './api.js';

const STEP = 200;  // rows at once: a library may hold ten thousand files
const SIGN = {video: '▶', audio: '♪', image: '▣'};
const KIND = {word: 'said', text: 'on screen', subtitle: 'subtitle', name: 'who'};

export async function listRoom(place, {options}) {
  const wanted = options.get('q') || '';
  const [{library, files}, hits] = await Promise.all([
    get('api/files'), wanted ? get(`api/find?q=${encodeURIComponent(wanted)}`) : [],
  ]);
  document.getElementById('library').textContent = library;
  document.title = wanted ? `${wanted} · ${library}` : library;
  const names = new Map(files.map(file => [file.id, file.name]));
  const low = wanted.toLowerCase();
  const shown = files.filter(file => !low || file.name.toLowerCase().includes(low));
  if (wanted) {
    document.getElementById('q').value = wanted;
    place.append(h('h1', {}, hits.length ? `${hits.length} found` : 'Nothing found', h('small', {}, ` for “${wanted}”`)));
    place.append(h('ul', {class: 'hits', 'aria-label': 'What was found'}, hits.map(hit => found(hit, names.get(hit.file)))));
    if (shown.length) place.append(h('h2', {}, 'Files of that name'), table(shown));
  } else {
    place.append(h('h1', {}, files.length === 1 ? '1 file' : `${files.length} files`));
    place.append(files.length ? table(shown) : h('p', {class: 'soft'}, 'Nothing in it yet: sensorium extract FILES --out FOLDER'));
  }
  return {refresh: () => dispatchEvent(new Event('hashchange'))};
}

function found(hit, name) {
  const at = hit.at === null ? '' : `?t=${hit.at}`;
  const text = [];
  let done = 0;
  for (const [start, end] of hit.marks) {
    text.push(hit.text.slice(done, start), h('mark', {}, hit.text.slice(start, end)));
    done = end;
  }
  text.push(hit.text.slice(done));
  const who = hit.kind === 'name' ? '' : hit.name || hit.speaker || '';
  return h('li', {}, h('a', {href: `#/file/${hit.file}${at}`},
    h('span', {class: 'soft'}, `${name || ''} ${clock(hit.at)} · ${KIND[hit.kind] || hit.kind}${who ? ` · ${who}` : ''}`),
    h('span', {class: 'text'}, text)));
}

function table(files) {
  const body = h('tbody');
  const more = h('button', {type: 'button', class: 'more'}, 'Show more');
  let done = 0;
  const fill = () => {
    body.append(...files.slice(done, done + STEP).map(row));
    done += STEP;
    more.hidden = done >= files.length;
  };
  more.addEventListener('click', fill);
  fill();
  const head = h('thead', {}, h('tr', {}, ['File', 'Length', 'Who'].map(name => h('th', {scope: 'col'}, name))));
  return h('div', {}, h('table', {class: 'files'}, head, body), more);
}

function row(file) {
  const who = [...file.people, ...(file.unnamed ? [`${file.unnamed} unnamed`] : [])].join(', ');
  return h('tr', {},
    h('td', {}, h('span', {class: 'sign', 'aria-hidden': 'true'}, SIGN[file.kind] || '!'),
      h('a', {href: `#/file/${file.id}`, title: file.uri}, file.name),
      h('span', {class: 'hidden'}, ` (${file.kind || 'could not be read'})`)),
    h('td', {class: 'number'}, clock(file.duration)),
    h('td', {class: 'soft'}, who));
}
