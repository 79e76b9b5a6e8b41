// What the server is asked. Addresses are relative: the viewer may lie anywhere below a host.
import {toast} from './dom.js';

const tabs = new BroadcastChannel('sensorium-corrections');

async function ask(path, options) {
  const response = await fetch(path, options);
  const body = await response.json().catch(() => ({error: `the server answered ${response.status}`}));
  if (!response.ok) throw new Error(body.error || JSON.stringify(body.detail || body));
  return body;
}

export const get = path => ask(path);
const post = (path, body) => ask(path, {
  method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body),
});

// Every view that shows what a correction may change listens for this.
function changed(what) {
  dispatchEvent(new CustomEvent('corrected', {detail: what}));
  tabs.postMessage(what);
}
tabs.onmessage = event => dispatchEvent(new CustomEvent('corrected', {detail: event.data}));

// Makes one correction, says so with a way back, and tells all views. Returns whether it was made.
export async function correct(deed) {
  try {
    const done = await post('api/corrections', deed);
    toast(`${done.text}.`, {label: 'Undo', run: () => undo(done.number)});
    changed({do: deed.do, file: deed.file || null});
    return true;
  } catch (error) {
    toast(error.message);
    return false;
  }
}

export async function undo(number = null) {
  try {
    const gone = await post('api/undo', {number});
    toast(`Taken back: ${gone.text}.`);
    changed({do: 'undo', file: null});
  } catch (error) {
    toast(error.message);
  }
}
