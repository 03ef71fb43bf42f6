//! Colours, sizes and type of the window: the one file with hex values. Panels ask for names.
//!
//! [`Theme`] holds the colour tokens of one appearance, [`size`] the measures, [`Type`] the text styles.
//! `tests/it/gui_theme.rs` computes the contrast of every pair that is put on screen.

mod style;

use std::sync::Arc;

use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{self, Color32, FontFamily, FontId, Galley, RichText, Shadow, TextStyle, Ui};

pub use style::apply;

/// Opaque colour from `0xRRGGBB`.
const fn hex(rgb: u32) -> Color32 {
    Color32::from_rgb((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
}

/// The colour tokens of one appearance. One meaning, one colour: none is used for ornament.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Whether this is the dark appearance.
    pub dark: bool,
    /// Window, gutters between panels, ink on bright chips.
    pub bg0: Color32,
    /// Tiles, bars, plots.
    pub bg1: Color32,
    /// Inputs, cards, popups, selected list row.
    pub bg2: Color32,
    /// Hover, progress rail.
    pub bg3: Color32,
    /// Pressed, slider rail, chosen segment.
    pub bg4: Color32,
    /// Grid lines, separators.
    pub line: Color32,
    /// Outlines of buttons and popups.
    pub line2: Color32,
    /// Titles and values.
    pub t1: Color32,
    /// Text.
    pub t2: Color32,
    /// Axis numbers, captions, units. Never on `bg4`.
    pub t3: Color32,
    /// Disabled and ornament, never to be read.
    pub t4: Color32,
    /// Focus, selection, links, progress, cursor.
    pub accent: Color32,
    /// Primary button.
    pub accent_fill: Color32,
    /// Text on `accent_fill`.
    pub accent_ink: Color32,
    /// Running pill, selected command.
    pub accent_bg: Color32,
    /// ✓ and filled dots: a right answer.
    pub match_: Color32,
    /// A cluster that passed the threshold.
    pub reliable: Color32,
    /// ✗: a wrong answer.
    pub mismatch: Color32,
    /// An invalid value, a failure.
    pub error: Color32,
    /// Ring, and the + of Eq. 8.
    pub unreliable: Color32,
    /// Dashed frame: same camera, not counted.
    pub junk: Color32,
    /// Small ×: in no cluster.
    pub outlier: Color32,
    /// Everything that is not applied to the run.
    pub what_if: Color32,
    /// Text on a `what_if` button.
    pub what_if_ink: Color32,
    /// Changed, waits for its moment; event marks.
    pub pending: Color32,
    /// A warning.
    pub warn: Color32,
    /// Numbers that use the target's labels.
    pub truth: Color32,
    /// Failed pill.
    pub failed_bg: Color32,
    /// Glyphs inside coloured corners.
    pub corner_ink: Color32,
    /// Runs, and clusters in the map, in this order; the live run is the first.
    pub series: [Color32; 7],
    /// Whether a label may take its series colour (else `t2` behind a swatch).
    pub series_as_text: [bool; 7],
    /// Ramp of tables, least to most; `t1` numbers stand on it.
    pub ramp: [Color32; 5],
}

static DARK: Theme = Theme {
    dark: true,
    bg0: hex(0x0D0F12),
    bg1: hex(0x14171B),
    bg2: hex(0x1C2026),
    bg3: hex(0x262B33),
    bg4: hex(0x333A45),
    line: hex(0x232830),
    line2: hex(0x3B4350),
    t1: hex(0xECEEF1),
    t2: hex(0xBAC1CB),
    t3: hex(0x8D96A3),
    t4: hex(0x5B6470),
    accent: hex(0x6AA9FF),
    accent_fill: hex(0x2E66C9),
    accent_ink: hex(0xFFFFFF),
    accent_bg: hex(0x1B2A42),
    match_: hex(0x3CC8A3),
    reliable: hex(0x3CC8A3),
    mismatch: hex(0xFF7E61),
    error: hex(0xFF7E61),
    unreliable: hex(0xE79F45),
    junk: hex(0x9AA2AD),
    outlier: hex(0x7E8794),
    what_if: hex(0xB99AFA),
    what_if_ink: hex(0x191126),
    pending: hex(0xF2C14E),
    warn: hex(0xF2C14E),
    truth: hex(0xEE94C6),
    failed_bg: hex(0x3A1F1B),
    corner_ink: hex(0x0D0F12),
    series: [hex(0x5A93EE), hex(0xF2A544), hex(0x9EF0D8), hex(0xA26C91), hex(0xEEE66A), hex(0xDB6539), hex(0xB0BFCB)],
    series_as_text: [true, true, true, false, true, true, true],
    ramp: [hex(0x161A21), hex(0x19263C), hex(0x1E3862), hex(0x264E8C), hex(0x2F62B0)],
};

static LIGHT: Theme = Theme {
    dark: false,
    bg0: hex(0xE3E6EA),
    bg1: hex(0xFCFCFD),
    bg2: hex(0xF1F3F5),
    bg3: hex(0xE5E8EC),
    bg4: hex(0xD2D7DE),
    line: hex(0xE0E3E8),
    line2: hex(0xB7BEC8),
    t1: hex(0x15191E),
    t2: hex(0x3D4651),
    t3: hex(0x5D6672),
    t4: hex(0x98A0AB),
    accent: hex(0x1D5CCB),
    accent_fill: hex(0x1D5CCB),
    accent_ink: hex(0xFFFFFF),
    accent_bg: hex(0xE2ECFC),
    match_: hex(0x0A7559),
    reliable: hex(0x0A7559),
    mismatch: hex(0xB5361A),
    error: hex(0xB5361A),
    unreliable: hex(0x935300),
    junk: hex(0x5D6672),
    outlier: hex(0x6B7480),
    what_if: hex(0x6A3FCB),
    what_if_ink: hex(0xFFFFFF),
    pending: hex(0x8A5B00),
    warn: hex(0x8A5B00),
    truth: hex(0xA52F78),
    failed_bg: hex(0xFBE6E1),
    corner_ink: hex(0xFFFFFF),
    series: [hex(0x0269BC), hex(0xBA7E1E), hex(0x05A386), hex(0x9F3F79), hex(0x666300), hex(0x72190A), hex(0x3B3F46)],
    series_as_text: [true, false, false, true, true, true, true],
    ramp: [hex(0xF1F3F5), hex(0xDDE6F4), hex(0xC8DAF3), hex(0xB4CDF1), hex(0x9FC0EE)],
};

impl Theme {
    /// The dark appearance.
    pub fn dark() -> &'static Self {
        &DARK
    }

    /// The light appearance; figures on paper always use it.
    pub fn light() -> &'static Self {
        &LIGHT
    }

    /// The appearance that `ctx` shows.
    pub fn of(ctx: &egui::Context) -> &'static Self {
        if ctx.theme() == egui::Theme::Dark { &DARK } else { &LIGHT }
    }

    /// Colour of the `n`-th run or cluster; repeats after the seventh (draw those dashed).
    pub fn series(&self, n: usize) -> Color32 {
        self.series[n % self.series.len()]
    }

    /// Colour for a label of the `n`-th series: its own where that can be read, else `t2`.
    pub fn series_text(&self, n: usize) -> Color32 {
        if self.series_as_text[n % self.series.len()] { self.series(n) } else { self.t2 }
    }

    /// Attention: `t` in 0..=1, dark is little, bright is much.
    pub fn inferno(t: f32) -> Color32 {
        let c = colorous::INFERNO.eval_continuous(f64::from(t.clamp(0.0, 1.0)));
        Color32::from_rgb(c.r, c.g, c.b)
    }

    /// Table cell at `t` in 0..=1 of the ramp.
    pub fn ramp(&self, t: f32) -> Color32 {
        let at = t.clamp(0.0, 1.0) * (self.ramp.len() - 1) as f32;
        let low = (at.floor() as usize).min(self.ramp.len() - 2);
        self.ramp[low].lerp_to_gamma(self.ramp[low + 1], at - low as f32)
    }

    /// Difference `t` in −1..=1: `what_if` below, `bg1` at 0, `accent` above.
    pub fn diverging(&self, t: f32) -> Color32 {
        let end = if t < 0.0 { self.what_if } else { self.accent };
        self.bg1.lerp_to_gamma(end, t.abs().min(1.0))
    }

    /// The shadow under things that float; panels have none.
    pub fn shadow(&self) -> Shadow {
        Shadow { offset: [0, 8], blur: 20, spread: 0, color: Color32::from_black_alpha(128) }
    }

    /// A patch that random erasing wrote, as the network's numbers look: ImageNet's mean, written after normalisation.
    pub fn erased(&self) -> Color32 {
        hex(0x988E7F)
    }

    /// The border that images are padded with before they are cropped.
    pub fn padded(&self) -> Color32 {
        hex(0x000000)
    }

    /// What lies over the work while a dialog asks.
    pub fn backdrop(&self) -> Color32 {
        Color32::from_black_alpha(112)
    }
}

