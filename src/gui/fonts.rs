//! Type and icons: IBM Plex (OFL 1.1, whole files, since its name is reserved) and Phosphor (MIT).

use std::sync::Arc;

use eframe::egui::{self, FontData, FontDefinitions, FontFamily};

use super::theme;

/// Family of filled icons: transport keys.
pub fn fill() -> FontFamily {
    FontFamily::Name("icons-fill".into())
}

/// Family of bold icons: marks of 12 points and less.
pub fn bold() -> FontFamily {
    FontFamily::Name("icons-bold".into())
}

/// Installs the fonts. Text families fall back to egui's Hack (∩ ∪ ∈), then to the icons.
pub fn install(ctx: &egui::Context) {
    let mut fonts = FontDefinitions::default();
    let files: [(&str, &'static [u8]); 7] = [
        ("plex", include_bytes!("../../assets/fonts/IBMPlexSans-Regular.ttf")),
        ("plex-medium", include_bytes!("../../assets/fonts/IBMPlexSans-Medium.ttf")),
        ("plex-semibold", include_bytes!("../../assets/fonts/IBMPlexSans-SemiBold.ttf")),
        ("plex-mono", include_bytes!("../../assets/fonts/IBMPlexMono-Regular.ttf")),
        ("phosphor", include_bytes!("../../assets/fonts/Phosphor.ttf")),
        ("phosphor-fill", include_bytes!("../../assets/fonts/Phosphor-Fill.ttf")),
        ("phosphor-bold", include_bytes!("../../assets/fonts/Phosphor-Bold.ttf")),
    ];
    for (name, bytes) in files {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let mut family = |family: FontFamily, names: &[&str]| {
        fonts.families.insert(family, names.iter().map(|&n| n.to_owned()).collect());
    };
    family(FontFamily::Proportional, &["plex", "Hack", "phosphor"]);
    family(theme::medium(), &["plex-medium", "plex", "Hack", "phosphor"]);
    family(theme::semibold(), &["plex-semibold", "plex", "Hack", "phosphor"]);
    family(FontFamily::Monospace, &["plex-mono", "plex", "Hack", "phosphor"]);
    family(fill(), &["phosphor-fill"]);
    family(bold(), &["phosphor-bold"]);
    ctx.set_fonts(fonts);
}
