//! The camera gap: how far images of one and of different people, of one and of different cameras, lie from each other,
//! and how cameras mix in clusters and find each other.

use crate::method::graph::Graph;
use crate::run::images::ImageRow;
use crate::run::snapshot::RankSnapshot;

/// Steps of a distribution over the distances 0 to 1.
pub const STEPS: usize = 40;

/// The Jaccard distances of one kind of pairs. Pairs that the graph does not hold are farther than it reaches, and count as
/// at distance 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PairDistances {
    /// All pairs of this kind.
    pub count: u64,
    /// Pairs in each step of the distances that are kept.
    pub steps: Vec<u64>,
    /// Sum of the distances that are kept.
    pub sum: f64,
}

impl PairDistances {
    /// Pairs whose distance is kept.
    pub fn kept(&self) -> u64 {
        self.steps.iter().sum()
    }

    /// Mean distance; `None` without a pair.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.sum + (self.count - self.kept()) as f64) / self.count as f64)
    }

    /// Share of the pairs within a distance, to the step.
    pub fn within(&self, distance: f64) -> f64 {
        let steps = ((distance * STEPS as f64).round() as usize).min(STEPS);
        self.steps.iter().take(steps).sum::<u64>() as f64 / self.count.max(1) as f64
    }

    fn add(&mut self, distance: f32) {
        self.steps.resize(STEPS, 0);
        self.steps[((distance * STEPS as f32) as usize).min(STEPS - 1)] += 1;
        self.sum += f64::from(distance);
    }
}

/// A matrix over cameras.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CameraMatrix {
    /// The cameras, ascending, as datasets number them.
    pub cameras: Vec<i32>,
    /// `[cameras, cameras]`, row-major; NaN where there is nothing to say.
    pub values: Vec<f64>,
}

impl CameraMatrix {
    /// A cell by places in `cameras`.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.cameras.len() + column]
    }
}

/// The camera gap of one clustering.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CameraGap {
    /// Pairs of one camera, pairs of two; **ground truth** splits each into one person and two people.
    pub pairs: [[PairDistances; 2]; 2],
    /// Mean distance of the images of two cameras.
    pub distance: CameraMatrix,
    /// How often the images of two cameras share a cluster, over how often they would if clusters took images as they
    /// come; 1 is even.
    pub mixing: CameraMatrix,
}

impl CameraGap {
    /// Pairs of one person (`true`) or two, of one camera (`true`) or two.
    pub fn of(&self, one_person: bool, one_camera: bool) -> &PairDistances {
        &self.pairs[usize::from(!one_camera)][usize::from(!one_person)]
    }

    /// Pairs of one camera (`true`) or two, whoever is on them.
    pub fn of_cameras(&self, one_camera: bool) -> PairDistances {
        let [a, b] = &self.pairs[usize::from(!one_camera)];
        let steps = (0..STEPS).map(|s| a.steps.get(s).unwrap_or(&0) + b.steps.get(s).unwrap_or(&0)).collect();
        PairDistances { count: a.count + b.count, steps, sum: a.sum + b.sum }
    }

    /// Of the distances of an epoch, its labels and the images of the train split. Where identities are not known all
    /// pairs count as of two people.
    pub fn new(graph: &Graph, labels: &[i32], rows: &[ImageRow]) -> Self {
        let n = graph.n.min(labels.len()).min(rows.len());
        let cameras = cameras_of(rows[..n].iter());
        let known = rows[..n].iter().any(|r| r.pid != rows[0].pid);
        let place = |camid: i32| cameras.binary_search(&camid).unwrap_or(0);
        let at: Vec<usize> = rows[..n].iter().map(|r| place(r.camid)).collect();
        let c = cameras.len();
        let mut out = Self::default();
        let mut near = vec![(0u64, 0.0f64); c * c];
        for i in 0..n {
            let (others, distances) = graph.row(i);
            let upper = others.partition_point(|&j| j as usize <= i);
            for (&j, &d) in others[upper..].iter().zip(&distances[upper..]).filter(|&(&j, _)| (j as usize) < n) {
                let j = j as usize;
                let one_person = known && rows[i].pid == rows[j].pid;
                out.pairs[usize::from(at[i] != at[j])][usize::from(!one_person)].add(d);
                for cell in both(at[i], at[j], c) {
                    near[cell].0 += 1;
                    near[cell].1 += f64::from(d);
                }
            }
        }
        let counts = Counts::new(&at, rows, c, known);
        counts.totals(&mut out.pairs);
        let pairs = counts.pairs();
        let mean = |cell: usize| match pairs[cell] {
            0 => f64::NAN,
            all => (near[cell].1 + (all - near[cell].0) as f64) / all as f64,
        };
        out.distance = CameraMatrix { cameras: cameras.clone(), values: (0..c * c).map(mean).collect() };
        out.mixing = CameraMatrix { cameras, values: mixing(&at, labels, &pairs, c) };
        out
    }
}

/// The cells of two cameras: one on the diagonal, two beside it.
fn both(a: usize, b: usize, c: usize) -> impl Iterator<Item = usize> {
    std::iter::once(a * c + b).chain((a != b).then_some(b * c + a))
}

