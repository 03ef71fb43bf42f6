//! What each panel says behind its ⓘ: one place for all of these texts.

use crate::gui::panels::Pane;

/// A panel, explained.
#[derive(Clone, Copy, Debug)]
pub struct PanelInfo {
    /// What is seen in it.
    pub what: &'static str,
    /// Its equations, in the form that [`crate::gui::widgets::formula`] reads; each with its name.
    pub formulas: &'static [(&'static str, &'static str)],
    /// What the signs mean.
    pub symbols: &'static [(&'static str, &'static str)],
    /// What the paper says of it.
    pub paper: &'static str,
    /// What to look for.
    pub look: &'static str,
    /// The parameters that it depends on; the first is the one to try.
    pub keys: &'static [&'static str],
}

const JACCARD: (&str, &str) = ("Jaccard distance", r"J(i,j) = 1 − \frac{m}{2 − m}");
const SHARED: (&str, &str) = ("shared neighbours", r"m = \sum_{k} \min (V_{ik}, V_{jk})");
const EQ8: (&str, &str) = ("Eq. 8", r"R(f) = \frac{|N ∩ L ∩ T|}{|N ∪ L ∪ T|}");
const EQ9: (&str, &str) = ("Eq. 9", r"K[i] = \frac{1}{|I_k|} \sum_{v ∈ I_k} v");
const EQ10: (&str, &str) = ("Eq. 10", r"K[i] ← β K[i] + (1 − β) v");
const AP: (&str, &str) = ("average precision", r"AP = \frac{1}{M} \sum_{m=1}^{M} \frac{m}{r_m}");

const SETS: &[(&str, &str)] = &[
    ("N, T, L", "the images in one cluster with f at eps, eps − Δd and eps + Δd"),
    ("R", "1: the same images at all three radii; near 0: the cluster falls apart or swallows others"),
];
const V: &[(&str, &str)] = &[
    ("V(i, ·)", "how much each image is a mutual neighbour of i; sums to 1"),
    ("m", "what two images have in common; 1 where they have the same neighbours"),
];
const RANKS: &[(&str, &str)] = &[
    ("M", "matches of the query in the gallery, those in its own camera not counted"),
    (r"r_m", "rank of the m-th match"),
];

