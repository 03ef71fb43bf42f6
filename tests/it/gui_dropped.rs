//! What is dropped on the window, and runs that are made of features.

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use reid_workbench::base::tensors::Arrays;
use reid_workbench::engine::feature_run::ensure_made;
use reid_workbench::run::{Manifest, example};

use crate::sample_run;
use crate::support::dropped::drop_on;
use crate::support::window::{SMALL, Window};

/// A window without a run, beside an empty folder.
fn empty() -> (tempfile::TempDir, Window) {
    let home = tempfile::tempdir().unwrap();
    let window = Window::among(&home.path().join("runs"), None);
    (home, window)
}

#[test]
fn a_run_folder_is_opened_and_a_folder_of_runs_is_listed() {
    let (home, mut window) = empty();
    let others = home.path().join("others");
    for name in ["first", "second"] {
        sample_run::write(&others.join(name));
    }
    drop_on(&mut window.harness, &others.join("first"));
    window.until("Done");
    drop_on(&mut window.harness, &others);
    window.until("2 runs of ");
    window.until("Runs are listed");
    // One of the files of a run stands for it.
    let (_home, mut window) = empty();
    drop_on(&mut window.harness, &others.join("first/events.jsonl"));
    window.until("Done");
}

#[test]
fn a_photo_is_searched_for_in_the_run_on_screen() {
    let (home, mut window) = empty();
    let run = example::ensure(home.path()).unwrap();
    let photo = run.join("photos/00003.jpg");
    drop_on(&mut window.harness, &photo);
    window.until("Open a run first");
    let mut window = Window::on(&run);
    drop_on(&mut window.harness, &photo);
    window.until("Asking for 00003.jpg");
    assert!(!window.engine.asked().is_empty(), "the engine is asked");
}

#[test]
fn features_are_clustered_and_shown() {
    let (home, mut window) = empty();
    let made = ensure_made(home.path(), SMALL, &|_, _| true).unwrap();
    let file = home.path().join("mine.safetensors");
    std::fs::copy(made.join("features.safetensors"), &file).unwrap();
    drop_on(&mut window.harness, &file);
    window.until("features of mine");
    window.until("Done");
    let runs: Vec<_> = std::fs::read_dir(home.path().join("runs")).unwrap().flatten().collect();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert!(runs[0].file_name().to_string_lossy().ends_with("_mine"));
}

#[test]
fn weights_and_parameters_lead_to_a_new_run() {
    let (home, mut window) = empty();
    let weights = home.path().join("resnet.safetensors");
    let mut arrays = Arrays::default();
    arrays.add("conv1.weight", &[2, 3, 1, 1], &[0.5f32; 6][..]).add("bn1.weight", &[2], &[1.0f32; 2][..]);
    arrays.write(&weights).unwrap();
    drop_on(&mut window.harness, &weights);
    window.until("Start run");
    assert!(window.shows("resnet.safetensors"), "it is the initial weights");
    window.press(Key::Escape);

    for (name, text) in [
        ("mine.json", r#"{"parameters": {"eps": 0.55, "adapt": {"epochs": 7}, "beta": 0.3, "old_key": 1}}"#),
        ("mine.toml", "eps = 0.52"),
    ] {
        let file = home.path().join(name);
        std::fs::write(&file, text).unwrap();
        drop_on(&mut window.harness, &file);
        window.until("Start run");
        let eps = if name == "mine.json" { "0.55" } else { "0.52" };
        assert_eq!(window.harness.get_by_label("eps, number").value().as_deref(), Some(eps));
        window.press(Key::Escape);
    }
    let said: Vec<&str> = window.harness.state().messages().iter().map(|m| m.text.as_str()).collect();
    assert!(said.contains(&"This version knows no old_key."), "{said:?}");
    assert_eq!(window.harness.get_by_label("β, number").value().as_deref(), Some("0.30"), "of the first file");
}

#[test]
fn what_nothing_can_be_done_with_is_said_in_a_sentence() {
    let (home, mut window) = empty();
    for (name, bytes, words) in [
        ("notes.txt", &b"hello"[..], "notes.txt is neither a dataset, a run, a photo"),
        ("other.json", &br#"{"a": 1}"#[..], "other.json holds no parameters: it names none"),
        ("broken.toml", &b"eps = ="[..], "broken.toml holds no parameters"),
        ("broken.safetensors", &b"12345678 and more"[..], "is not a safetensors file"),
        ("scene.mat", &b"MATLAB 5.0 MAT-file"[..], "is a file of MATLAB or HDF5"),
    ] {
        let file = home.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        drop_on(&mut window.harness, &file);
        window.until(words);
    }
    assert!(!window.shows("Start run"));
}

#[test]
fn the_made_features_are_there_on_first_use_and_at_once_on_the_second() {
    let (_home, mut window) = empty();
    for time in 0..2 {
        window.harness.key_press_modifiers(Modifiers::COMMAND, Key::P);
        window.harness.run_steps(3);
        window.harness.get_by_label("Command").type_text("features of Market");
        window.harness.run_steps(3);
        window.press(Key::Enter);
        window.until("features of 300 images, made");
        window.until("Done");
        let made = window.made().to_owned();
        let written = std::fs::metadata(Manifest::path(&made)).unwrap().modified().unwrap();
        if time == 0 {
            window.until("clusters, ");
            window.harness.run_steps(3);
        }
        let inside: Vec<_> = std::fs::read_dir(made.parent().unwrap()).unwrap().flatten().collect();
        assert_eq!(inside.len(), 1, "nothing is left beside it: {inside:?}");
        assert_eq!(std::fs::metadata(Manifest::path(&made)).unwrap().modified().unwrap(), written);
    }
    // Research has little to show of features alone.
    window.until("Try eps");
}

#[test]
fn made_features_that_were_given_up_leave_nothing() {
    let home = tempfile::tempdir().unwrap();
    for until in [0, 150, 700] {
        let result = ensure_made(home.path(), SMALL, &|done, _| done < until);
        assert!(result.is_err(), "given up at {until}");
        let left: Vec<_> = std::fs::read_dir(home.path().join("examples")).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    }
    let whole = ensure_made(home.path(), SMALL, &|_, _| true).unwrap();
    assert!(Manifest::path(&whole).is_file());
    // What a killed process left is swept by the next.
    let litter = home.path().join("examples/.making-left");
    std::fs::create_dir_all(litter.join("content/half")).unwrap();
    std::fs::write(litter.join("owner"), b"").unwrap();
    std::fs::remove_dir_all(&whole).unwrap();
    ensure_made(home.path(), SMALL, &|_, _| true).unwrap();
    assert!(!litter.exists());
}
