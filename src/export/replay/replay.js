// The page: state, controls, drawing. `cut.js` stands before it.
(async () => {
  const $ = id => document.getElementById(id);
  const packed = Uint8Array.from(atob($('data').textContent), c => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const buffer = await new Response(stream).arrayBuffer();
  const headLength = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, headLength)));
  const n = header.images, base = 4 + headLength;
  const kinds = {
    at: Int16Array, labels: Int32Array, pseudo_labels: Int32Array, score: Float32Array, cluster_score: Float32Array,
    core: Float32Array, edge_a: Uint32Array, edge_b: Uint32Array, edge_reach: Float32Array, near: Uint32Array,
    near_distance: Float32Array,
  };
  for (const e of header.epochs)
    for (const [name, kind] of Object.entries(kinds)) e[name] = new kind(buffer, base + e[name][0], e[name][1]);

  // What is looked at; null is what the run had.
  const state = { index: header.epochs.length - 1, eps: null, delta: null, alpha: null, colour: 'cluster', playing: false };
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  let shown, at, pointed = -1, travel = null;

  const epoch = () => header.epochs[state.index];
  const tried = () => state.eps !== null || state.delta !== null || state.alpha !== null;
  const values = () => ({ eps: state.eps ?? epoch().eps, delta: state.delta ?? epoch().delta_d });
  const recorded = e => ({
    labels: e.labels, pseudo: e.pseudo_labels, score: e.score, clusterScore: e.cluster_score, threshold: e.threshold,
  });
  const number = (x, digits) => Number(x).toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const counted = (x, one, many) => `${x.toLocaleString('en')} ${x === 1 ? one : many}`;
  const words = s => `${counted(s.clusters, 'cluster', 'clusters')}, ${s.reliable.toLocaleString('en')} kept, ` +
    `${s.dropped.toLocaleString('en')} dropped; ${counted(s.outliers, 'outlier', 'outliers')}`;

  function update() {
    const e = epoch(), { eps, delta } = values();
    shown = tried() && e.tries ? recluster(e, n, eps, delta, state.alpha) : recorded(e);
    const now = summary(shown), was = summary(recorded(e)), whatIf = tried() && e.tries;
    $('epoch').value = state.index;
    $('epoch-shown').value = e.epoch;
    $('counts').textContent = words(now) + (e.mAP === null ? '' : `; mAP ${number(100 * e.mAP, 1)} after training on it`);
    if (whatIf) $('counts').textContent = words(now);
    $('instead').textContent = whatIf ? `tried; the run had ${words(was)}` : '';
    $('counts').dataset.summary = JSON.stringify(now);
    document.querySelector('.side').classList.toggle('tried', whatIf);
    const threshold = shown.threshold;
    const sliders = [
      ['eps', eps, 0.01, Math.max(0.02, e.reach - delta), state.eps !== null, e.eps],
      ['delta', delta, 0, Math.max(0.001, Math.min(0.3, e.reach - eps, eps)), state.delta !== null, e.delta_d],
      ['alpha', threshold ?? 0, 0, 1, state.alpha !== null, e.threshold],
    ];
    for (const [id, value, min, max, moved, before] of sliders) {
      const input = $(id);
      [input.min, input.max, input.value] = [min, max, value];
      input.disabled = !e.tries || (id === 'alpha' && threshold === null);
      const text = id === 'alpha' && threshold === null ? 'none' : number(value, 3);
      const changed = moved || (whatIf && id === 'alpha' && before !== null && threshold !== before);
      $(id + '-shown').value = changed && before !== null ? `${number(before, 3)} → ${text}` : text;
    }
    $('reset').disabled = !tried();
    $('why').textContent = e.tries ? '' : 'Other radii cannot be tried in this epoch: the method has no three radii, its ' +
      'distances were not kept, or its labels were touched by hand.';
    $('layout').value = { 't-SNE': 't-SNE of the features', PCA: 'principal components of the features', no: 'no layout' }[e.layout] +
      `, ${counted(n, 'image', 'images')}`;
    for (const line of document.querySelectorAll('line.now')) place(line, e.epoch);
    draw();
    bars();
    card();
  }

  // The same colour for a cluster whatever happens around it, as far as its number stays.
  const hue = label => `hsl(${(label * 137.508) % 360} 62% 46%)`;
  const size = canvas => {
    const box = canvas.getBoundingClientRect(), dots = devicePixelRatio || 1;
    const [w, h] = [Math.max(1, box.width), Math.max(1, box.height)];
    if (canvas.width !== Math.round(w * dots)) canvas.width = Math.round(w * dots);
    if (canvas.height !== Math.round(h * dots)) canvas.height = Math.round(h * dots);
    const pen = canvas.getContext('2d');
    pen.setTransform(dots, 0, 0, dots, 0, 0);
    pen.clearRect(0, 0, w, h);
    return [pen, w, h];
  };
  const spot = (i, w, h) => [w / 2 + (at[2 * i] / 32767) * (w / 2 - 12), h / 2 - (at[2 * i + 1] / 32767) * (h / 2 - 12)];

  function draw() {
    const [pen, w, h] = size($('map'));
    at = travel ? travel() : epoch().at;
    const radius = n > 4000 ? 1.6 : 3, cluster = pointed < 0 ? NOISE : shown.labels[pointed];
    // Outliers first, so that clusters lie above them.
    for (const pass of [0, 1, 2]) for (let i = 0; i < n; i++) {
      const label = shown.labels[i], kept = shown.pseudo[i] >= 0;
      if ((label < 0 ? 0 : kept ? 2 : 1) !== pass) continue;
      const [x, y] = spot(i, w, h);
      const ink = label < 0 ? '#6b748066' : state.colour === 'cluster' ? hue(label) : kept ? '#0a7559' : '#935300';
      pen.beginPath();
      pen.arc(x, y, label < 0 ? radius * 0.6 : radius, 0, 7);
      if (pass === 1) { pen.strokeStyle = ink; pen.lineWidth = 1.2; pen.stroke(); } else { pen.fillStyle = ink; pen.fill(); }
      if (i === pointed || (cluster >= 0 && label === cluster)) {
        pen.strokeStyle = '#15191e';
        pen.lineWidth = i === pointed ? 2 : 1;
        pen.beginPath();
        pen.arc(x, y, radius + 2, 0, 7);
        pen.stroke();
      }
    }
  }

  function bars() {
    const [pen, w, h] = size($('scores'));
    const counts = new Uint32Array(25), floor = h - 16;
    for (const s of shown.clusterScore) counts[Math.min(24, Math.floor(s * 25))]++;
    const most = Math.max(1, ...counts), line = shown.threshold;
    counts.forEach((c, i) => {
      pen.fillStyle = line === null || (i + 1) / 25 > line ? '#0a7559' : '#935300';
      pen.fillRect((i / 25) * w + 1, floor - (c / most) * (floor - 14), w / 25 - 2, (c / most) * (floor - 14));
    });
    pen.fillStyle = '#5d6672';
    pen.font = "12px 'IBM Plex Sans',system-ui,sans-serif";
    [[0, 'left', '0'], [w, 'right', '1']].forEach(([x, side, text]) => { pen.textAlign = side; pen.fillText(text, x, h - 2); });
    if (line === null) return;
    pen.fillStyle = '#15191e';
    pen.fillRect(line * w - 0.75, 0, 1.5, floor);
    pen.textAlign = line > 0.5 ? 'right' : 'left';
    pen.fillText(`${number(line, 2)}`, line * w + (line > 0.5 ? -5 : 5), 10);
  }

  function card() {
    const box = $('card');
    box.hidden = pointed < 0;
    if (pointed < 0) return;
    const label = shown.labels[pointed];
    const lines = [`image ${(pointed).toLocaleString('en')}`];
    lines.push(label < 0 ? 'in no cluster' : `cluster ${label}, ${shown.pseudo[pointed] >= 0 ? 'kept' : 'dropped'}`);
    if (label >= 0 && shown.score.length) lines.push(`score ${number(shown.score[pointed], 2)}`);
    box.replaceChildren(...lines.map(text => Object.assign(document.createElement('div'), { textContent: text })));
    const sheet = $('photos'), [width, height, across] = header.photo;
    if (sheet && across) {
      const photo = Object.assign(document.createElement('canvas'), { width, height });
      photo.getContext('2d').drawImage(sheet, (pointed % across) * width, Math.floor(pointed / across) * height, width, height, 0, 0, width, height);
      box.prepend(photo);
    }
    const map = $('map'), [x, y] = spot(pointed, map.clientWidth, map.clientHeight);
    box.style.left = `${Math.min(x + 14, map.clientWidth - box.offsetWidth - 4)}px`;
    box.style.top = `${Math.max(4, Math.min(y + 14, map.clientHeight - box.offsetHeight - 4))}px`;
  }

  // Points travel from one epoch to the next.
  function go(index) {
    index = Math.max(0, Math.min(header.epochs.length - 1, index));
    const from = at, to = header.epochs[index].at, same = index === state.index;
    state.index = index;
    travel = null;
    if (!same && from && !still) {
      const begun = performance.now();
      travel = () => {
        const t = Math.min(1, (performance.now() - begun) / 350), k = t * t * (3 - 2 * t);
        if (t >= 1) { travel = null; return to; }
        requestAnimationFrame(draw);
        return Float32Array.from(to, (x, i) => from[i] + (x - from[i]) * k);
      };
    }
    update();
  }

  function play(on) {
    state.playing = on;
    $('play').textContent = on ? '❚❚' : '▶';
    $('play').setAttribute('aria-label', on ? 'Halt' : 'Play the epochs');
    if (on && state.index === header.epochs.length - 1) go(0);
  }
  setInterval(() => {
    if (!state.playing) return;
    if (state.index === header.epochs.length - 1) play(false);
    else go(state.index + 1);
  }, 700);

  // A line in each figure at the epoch looked at.
  const spaces = new Map();
  for (const figure of document.querySelectorAll('figure')) {
    const data = figure.querySelector('script'), svg = figure.querySelector('svg');
    if (!data || !svg) continue;
    for (const chart of JSON.parse(data.textContent)) {
      const line = svg.appendChild(document.createElementNS(svg.namespaceURI, 'line'));
      line.classList.add('now');
      line.setAttribute('stroke', '#15191e');
      spaces.set(line, [chart, svg.viewBox.baseVal.width / 720]);
    }
  }
  function place(line, value) {
    const [chart, scale] = spaces.get(line), [left, top, right, bottom] = chart.place;
    const x = left + ((value - chart.x[0]) / (chart.x[1] - chart.x[0])) * (right - left);
    line.setAttribute('stroke-width', scale);
    for (const [name, v] of [['x1', x], ['x2', x], ['y1', top], ['y2', bottom]]) line.setAttribute(name, v * scale);
  }

  $('epoch').max = header.epochs.length - 1;
  $('epoch').addEventListener('input', () => { play(false); go(Number($('epoch').value)); });
  $('play').addEventListener('click', () => play(!state.playing));
  for (const id of ['eps', 'delta', 'alpha'])
    $(id).addEventListener('input', () => { play(false); state[id] = Number($(id).value); update(); });
  $('reset').addEventListener('click', () => { state.eps = state.delta = state.alpha = null; update(); });
  for (const radio of document.querySelectorAll('input[name=colour]'))
    radio.addEventListener('change', () => { state.colour = radio.value; draw(); });
  $('map').addEventListener('pointermove', event => {
    const map = $('map'), box = map.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = -1, nearest = 14 * 14;
    for (let i = 0; i < n; i++) {
      const [px, py] = spot(i, map.clientWidth, map.clientHeight), d = (px - x) ** 2 + (py - y) ** 2;
      if (d < nearest) [best, nearest] = [i, d];
    }
    if (best !== pointed) { pointed = best; draw(); card(); }
  });
  $('map').addEventListener('pointerleave', () => { pointed = -1; draw(); card(); });
  addEventListener('keydown', event => {
    if (event.target.matches?.('input, button')) return;
    if (event.key === ' ') { event.preventDefault(); play(!state.playing); }
    if (event.key === 'ArrowLeft') { play(false); go(state.index - 1); }
    if (event.key === 'ArrowRight') { play(false); go(state.index + 1); }
  });
  addEventListener('resize', () => { draw(); bars(); });

  // An address such as replay.html#epoch=3&eps=0.5&delta=0.05&threshold=0.2 opens there.
  function arrive() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const real = name => (asked.has(name) && Number.isFinite(Number(asked.get(name))) ? Number(asked.get(name)) : null);
    const index = header.epochs.findIndex(e => e.epoch === real('epoch'));
    [state.eps, state.delta, state.alpha] = ['eps', 'delta', 'threshold'].map(real);
    go(index < 0 ? state.index : index);
  }
  addEventListener('hashchange', arrive);
  arrive();
  document.body.dataset.ready = 'yes';
})();
