//! A hand on the labels: images that people say are one person, two people, or not to be used. Distances are edited
//! and unions vetoed, so that every way to look at the clustering sees the same.
//!
//! Must-link and cannot-link as in constrained clustering (Wagstaff et al. 2001; C-DBSCAN, Ruiz et al. 2007).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::cluster::RadiiLabels;
use super::dbscan::{DisjointSets, NOISE};
use super::graph::Graph;

/// One thing that was said; images are rows of the target's train split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandEdit {
    /// All of these are one person: they share their label at every radius.
    MustLink(Vec<u32>),
    /// These two are different people: they share no cluster at any radius.
    CannotLink(u32, u32),
    /// These are not to be used: in no cluster, nobody's neighbours, and in no batch.
    Exclude(Vec<u32>),
}

impl HandEdit {
    /// The images it speaks of.
    pub fn images(&self) -> Vec<u32> {
        match self {
            Self::MustLink(images) | Self::Exclude(images) => images.clone(),
            Self::CannotLink(a, b) => vec![*a, *b],
        }
    }

    /// What was said, for people.
    pub fn words(&self) -> String {
        let list = |images: &[u32]| match images {
            [] => "no image".to_owned(),
            [one] => format!("image {one}"),
            [rest @ .., last] if images.len() <= 4 => {
                let rest: Vec<String> = rest.iter().map(u32::to_string).collect();
                format!("images {} and {last}", rest.join(", "))
            }
            _ => format!("{} images", images.len()),
        };
        match self {
            Self::MustLink(images) => format!("{} are one person", list(images)),
            Self::CannotLink(a, b) => format!("{} are two people", list(&[*a, *b])),
            Self::Exclude(images) => format!("{} left out", list(images)),
        }
    }
}

/// All that was said, in order; the last can be taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hand {
    /// The edits.
    pub edits: Vec<HandEdit>,
}

/// What was said, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HandCounts {
    /// Images that are tied to another by hand.
    pub must_link: usize,
    /// Pairs that are kept apart by hand.
    pub cannot_link: usize,
    /// Images left out by hand.
    pub excluded: usize,
}

impl Hand {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Says one more thing of `n` images.
    ///
    /// # Errors
    /// When it speaks of images that are not there, or against what was said before; nothing is changed then.
    pub fn say(&mut self, edit: HandEdit, n: usize) -> Result<(), String> {
        self.edits.push(edit);
        if let Err(why) = self.resolved(n) {
            self.edits.pop();
            return Err(why);
        }
        Ok(())
    }

    /// Takes back what was said last.
    pub fn undo(&mut self) -> Option<HandEdit> {
        self.edits.pop()
    }

    /// What follows for `n` images.
    ///
    /// # Errors
    /// When it does not hold together, one sentence.
    pub fn resolved(&self, n: usize) -> Result<ResolvedHand, String> {
        let mut out = ResolvedHand { excluded: vec![false; n], ..ResolvedHand::default() };
        let mut sets = DisjointSets::new(n);
        for edit in &self.edits {
            let images = edit.images();
            if let Some(beyond) = images.iter().find(|&&i| i as usize >= n) {
                return Err(format!("There is no image {beyond}: the target has {n} training images, from 0."));
            }
            let distinct: BTreeSet<u32> = images.iter().copied().collect();
            match edit {
                HandEdit::Exclude(_) if distinct.is_empty() => return Err("Name an image to leave out.".to_owned()),
                HandEdit::Exclude(_) => distinct.iter().for_each(|&i| out.excluded[i as usize] = true),
                _ if distinct.len() < 2 => return Err("Name two different images.".to_owned()),
                HandEdit::MustLink(_) => {
                    distinct.iter().zip(distinct.iter().skip(1)).for_each(|(&a, &b)| sets.join(a as usize, b as usize));
                }
                HandEdit::CannotLink(a, b) => out.cannot.push((*a.min(b), *a.max(b))),
            }
        }
        out.cannot.sort_unstable();
        out.cannot.dedup();
        for &(a, b) in &out.cannot {
            if sets.root(a as usize) == sets.root(b as usize) {
                return Err(format!("Images {a} and {b} cannot be one person and two people; undo one of the two."));
            }
        }
        let mut groups: Vec<(usize, u32)> =
            (0..n).filter(|&i| !out.excluded[i]).map(|i| (sets.root(i), i as u32)).collect();
        groups.sort_unstable();
        let of_root = groups.chunk_by(|a, b| a.0 == b.0).filter(|g| g.len() > 1);
        out.groups = of_root.map(|g| g.iter().map(|&(_, i)| i).collect()).collect();
        let excluded = &out.excluded;
        out.cannot.retain(|&(a, b)| !excluded[a as usize] && !excluded[b as usize]);
        Ok(out)
    }
}