/// The texts of a panel.
#[rustfmt::skip]
pub fn of(pane: Pane) -> PanelInfo {
    match pane {
        Pane::Loop => PanelInfo {
            what: "The method as one round: features are extracted, clustered, doubtful clusters dropped, the rest remembered, the network trained; then it begins again with better features. Each box shows what it holds in the epoch looked at.",
            formulas: &[],
            symbols: &[],
            paper: "Fig. 2. Pre-training on the labelled source comes before the first round; source images go on training beside the target's where adapt.joint is on.",
            look: "Nothing in the round knows a name of the target. If the clusters are good, training makes the features better, and better features make better clusters; if they are bad, the same circle carries the mistake on.",
            keys: &["adapt.epochs", "adapt.iters"],
        },
        Pane::Loss => PanelInfo {
            what: "What training minimises, iteration by iteration: faint as measured, clear as smoothed, with its parts.",
            formulas: &[
                ("memory's part", r"\text{loss} = −\text{log} \frac{exp(f·K[y] / τ)}{\sum_{k} exp(f·K[k] / τ)}"),
                ("triplet part", r"\max (0, d_{+} − d_{−} + \text{margin})"),
            ],
            symbols: &[("f", "feature of the image"), ("K[y]", "centroid of its cluster (Eq. 9)"), ("τ", "temperature"), (r"d_{+}, d_{−}", "distance to the furthest image of the same cluster and to the nearest of another, within the batch")],
            paper: "The paper names triplet and cross-entropy loss and gives no formula; the form here is the one of the code it builds on (SpCL).",
            look: "It is measured against pseudo-labels, so it can fall while the labels are wrong. A jump at the start of an epoch is the clustering changing the classes, not a fault.",
            keys: &["adapt.lr", "temperature", "triplet.weight"],
        },
        Pane::Retrieval => PanelInfo {
            what: "How well images of one person find each other across cameras, after each epoch: mAP and the share of queries with a match in the first 1, 5, 10 places. It uses the target's test labels, which training never sees.",
            formulas: &[AP, ("mAP", r"\frac{1}{Q} \sum_{q} AP_q")],
            symbols: RANKS,
            paper: "70.7 mAP and 87.1 rank-1 from DukeMTMC-reID to Market-1501, 61.5 and 77.6 the other way (Tables 4 and 5).",
            look: "The left end is the source-only model: what lies above it is what the loop has won without a label. One epoch more or less moves it by a point or two; look at the trend.",
            keys: &["eval.every"],
        },
        Pane::Clusters => PanelInfo {
            what: "Clusters, reliable clusters and outliers of each epoch.",
            formulas: &[],
            symbols: &[("outlier", "an image in no cluster; like the images of a dropped one it trains as a class of its own until a later epoch takes it in")],
            paper: "“The model retains only reliable clusters … outliers will continue to cluster in subsequent iterations” (III-B).",
            look: "Outliers should fall: that is coarse to fine. Far more clusters than people means eps is too small; far fewer means it is too large.",
            keys: &["eps", "delta_d", "reliability.threshold"],
        },
        Pane::Reliability => PanelInfo {
            what: "How many clusters have which score of Eq. 8. The line is the threshold: what lies left of it is dropped in this epoch.",
            formulas: &[EQ8],
            symbols: SETS,
            paper: "“Scores between 0 and 1 are considered reliable”, which Eq. 8 always gives. As in SpCL the threshold is set in the first epoch, so that the worst tenth of the clusters fails, and then kept.",
            look: "A good epoch leans to the right. Stable is not pure: a cluster of two people who look alike can score 1. The score sees whether a cluster changes, not whether it is right.",
            keys: &["reliability.threshold", "delta_d", "eps"],
        },
        Pane::Map => PanelInfo {
            what: "Every training image of the target as a point, near where its features are near.",
            formulas: &[],
            symbols: &[("t-SNE", "keeps neighbours near; distances between far groups mean little"), ("PCA", "the two directions of largest spread; distances are true but much is hidden")],
            paper: "Figs. 7 and 8 show such maps; how they were made is not said.",
            look: "Islands of one colour are clusters. Drag eps: islands that touch take one colour. Two people in one island, or one person in two, are what the loop has yet to mend.",
            keys: &["eps"],
        },
        Pane::Browser => PanelInfo {
            what: "Each cluster as a card: its photos, size, score and cameras.",
            formulas: &[EQ8],
            symbols: SETS,
            paper: "A cluster's score is its best member's, as in SpCL; the paper leaves this open.",
            look: "Worst first shows what the filter is for. A cluster seen by one camera alone often is one camera's light and not one person.",
            keys: &["eps", "delta_d", "reliability.threshold"],
        },
        Pane::Eq8 => PanelInfo {
            what: "One cluster at three radii: who is in it at all three, and who joins only as the radius grows.",
            formulas: &[EQ8],
            symbols: SETS,
            paper: "Eq. 8 is a score of a single image; the filter acts on clusters. Here the best member speaks for its cluster.",
            look: "Green squares are in at every radius. One image that only the loose radius lets in costs little; a loose cluster of a thousand strangers brings the score to nearly 0.",
            keys: &["delta_d", "eps"],
        },
        Pane::WhatIf => PanelInfo {
            what: "Other values of the clustering's parameters, tried on this epoch's distances. Nothing is trained.",
            formulas: &[JACCARD, EQ8],
            symbols: SETS,
            paper: "The tick on each slider is the paper's value, or that of the code it builds on where the paper is silent.",
            look: "Violet is what is tried, beside the run's own numbers. Apply sends it to the run, where it counts from the next clustering on.",
            keys: &["eps", "delta_d", "k1", "k2", "min_samples"],
        },
        Pane::KDistance => PanelInfo {
            what: "For each image the Jaccard distance to its min samples-th neighbour, sorted. eps is the line.",
            formulas: &[JACCARD],
            symbols: V,
            paper: "eps is 0.6 in section IV; how it was found is not said.",
            look: "Images below the line have enough neighbours within eps: they are cores of clusters. The knee, where the curve turns upwards, is the usual hint for eps.",
            keys: &["eps", "min_samples", "k1"],
        },
        Pane::Reachability => PanelInfo {
            what: "All radii at once: the images in a row, each as high as the radius that joins it to those before.",
            formulas: &[("height", r"\max (\text{core}(i), \text{core}(j), J(i,j))")],
            symbols: &[("core(i)", "Jaccard distance to i's min samples-th nearest image")],
            paper: "Not in the paper: it is what DBSCAN would do at every eps (a single-linkage tree over these heights).",
            look: "A valley is a cluster; the line of eps cuts the valleys apart. A valley that is one through the whole band eps ± Δd is a cluster that Eq. 8 calls reliable.",
            keys: &["eps", "delta_d", "min_samples"],
        },
        Pane::Why => PanelInfo {
            what: "The chain of images that holds two images together in one cluster, with its weakest link.",
            formulas: &[JACCARD, SHARED],
            symbols: V,
            paper: "Not in the paper. DBSCAN joins by chains: the two ends need not be alike.",
            look: "The largest step is the radius at which the two part. One photo in the middle (two people, a back, a blur) often holds two people together; leave it out and look again.",
            keys: &["eps"],
        },
        Pane::Condensed => PanelInfo {
            what: "Every cluster that lasts over a range of eps, as wide as it has images.",
            formulas: &[("stability", r"\sum_{i} (\frac{1}{eps_{i}} − \frac{1}{eps_{\text{born}}})")],
            symbols: &[("eps of i", "radius at which image i leaves the cluster"), ("eps born", "radius at which the cluster parts from a larger one")],
            paper: "Not in the paper; this is the tree of HDBSCAN (Campello et al. 2013).",
            look: "Long bars are clusters that do not care for the exact radius. Where a bar splits just beside the line of eps, a small Δd changes everything there.",
            keys: &["eps", "min_samples"],
        },
        Pane::Clustree => PanelInfo {
            what: "Clusters at many values of eps, a row each; a line where images stay together from row to row.",
            formulas: &[EQ8],
            symbols: SETS,
            paper: "Not in the paper; a “clustree” (Zappia and Oshlack 2018).",
            look: "Discs that go straight down are stable. Lines that run together are clusters that merge as the radius grows.",
            keys: &["eps", "delta_d"],
        },
        Pane::Sweep => PanelInfo {
            what: "This epoch clustered at twenty values of eps, and at each pair of eps and Δd.",
            formulas: &[],
            symbols: &[],
            paper: "eps and Δd stay fixed over the paper's training.",
            look: "A plateau is good: there the number of clusters does not depend on a hundredth of eps. The cell with a frame is the run's.",
            keys: &["eps", "delta_d"],
        },
        Pane::Lineage => PanelInfo {
            what: "What became of the clusters between two epochs: kept, split, merged, born, dissolved.",
            formulas: &[("same cluster", r"\frac{|A ∩ B|}{|A ∪ B|}")],
            symbols: &[("A, B", "images of a cluster before and after")],
            paper: "“Outliers will continue to cluster in subsequent iterations until reliable clusters can be produced” (III-B): here that can be counted.",
            look: "Images won back from the outliers are coarse to fine at work. Many clusters that split and merge again in turn mean that eps sits on a slope.",
            keys: &["eps"],
        },
        Pane::Cameras => PanelInfo {
            what: "How far images of one person and of two are from each other, within one camera and across two, and how clusters mix cameras.",
            formulas: &[JACCARD],
            symbols: V,
            paper: "The paper calls it the domain's style: light, background, view.",
            look: "The hard part is one person across two cameras. While those pairs are no nearer than two people within one camera, clusters sort by camera first.",
            keys: &["k1"],
        },
        Pane::Compass => PanelInfo {
            what: "Scores that need no labels, over the epochs, and which epoch each would choose.",
            formulas: &[("silhouette", r"\frac{b − a}{\max (a, b)}")],
            symbols: &[("a", "mean distance to the images of the own cluster"), ("b", "to those of the nearest other cluster")],
            paper: "The paper reports its best; the code it builds on picks the best epoch by the target's test labels. Without labels one has to choose by such scores.",
            look: "The honest choice costs the points between its epoch and the best one. A score that always points to the last epoch says little.",
            keys: &["adapt.epochs"],
        },
        Pane::Worth => PanelInfo {
            what: "The findings of this epoch that weigh most, each with a button that leads there.",
            formulas: &[],
            symbols: &[("bridge", "two images whose step alone joins two groups, or would join them"), ("copy", "two files of nearly the same photo")],
            paper: "Not in the paper.",
            look: "Begin at the top. What depends on ground truth is marked and goes away with the switch.",
            keys: &["eps"],
        },
        Pane::Exhibit => PanelInfo {
            what: "Clusters that were kept beside clusters that were dropped, with sample photos.",
            formulas: &[EQ8],
            symbols: SETS,
            paper: "Figs. 7 and 8. The paper calls a score between 0 and 1 reliable, which always holds; here the threshold decides.",
            look: "Compare the two shelves. A kept cluster with two people in it is not a fault of the drawing: stable is not pure.",
            keys: &["reliability.threshold", "delta_d"],
        },
        Pane::Memory => PanelInfo {
            what: "The memory during one epoch: each centroid begins at a ring and moves as its images come by; how far it turned in each iteration, and how old its rows are.",
            formulas: &[EQ9, EQ10],
            symbols: &[
                ("K[i]", "what the memory holds: a row for each image (Eq. 10); a centroid is the mean of its cluster's rows (Eq. 9)"),
                ("v", "the feature that the network has just made"),
                ("β", "share of the old row that stays"),
            ],
            paper: "β = 0.2 and called the update rate; as printed, and as in SpCL, 0.2 is what stays: the row is 80 % new. Rows are brought to length 1 again, which the paper leaves out.",
            look: "Rows that are not drawn grow stale: the network moves on without them. With β near 1 nothing moves and training chases features that no longer exist.",
            keys: &["beta", "adapt.batch", "adapt.instances"],
        },
        Pane::Batch => PanelInfo {
            what: "One batch as the network saw it: mirrored, shifted, with patches erased; and for each photo the two that the triplet loss compares it with.",
            formulas: &[("triplet", r"\max (0, d_{+} − d_{−} + \text{margin})")],
            symbols: &[(r"d_{+}", "to the furthest photo of the same cluster"), (r"d_{−}", "to the nearest photo of another cluster")],
            paper: "Flips, random crops and random erasing; which images make up a batch is not said: P clusters with K images each, other cameras first, as in SpCL.",
            look: "An anchor whose hardest negative is the same person is a wrong pseudo-label at work: it pushes apart what belongs together.",
            keys: &["triplet.margin", "augment.erase", "augment.flip", "adapt.instances"],
        },
        Pane::HeatMaps => PanelInfo {
            what: "Where the attention blocks look: their weights drawn over the watched photos.",
            formulas: &[
                ("Eq. 1", r"Z^{h}(h) = \frac{1}{W} \sum_{i} x(h, i)"),
                ("Eq. 6", r"Y(i,j) = x(i,j) × g^{h} × g^{w}"),
                ("Eq. 7", r"F = \frac{1}{3} (a_1 w_1 + a_2 w_2 + a_3 w_3)"),
            ],
            symbols: &[(r"g^{h}, g^{w}", "a weight from 0 to 1 for each row and each column"), (r"w_1, w_2, w_3", "weights of the three planes height × channel, width × channel, height × width")],
            paper: "Fig. 6. Eq. 7 prints w₁ twice and a pooled a*; the code multiplies the tensor itself by three weights of its own.",
            look: "Scales differ from map to map: read the numbers beside the bar. A map that is the same on every photo has learnt nothing of the person.",
            keys: &["attention.enabled", "attention.positions"],
        },
        Pane::RankLists => PanelInfo {
            what: "What queries find: the gallery sorted by distance, right and wrong answers marked, photos of the same person in the query's own camera left out of the count.",
            formulas: &[AP],
            symbols: RANKS,
            paper: "mAP and rank-1, -5, -10. How ties and the trapezoid are treated is not said; both forms are computed here.",
            look: "Wrong answers at the top usually wear the same clothes. A query whose matches stand far down was seen from behind, or by one camera only.",
            keys: &["eval.rerank"],
        },
        Pane::Alike => PanelInfo {
            what: "Why a query finds a hit: what each place of both photos gives to their similarity.",
            formulas: &[("cosine", r"f·g = \frac{1}{P Q} \sum_{p} \sum_{q} x_p · y_q")],
            symbols: &[(r"x_p, y_q", "feature columns of the two photos before pooling")],
            paper: "Not in the paper: with global average pooling the cosine falls apart exactly so.",
            look: "Bright background means the network recognises the place, not the person.",
            keys: &["net.pool"],
        },
        Pane::Inspector => PanelInfo {
            what: "One image: its cluster, its score, and its neighbours by plain distance and by shared neighbours.",
            formulas: &[JACCARD, SHARED],
            symbols: V,
            paper: "k-reciprocal Jaccard distance; k1 = 30 and k2 = 6 in the code it builds on.",
            look: "Strangers who are near by plain distance go down in the Jaccard list: they have other neighbours. That is why clustering uses it.",
            keys: &["k1", "k2"],
        },
        Pane::RunTable => PanelInfo {
            what: "All runs of the folder as a table, with columns of your choice.",
            formulas: &[],
            symbols: &[],
            paper: "Tables 2 and 3 are such tables: one row a setting.",
            look: "Tick runs to draw them together; star one to see differences from it.",
            keys: &["seed"],
        },
        Pane::Compare => PanelInfo {
            what: "The ticked runs side by side: results with intervals, who is found better or worse, and published results.",
            formulas: &[],
            symbols: &[("interval", "95 % over seeds, or over queries drawn anew where there is one run")],
            paper: "The paper gives one number a setting and no spread.",
            look: "A difference smaller than its interval is no difference yet: run more seeds.",
            keys: &["seed"],
        },
        Pane::Sweeps => PanelInfo {
            what: "A sweep: many runs whose parameters differ, what they found, and any parameter against any result.",
            formulas: &[],
            symbols: &[],
            paper: "Tables 1 to 3 are sweeps; they come ready to start.",
            look: "Look at the spread over seeds before the difference between settings.",
            keys: &["seed"],
        },
    }
}
