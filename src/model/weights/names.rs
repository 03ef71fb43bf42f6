//! How the programs of the field name a ResNet: one row a habit, and the one rule that reads them all.
//!
//! The backbone is found by where its first convolution and the first convolution of its first block stand; what
//! stands before both is the wrapper's prefix, whatever it is. The table then says whose habit it is and what the
//! batch normalisation after pooling (our `feat_bn`) is called there.

mod habits;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use habits::{Body, HABITS, Habit};
use habits::{MORE_NECKS, PARTS, TWINS};

/// A tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTensor {
    /// Its full name: those of the dictionaries it lies in, then its own, with dots between.
    pub name: String,
    /// Its shape.
    pub shape: Vec<i64>,
    /// How much of the name is of the dictionaries it lies in.
    pub dict: usize,
}

/// What a file holds for a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadPlan {
    /// The network's names, each with the place in the file's list.
    pub pairs: BTreeMap<String, usize>,
    /// Names beside the backbone that are for nothing here, as they stand in the file.
    pub unexpected: Vec<String>,
    /// What stands before the backbone's names.
    pub prefix: String,
    /// Whose habit it is.
    pub habit: String,
    /// What kind of ResNet it is, where that can be told: "resnet50", "ResNet-101".
    pub body: Option<&'static str>,
    /// Whether a ReLU follows the stem.
    pub stem_relu: bool,
    /// The place of the power by which features are pooled, where it is learned (GeM).
    pub gem: Option<usize>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// A backbone in the list: where, and how its parts are called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    prefix: String,
    body: Body,
}

/// The tensors of the list for a network of `domains` batch normalisations, by the network's names.
///
/// # Errors
/// A sentence when no backbone is in the list, or it is one that is known not to be ours.
pub fn plan(given: &[FileTensor], domains: usize) -> Result<LoadPlan, String> {
    let index: HashMap<&str, usize> = given.iter().enumerate().map(|(i, g)| (g.name.as_str(), i)).collect();
    if let Some(what) = alien(&index) {
        return Err(what);
    }
    let mut places = places(given, &index);
    places.retain(|p| !p.prefix.contains("optim"));
    if places.is_empty() {
        return Err(nothing(given));
    }
    places.sort_by_key(|p| (-wanted(&p.prefix), p.prefix.len(), p.clone()));
    let place = places[0].clone();
    let stem_relu = place.body != Body::NoRelu;
    let mut plan = LoadPlan { prefix: place.prefix.clone(), stem_relu, ..LoadPlan::default() };
    for other in &places[1..] {
        plan.notes.push(format!(
            "taken are the weights under {}, not those under {}",
            shown(&place.prefix),
            shown(&other.prefix)
        ));
    }
    collect(given, &place, domains, &mut plan)?;
    let neck = neck(&place, &index, given, &plan);
    if let Some(stem) = &neck {
        for part in ["weight", "bias", "running_mean", "running_var"] {
            domain_names(&index, stem, part, domains, &mut plan);
        }
    }
    plan.body = describe(given, &plan.pairs);
    let row = habit(&place, neck.as_deref());
    plan.habit = row.map_or("an unknown wrapper", |h| h.program).to_owned();
    if let Some(remark) = row.map(|h| h.remark).filter(|r| !r.is_empty()) {
        plan.notes.push(remark.to_owned());
    }
    rest(given, &place, neck.as_deref(), &mut plan);
    Ok(plan)
}

fn shown(prefix: &str) -> String {
    if prefix.is_empty() { "no prefix".to_owned() } else { format!("`{prefix}`") }
}

/// Prefixes under which both the stem and the first block stand.
fn places(given: &[FileTensor], index: &HashMap<&str, usize>) -> Vec<Place> {
    let mut found = BTreeSet::new();
    for g in given {
        if g.shape.len() != 4 || g.shape[1] != 3 {
            continue;
        }
        // Without a ReLU the stages stand one place lower, and layer2 where layer1 is looked for: it comes first.
        for body in [Body::Named, Body::NoRelu, Body::Numbered] {
            let Some(prefix) = g.name.strip_suffix(&format!("{}.weight", body.part("conv1"))) else { continue };
            let first = format!("{prefix}{}.0.conv1.weight", body.part("layer1"));
            if (prefix.is_empty() || prefix.ends_with('.')) && index.contains_key(first.as_str()) {
                found.insert(Place { prefix: prefix.to_owned(), body });
                break;
            }
        }
    }
    found.into_iter().collect()
}

fn wanted(prefix: &str) -> i32 {
    prefix.split('.').map(|part| TWINS.iter().find(|(name, _)| *name == part).map_or(0, |(_, n)| *n)).sum()
}