/// WCAG contrast ratio of two opaque colours, 1..=21.
pub fn contrast(a: Color32, b: Color32) -> f64 {
    let luminance = |c: Color32| {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(c.r()) + 0.7152 * linear(c.g()) + 0.0722 * linear(c.b())
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The steps of type. Sizes follow the layout (Teach is larger), so fonts are asked of the `Ui`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// The one number of a panel.
    Figure,
    /// Epoch, popup titles.
    Heading,
    /// Tile titles, section heads.
    Title,
    /// Everything else.
    Body,
    /// Words on buttons.
    Button,
    /// Axes, captions, second lines.
    Small,
    /// Parameter keys, paths, log details.
    Mono,
}

impl Type {
    /// All steps.
    pub const ALL: [Self; 7] =
        [Self::Figure, Self::Heading, Self::Title, Self::Body, Self::Button, Self::Small, Self::Mono];

    /// The text style it is registered under.
    pub fn style(self) -> TextStyle {
        match self {
            Self::Figure => TextStyle::Name("figure".into()),
            Self::Heading => TextStyle::Heading,
            Self::Title => TextStyle::Name("title".into()),
            Self::Body => TextStyle::Body,
            Self::Button => TextStyle::Button,
            Self::Small => TextStyle::Small,
            Self::Mono => TextStyle::Monospace,
        }
    }

    /// The font at the size that `ui` uses.
    pub fn font(self, ui: &Ui) -> FontId {
        ui.style().text_styles.get(&self.style()).cloned().unwrap_or_else(|| self.base())
    }

    /// The font at 100 %.
    pub fn base(self) -> FontId {
        match self {
            Self::Figure => FontId::new(20.0, medium()),
            Self::Heading => FontId::new(13.0, semibold()),
            Self::Title => FontId::new(12.0, semibold()),
            Self::Body => FontId::new(12.0, FontFamily::Proportional),
            Self::Button => FontId::new(12.0, medium()),
            Self::Small => FontId::new(11.0, FontFamily::Proportional),
            Self::Mono => FontId::new(11.0, FontFamily::Monospace),
        }
    }

    /// One line of `text` in this step and `color`; what does not fit into `width` ends in an ellipsis.
    pub fn cut(self, ui: &Ui, text: impl Into<String>, color: Color32, width: f32) -> Arc<Galley> {
        let mut job = LayoutJob::simple_singleline(text.into(), self.font(ui), color);
        job.wrap = TextWrapping::truncate_at_width(width.max(0.0));
        ui.painter().layout_job(job)
    }

    /// `text` in this step and `color`.
    pub fn text(self, text: impl Into<String>, color: Color32) -> RichText {
        RichText::new(text).text_style(self.style()).color(color)
    }
}

/// IBM Plex Sans Medium.
pub fn medium() -> FontFamily {
    FontFamily::Name("medium".into())
}

/// IBM Plex Sans SemiBold.
pub fn semibold() -> FontFamily {
    FontFamily::Name("semibold".into())
}

/// How roomy the layout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Density {
    /// As drawn.
    #[default]
    Compact,
    /// Every row 4 higher.
    Comfortable,
    /// For a class: type × 1.25, rows 14 higher.
    Teach,
}

