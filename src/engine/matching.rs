//! A run that goes on with images that were moved about: each is found again by its file's name.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::Path;

use super::error::EngineError;
use super::event::Split;
use crate::base::text;
use crate::data::{Dataset, Sample};
use crate::run::images::Images;

/// Puts the target's images into the order in which the run began with them; those that came since are left out. Returns
/// what to say of it.
///
/// # Errors
/// When one is not there any more, or its name is not the only one of its kind.
pub(super) fn by_names(run: &Path, target: &mut Dataset) -> Result<String, EngineError> {
    let then = Images::read(run)?;
    let (mut found, mut more) = (0, 0);
    for (split, what, samples) in [
        (Split::Train, "training", &mut target.train),
        (Split::Query, "query", &mut target.query),
        (Split::Gallery, "gallery", &mut target.gallery),
    ] {
        let mut by_name: HashMap<OsString, Vec<Sample>> = HashMap::new();
        let all = samples.len();
        for sample in samples.drain(..) {
            let name = sample.path.file_name().unwrap_or_default().to_owned();
            by_name.entry(name).or_default().push(sample);
        }
        for was in then.split(split) {
            let name = was.path.file_name().unwrap_or_default();
            match by_name.remove(name).as_deref() {
                Some([one]) => samples.push(one.clone()),
                Some(several) => {
                    return Err(EngineError::Refused(format!(
                        "{} of the {what} images of {} are called {}, so it cannot be told which one the run began with",
                        several.len(),
                        target.name,
                        name.display()
                    )));
                }
                None => {
                    return Err(EngineError::Refused(format!(
                        "{} is not among the {what} images of {}, with which the run began (or two of its rows are called so)",
                        name.display(),
                        target.name
                    )));
                }
            }
        }
        found += samples.len();
        more += all - samples.len();
    }
    number_anew(&mut target.train);
    let left_out = match more {
        0 => String::new(),
        n => format!("; {} that came since are left out", text::count(n)),
    };
    Ok(format!("{} images of {} were found by their names{left_out}.", text::count(found), target.name))
}

/// Training identities count from 0, without those of images that were left out.
fn number_anew(train: &mut [Sample]) {
    let people: BTreeMap<i32, ()> = train.iter().map(|s| (s.pid, ())).collect();
    let numbers: HashMap<i32, i32> = people.into_keys().zip(0..).collect();
    train.iter_mut().for_each(|s| s.pid = numbers[&s.pid]);
}