/// The backbone's own name of a tensor under the prefix, or what it is called there when it is none of a backbone.
fn own_name<'a>(place: &Place, rest: &'a str) -> Result<String, &'a str> {
    let (head, tail) = rest.split_once('.').ok_or(rest)?;
    let known = PARTS.into_iter().find(|part| place.body.part(part) == head);
    known.map(|own| format!("{own}.{tail}")).ok_or(rest)
}

/// Batch normalisation of two domains, as SpCL (`BN_S`, `BN_T`) and OpenUnReID (`dsbn.0`, `dsbn.1`) write it.
fn domain_of(name: &str) -> (String, Option<usize>) {
    for (mark, domain) in [(".BN_S.", 0), (".BN_T.", 1), (".dsbn.0.", 0), (".dsbn.1.", 1), (".target.", 1)] {
        if let Some((before, after)) = name.rsplit_once(mark) {
            return (format!("{before}.{after}"), Some(domain));
        }
    }
    (name.to_owned(), None)
}

/// `bn1.weight` of the target is `bn1.target.weight`.
fn of_target(name: &str) -> String {
    name.rsplit_once('.').map_or_else(|| name.to_owned(), |(stem, last)| format!("{stem}.target.{last}"))
}

/// Takes up one tensor; of two domains a network of one takes the target's.
fn take(plan: &mut LoadPlan, name: &str, at: usize, domains: usize) {
    match domain_of(name) {
        (plain, Some(1)) if domains > 1 => {
            plan.pairs.insert(of_target(&plain), at);
        }
        (plain, Some(1)) => {
            plan.pairs.insert(plain, at);
            let note = "it has batch normalisation of two domains; the target's is taken";
            if !plan.notes.iter().any(|n| n == note) {
                plan.notes.push(note.to_owned());
            }
        }
        (plain, Some(_)) if domains > 1 => {
            plan.pairs.insert(plain, at);
        }
        (plain, _) => {
            plan.pairs.entry(plain).or_insert(at);
        }
    }
}

fn counter(name: &str) -> bool {
    name.ends_with("num_batches_tracked")
}

fn collect(given: &[FileTensor], place: &Place, domains: usize, plan: &mut LoadPlan) -> Result<(), String> {
    for (at, g) in given.iter().enumerate() {
        let Some(rest) = g.name.strip_prefix(&place.prefix).filter(|r| !counter(r)) else { continue };
        let own = match own_name(place, rest) {
            Ok(own) => own,
            Err(rest) if ["att_in.", "att_out."].iter().any(|a| rest.starts_with(a)) => rest.to_owned(),
            Err(_) => continue,
        };
        if (own.contains(".IN.") && !own.contains(".bn1.IN.")) || own.contains(".instance_norm.") {
            return Err(format!(
                "it is a ResNet with instance normalisation of another kind than IBN-a (`{}`), which is not among the \
                 networks here",
                g.name
            ));
        }
        take(plan, &own, at, domains);
    }
    Ok(())
}

/// The name before `.weight` of the batch normalisation after pooling: beside the backbone, or above it.
fn neck(place: &Place, index: &HashMap<&str, usize>, given: &[FileTensor], plan: &LoadPlan) -> Option<String> {
    let dim = plan.pairs.iter().filter(|(n, _)| n.starts_with("layer4.")).filter_map(|(_, &i)| given[i].shape.first());
    let dim = *dim.max()?;
    let names = HABITS.iter().map(|h| h.neck).filter(|n| !n.is_empty()).chain(MORE_NECKS.iter().copied());
    for above in above(&place.prefix) {
        for name in names.clone() {
            let stem = format!("{above}{name}");
            let mean = [".running_mean", ".BN_T.running_mean", ".dsbn.1.running_mean"];
            let found = mean.iter().find_map(|m| index.get(format!("{stem}{m}").as_str()));
            if found.is_some_and(|&i| given[i].shape == [dim]) {
                return Some(stem);
            }
        }
    }
    None
}

fn domain_names(index: &HashMap<&str, usize>, stem: &str, part: &str, domains: usize, plan: &mut LoadPlan) {
    for between in [".", ".BN_S.", ".BN_T.", ".dsbn.0.", ".dsbn.1.", ".target."] {
        if let Some(&at) = index.get(format!("{stem}{between}{part}").as_str()) {
            take(plan, &format!("feat_bn{between}{part}"), at, domains);
        }
    }
}

fn habit(place: &Place, neck: Option<&str>) -> Option<&'static Habit> {
    let body = place.body;
    let wrapper = place.prefix.trim_end_matches('.').rsplit('.').next().unwrap_or("");
    let after = |name: &str| neck.is_some_and(|n| n == name || n.ends_with(&format!(".{name}")));
    let fits = |h: &&Habit| h.body == body && if h.neck.is_empty() { neck.is_none() } else { after(h.neck) };
    let exact = HABITS.iter().filter(fits).find(|h| !h.wrapper.is_empty() && h.wrapper == wrapper);
    exact.or_else(|| HABITS.iter().filter(fits).find(|h| h.wrapper.is_empty()))
}

