// Every correction, the last first, with the way back.
import {h} from './dom.js';
import {get, undo} from './api.js';

export async function historyRoom(place) {
  document.title = 'History · Sensorium';
  const fill = async () => {
    const done = await get('api/history');
    place.replaceChildren(h('h1', {}, 'Corrections'),
      done.length ? h('ul', {class: 'history'}, done.map(each => h('li', {class: each.undone ? 'undone' : ''},
        h('span', {class: 'soft'}, `${each.number}`), h('span', {}, each.text),
        each.undone ? h('small', {}, 'taken back') : h('button', {type: 'button', 'aria-label': `Take back: ${each.text}`, onclick: () => undo(each.number)}, 'Undo')))) : h('p', {class: 'soft'}, 'Nothing was corrected yet.'));
  };
  await fill();
  return {refresh: fill};
}