impl Density {
    /// Factor on type sizes.
    pub fn type_scale(self) -> f32 {
        if self == Self::Teach { 1.25 } else { 1.0 }
    }

    /// Points added to the height of every row.
    pub fn extra_row(self) -> f32 {
        match self {
            Self::Compact => 0.0,
            Self::Comfortable => 4.0,
            Self::Teach => 14.0,
        }
    }
}

/// Measures in points. The grid is 4.
pub mod size {
    /// Title bar.
    pub const TITLE_BAR: f32 = 34.0;
    /// Run strip.
    pub const RUN_STRIP: f32 = 44.0;
    /// Title of a panel.
    pub const TILE_TITLE: f32 = 30.0;
    /// Left and right margin inside a panel.
    pub const TILE_MARGIN: f32 = 12.0;
    /// Between panels.
    pub const GAP: f32 = 4.0;
    /// Between groups.
    pub const GROUP: f32 = 8.0;
    /// Row of the parameter table.
    pub const PARAM_ROW: f32 = 22.0;
    /// Row of a list with two lines.
    pub const LIST_ROW: f32 = 41.0;
    /// Row of a table.
    pub const TABLE_ROW: f32 = 21.0;
    /// Buttons.
    pub const BUTTON: f32 = 26.0;
    /// Buttons in toasts.
    pub const BUTTON_SMALL: f32 = 24.0;
    /// Number boxes.
    pub const INPUT: f32 = 19.0;
    /// Chips.
    pub const CHIP: f32 = 16.0;
    /// State pill.
    pub const PILL: f32 = 26.0;
    /// Epoch scrubber.
    pub const SCRUBBER: f32 = 64.0;
    /// The log's one line.
    pub const LOG_LINE: f32 = 27.0;
    /// Left column.
    pub const LEFT: f32 = 208.0;
    /// Right column.
    pub const RIGHT: f32 = 332.0;
    /// Least and largest width of the side columns.
    pub const SIDE_RANGE: [f32; 2] = [180.0, 420.0];
    /// A window narrower than this has no room for columns beside the panels.
    pub const NARROW: f32 = 1150.0;
    /// A window lower than this has no room for scrubber and tour below a panel.
    pub const LOW: f32 = 460.0;
    /// Least size of a centre panel.
    pub const TILE_MIN: [f32; 2] = [280.0, 140.0];
    /// Corner of panels and popups.
    pub const RADIUS_TILE: u8 = 6;
    /// Corner of panels in Teach.
    pub const RADIUS_TEACH: u8 = 10;
    /// Corner of palette and toasts.
    pub const RADIUS_FLOAT: u8 = 8;
    /// Corner of buttons and cards.
    pub const RADIUS_BUTTON: u8 = 5;
    /// Corner of inputs and segments.
    pub const RADIUS_INPUT: u8 = 4;
    /// Corner of chips and thumbnails.
    pub const RADIUS_CHIP: u8 = 3;
    /// Lines, frames, ticks.
    pub const STROKE: f32 = 1.0;
    /// Curves, selected card, what-if line.
    pub const STROKE_CURVE: f32 = 1.5;
    /// Hero curve, match and mismatch frames, focus ring.
    pub const STROKE_HERO: f32 = 2.0;
    /// Icons beside text.
    pub const ICON: f32 = 14.0;
    /// Icons in buttons.
    pub const ICON_BUTTON: f32 = 13.0;
    /// Marks in corners and chips.
    pub const ICON_MARK: f32 = 11.0;
    /// Thumbnails, width × height; pedestrians are 1 : 2.
    pub const THUMBS: [[f32; 2]; 5] = [[17.0, 34.0], [26.0, 52.0], [34.0, 68.0], [56.0, 112.0], [76.0, 152.0]];
    /// A query.
    pub const QUERY: [f32; 2] = [60.0, 120.0];
    /// Right margin of plots, for direct labels; equal in stacked plots.
    pub const PLOT_MARGIN: f32 = 72.0;
    /// The palette.
    pub const PALETTE: f32 = 620.0;
    /// Dialogs.
    pub const DIALOG: f32 = 480.0;
    /// Toasts.
    pub const TOAST: f32 = 330.0;
    /// Widest tooltip.
    pub const TOOLTIP: f32 = 376.0;
}