/// Whether a name is of a classifier, or describes the pictures the network was trained with.
fn of_training(rest: &str) -> bool {
    const PARTS: &[&str] = &["fc", "classifier", "head", "heads", "projector", "projection_head", "queue", "queue_ptr"];
    counter(rest)
        || ["pixel_mean", "pixel_std"].contains(&rest)
        || rest.split('.').next().is_some_and(|p| PARTS.contains(&p) || p.starts_with("classifier"))
}

/// A prefix, and what is left of it as parts are taken off its end: `a.b.`, `a.`, nothing.
fn above(prefix: &str) -> impl Iterator<Item = &str> {
    let ends = prefix.match_indices('.').map(|(dot, _)| dot + 1).collect::<Vec<_>>();
    ends.into_iter().rev().chain([0]).map(|end| &prefix[..end])
}

/// What of the same dictionary is for nothing here.
fn rest(given: &[FileTensor], place: &Place, neck: Option<&str>, plan: &mut LoadPlan) {
    let used: BTreeSet<usize> = plan.pairs.values().copied().collect();
    let anchor = given.iter().find(|g| g.name.starts_with(&place.prefix) && g.name.len() > place.prefix.len());
    let dict = anchor.map_or("", |g| &g.name[..g.dict.min(place.prefix.len())]);
    let twin = |name: &str| wanted(name) != 0 && !name.starts_with(&place.prefix);
    for (at, g) in given.iter().enumerate() {
        let inside = g.name.strip_prefix(dict);
        let Some(rest) = inside.filter(|_| !used.contains(&at) && !twin(&g.name) && !counter(&g.name)) else {
            continue;
        };
        // Beside the backbone, or above it: `model.classifier` where the backbone is `model.backbone`.
        let beside = |above: &str| g.name.strip_prefix(above).is_some_and(of_training);
        if !above(&place.prefix).any(beside) && !of_training(rest) {
            plan.unexpected.push(g.name.clone());
        }
    }
    let shapes = |what: &str| given.iter().find(|g| g.name.strip_prefix(dict).is_some_and(|r| r.ends_with(what)));
    if let Some(g) = ["pool_layer.p", "gap.p", "gem.p", "global_pool.p", "pool.p"].iter().find_map(|p| shapes(p)) {
        plan.gem = given.iter().position(|other| other.name == g.name);
        plan.unexpected.retain(|name| *name != g.name);
    }
    let embedding = |g: &&FileTensor| {
        let layer =
            ["feat.weight", "fc.0.weight", "embedding.weight", "add_block.0.weight", "heads.bottleneck.0.weight"];
        let matrix = g.shape.len() == 2 || (g.shape.len() == 4 && g.shape[2..] == [1, 1]);
        g.name.starts_with(dict) && matrix && layer.iter().any(|l| g.name.ends_with(l))
    };
    if let Some(g) = given.iter().find(embedding) {
        let name = &g.name;
        plan.notes
            .push(format!("it has an embedding after pooling (`{name}`), which is left out here: features differ"));
    }
    let dim = plan.pairs.get("layer4.0.bn3.weight").or(plan.pairs.get("layer4.0.bn2.weight")).map(|&i| &given[i].shape);
    let other = |name: &&String| {
        let stem = name.strip_suffix(".running_mean");
        stem.is_some() && given.iter().any(|g| g.name == **name && Some(&g.shape) == dim)
    };
    if let Some(name) = plan.unexpected.iter().find(other).filter(|_| neck.is_none()) {
        let stem = name.trim_end_matches(".running_mean");
        plan.notes.push(format!(
            "it has a batch normalisation `{stem}` that is not known as the one after pooling and is left out"
        ));
    } else if neck.is_none() {
        plan.notes
            .push("it has no batch normalisation after pooling, so features are taken as they are pooled".to_owned());
    }
}

/// Networks that are something else, by names that only they have.
fn alien(index: &HashMap<&str, usize>) -> Option<String> {
    let any = |part: &str| index.keys().copied().filter(|n| n.contains(part)).min();
    let kinds = [
        ("patch_embed.", "a vision transformer (ViT, TransReID)"),
        ("blocks.0.attn.", "a vision transformer (ViT, TransReID)"),
        ("cls_token", "a vision transformer (ViT, TransReID)"),
        ("transformer.resblocks.", "a transformer of CLIP"),
        ("conv2.0.gate.fc1.", "an OSNet"),
        ("embedder.embedder.convolution.", "a ResNet under the names of Hugging Face's transformers"),
        ("denseblock1.", "a DenseNet"),
        ("stage2.0.branches.", "an HRNet"),
        ("stages.0.blocks.", "a ConvNeXt or a Swin"),
        ("inverted_residual", "a MobileNet"),
    ];
    let resnet = any("layer1.0.conv1.weight").is_some();
    kinds.iter().filter(|_| !resnet).find_map(|(part, what)| {
        any(part).map(|name| format!("it is {what} (`{name}`), and only ResNets are among the networks here"))
    })
}