fn cameras_of<'a>(rows: impl Iterator<Item = &'a ImageRow>) -> Vec<i32> {
    let mut cameras: Vec<i32> = rows.map(|r| r.camid).collect();
    cameras.sort_unstable();
    cameras.dedup();
    cameras
}

/// Images of each camera, and of each person and camera.
struct Counts {
    by_camera: Vec<u64>,
    /// Of each person: images at each camera they are seen by.
    by_person: Vec<Vec<u64>>,
}

impl Counts {
    fn new(at: &[usize], rows: &[ImageRow], c: usize, known: bool) -> Self {
        let mut by_camera = vec![0; c];
        at.iter().for_each(|&a| by_camera[a] += 1);
        let mut seen: Vec<(i32, usize)> = at.iter().zip(rows).map(|(&a, r)| (r.pid, a)).collect();
        seen.sort_unstable();
        let people = seen.chunk_by(|x, y| x.0 == y.0).filter(|_| known);
        let by_person = people.map(|p| p.chunk_by(|x, y| x == y).map(|q| q.len() as u64).collect()).collect();
        Self { by_camera, by_person }
    }

    /// Pairs of each two cameras.
    fn pairs(&self) -> Vec<u64> {
        let c = self.by_camera.len();
        let of = |a: usize, b: usize| match a == b {
            true => self.by_camera[a] * self.by_camera[a].saturating_sub(1) / 2,
            false => self.by_camera[a] * self.by_camera[b],
        };
        (0..c * c).map(|cell| of(cell / c, cell % c)).collect()
    }

    /// How many pairs there are of each kind.
    fn totals(&self, pairs: &mut [[PairDistances; 2]; 2]) {
        let two = |n: u64| n * n.saturating_sub(1) / 2;
        let n: u64 = self.by_camera.iter().sum();
        let one_camera: u64 = self.by_camera.iter().map(|&x| two(x)).sum();
        let same_both: u64 = self.by_person.iter().flatten().map(|&x| two(x)).sum();
        let one_person: u64 = self.by_person.iter().map(|p| two(p.iter().sum())).sum();
        let all = [
            [same_both, one_camera - same_both],
            [one_person - same_both, two(n) - one_camera - (one_person - same_both)],
        ];
        for (row, counts) in pairs.iter_mut().zip(all) {
            row.iter_mut().zip(counts).for_each(|(p, count)| p.count = count);
        }
    }
}

fn mixing(at: &[usize], labels: &[i32], pairs: &[u64], c: usize) -> Vec<f64> {
    let mut seen: Vec<(i32, usize)> = at.iter().zip(labels).filter(|(_, l)| **l >= 0).map(|(&a, &l)| (l, a)).collect();
    seen.sort_unstable();
    let mut together = vec![0u64; c * c];
    for cluster in seen.chunk_by(|x, y| x.0 == y.0) {
        let mut of_camera = vec![0u64; c];
        cluster.iter().for_each(|&(_, a)| of_camera[a] += 1);
        for (a, &x) in of_camera.iter().enumerate().filter(|(_, x)| **x > 0) {
            together[a * c + a] += x * (x - 1) / 2;
            for (b, &y) in of_camera.iter().enumerate().skip(a + 1) {
                both(a, b, c).for_each(|cell| together[cell] += x * y);
            }
        }
    }
    let upper = |values: &[u64]| (0..c * c).filter(|cell| cell / c <= cell % c).map(|cell| values[cell]).sum::<u64>();
    let (all, all_together) = (upper(pairs), upper(&together));
    let share = |cell: usize| match (pairs[cell], all_together) {
        (0, _) | (_, 0) => f64::NAN,
        (pairs, _) => together[cell] as f64 / all_together as f64 * all as f64 / pairs as f64,
    };
    (0..c * c).map(share).collect()
}

/// **Ground truth**: precision at the matches, by the camera of the query (rows) and of the match (columns). The mean over
/// the matches of a query is its AP.
pub fn precision(ranks: &RankSnapshot, query: &[ImageRow], gallery: &[ImageRow]) -> CameraMatrix {
    let cameras = cameras_of(query.iter().chain(gallery));
    let c = cameras.len();
    let place = |camid: i32| cameras.binary_search(&camid).unwrap_or(0);
    let mut sums = vec![(0.0f64, 0u64); c * c];
    for (row, q) in query.iter().enumerate().take(ranks.match_indptr.len().saturating_sub(1)) {
        let [from, to] = [row, row + 1].map(|r| ranks.match_indptr[r] as usize);
        let mut found: Vec<(u32, u32)> = (from..to).map(|m| (ranks.match_rank[m], ranks.match_index[m])).collect();
        found.sort_unstable();
        for (before, (rank, index)) in found.into_iter().enumerate() {
            let Some(hit) = gallery.get(index as usize) else { continue };
            let cell = &mut sums[place(q.camid) * c + place(hit.camid)];
            cell.0 += (before + 1) as f64 / f64::from(rank.max(1));
            cell.1 += 1;
        }
    }
    let mean = |&(sum, count): &(f64, u64)| if count == 0 { f64::NAN } else { sum / count as f64 };
    CameraMatrix { cameras, values: sums.iter().map(mean).collect() }
}
