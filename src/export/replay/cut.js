'use strict';
// DBSCAN at any radius out of the minimum spanning forest of mutual reachability, Eq. 8 and the refinement: what
// method/tree.rs, method/score.rs and method/cluster.rs compute, step by step the same. `e` is an epoch of the page.

const NOISE = -1;

// Labels [N] at radius eps. Radii are compared as single-precision numbers, as distances are kept.
function labelsAt(e, n, eps) {
  eps = Math.fround(eps);
  if (eps >= 1) return new Int32Array(n).fill(n >= e.min_samples ? 0 : NOISE);
  const parent = Uint32Array.from({ length: n }, (_, i) => i);
  const root = i => {
    while (parent[i] !== i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (let k = 0; k < e.edge_reach.length && e.edge_reach[k] <= eps; k++) {
    const a = root(e.edge_a[k]), b = root(e.edge_b[k]);
    // The smaller image stays the root: clusters are numbered by their first core image.
    if (a < b) parent[b] = a; else parent[a] = b;
  }
  const labels = new Int32Array(n).fill(NOISE);
  let clusters = 0;
  for (let i = 0; i < n; i++) {
    if (e.core[i] > eps) continue;
    const r = root(i);
    labels[i] = r === i ? clusters++ : labels[r];
  }
  // What is not core has fewer than min_samples − 1 others within eps: the lowest cluster among those that are core.
  const others = Math.max(0, e.min_samples - 1);
  for (let i = 0; i < n; i++) {
    if (e.core[i] <= eps) continue;
    let best = Infinity;
    for (let k = i * others; k < (i + 1) * others && e.near_distance[k] <= eps; k++)
      if (e.core[e.near[k]] <= eps) best = Math.min(best, labels[e.near[k]]);
    if (best < Infinity) labels[i] = best;
  }
  return labels;
}

// Sizes of the sets that each image lies in, at three radii and together.
function scoresOf(normal, tight, loose) {
  const n = normal.length;
  // An image in no cluster is a set of its own.
  const sets = [normal, tight, loose].map(labels => Float64Array.from(labels, (l, i) => (l < 0 ? n + i : l)));
  const meet = (a, b) => {
    const numbers = new Map();
    return Float64Array.from(a, (x, i) => {
      const key = x * 2 * n + b[i];
      if (!numbers.has(key)) numbers.set(key, numbers.size);
      return numbers.get(key);
    });
  };
  const sizes = of => {
    const counts = new Map();
    for (const x of of) counts.set(x, (counts.get(x) || 0) + 1);
    return Float64Array.from(of, x => counts.get(x));
  };
  const [a, b, c] = sets;
  const ab = meet(a, b), ac = meet(a, c), bc = meet(b, c), abc = meet(ab, c);
  const [na, nb, nc, nab, nac, nbc, nabc] = [a, b, c, ab, ac, bc, abc].map(sizes);
  const each = f => Float64Array.from({ length: n }, (_, i) => f(i));
  return {
    eq8: each(i => nabc[i] / (na[i] + nb[i] + nc[i] + nabc[i] - nab[i] - nac[i] - nbc[i])),
    comp: each(i => nab[i] / (na[i] + nb[i] - nab[i])),
    indep: each(i => nac[i] / (na[i] + nc[i] - nac[i])),
  };
}

function perCluster(labels, sizes, values, how) {
  const out = new Float64Array(sizes.length).fill({ max: -Infinity, mean: 0, min: Infinity }[how]);
  labels.forEach((l, i) => {
    if (l < 0) return;
    if (how === 'mean') out[l] += values[i] / sizes[l];
    else out[l] = how === 'max' ? Math.max(out[l], values[i]) : Math.min(out[l], values[i]);
  });
  return out;
}

function roundTiesEven(x) {
  const down = Math.floor(x), over = x - down;
  return over < 0.5 || (over === 0.5 && down % 2 === 0) ? down : down + 1;
}

// The threshold that the first epoch finds: the worst share of the clusters of more than one image fails.
function firstThreshold(scores, sizes, worst) {
  const of = [...scores].filter((_, c) => sizes[c] > 1).sort((a, b) => b - a);
  return of.length ? of[Math.min(roundTiesEven((1 - worst) * of.length), of.length - 1)] : null;
}

// The clustering of an epoch at other values; `alpha` null leaves the threshold to the rule of the run.
function recluster(e, n, eps, delta, alpha) {
  const [labels, tight, loose] = [eps, eps - delta, eps + delta].map(r => labelsAt(e, n, r));
  const all = scoresOf(labels, tight, loose), judged = e.judged, spcl = judged.score === 'spcl';
  const count = labels.reduce((top, l) => Math.max(top, l), -1) + 1;
  const sizes = new Uint32Array(count);
  for (const l of labels) if (l >= 0) sizes[l]++;
  const score = spcl ? all.indep : all.eq8;
  const clusterScore = perCluster(labels, sizes, score, judged.cluster);
  const keepAll = !judged.refined || judged.rule === 'paper-literal';
  let threshold = null;
  if (!keepAll && alpha !== null) threshold = alpha;
  else if (!keepAll && judged.rule === 'fixed') threshold = judged.threshold;
  else if (!keepAll) threshold = e.carried ?? firstThreshold(clusterScore, sizes, judged.quantile);
  const reliable = Array.from(clusterScore, s => keepAll || (threshold !== null && s >= threshold));
  const pseudo = labels.map(l => (l >= 0 && reliable[l] ? l : NOISE));
  if (spcl && !keepAll) {
    const comp = perCluster(labels, sizes, all.comp, judged.cluster);
    pseudo.forEach((l, i) => {
      if (l >= 0 && all.comp[i] < comp[l]) pseudo[i] = NOISE;
    });
  }
  return { labels, pseudo, score, clusterScore, threshold };
}

// The numbers that are said of a clustering.
function summary(of) {
  const clusters = of.labels.reduce((top, l) => Math.max(top, l), -1) + 1;
  const reliable = new Set(of.pseudo.filter(l => l >= 0)).size;
  return {
    clusters,
    outliers: of.labels.reduce((sum, l) => sum + (l < 0), 0),
    reliable,
    dropped: clusters - reliable,
    kept: of.pseudo.reduce((sum, l) => sum + (l >= 0), 0),
  };
}
