// Who is this? One dialog for every correction of an identity.
import {h, clock, dialog, percent} from './dom.js';
import {get, correct} from './api.js';

// `who` has `identity`, and where it was asked in a file: `label`, `sample`, `file`.
export async function openPerson(who) {
  if (!who.identity) {
    dialog(who.label, h('p', {}, 'Nobody is known here yet: the voice is too short, or the run that tells who is who was stopped. sensorium extract does it.'));
    return;
  }
  const [person, everyone] = await Promise.all([get(`api/people/${encodeURIComponent(who.identity)}`), get('api/people')]);
  const others = everyone.filter(each => each.identity !== person.identity);
  const act = async deed => { if (await correct(deed)) box.close(); };
  const box = dialog(person.name || 'Who is this?',
    h('p', {class: 'soft'}, summary(person)),
    naming(person, everyone, act),
    who.sample ? h('div', {class: 'acts'}, h('button', {type: 'button', onclick: () => act({do: 'disown', sample: who.sample})},
      person.name ? `In this file it is not ${person.name}` : 'In this file it is somebody else')) : '',
    others.length ? merging(person, others, act) : '',
    h('h3', {}, 'Voices and faces'), samples(person, act),
    person.samples.length > 1 ? h('div', {class: 'acts'}, h('button', {type: 'button', title: 'The two groups that lie farthest apart', onclick: () => act({do: 'split', identity: person.identity, samples: []})}, 'Split in two')) : '',
    person.evidence.length ? [h('h3', {}, 'Why this name'), h('ul', {class: 'evidence'}, person.evidence.map(each =>
      h('li', {}, h('b', {}, each.name), ` ${percent(each.score)} · ${each.source}`, each.quote ? h('q', {}, each.quote) : '')))] : '');
}

export function summary(person) {
  const sure = person.name ? (person.name_score === 1 ? 'named by hand' : `name ${percent(person.name_score)} sure`) : 'without a name';
  const parts = [sure];
  if (person.seconds) parts.push(`heard ${clock(person.seconds)}`);
  if (person.on_screen) parts.push(`seen ${clock(person.on_screen)}`);
  return parts.join(' · ');
}

function naming(person, everyone, act) {
  const field = h('input', {value: person.name || '', maxlength: 200, list: 'names', 'aria-label': 'Name', placeholder: 'Name', autocomplete: 'off'});
  const names = new Set([...person.names.map(([name]) => name), ...everyone.map(each => each.name).filter(Boolean)]);
  return h('form', {class: 'name', onsubmit: event => { event.preventDefault(); act({do: 'name', identity: person.identity, name: field.value.trim()}); }},
    field, h('datalist', {id: 'names'}, [...names].map(value => h('option', {value}))), h('button', {type: 'submit', class: 'main'}, 'Save name'));
}

function merging(person, others, act) {
  const choice = h('select', {'aria-label': 'The same person as'}, h('option', {value: ''}, 'Same person as …'),
    others.map(each => h('option', {value: each.identity}, `${each.name || 'unnamed'} (${each.identity})`)));
  return h('form', {class: 'name', onsubmit: event => {
    event.preventDefault();
    const other = others.find(each => each.identity === choice.value);
    if (!other) return;
    // the one with a name is kept, else the one that is looked at
    const [into, gone] = !person.name && other.name ? [other, person] : [person, other];
    act({do: 'merge', identity: into.identity, other: gone.identity});
  }}, choice, h('button', {type: 'submit'}, 'Merge'));
}

export function samples(person, act) {
  return h('ul', {class: 'samples'}, person.samples.map(each => h('li', {},
    each.kind !== 'voice' && each.file ? h('img', {src: `api/files/${each.file}/face/${encodeURIComponent(each.label)}`, alt: '', loading: 'lazy'}) : h('i', {'aria-hidden': 'true'}, each.kind === 'voice' ? '♪' : '?'),
    h('span', {}, each.file ? h('a', {href: `#/file/${each.file}`}, each.called) : each.called,
      h('small', {}, ` ${each.kind} ${each.label} · ${clock(each.seconds)}${each.score === null ? '' : ` · ${percent(each.score)} sure`}`)),
    person.samples.length > 1 ? h('button', {type: 'button', 'aria-label': `${each.kind} ${each.label} in ${each.called} is not this person`, onclick: () => act({do: 'disown', sample: each.sample})}, 'not this person') : '')));
}
