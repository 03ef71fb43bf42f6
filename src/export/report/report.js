// A pointer over a figure reads the curves there.
for (const figure of document.querySelectorAll('figure')) {
  const data = figure.querySelector('script'), svg = figure.querySelector('svg'), out = figure.querySelector('output');
  if (!data || !svg || !out) continue;
  const charts = JSON.parse(data.textContent), idle = out.textContent;
  const line = svg.appendChild(document.createElementNS(svg.namespaceURI, 'line'));
  line.setAttribute('stroke', '#B7BEC8');
  const scale = svg.viewBox.baseVal.width / 720;
  line.setAttribute('stroke-width', scale);
  const text = x => Math.abs(x) >= 1000 ? Math.round(x).toLocaleString('en') : String(Math.round(x * 1000) / 1000);
  svg.addEventListener('pointermove', event => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * 720;
    const y = (event.clientY - box.top) / box.width * 720;
    const chart = charts.find(c => x >= c.place[0] && x <= c.place[2] && y >= c.place[1] - 20 && y <= c.place[3] + 20);
    if (!chart || !chart.curves.length) return;
    const at = chart.x[0] + (x - chart.place[0]) / (chart.place[2] - chart.place[0]) * (chart.x[1] - chart.x[0]);
    const found = chart.curves.map(c => [c.name, c.points.reduce((a, p) => Math.abs(p[0] - at) < Math.abs(a[0] - at) ? p : a, [Infinity, NaN])]);
    const nearest = found.reduce((a, f) => Math.abs(f[1][0] - at) < Math.abs(a - at) ? f[1][0] : a, Infinity);
    out.textContent = chart.caption + ' ' + text(nearest) + ':  ' + found.map(f => f[0] + ' ' + text(f[1][1])).join(',  ');
    const px = chart.place[0] + (nearest - chart.x[0]) / (chart.x[1] - chart.x[0]) * (chart.place[2] - chart.place[0]);
    for (const [name, value] of [['x1', px], ['x2', px], ['y1', chart.place[1]], ['y2', chart.place[3]]]) line.setAttribute(name, value * scale);
    line.style.display = '';
  });
  svg.addEventListener('pointerleave', () => { out.textContent = idle; line.style.display = 'none'; });
}
