//! Colours and type on paper: the light column of the window's theme (a test holds them equal) on pure white.

use plotters::style::{FontStyle, RGBColor, register_font};

/// A colour as `[r, g, b]`.
pub type Rgb = [u8; 3];

/// Paper.
pub const PAPER: Rgb = [0xFF, 0xFF, 0xFF];
/// Grid lines.
pub const LINE: Rgb = [0xE0, 0xE3, 0xE8];
/// Ticks.
pub const LINE2: Rgb = [0xB7, 0xBE, 0xC8];
/// Titles and values.
pub const T1: Rgb = [0x15, 0x19, 0x1E];
/// Text.
pub const T2: Rgb = [0x3D, 0x46, 0x51];
/// Axis numbers and captions.
pub const T3: Rgb = [0x5D, 0x66, 0x72];
/// The hero curve.
pub const SERIES: Rgb = [0x02, 0x69, 0xBC];
/// Clusters that passed the threshold.
pub const RELIABLE: Rgb = [0x0A, 0x75, 0x59];
/// Clusters that failed it.
pub const UNRELIABLE: Rgb = [0x93, 0x53, 0x00];
/// Images in no cluster.
pub const OUTLIER: Rgb = [0x6B, 0x74, 0x80];
/// Parameter changes.
pub const PENDING: Rgb = [0x8A, 0x5B, 0x00];

/// More, in differences.
pub const ACCENT: Rgb = [0x1D, 0x5C, 0xCB];
/// Less, in differences.
pub const WHAT_IF: Rgb = [0x6A, 0x3F, 0xCB];

/// The family under which the bundled type is known to the drawing library, and named in SVG files.
pub const FAMILY: &str = "IBM Plex Sans";

/// The bundled type.
pub(super) const REGULAR: &[u8] = include_bytes!("../../assets/fonts/IBMPlexSans-Regular.ttf");
/// The bundled strong type.
pub(super) const STRONG: &[u8] = include_bytes!("../../assets/fonts/IBMPlexSans-SemiBold.ttf");

pub(super) fn color([r, g, b]: Rgb) -> RGBColor {
    RGBColor(r, g, b)
}

/// Makes the bundled type known; without it no text can be measured or drawn. May be called again.
pub(super) fn install_fonts() -> Result<(), String> {
    register_font(FAMILY, FontStyle::Normal, REGULAR)
        .and_then(|()| register_font(FAMILY, FontStyle::Bold, STRONG))
        .map_err(|_| "the bundled fonts are damaged".to_owned())
}