/// What follows from all that was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvedHand {
    /// Images of one person each, ascending; at least two.
    groups: Vec<Vec<u32>>,
    /// Pairs of different people, the smaller image first.
    cannot: Vec<(u32, u32)>,
    /// `[N]` whether an image is left out.
    excluded: Vec<bool>,
}

impl ResolvedHand {
    /// In numbers.
    pub fn counts(&self) -> HandCounts {
        HandCounts {
            must_link: self.groups.iter().map(Vec::len).sum(),
            cannot_link: self.cannot.len(),
            excluded: self.excluded.iter().filter(|&&e| e).count(),
        }
    }

    /// Whether people said that both images are one person.
    pub fn tied(&self, a: u32, b: u32) -> bool {
        self.groups.iter().any(|group| group.binary_search(&a).is_ok() && group.binary_search(&b).is_ok())
    }

    /// `[N]` whether an image is left out.
    pub fn excluded(&self) -> &[bool] {
        &self.excluded
    }

    /// The graph as it was said: images that are left out have no neighbours, two people no edge, and images of one
    /// person are at distance 0. Editing it again changes nothing.
    pub fn graph(&self, graph: &Graph) -> Graph {
        let mut tied = vec![None; graph.n];
        for (at, group) in self.groups.iter().enumerate() {
            group.iter().for_each(|&i| tied[i as usize] = Some(at));
        }
        let mut out = Graph { n: graph.n, max: graph.max, indptr: vec![0], ..Graph::default() };
        for i in 0..graph.n {
            let (others, distances) = graph.row(i);
            let mut row: Vec<(u32, f32)> = Vec::with_capacity(others.len());
            if !self.excluded[i] {
                let apart = |j: u32| {
                    let pair = ((i as u32).min(j), (i as u32).max(j));
                    self.excluded[j as usize] || self.cannot.binary_search(&pair).is_ok()
                };
                let is_tied = |j: u32| tied[i].is_some() && tied[i] == tied[j as usize];
                let kept = others.iter().copied().zip(distances.iter().copied());
                row.extend(kept.filter(|&(j, _)| !apart(j) && !is_tied(j)));
                if let Some(group) = tied[i].and_then(|at: usize| self.groups.get(at)) {
                    row.extend(group.iter().filter(|&&j| j as usize != i).map(|&j| (j, 0.0)));
                    row.sort_unstable_by_key(|&(j, _)| j);
                }
            }
            out.indices.extend(row.iter().map(|&(j, _)| j));
            out.values.extend(row.iter().map(|&(_, d)| d));
            out.indptr.push(out.indices.len() as u64);
        }
        out
    }

    /// DBSCAN's labels at eps, eps − Δd and eps + Δd as in [`ResolvedHand::labels`].
    pub fn three(&self, graph: &Graph, eps: f64, delta_d: f64, min_samples: usize) -> RadiiLabels {
        let at = |eps| self.labels(graph, eps, min_samples);
        let (normal, (tight, loose)) = rayon::join(|| at(eps), || (at(eps - delta_d), at(eps + delta_d)));
        RadiiLabels { normal, tight, loose }
    }