/// Why no backbone was found.
fn nothing(given: &[FileTensor]) -> String {
    let has = |suffix: &str| given.iter().find(|g| g.name.ends_with(suffix));
    if let Some(g) = has("conv1.0.weight").filter(|_| has("layer1.0.conv1.weight").is_some()) {
        return format!(
            "it is a ResNet with a deep stem (ResNet-C or -D, `{}`), which is not among the networks here",
            g.name
        );
    }
    if given
        .iter()
        .any(|g| g.name.contains("param_groups") || g.name.contains("exp_avg") || g.name.contains("momentum_buffer"))
    {
        return "it holds an optimiser's state and no network; give the file with the weights".to_owned();
    }
    let first = given.iter().map(|g| g.name.as_str()).min().unwrap_or("");
    format!(
        "no ResNet is in it: nothing ends in `conv1.weight` and `layer1.0.conv1.weight` with one prefix ({} tensors, the \
         first is `{first}`)",
        given.len()
    )
}

/// Which ResNet the backbone's tensors make.
fn describe(given: &[FileTensor], pairs: &BTreeMap<String, usize>) -> Option<&'static str> {
    let shape = |name: &str| pairs.get(name).map(|&i| given[i].shape.as_slice());
    let blocks = |stage: usize| {
        let of = format!("layer{stage}.");
        let block = |n: &String| n.strip_prefix(&of)?.split('.').next()?.parse::<usize>().ok();
        pairs.keys().filter_map(block).max().map_or(0, |last| last + 1)
    };
    let counts = [blocks(1), blocks(2), blocks(3), blocks(4)];
    let bottleneck = shape("layer1.0.conv3.weight").is_some();
    let stem = *shape("conv1.weight")?.first()?;
    let inner = *shape("layer1.0.conv1.weight")?.first()?;
    let grouped = bottleneck && shape("layer1.0.conv2.weight").and_then(|s| s.get(1)).is_some_and(|&c| c != inner);
    let ibn = pairs.keys().any(|n| n.contains(".bn1.IN."));
    Some(match (bottleneck, counts, stem, inner) {
        (true, [3, 4, 6, 3], 64, 64) if ibn => "resnet50-ibn",
        _ if ibn => "ResNet with IBN-a",
        _ if grouped => "ResNeXt",
        (true, [3, 4, 6, 3], 64, 64) => "resnet50",
        (false, [3, 4, 6, 3], 64, 64) => "resnet34",
        (false, [2, 2, 2, 2], 64, 64) => "resnet18",
        (true, [1, 1, 1, 1], 16, 16) => "resnet50-lite",
        (true, [3, 4, 23, 3], 64, 64) => "ResNet-101",
        (true, [3, 8, 36, 3], 64, 64) => "ResNet-152",
        (true, [3, 4, 6, 3], 64, 128) => "wide ResNet-50",
        _ => return None,
    })
}

/// Whose names our weights can be written under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `conv1`, `layer1.0.conv1` …, and `feat_bn` for what torchvision has not.
    Torchvision,
    /// SpCL, Cluster-Contrast and kin: `base.0`, `base.4.0.conv1` …, `feat_bn`.
    Spcl,
    /// fast-reid: `backbone.conv1` …, `heads.bottleneck.0`.
    FastReid,
    /// torchreid: as torchvision.
    Torchreid,
}

impl Style {
    /// The name there of a tensor of ours.
    pub fn name(self, own: &str) -> String {
        let (wrapper, body, neck) = match self {
            Self::Torchvision | Self::Torchreid => ("", Body::Named, "feat_bn"),
            Self::Spcl => ("base.", Body::Numbered, "feat_bn"),
            Self::FastReid => ("backbone.", Body::Named, "heads.bottleneck.0"),
        };
        let (head, tail) = own.split_once('.').unwrap_or((own, ""));
        match PARTS.into_iter().find(|part| *part == head) {
            Some(part) => format!("{wrapper}{}.{tail}", body.part(part)),
            None if head == "feat_bn" => format!("{neck}.{tail}"),
            // The power of GeM pooling.
            None if own == "gap.p" && self == Self::FastReid => "heads.pool_layer.p".to_owned(),
            None if own == "gap.p" => own.to_owned(),
            None => format!("{wrapper}{own}"),
        }
    }
}
