//! Contrast of every pair of colours that the window puts together, and glyphs for every sign it writes.

use eframe::egui;
use reid_workbench::gui::theme::{Theme, Type, contrast};
use reid_workbench::gui::{fonts, theme};

#[track_caller]
fn at_least(least: f64, what: &str, ink: egui::Color32, ground: egui::Color32) {
    let ratio = contrast(ink, ground);
    assert!(ratio >= least, "{what}: {ratio:.2} is below {least}");
}

fn dressed() -> egui_kittest::HarnessBuilder<()> {
    egui_kittest::Harness::builder().with_context_setup(|ctx| {
        fonts::install(ctx);
        theme::apply(ctx, theme::Density::Compact);
    })
}

#[test]
fn text_can_be_read_in_both_appearances() {
    for t in [Theme::dark(), Theme::light()] {
        for (n, ground) in [t.bg0, t.bg1, t.bg2, t.bg3, t.bg4].into_iter().enumerate() {
            let name = |ink: &str| format!("{ink} on bg{n}, dark {}", t.dark);
            at_least(4.5, &name("t1"), t.t1, ground);
            at_least(4.5, &name("t2"), t.t2, ground);
            if n == 4 {
                continue; // neither t3 nor coloured text stands there
            }
            at_least(4.5, &name("t3"), t.t3, ground);
            let coloured = [t.accent, t.match_, t.mismatch, t.unreliable, t.junk, t.what_if, t.pending, t.truth];
            for (c, ink) in coloured.into_iter().enumerate() {
                at_least(4.5, &name(&format!("colour {c}")), ink, ground);
            }
        }
        at_least(4.5, "outlier on bg1", t.outlier, t.bg1);
        at_least(4.5, "words on the primary button", t.accent_ink, t.accent_fill);
        at_least(4.5, "words on the what-if button", t.what_if_ink, t.what_if);
        at_least(4.5, "words on the running pill", t.t1, t.accent_bg);
        at_least(4.5, "words on the failed pill", t.t1, t.failed_bg);
        for ramp in t.ramp {
            at_least(4.5, "numbers on the ramp", t.t1, ramp);
        }
        for corner in [t.match_, t.mismatch, t.unreliable, t.junk] {
            at_least(4.5, "glyphs in corners", t.corner_ink, corner);
        }
    }
}

#[test]
fn marks_and_series_stand_out_in_both_appearances() {
    for t in [Theme::dark(), Theme::light()] {
        for (n, &series) in t.series.iter().enumerate() {
            at_least(if t.series_as_text[n] { 4.5 } else { 3.0 }, &format!("series {n}"), series, t.bg1);
            at_least(4.5, &format!("label of series {n}"), t.series_text(n), t.bg1);
        }
        for ground in [t.bg0, t.bg1, t.bg2] {
            at_least(3.0, "focus ring", t.accent, ground);
        }
    }
}

#[test]
fn every_sign_of_the_window_has_a_glyph() {
    let mut harness = dressed().build_ui(|ui| {
        for step in Type::ALL {
            ui.label(Type::text(step, "εβτΔα ≤≥→−×·…±÷∩∪∈–— 0123456789", Theme::dark().t1));
        }
    });
    harness.run(); // the harness panics on a sign that no font has
}

#[test]
fn live_numbers_do_not_jitter() {
    let mut harness = dressed().build_ui(|ui| {
        for step in Type::ALL {
            let width = |text: &str| {
                let font = step.font(ui);
                ui.painter().layout_no_wrap(text.to_owned(), font, Theme::dark().t1).size().x
            };
            let widths: Vec<f32> = "0123456789".chars().map(|c| width(&c.to_string().repeat(20))).collect();
            assert!(widths.iter().all(|w| (w - widths[0]).abs() < 0.5), "{step:?}: {widths:?}");
        }
    });
    harness.run();
}
