// Everyone whom the library knows.
import {h} from './dom.js';
import {get} from './api.js';
import {openPerson, summary} from './person.js';

export async function peopleRoom(place) {
  document.title = 'People · Sensorium';
  const fill = async () => {
    const people = await get('api/people');
    place.replaceChildren(h('h1', {}, people.length === 1 ? '1 person' : `${people.length} people`),
      people.length ? h('p', {}, h('a', {href: 'title'}, 'Who is there when, and with whom')) : '',
      people.length ? h('ul', {class: 'cards'}, people.map(card)) : h('p', {class: 'soft'}, 'Nobody was heard or seen yet.'));
  };
  await fill();
  return {refresh: fill};
}

function card(person) {
  const face = person.samples.find(each => each.kind !== 'voice' && each.file);
  const files = new Set(person.samples.map(each => each.called)).size;
  return h('li', {}, h('button', {type: 'button', class: 'card', onclick: () => openPerson(person)},
    face ? h('img', {src: `api/files/${face.file}/face/${encodeURIComponent(face.label)}`, alt: '', loading: 'lazy'}) : h('i', {'aria-hidden': 'true'}, '♪'),
    h('span', {}, h('b', {class: person.name ? '' : 'bad'}, person.name || 'unnamed'), h('small', {}, summary(person)), h('small', {}, files === 1 ? '1 file' : `${files} files`))));
}
