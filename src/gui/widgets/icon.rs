//! Phosphor code points; the same in the regular, fill and bold fonts.

use eframe::egui::{Align2, Color32, FontFamily, FontId, Painter, Pos2, RichText};

use crate::gui::fonts;

macro_rules! icons {
    ($($name:ident = $code:literal),+ $(,)?) => {
        $(#[doc = concat!("Icon at U+", stringify!($code), ".")] pub const $name: &str = $code;)+
    };
}

icons! {
    PLAY = "\u{e3d0}", PAUSE = "\u{e39e}", SKIP = "\u{e5a6}", STOP = "\u{e46c}",
    CHECK = "\u{e182}", CROSS = "\u{e4f6}", PROHIBIT = "\u{e3de}", PLUS = "\u{e3d4}",
    MINUS = "\u{e32a}", SEARCH = "\u{e30c}", MENU = "\u{e2f0}", DOTS = "\u{e1fe}",
    CARET_DOWN = "\u{e136}", CARET_UP = "\u{e13c}", CARET_LEFT = "\u{e138}", CARET_RIGHT = "\u{e13a}",
    RESET = "\u{e038}", STAR = "\u{e46a}", WARNING = "\u{e4e0}", ERROR = "\u{e4e2}", INFO = "\u{e2ce}",
    PIN = "\u{e3e2}", EYE = "\u{e220}", CROSSHAIR = "\u{e1d6}", LASSO = "\u{edc6}", FUNNEL = "\u{e266}",
    EXPORT = "\u{eaf0}", IMAGE = "\u{e2cc}", SCATTER = "\u{eaac}", CHART = "\u{e154}", BARS = "\u{e150}",
    GRID = "\u{e296}", GPU = "\u{e612}", CPU = "\u{e610}", DIAMOND = "\u{e1ec}", TRIANGLE = "\u{e4b0}",
    SUN = "\u{e472}", MOON = "\u{e330}", CIRCLE = "\u{e18a}", ARROW_RIGHT = "\u{e06c}",
    FOLDER = "\u{e256}", SAVE = "\u{e248}", BRANCH = "\u{e278}", KEYBOARD = "\u{e2d8}", COPY = "\u{e1ca}",
    STACK = "\u{e466}", RANKING = "\u{ed62}", HEAT = "\u{e242}", LAYOUT = "\u{e6d6}",
}

/// There is more, and it has names.
pub const MORE: &str = "»";

/// Which of the three icon fonts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Beside text.
    Regular,
    /// Transport keys.
    Fill,
    /// Marks of 12 points and less.
    Bold,
}

impl Weight {
    /// The font at `size` points.
    pub fn font(self, size: f32) -> FontId {
        let family = match self {
            Self::Regular => FontFamily::Proportional,
            Self::Fill => fonts::fill(),
            Self::Bold => fonts::bold(),
        };
        FontId::new(size, family)
    }
}

/// An icon as text.
pub fn text(icon: &str, weight: Weight, size: f32, color: Color32) -> RichText {
    RichText::new(icon).font(weight.font(size)).color(color)
}

/// Paints an icon centred on `at`.
pub fn paint(painter: &Painter, at: Pos2, icon: &str, weight: Weight, size: f32, color: Color32) {
    painter.text(at, Align2::CENTER_CENTER, icon, weight.font(size), color);
}
