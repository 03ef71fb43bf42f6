//! Thumbnails: what is decoded next, and what is forgotten.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use eframe::egui;
use reid_workbench::gui::widgets::images::Thumbnails;

fn pictures(dir: &std::path::Path, count: usize) -> Vec<PathBuf> {
    (0..count)
        .map(|i| {
            let path = dir.join(format!("{i:04}.png"));
            image::RgbImage::from_pixel(64, 128, image::Rgb([i as u8, 80, 90])).save(&path).unwrap();
            path
        })
        .collect()
}

/// Draws frames that ask for `wanted` until all of them are there.
fn until_there(images: &mut Thumbnails, ctx: &egui::Context, wanted: &[PathBuf]) {
    let began = Instant::now();
    loop {
        images.begin_frame(ctx);
        if wanted.iter().filter(|p| images.get(ctx, p, [64, 128]).is_some()).count() == wanted.len() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "the pictures did not arrive");
        std::thread::yield_now();
    }
}

#[test]
fn pictures_scrolled_past_are_not_decoded() {
    let home = tempfile::tempdir().unwrap();
    let ctx = egui::Context::default();
    let mut images = Thumbnails::default();
    // Far more than two threads decode in these frames; the files behind them do not even exist.
    for frame in 0..60 {
        images.begin_frame(&ctx);
        for i in 0..100 {
            let gone = home.path().join(format!("gone-{frame}-{i}.png"));
            assert!(images.get(&ctx, &gone, [64, 128]).is_none());
        }
        assert!(images.waiting() <= 400, "only the newest frames wait, not {}", images.waiting());
    }
    let shown = pictures(home.path(), 40);
    until_there(&mut images, &ctx, &shown);
    images.begin_frame(&ctx);
    assert_eq!(images.waiting(), 0, "what nobody asks for is forgotten");
}

#[test]
fn textures_stay_within_their_bound() {
    let home = tempfile::tempdir().unwrap();
    let ctx = egui::Context::default();
    let each = 64 * 128 * 4;
    let mut images = Thumbnails::new(20 * each);
    let all = pictures(home.path(), 90);
    for sight in all.chunks(15) {
        until_there(&mut images, &ctx, sight);
    }
    images.begin_frame(&ctx);
    images.begin_frame(&ctx);
    assert!(images.bytes() <= 20 * each, "{} bytes are held", images.bytes());
    until_there(&mut images, &ctx, &all[..15]);
    let broken = home.path().join("broken.png");
    std::fs::write(&broken, b"no picture").unwrap();
    let began = Instant::now();
    while images.failure(&broken).is_none() {
        assert!(began.elapsed() < Duration::from_secs(20));
        images.begin_frame(&ctx);
        assert!(images.get(&ctx, &broken, [64, 128]).is_none());
        std::thread::yield_now();
    }
}
