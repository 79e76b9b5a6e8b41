// Small things that every room needs. Data becomes text nodes and properties, never markup.

export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'class') node.className = value;
    else if (name === 'data') Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter(child => child !== null && child !== undefined && child !== ''));
  return node;
}

export function clock(seconds, digits = 0) {
  if (seconds === null || seconds === undefined) return '';
  const unit = 10 ** digits, all = Math.floor(Math.max(seconds, 0) * unit + 1e-6) / unit;
  const hours = Math.floor(all / 3600), minutes = Math.floor(all / 60) % 60;
  const rest = (all % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, '0');
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

// The number of rows that begin at or before a time, where `starts` ascend.
export function countUpTo(starts, time) {
  let low = 0, high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= time) low = middle + 1; else high = middle;
  }
  return low;
}

export function toast(text, action) {
  const box = h('div', {class: 'toast'}, text);
  if (action) box.append(h('button', {type: 'button', onclick: () => { box.remove(); action.run(); }}, action.label));
  document.getElementById('toasts').replaceChildren(box);
  setTimeout(() => box.remove(), 12000);
}

export function dialog(title, ...content) {
  const before = document.activeElement;
  const close = h('button', {type: 'button', class: 'close', 'aria-label': 'Close'}, '×');
  const box = h('dialog', {'aria-label': title}, h('header', {}, h('h2', {}, title), close), ...content);
  close.addEventListener('click', () => box.close());
  box.addEventListener('click', event => { if (event.target === box) box.close(); });
  box.addEventListener('close', () => { box.remove(); if (before && before.isConnected) before.focus(); });
  document.body.append(box);
  box.showModal();
  return box;
}

// A colour of the eight, as the style sheet has it for light and dark.
export function colour(number) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--c${number % 8}`).trim();
}

export const named = each => each.name || each.label || each.identity;
export const percent = score => score === null || score === undefined ? '' : `${Math.round(100 * score)} %`;
