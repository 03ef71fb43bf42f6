//! Images by file name, identity and camera.

use std::path::Path;

use super::find::TypedWords;
use crate::engine::event::{ImageRef, Split};
use crate::run::images::{ImageRow, Images};

/// Images listed at most.
const MOST: usize = 8;

/// What is asked of an image: of its identity, its camera (from 1), its number among the training images, and its file.
#[derive(Debug, Default, PartialEq)]
struct ImageAsk {
    pid: Option<i32>,
    camera: Option<i32>,
    number: Option<u32>,
    /// Words that its file's name holds.
    name: String,
}

impl ImageAsk {
    /// `pid 12 cam 3`, `pid=12`, `image 40`, `0003_c2`.
    fn of(text: &str) -> Self {
        let mut ask = Self::default();
        let spaced = text.replace('=', " ");
        let mut words = spaced.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let number: Option<i32> = words.peek().and_then(|next| next.parse().ok());
            match (word, number) {
                ("pid" | "identity" | "person", Some(n)) => ask.pid = Some(n),
                ("cam" | "camid" | "camera", Some(n)) => ask.camera = Some(n),
                ("image" | "photo", Some(n)) => ask.number = u32::try_from(n).ok(),
                _ => {
                    ask.name = format!("{} {word}", ask.name).trim_start().to_owned();
                    continue;
                }
            }
            words.next();
        }
        ask
    }
}

/// The images that fit best, with their scores; identities are looked at only where `truth` may be shown.
///
/// A name must be at least two letters long: one would find all.
pub fn find_images(images: &Images, query: &str, truth: bool) -> Vec<(u32, ImageRef)> {
    let ask = ImageAsk::of(&query.trim().to_lowercase());
    let fields = ask.pid.is_some() || ask.camera.is_some() || ask.number.is_some();
    if (ask.pid.is_some() && !truth) || (!fields && ask.name.chars().count() < 2) {
        return Vec::new();
    }
    let needle = TypedWords::of(&ask.name);
    let mut best: Vec<(u32, ImageRef)> = Vec::new();
    for row in images.all() {
        let differs = |asked: Option<i32>, own: i32| asked.is_some_and(|n| n != own);
        let other = ask.number.is_some_and(|n| row.split != Split::Train || row.index != n);
        if other || differs(ask.pid, row.pid) || differs(ask.camera, row.camid + 1) {
            continue;
        }
        let Some(score) = needle.holds(&name(row)) else { continue };
        let score = 2 * score + if fields { 400 } else { 0 };
        if best.len() == MOST && best.last().is_some_and(|(worst, _)| *worst >= score) {
            continue;
        }
        let place = best.partition_point(|(other, _)| *other >= score);
        best.insert(place, (score, ImageRef { split: row.split, index: row.index }));
        best.truncate(MOST);
    }
    best
}

/// The name of an image's file; empty where none is known.
pub(super) fn name(row: &ImageRow) -> std::borrow::Cow<'_, str> {
    Path::new(&row.path).file_name().map_or_else(Default::default, |name| name.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_of_an_image_is_read_from_words() {
        let ask = |pid, camera, number, name: &str| ImageAsk { pid, camera, number, name: name.to_owned() };
        assert_eq!(ImageAsk::of("0003_c2"), ask(None, None, None, "0003_c2"));
        assert_eq!(ImageAsk::of("pid=12 cam 3"), ask(Some(12), Some(3), None, ""));
        assert_eq!(ImageAsk::of("image 40"), ask(None, None, Some(40), ""));
        assert_eq!(ImageAsk::of("cam c1"), ask(None, None, None, "cam c1"));
    }
}
