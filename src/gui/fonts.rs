//! Type and icons: IBM Plex (OFL 1.1, whole files, since its name is reserved) and Phosphor (MIT).

use std::collections::BTreeSet;
use std::process::Command;
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
    ctx.set_fonts(definitions(&[]));
}

/// Characters of other scripts that a text was shown with, and the system's fonts that have them.
#[derive(Clone, Default)]
struct Others {
    /// Blocks of 256 characters that were looked for.
    looked: BTreeSet<u32>,
    fonts: Vec<(String, Arc<FontData>)>,
}

/// Sees to it that `text`, a name that people gave, can be read in any script: what the bundled fonts lack is taken
/// from a font of the system, looked for with fontconfig on a thread of its own.
pub fn want(ctx: &egui::Context, text: &str) {
    if text.is_ascii() {
        return;
    }
    let id = egui::Id::unique("fonts of other scripts");
    for c in text.chars().filter(|c| is_of_other_script(*c)) {
        let new = ctx.data_mut(|data| {
            let others = data.get_temp_mut_or_default::<Others>(id);
            others.looked.insert(u32::from(c) >> 8)
        });
        if !new {
            continue;
        }
        let ctx = ctx.clone();
        let look = move || {
            let Some((name, font)) = system_font(c) else { return };
            let fonts = ctx.data_mut(|data| {
                let others = data.get_temp_mut_or_default::<Others>(id);
                if !others.fonts.iter().any(|(known, _)| *known == name) {
                    others.fonts.push((name, Arc::new(font)));
                }
                others.fonts.clone()
            });
            ctx.set_fonts(definitions(&fonts));
            ctx.request_repaint();
        };
        if let Err(error) = std::thread::Builder::new().name("fonts".to_owned()).spawn(look) {
            tracing::warn!(%error, "no thread could be started to look for a font");
        }
    }
}

/// Scripts that neither IBM Plex nor the icons have.
fn is_of_other_script(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{1fff}' | '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{fffc}' | '\u{1f000}'..)
}

/// A font of the system that has the character, as fontconfig finds it; none where there is no fontconfig.
fn system_font(c: char) -> Option<(String, FontData)> {
    let pattern = format!(":charset={:x}:scalable=true", u32::from(c));
    let asked = Command::new("fc-match").args(["-f", "%{file}\n%{index}\n%{charset}", &pattern]).output().ok()?;
    let answer = String::from_utf8_lossy(&asked.stdout).into_owned();
    let mut lines = answer.lines();
    let (file, index) = (lines.next()?.to_owned(), lines.next()?.parse::<u32>().unwrap_or(0));
    let has = lines.next()?.split_whitespace().any(|range| {
        let number = |text: &str| u32::from_str_radix(text, 16).ok();
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        number(from).zip(number(to)).is_some_and(|(from, to)| (from..=to).contains(&u32::from(c)))
    });
    let font = std::fs::read(&file).ok().filter(|_| has)?;
    // The lower half alone counts the faces of a collection.
    let data = FontData { index: index & 0xffff, ..FontData::from_owned(font) };
    Some((format!("{file} {index}"), data))
}

fn definitions(others: &[(String, Arc<FontData>)]) -> FontDefinitions {
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
    for (name, font) in others {
        fonts.font_data.insert(name.clone(), Arc::clone(font));
    }
    let mut family = |family: FontFamily, names: &[&str]| {
        let names = names.iter().map(|&n| n.to_owned()).chain(others.iter().map(|(name, _)| name.clone()));
        fonts.families.insert(family, names.collect());
    };
    family(FontFamily::Proportional, &["plex", "Hack", "phosphor"]);
    family(theme::medium(), &["plex-medium", "plex", "Hack", "phosphor"]);
    family(theme::semibold(), &["plex-semibold", "plex", "Hack", "phosphor"]);
    family(FontFamily::Monospace, &["plex-mono", "plex", "Hack", "phosphor"]);
    family(fill(), &["phosphor-fill"]);
    family(bold(), &["phosphor-bold"]);
    fonts
}
