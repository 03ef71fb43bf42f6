//! What is wrong with a run as far as its own numbers tell, and the parameters that would mend it.
//!
//! Only what the run wrote is looked at. The truth of the target is asked about in one case: where it is missing.

use crate::method::cluster::ClusterSummary;
use crate::method::params::{EpsRule, Params, Rule, Value};
use crate::run::event::State;
use crate::run::view::RunView;

/// Above this share of images in no cluster, clustering has told training next to nothing.
pub const MANY_OUTLIERS: f64 = 0.6;
/// Above this share of images in one cluster, strangers have been joined.
pub const ONE_BLOB: f64 = 0.5;
/// Below this spread ([`crate::method::label_free::spread`]) all images look alike to the network.
pub const COLLAPSED: f64 = 0.01;
/// The radius of the paper.
const EPS: f64 = 0.6;
const EPS_RANGE: [f64; 2] = [0.05, 0.95];

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ailment {
    /// The features of all images are nearly the same.
    Collapsed,
    /// Source and target are the same data.
    SameData,
    /// Most images are in no cluster.
    ManyOutliers,
    /// One cluster holds most of the images.
    OneBlob,
    /// No cluster reaches the threshold.
    NoneReliable,
    /// The target has no identities: nothing can be measured on it.
    NoTruth,
}

/// Something that is wrong, and its cure.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// What.
    pub ailment: Ailment,
    /// What is the case, a few words.
    pub title: String,
    /// Why that is bad, and what usually causes it.
    pub text: String,
    /// What would mend it.
    pub remedy: Remedy,
}

/// What would mend it.
#[derive(Clone, Debug, PartialEq)]
pub enum Remedy {
    /// Other values of parameters, and what the button says.
    Set {
        /// A few words.
        words: String,
        /// Keys and values.
        changes: Vec<(String, Value)>,
    },
    /// Another run, begun otherwise.
    NewRun,
    /// Nothing: scores without truth stand in for what is missing.
    LabelFree,
}

impl Remedy {
    /// What its button says.
    pub fn words(&self) -> &str {
        match self {
            Self::Set { words, .. } => words,
            Self::NewRun => "New run…",
            Self::LabelFree => "Scores without truth",
        }
    }
}

/// What is wrong with a run, the worst first. Of its clusterings the newest is looked at.
pub fn diagnoses(view: &RunView) -> Vec<Diagnosis> {
    let Some(params) = &view.params else { return Vec::new() };
    let mut found: Vec<Diagnosis> = same_data(view).into_iter().collect();
    if let Some((epoch, clusters)) = view.newest_clusters() {
        let of = Epoch { number: epoch + 1, summary: &clusters.summary, params };
        let all = [of.collapsed(), of.many_outliers(), of.one_blob(), of.none_reliable()];
        found.extend(all.into_iter().flatten());
    }
    found.extend(no_truth(view));
    found.sort_by_key(|d| d.ailment);
    // What follows from a network that tells nothing apart is not mended by a radius.
    if found.iter().any(|d| d.ailment == Ailment::Collapsed) {
        found.retain(|d| !matches!(d.ailment, Ailment::ManyOutliers | Ailment::OneBlob | Ailment::NoneReliable));
    }
    found
}

/// One clustering.
struct Epoch<'a> {
    /// From 1.
    number: usize,
    summary: &'a ClusterSummary,
    params: &'a Params,
}

