'use strict';
const STEPS = [.1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

function clock(s) {
  const t = Math.round(s * 10),
    h = Math.floor(t / 36000),
    m = Math.floor(t / 600) % 60,
    r = (t % 600) / 10;
  const tail = (r < 10 ? '0' : '') + (r % 1 ? r.toFixed(1) : r.toFixed(0));
  return h ? h + ':' + (m < 10 ? '0' : '') + m + ':' + tail : m + ':' + tail
}

function board(root) {
  const scroll = root.querySelector('.scroll'),
    track = root.querySelector('.track'),
    ruler = root.querySelector('.lane.ruler'),
    cursor = root.querySelector('.cursor'),
    length = +root.dataset.length,
    figures = [...root.querySelectorAll('.strip figure')],
    talk = root.querySelector('.talk'),
    most = Math.max(8, length * 120 / Math.max(scroll.clientWidth, 1));
  let zoom = 1,
    hits = [];

  function draw() {
    const width = track.clientWidth,
      rate = width / length,
      step = STEPS.find(s => s * rate >= 64) || 7200,
      marks = [];
    for (let t = 0; t * rate < width - 30; t += step) {
      const b = document.createElement('b');
      b.style.left = 100 * t / length + '%';
      b.textContent = clock(t);
      marks.push(b)
    }
    ruler.replaceChildren(...marks);
    root.classList.toggle('wide', rate > 70);
    let free = -1;
    for (const f of figures) {
      // A picture may move aside by half its width to find room; what finds none waits for a larger zoom.
      const wide = +f.dataset.w,
        place = Math.min(+f.dataset.at * rate, width - wide),
        x = Math.max(place, free),
        shown = x - place <= wide / 2 && x <= width - wide + 1;
      f.classList.toggle('off', !shown);
      if (shown) {
        f.style.left = x + 'px';
        free = x + wide + 3
      }
    }
  }

  function set(value, at) {
    const middle = at === undefined ? (scroll.scrollLeft + scroll.clientWidth / 2) / track.clientWidth : at;
    zoom = Math.min(Math.max(value, 1), most);
    track.style.setProperty('--zoom', zoom);
    draw();
    scroll.scrollLeft = middle * track.clientWidth - scroll.clientWidth / 2
  }

  function show(t) {
    cursor.style.display = 'block';
    cursor.style.left = 100 * t / length + '%';
    const x = t / length * track.clientWidth;
    if (x < scroll.scrollLeft + 20 || x > scroll.scrollLeft + scroll.clientWidth - 40)
      scroll.scrollTo({
        left: x - scroll.clientWidth / 2,
        behavior: 'smooth'
      })
  }

  function hit(n) {
    for (const e of hits) e.classList.remove('hit');
    hits = [...root.querySelectorAll('[data-n="' + n + '"]')];
    for (const e of hits) e.classList.add('hit');
    const said = talk && talk.querySelector('.hit');
    if (said) {
      const top = said.offsetTop - talk.offsetTop;
      if (top < talk.scrollTop || top > talk.scrollTop + talk.clientHeight - 40)
        talk.scrollTo({
          top: top - talk.clientHeight / 3,
          behavior: 'smooth'
        })
    }
  }

  const told = [...root.querySelectorAll('.talk u')];

  function near(t) {
    let low = 0,
      high = told.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (+told[middle].dataset.t <= t + .05) low = middle + 1;
      else high = middle
    }
    if (low && !told[low - 1].classList.contains('hit')) hit(told[low - 1].dataset.n)
  }
  const media = root.querySelector('.player');

  function seek(t) {
    if (media) media.currentTime = t
  }
  if (media) media.addEventListener('timeupdate', () => {
    show(media.currentTime);
    near(media.currentTime)
  });
  root.addEventListener('click', e => {
    const z = e.target.closest('button[data-zoom]');
    if (z) {
      const k = z.dataset.zoom;
      set(k === 'fit' ? 1 : k === 'in' ? zoom * 1.8 : zoom / 1.8);
      return
    }
    const word = e.target.closest('[data-n]');
    if (word) {
      hit(word.dataset.n);
      show(+word.dataset.t);
      seek(+word.dataset.t);
      return
    }
    const bar = e.target.closest('.lane i');
    if (bar) {
      show(+bar.dataset.t);
      seek(+bar.dataset.t);
      near(+bar.dataset.t)
    }
  });
  scroll.addEventListener('wheel', e => {
    if (!e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    const x = e.clientX - scroll.getBoundingClientRect().left,
      at = (scroll.scrollLeft + x) / track.clientWidth;
    set(zoom * Math.exp(-e.deltaY / 300));
    scroll.scrollLeft = at * track.clientWidth - x
  }, {
    passive: false
  });
  addEventListener('resize', draw);
  const wanted = figures.reduce((sum, f) => sum + (+f.dataset.w) + 3, 0) / Math.max(scroll.clientWidth, 1);
  set(length < 15 ? 1 : Math.min(wanted, 2.5), 0)
}
document.querySelectorAll('.av').forEach(board);
const big = document.querySelector('dialog');
document.addEventListener('click', e => {
  const f = e.target.closest('figure');
  if (big.open) {
    big.close();
    return
  }
  if (!f || !f.querySelector('img')) return;
  const c = f.cloneNode(true),
    r = +f.dataset.r;
  c.removeAttribute('style');
  const w = Math.min(innerWidth * .9, innerHeight * .85 * r, 960);
  c.style.width = w + 'px';
  c.style.height = w / r + 'px';
  big.replaceChildren(c);
  big.showModal()
});