    /// DBSCAN's labels on the edited graph: unions are made from the nearest pair on, and one that would put two people
    /// into one cluster is not made. Images of one person are together, a cluster of their own where nothing is near; a
    /// border image goes to the lowest-numbered cluster that reaches it and holds nobody it is kept apart from. With
    /// nothing said it is [`super::dbscan::dbscan`], whose clusters are numbered by their smallest core image.
    pub fn labels(&self, graph: &Graph, eps: f64, min_samples: usize) -> Vec<i32> {
        // At 1 all images are near each other, which no graph says.
        let (n, eps) = (graph.n, (eps as f32).min(1.0f32.next_down()));
        let near = |i: usize| {
            let (others, distances) = graph.row(i);
            others.iter().zip(distances).filter(move |&(_, &d)| d <= eps).map(|(&j, &d)| (j as usize, d))
        };
        let core: Vec<bool> = (0..n).map(|i| !self.excluded[i] && near(i).count() + 1 >= min_samples).collect();
        let mut union = Vetoed::new(n, &self.cannot);
        let mut grouped = vec![false; n];
        for group in &self.groups {
            group.iter().for_each(|&i| grouped[i as usize] = true);
            for pair in group.windows(2) {
                union.join(pair[0] as usize, pair[1] as usize);
            }
        }
        let mut pairs: Vec<(u32, usize, usize)> = (0..n)
            .filter(|&i| core[i])
            .flat_map(|i| near(i).take_while(move |&(j, _)| j < i).map(move |(j, d)| (d.to_bits(), j, i)))
            .filter(|&(_, j, _)| core[j])
            .collect();
        if !self.cannot.is_empty() {
            pairs.sort_unstable();
        }
        for (_, a, b) in pairs {
            union.join(a, b);
        }
        for group in self.groups.iter().filter(|g| !g.iter().any(|&i| core[i as usize])) {
            let mut reached: Vec<(u32, usize, usize)> = group
                .iter()
                .flat_map(|&i| near(i as usize).map(move |(j, d)| (d.to_bits(), i as usize, j)))
                .filter(|&(.., j)| core[j])
                .collect();
            reached.sort_unstable();
            reached.into_iter().any(|(_, i, j)| union.join(i, j));
        }
        let mut labels = union.numbered(&core, &grouped);
        let mut apart: Vec<(u32, u32)> = self.cannot.iter().flat_map(|&(a, b)| [(a, b), (b, a)]).collect();
        apart.sort_unstable();
        for i in (0..n).filter(|&i| !core[i] && !grouped[i] && !self.excluded[i]) {
            let from = apart.partition_point(|&(a, _)| (a as usize) < i);
            let partners =
                || apart[from..].iter().take_while(|&&(a, _)| a as usize == i).map(|&(_, b)| labels[b as usize]);
            let reached = near(i).filter(|&(j, _)| core[j]).map(|(j, _)| labels[j]);
            labels[i] = reached.filter(|&l| !partners().any(|p| p == l)).min().unwrap_or(NOISE);
        }
        labels
    }
}

/// Disjoint sets that refuse to hold both images of a pair.
struct Vetoed {
    sets: DisjointSets,
    /// The images that each image must not meet, kept at the root of its set.
    apart: Vec<Vec<u32>>,
}

impl Vetoed {
    fn new(n: usize, cannot: &[(u32, u32)]) -> Self {
        let mut apart = vec![Vec::new(); n];
        for &(a, b) in cannot {
            apart[a as usize].push(b);
            apart[b as usize].push(a);
        }
        Self { sets: DisjointSets::new(n), apart }
    }

    /// Joins two sets; `false` when a veto forbids it, or they are one already.
    fn join(&mut self, i: usize, j: usize) -> bool {
        let (a, b) = (self.sets.root(i), self.sets.root(j));
        let (fewer, other) = if self.apart[a].len() <= self.apart[b].len() { (a, b) } else { (b, a) };
        if a == b || (0..self.apart[fewer].len()).any(|at| self.sets.root(self.apart[fewer][at] as usize) == other) {
            return false;
        }
        self.sets.join(a, b);
        let moved = std::mem::take(&mut self.apart[a.max(b)]);
        self.apart[a.min(b)].extend(moved);
        true
    }

    /// Labels of core images and of those tied by hand; clusters numbered by their smallest core image, those without one
    /// after them, by their smallest image.
    fn numbered(&mut self, core: &[bool], grouped: &[bool]) -> Vec<i32> {
        let n = core.len();
        let mut number = vec![NOISE; n];
        let mut clusters = 0;
        for is_first in [core, grouped] {
            for i in (0..n).filter(|&i| is_first[i]) {
                let root = self.sets.root(i);
                if number[root] == NOISE {
                    number[root] = clusters;
                    clusters += 1;
                }
            }
        }
        (0..n).map(|i| if core[i] || grouped[i] { number[self.sets.root(i)] } else { NOISE }).collect()
    }
}