impl Epoch<'_> {
    fn collapsed(&self) -> Option<Diagnosis> {
        let spread = self.summary.label_free.spread.filter(|spread| *spread < COLLAPSED)?;
        let rate = crate::base::text::number(spread, 4);
        Some(Diagnosis {
            ailment: Ailment::Collapsed,
            title: "All images look alike to the network".to_owned(),
            text: format!(
                "Epoch {}: the features of all images are nearly the same (spread {rate} of 1), so clusters are made of \
                 noise. The network was pre-trained too little, or its learning rate was too high.",
                self.number
            ),
            remedy: Remedy::NewRun,
        })
    }

    /// By a radius alone: other ways to give labels have none.
    fn has_radius(&self) -> bool {
        self.summary.has_radii() || self.summary.noise.first().is_some_and(|noise| *noise > 0)
    }

    fn many_outliers(&self) -> Option<Diagnosis> {
        let (images, outliers) = (self.summary.images, *self.summary.noise.first()?);
        let share = outliers as f64 / images.max(1) as f64;
        if share <= MANY_OUTLIERS || !self.has_radius() {
            return None;
        }
        let now = self.summary.used.eps;
        let eps = if now < EPS - 0.005 { EPS } else { (now + 0.05).min(EPS_RANGE[1]) };
        let remedy = match self.summary.used.min_samples {
            least if eps <= now + 0.005 && least > 2 => {
                set(format!("Set min samples to {}", least - 1), vec![("min_samples", Value::Int(least as i64 - 1))])
            }
            _ => self.radius(eps),
        };
        Some(Diagnosis {
            ailment: Ailment::ManyOutliers,
            title: format!("{} of the images are outliers", percent(share)),
            text: format!(
                "Epoch {}: at eps {} few images have enough neighbours, and training learns little from images that \
                 stand alone. A larger eps joins more of them.",
                self.number,
                radius(now)
            ),
            remedy,
        })
    }

    fn one_blob(&self) -> Option<Diagnosis> {
        let largest = f64::from(self.summary.cluster_size.iter().copied().max()?);
        let share = largest / self.summary.images.max(1) as f64;
        if share <= ONE_BLOB || !self.has_radius() {
            return None;
        }
        let now = self.summary.used.eps;
        let eps = if now > EPS + 0.005 { EPS } else { (now - 0.1).max(EPS_RANGE[0]) };
        Some(Diagnosis {
            ailment: Ailment::OneBlob,
            title: format!("One cluster holds {} of the images", percent(share)),
            text: format!(
                "Epoch {}: at eps {} strangers are joined by chains of neighbours, and training pulls them together. A \
                 smaller eps cuts the chains.",
                self.number,
                radius(now)
            ),
            remedy: self.radius(eps),
        })
    }

    fn none_reliable(&self) -> Option<Diagnosis> {
        let (summary, alpha) = (self.summary, self.summary.threshold?);
        if summary.reliable > 0 || summary.cluster_score.is_empty() {
            return None;
        }
        let mut scores: Vec<f64> = summary.cluster_score.iter().copied().filter(|s| s.is_finite()).collect();
        scores.sort_by(f64::total_cmp);
        // As the first epoch's rule would have it: the worst tenth fails.
        let to = (scores.get(scores.len() / 10)? * 100.0).floor() / 100.0;
        let changes = vec![
            ("reliability.rule", Value::Text(Rule::Fixed.name().to_owned())),
            ("reliability.threshold", Value::Float(to)),
        ];
        Some(Diagnosis {
            ailment: Ailment::NoneReliable,
            title: "No cluster is reliable".to_owned(),
            text: format!(
                "Epoch {}: the best of {} clusters scores {}, the threshold is {}. Every image trains as an instance of \
                 its own.",
                self.number,
                scores.len(),
                radius(scores.last().copied().unwrap_or(0.0)),
                radius(alpha)
            ),
            remedy: set(format!("Set the threshold to {}", radius(to)), changes),
        })
    }

    fn radius(&self, eps: f64) -> Remedy {
        let mut changes = vec![("eps", Value::Float((eps * 100.0).round() / 100.0))];
        if self.params.eps_rule != EpsRule::Fixed {
            changes.insert(0, ("eps_rule", Value::Text(EpsRule::Fixed.name().to_owned())));
        }
        set(format!("Set eps to {}", radius(eps)), changes)
    }
}

fn set(words: String, changes: Vec<(&str, Value)>) -> Remedy {
    Remedy::Set { words, changes: changes.into_iter().map(|(key, value)| (key.to_owned(), value)).collect() }
}

fn radius(value: f64) -> String {
    crate::base::text::number(value, 2)
}

fn percent(share: f64) -> String {
    format!("{} %", crate::base::text::number(100.0 * share, 0))
}

fn same_data(view: &RunView) -> Option<Diagnosis> {
    (view.trains() && !view.source.is_empty() && view.source == view.target).then(|| Diagnosis {
        ailment: Ailment::SameData,
        title: "Source and target are the same data".to_owned(),
        text: format!(
            "{} is both: the network has seen the labels of what it is to adapt to, so its figures say nothing about \
             adaptation.",
            view.source
        ),
        remedy: Remedy::NewRun,
    })
}

