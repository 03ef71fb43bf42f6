//! `reid-workbench shot`: pictures of the window or of one tile, without a display. The arguments and the answer;
//! the program's `main` brings the window, which this room must not use.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::json;

use super::progress::print_json;
use crate::method::params::{Params, Value};
use crate::run::event::{ImageRef, Split};

/// Draws the window, or one panel of it, into a PNG: no display, no graphics card.
///
/// The picture is the same each time: the clock stands still and times of day are UTC.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  reid-workbench shot runs/demo --panel all --out shots
  reid-workbench shot runs/demo --panel rank-lists --size 900x520 --epoch 3 --theme light --out ranks.png")]
pub struct ShotArgs {
    /// The run folder to show, or `example`; without one the window is as it starts
    pub run: Option<PathBuf>,
    /// A panel by name (rank-lists, heat-maps, …), `window`, or `all`: each panel and the window
    #[arg(long, value_name = "NAME")]
    pub panel: String,
    /// Size of the picture in pixels
    #[arg(long, value_name = "WxH", default_value = "1600x1000", value_parser = size)]
    pub size: Size,
    /// Where the PNG goes; with `--panel all` a folder
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Appearance
    #[arg(long, value_enum, default_value = "dark")]
    pub theme: ShotTheme,
    /// Arrangement of the panels
    #[arg(long, value_enum, default_value = "research")]
    pub layout: ShotLayout,
    /// The epoch to look at, from 1 as in the window; without it the newest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub epoch: Option<u32>,
    /// The epoch to compare with, from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub against: Option<u32>,
    /// Size of everything in it: 1.0, 1.5, 2.0
    #[arg(long, value_name = "FACTOR", default_value = "1.0", value_parser = zoom)]
    pub zoom: f32,
    /// What is selected: cluster=3, query=5, image=train:7; may be repeated
    #[arg(long, value_name = "WHAT=NUMBER", value_parser = select)]
    pub select: Vec<Select>,
    /// A parameter to try on the epoch's clusters, as the What-if panel does: eps=0.5; may be repeated
    #[arg(long = "try", value_name = "KEY=VALUE", value_parser = trial)]
    pub trial: Vec<(String, Value)>,
    /// The step of the tour that is shown, 1 to 8; with `--layout teach`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=8))]
    pub step: Option<u8>,
    /// Cluster the epoch at many values of eps and Δd, as one click in the window does
    #[arg(long)]
    pub sweep: bool,
    /// What of the other radii lies over the map
    #[arg(long, value_enum)]
    pub radii: Option<ShotRadii>,
    /// A run to draw beside the one shown, which is then the baseline; may be repeated
    #[arg(long, value_name = "RUN", requires = "run")]
    pub tick: Vec<PathBuf>,
    /// Give up on a picture that is not complete after this many seconds
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub limit: u64,
}

/// Pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Across.
    pub width: u32,
    /// Down.
    pub height: u32,
}

/// Appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum ShotTheme {
    Dark,
    Light,
}

/// Arrangement of the panels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum ShotLayout {
    Research,
    Tune,
    Teach,
}

/// Other radii over the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum ShotRadii {
    Nested,
    Clustree,
}

/// Something selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    /// A cluster of the epoch.
    Cluster(u32),
    /// A row of the query split.
    Query(u32),
    /// An image of the target.
    Image(ImageRef),
}

fn size(text: &str) -> Result<Size, String> {
    let read = || {
        let (width, height) = text.split_once(['x', '×'])?;
        Some(Size { width: width.parse().ok()?, height: height.parse().ok()? })
    };
    let size = read().ok_or("write width and height in pixels, as in 1600x1000")?;
    let fits = |n: u32| (64..=8192).contains(&n);
    if fits(size.width) && fits(size.height) { Ok(size) } else { Err("each side has 64 to 8192 pixels".to_owned()) }
}

fn zoom(text: &str) -> Result<f32, String> {
    let zoom: Option<f32> = text.parse().ok().filter(|zoom| (0.5..=3.0).contains(zoom));
    zoom.ok_or_else(|| "the zoom is a number from 0.5 to 3".to_owned())
}

fn trial(text: &str) -> Result<(String, Value), String> {
    let mut params = Params::default();
    params.assign(text).map_err(|e| e.to_string())?;
    let key = text.split('=').next().unwrap_or_default().trim().to_owned();
    let value = params.get(&key).map_err(|e| e.to_string())?;
    Ok((key, value))
}

fn select(text: &str) -> Result<Select, String> {
    let image = |at: &str| {
        let (split, index) = at.split_once(':')?;
        let split = match split {
            "train" => Split::Train,
            "query" => Split::Query,
            "gallery" => Split::Gallery,
            _ => return None,
        };
        Some(Select::Image(ImageRef { split, index: index.parse().ok()? }))
    };
    let read = || match text.split_once('=')? {
        ("cluster", number) => number.parse().ok().map(Select::Cluster),
        ("query", number) => number.parse().ok().map(Select::Query),
        ("image", at) => image(at),
        _ => None,
    };
    read().ok_or_else(|| "write cluster=3, query=5 or image=train:7 (train, query, gallery)".to_owned())
}

/// Says which files were written.
///
/// # Errors
/// When nothing can be printed.
pub fn report(files: &[PathBuf]) -> anyhow::Result<()> {
    print_json(&json!({ "files": files }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_or_refused() {
        assert_eq!(size("800x500"), Ok(Size { width: 800, height: 500 }));
        for bad in ["800", "800x", "x", "0x10", "800x9000", "-5x80"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        let image = ImageRef { split: Split::Train, index: 7 };
        assert_eq!(select("image=train:7"), Ok(Select::Image(image)));
        assert_eq!(select("cluster=3"), Ok(Select::Cluster(3)));
        for bad in ["cluster", "cluster=-1", "image=7", "image=test:7", "epoch=3"] {
            assert!(select(bad).is_err(), "{bad}");
        }
        assert!(zoom("1.5").is_ok() && zoom("9").is_err() && zoom("nan").is_err());
    }
}
