//! How large a run is and by which method it adapts: two choices, both read from the one table of presets.

use std::collections::BTreeSet;

use crate::method::params::Params;
use crate::method::params::presets::{PRESETS, Preset};
use crate::method::params::table::row;

/// Keys that say how large a run is rather than how it adapts.
fn is_of_size(key: &str) -> bool {
    key == "backbone" || key.starts_with("image.")
}

/// Of what a size sets, the switches of a method: of them the method has the last word.
const OF_THE_METHOD: &[&str] = &["adapt.joint"];

/// What a size sets to suit its number of images, and people tune: it tells no size from another.
const TUNED: &[&str] = &["delta_d", "reliability.quantile"];

/// Whether a preset says how large a run is; the paper's changes nothing, so it is the paper's size.
fn is_size(preset: &Preset) -> bool {
    preset.overlay.is_empty() || preset.overlay.iter().any(|(key, _)| is_of_size(key))
}

/// The presets that say how large a run is.
pub fn sizes() -> impl Iterator<Item = &'static Preset> {
    PRESETS.iter().filter(|preset| is_size(preset))
}

/// The presets that say how it adapts, what is left out, and what is set wrong on purpose.
pub fn methods() -> impl Iterator<Item = &'static Preset> {
    PRESETS.iter().filter(|preset| !is_size(preset))
}

fn keys(presets: impl Iterator<Item = &'static Preset>) -> BTreeSet<&'static str> {
    presets.flat_map(|preset| preset.overlay.iter().map(|(key, _)| *key)).collect()
}

/// The method that another is a variant of, and stands upon: `cluster-contrast` below `cluster-contrast-hard`.
fn below(method: &Preset) -> Option<&'static Preset> {
    let is_variant = |of: &Preset| method.name.strip_prefix(of.name).is_some_and(|rest| rest.starts_with('-'));
    methods().find(|preset| is_variant(preset))
}

/// What a size and a method give. The size has the last word on how much is trained, and how fast, where it says so; the
/// method on the rest: fifty epochs of the paper's size are no part of a method.
fn given(size: Option<&Preset>, method: Option<&Preset>) -> Params {
    let mut params = Params::default();
    let overlay = |preset: &'static Preset| preset.overlay.iter();
    let of_size = size.into_iter().flat_map(|size| size.overlay);
    let of_method =
        method.and_then(below).into_iter().flat_map(overlay).chain(method.into_iter().flat_map(|m| m.overlay));
    let last = of_size.clone().filter(|(key, _)| !OF_THE_METHOD.contains(key));
    for (key, text) in of_size.chain(of_method).chain(last) {
        if let Err(error) = params.set_text(key, text) {
            tracing::error!(%error, key, "a preset of the table cannot be set");
        }
    }
    params
}

fn differs(key: &str, a: &Params, b: &Params) -> bool {
    row(key).is_ok_and(|row| (row.get)(a) != (row.get)(b))
}

/// `params` with the values of `keys` taken from another.
fn taking(params: &Params, keys: &BTreeSet<&'static str>, from: &Params) -> Params {
    let mut out = params.clone();
    for row in keys.iter().filter_map(|key| row(key).ok()) {
        (row.set)(&mut out, &(row.get)(from)); // combinations are judged once all values are in
    }
    out
}

/// The keys that tell sizes apart: those that a method sets, too, or that are tuned, do not.
fn keys_of_size() -> BTreeSet<&'static str> {
    let methods = keys(methods());
    keys(sizes()).into_iter().filter(|key| !methods.contains(key) && !TUNED.contains(key)).collect()
}

/// The size in force; `None` when a value of it was changed by hand.
pub fn size_of(params: &Params) -> Option<&'static Preset> {
    let keys = keys_of_size();
    sizes().find(|size| !keys.iter().any(|key| differs(key, params, &given(Some(size), None))))
}

/// The size in force, else the one that the fewest values would have to change for.
fn nearest_size(params: &Params) -> Option<&'static Preset> {
    let keys = keys_of_size();
    let apart = |size: &&Preset| keys.iter().filter(|key| differs(key, params, &given(Some(size), None))).count();
    sizes().min_by_key(apart)
}

/// What a method needs to be told of the data, and so does not tell it from another.
const OF_THE_DATA: &str = "labels.k";

/// The method in force; `None` when a value of it was changed by hand.
pub fn method_of(params: &Params) -> Option<&'static Preset> {
    // A key that sizes set, too, tells nothing of a method, but for the switches among them that it sets itself.
    let (size, sizes, all) = (nearest_size(params), keys(sizes()), keys(methods()));
    let sets = |method: &Preset, key: &str| {
        below(method).into_iter().chain([method]).flat_map(|preset| preset.overlay).any(|(own, _)| *own == key)
    };
    methods().find(|method| {
        let given = given(size, Some(method));
        !all.iter().any(|key| {
            let tells = !sizes.contains(key) || OF_THE_METHOD.contains(key) && sets(method, key);
            *key != OF_THE_DATA && tells && differs(key, params, &given)
        })
    })
}