fn no_truth(view: &RunView) -> Option<Diagnosis> {
    let nothing = view.target_retrieval.values().next_back().is_some_and(|r| r.valid_queries == 0);
    let never = view.target_retrieval.is_empty() && view.state == State::Done && view.trains();
    (nothing || never).then(|| Diagnosis {
        ailment: Ailment::NoTruth,
        title: "Nothing can be measured on the target".to_owned(),
        text:
            "Its query and gallery images name no identity, so there is no mAP. Training does not need them; how good \
               the clusters are is judged by scores without truth."
                .to_owned(),
        remedy: Remedy::LabelFree,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::cluster::ClusterParams;
    use crate::run::view::ClusterView;

    fn view(change: impl Fn(&mut ClusterSummary)) -> RunView {
        let params = Params::default();
        let used = ClusterParams { eps: 0.6, delta_d: 0.02, k1: 30, k2: 6, min_samples: 4 };
        let mut summary = ClusterSummary {
            images: 1000,
            clusters: vec![10; 3],
            noise: vec![100; 3],
            reliable: 9,
            kept: 850,
            threshold: Some(0.3),
            cluster_score: (0..10).map(|i| f64::from(i) / 20.0).collect(),
            cluster_size: vec![90; 10],
            quality: None,
            used,
            judged: None,
            hand: None,
            index: None,
            label_free: Default::default(),
        };
        change(&mut summary);
        let mut view = RunView::default();
        (view.params, view.source, view.target) = (Some(params), "a".to_owned(), "b".to_owned());
        view.clusters.insert(3, ClusterView { summary, seconds: [0.0; 4] });
        view
    }

    fn found(change: impl Fn(&mut ClusterSummary)) -> Vec<(Ailment, String)> {
        diagnoses(&view(change)).into_iter().map(|d| (d.ailment, d.remedy.words().to_owned())).collect()
    }

    #[test]
    fn each_ailment_has_its_cure() {
        let none: Vec<(Ailment, String)> = Vec::new();
        assert_eq!(found(|_| {}), none, "a run that is well");
        let said = |ailment, words: &str| vec![(ailment, words.to_owned())];
        let many = |s: &mut ClusterSummary| s.noise = vec![790; 3];
        assert_eq!(found(many), said(Ailment::ManyOutliers, "Set eps to 0.65"));
        let small = |s: &mut ClusterSummary| (s.noise, s.used.eps) = (vec![790; 3], 0.3);
        assert_eq!(found(small), said(Ailment::ManyOutliers, "Set eps to 0.60"));
        let loosest = |s: &mut ClusterSummary| (s.noise, s.used.eps) = (vec![790; 3], 0.95);
        assert_eq!(found(loosest), said(Ailment::ManyOutliers, "Set min samples to 3"));
        let blob = |s: &mut ClusterSummary| (s.cluster_size, s.used.eps) = (vec![700, 200], 0.85);
        assert_eq!(found(blob), said(Ailment::OneBlob, "Set eps to 0.60"));
        let strict = |s: &mut ClusterSummary| (s.reliable, s.threshold) = (0, Some(0.9));
        assert_eq!(found(strict), said(Ailment::NoneReliable, "Set the threshold to 0.05"));
        // Nothing that a radius mends, where the network tells nothing apart.
        let collapsed = |s: &mut ClusterSummary| (s.noise, s.label_free.spread) = (vec![790; 3], Some(0.002));
        assert_eq!(found(collapsed), said(Ailment::Collapsed, "New run…"));
    }

    #[test]
    fn a_cure_changes_what_it_says() {
        let mut view = view(|s| s.noise = vec![790; 3]);
        view.params.as_mut().unwrap().eps_rule = EpsRule::Knee;
        let Remedy::Set { changes, .. } = diagnoses(&view).remove(0).remedy else { panic!("it is set") };
        let params = view.params.as_mut().unwrap();
        for (key, value) in &changes {
            params.set(key, value).unwrap();
        }
        assert_eq!((params.eps_rule, params.eps), (EpsRule::Fixed, 0.65));
    }

    #[test]
    fn the_same_data_twice_and_missing_truth_are_told() {
        let mut view = view(|_| {});
        view.target = view.source.clone();
        view.state = State::Done;
        let ailments: Vec<Ailment> = diagnoses(&view).iter().map(|d| d.ailment).collect();
        assert_eq!(ailments, [Ailment::SameData, Ailment::NoTruth]);
    }
}
