//! Distances between images that are near each other, as a sparse graph.

use super::error::MethodError;
use super::reciprocal::Sparse;

/// Jaccard distances as a graph: symmetric CSR without the diagonal, indices ascending within a row.
/// A pair that is not stored is farther than `max`, and at distance 1 where `max` is 1 or more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Images, N.
    pub n: usize,
    /// The largest distance that is stored.
    pub max: f32,
    /// `[n + 1]`: where each row begins.
    pub indptr: Vec<u64>,
    /// The other image of each pair.
    pub indices: Vec<u32>,
    /// Its distance, 0 to `max`.
    pub values: Vec<f32>,
}

/// Half of a [`Graph`]: of each pair the entry in the row of its smaller image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Upper {
    /// The largest distance that is stored.
    pub max: f32,
    /// `[n]`: entries of each row.
    pub lengths: Vec<u32>,
    /// The larger image of each pair, ascending within a row.
    pub indices: Vec<u32>,
    /// Its distance, 0 to `max`.
    pub values: Vec<f32>,
}

impl Graph {
    /// The images near image `i`, and their distances.
    pub fn row(&self, i: usize) -> (&[u32], &[f32]) {
        let range = self.indptr[i] as usize..self.indptr[i + 1] as usize;
        (&self.indices[range.clone()], &self.values[range])
    }

    /// The distance of two images; `None` where it is not stored.
    pub fn distance(&self, i: u32, j: u32) -> Option<f32> {
        let (others, distances) = self.row(i as usize);
        others.binary_search(&j).ok().map(|at| distances[at])
    }

    /// Whether the graph holds every pair within `eps`, so that DBSCAN at that radius is exact on it.
    pub fn covers(&self, eps: f64) -> bool {
        eps as f32 <= self.max || self.max >= 1.0
    }

    /// The `count` nearest images of image `i`, by distance, ties by index; fewer where fewer are stored.
    pub fn nearest(&self, i: usize, count: usize) -> Vec<(u32, f32)> {
        let (indices, values) = self.row(i);
        let mut all: Vec<(u32, f32)> = indices.iter().copied().zip(values.iter().copied()).collect();
        all.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        all.truncate(count);
        all
    }

    /// Half of the graph, of at most `pairs` pairs: where there are more, the farthest are left out and `max`
    /// says how far the rest reaches.
    pub fn upper(&self, pairs: usize) -> Upper {
        let mut upper = Upper { max: self.reach_of(pairs), ..Upper::default() };
        for i in 0..self.n {
            let before = upper.indices.len();
            let (indices, values) = self.row(i);
            for (&j, &d) in indices.iter().zip(values).filter(|&(&j, &d)| j as usize > i && d <= upper.max) {
                upper.indices.push(j);
                upper.values.push(d);
            }
            upper.lengths.push((upper.indices.len() - before) as u32);
        }
        upper
    }

    /// The largest radius that at most `pairs` pairs lie within.
    fn reach_of(&self, pairs: usize) -> f32 {
        if self.indices.len() / 2 <= pairs {
            return self.max;
        }
        // Every pair stands twice, so the pair behind the last one that fits is here.
        let mut values = self.values.clone();
        let (_, beyond, _) = values.select_nth_unstable_by(2 * pairs, f32::total_cmp);
        beyond.next_down().max(0.0)
    }

    /// The graph of an upper triangle.
    pub(crate) fn mirrored(upper: &Sparse, max: f32) -> Self {
        let n = upper.n();
        let mut indptr = vec![0u64; n + 1];
        for i in 0..n {
            let (row, _) = upper.row(i);
            indptr[i + 1] += row.len() as u64;
            row.iter().for_each(|&j| indptr[j as usize + 1] += 1);
        }
        for i in 0..n {
            indptr[i + 1] += indptr[i];
        }
        let mut next: Vec<usize> = indptr[..n].iter().map(|&p| p as usize).collect();
        let mut indices = vec![0u32; 2 * upper.indices.len()];
        let mut values = vec![0.0f32; 2 * upper.values.len()];
        // Row i receives its smaller partners while those are visited, then its larger ones: ascending.
        for i in 0..n {
            let (row, distances) = upper.row(i);
            let own = next[i];
            indices[own..own + row.len()].copy_from_slice(row);
            values[own..own + row.len()].copy_from_slice(distances);
            for (&j, &d) in row.iter().zip(distances) {
                let at = &mut next[j as usize];
                indices[*at] = i as u32;
                values[*at] = d;
                *at += 1;
            }
        }
        Self { n, max, indptr, indices, values }
    }
}

impl TryFrom<Upper> for Graph {
    type Error = MethodError;

    /// The whole graph of its half.
    ///
    /// # Errors
    /// When lengths, indices and values do not belong together, or an index is not of the upper triangle or
    /// not in order.
    fn try_from(upper: Upper) -> Result<Self, MethodError> {
        let n = upper.lengths.len();
        let entries: usize = upper.lengths.iter().map(|&l| l as usize).sum();
        for (name, length) in [("indices", upper.indices.len()), ("values", upper.values.len())] {
            if length != entries {
                return Err(MethodError::shape(name, format!("{entries} entries"), length));
            }
        }
        let mut indptr = Vec::with_capacity(n + 1);
        indptr.push(0);
        let mut end = 0;
        for (i, &length) in upper.lengths.iter().enumerate() {
            let row = &upper.indices[end..end + length as usize];
            let sound = row.first().is_none_or(|&j| j as usize > i)
                && row.last().is_none_or(|&j| (j as usize) < n)
                && row.windows(2).all(|w| w[0] < w[1]);
            if !sound {
                return Err(MethodError::shape("indices", format!("ascending rows beyond {i}"), format!("{row:?}")));
            }
            end += length as usize;
            indptr.push(end);
        }
        Ok(Self::mirrored(&Sparse { indptr, indices: upper.indices, values: upper.values }, upper.max))
    }
}