/// The same method and values by hand at another size.
pub fn with_size(params: &Params, size: &Preset) -> Params {
    taking(params, &keys(sizes()), &given(Some(size), method_of(params)))
}

/// Another method at the same size.
pub fn with_method(params: &Params, method: &Preset) -> Params {
    taking(params, &keys(methods()), &given(nearest_size(params), Some(method)))
}

/// Whichever of the two the preset is about.
pub fn with(params: &Params, preset: &Preset) -> Params {
    if is_size(preset) { with_size(params, preset) } else { with_method(params, preset) }
}

/// What the method is called when nothing is left out.
pub const WHOLE: &str = "whole method";

/// Its name for people: the whole method is called so.
pub fn title(preset: &Preset) -> &'static str {
    let whole = !is_size(preset) && with_method(&Params::default(), preset) == Params::default();
    if whole { WHOLE } else { preset.name }
}

/// The keys whose values are neither the size's nor the method's.
pub fn by_hand(params: &Params) -> Vec<&'static str> {
    let chosen = Params { seed: params.seed, ..given(nearest_size(params), method_of(params)) };
    params.differing_keys(&chosen)
}

/// `eps 0.45, k1 20, and 3 more`; empty when all is as chosen.
pub fn by_hand_words(params: &Params) -> String {
    let keys = by_hand(params);
    let value = |key: &&'static str| match row(key) {
        // Both trainings have epochs, iterations, a batch; adaptation's are meant where nothing is said.
        Ok(row) if row.key.starts_with("pretrain.") => format!("pre-training {} {}", row.label, (row.get)(params)),
        Ok(row) => format!("{} {}", row.label, (row.get)(params)),
        Err(_) => (*key).to_owned(),
    };
    let mut words: Vec<String> = keys.iter().take(3).map(value).collect();
    if keys.len() > 3 {
        words.push(format!("and {} more", keys.len() - 3));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_method_are_chosen_apart() {
        let named = |name: &str| PRESETS.iter().find(|p| p.name == name).unwrap();
        let demo = with_size(&Params::default(), named("demo"));
        assert_eq!(size_of(&demo).map(|p| p.name), Some("demo"));
        assert_eq!(method_of(&demo).map(title), Some("whole method"));
        let mut kmeans = with_method(&demo, named("kmeans"));
        kmeans.labels.k = 64;
        assert_eq!((method_of(&kmeans).map(title), by_hand(&kmeans)), (Some("kmeans"), vec!["labels.k"]));
        let baseline = with_method(&demo, named("baseline"));
        assert_eq!(size_of(&baseline).map(|p| p.name), Some("demo"), "the size stays");
        assert_eq!(method_of(&baseline).map(|p| p.name), Some("baseline"));
        assert!(by_hand(&baseline).is_empty());
        let hard = with_method(&demo, named("cluster-contrast-hard"));
        assert!(!hard.refined && method_of(&hard).is_some_and(|p| p.name == "cluster-contrast-hard"));
        // How much is trained is the size's: the method's own fifty epochs are of the paper's.
        let contrast = with_method(&demo, named("cluster-contrast"));
        assert_eq!((contrast.adapt.epochs, contrast.k1, contrast.eps), (10, 15, 0.6));
        assert_eq!(size_of(&contrast).map(|p| p.name), Some("demo"));
        let large = with_size(&contrast, named("paper"));
        assert_eq!((large.adapt.epochs, large.adapt.step), (50, 20));
        let mut longer = large.clone();
        longer.adapt.epochs = 70;
        assert_eq!(method_of(&longer).map(|p| p.name), Some("cluster-contrast"), "an amount tells nothing of a method");
        assert_eq!(by_hand_words(&longer), "epochs 70");
        assert_eq!(with_size(&large, named("demo")), contrast);
        // A switch that sizes and methods set: the method has the last word, and gives it back.
        let spcl = with_method(&demo, named("spcl"));
        assert!(spcl.adapt.joint && by_hand(&spcl).is_empty() && !with_method(&spcl, named("baseline")).adapt.joint);
        assert_eq!(with_size(&with_size(&spcl, named("paper")), named("demo")), spcl);
        let mut own = baseline;
        own.delta_d = 0.03;
        own.adapt.epochs = 3;
        let (size, method) = (size_of(&own).map(|p| p.name), method_of(&own).map(|p| p.name));
        assert_eq!((size, method), (Some("demo"), Some("baseline")));
        assert_eq!(by_hand_words(&own), "Δd 0.03, epochs 3");
    }

    #[test]
    fn every_preset_is_a_size_or_a_method() {
        assert!(sizes().any(|p| p.name == "demo") && sizes().any(|p| p.name == "paper"));
        assert!(methods().any(|p| p.name == "baseline") && methods().any(|p| p.name == "spcl"));
        for preset in methods() {
            let params = with_method(&Params::default(), preset);
            assert!(method_of(&params).is_some(), "{}", preset.name);
        }
    }
}
