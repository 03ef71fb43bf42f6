//! Pages that are exported, opened by Chromium: nothing of theirs is asked for elsewhere, nothing fails, and what a
//! reader does on them gives the program's own numbers.

use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::{Value, json};

use reid_workbench::method::cluster::cluster;
use reid_workbench::run::event::Split;
use reid_workbench::run::graph::read_graph;
use reid_workbench::run::images::Images;
use reid_workbench::run::{RunReader, RunView};
use reid_workbench::study::judged::EpochRules;

use crate::support::skipped;

/// Epoch from 1, eps, Δd and threshold; what is `None` stays as the run had it.
type Tried = (usize, Option<f64>, Option<f64>, Option<f64>);

fn chromium() -> Option<PathBuf> {
    let all = ["chromium", "chromium-browser", "google-chrome"].map(PathBuf::from);
    let found = all.into_iter().find(|p| Command::new(p).arg("--version").output().is_ok_and(|o| o.status.success()));
    if found.is_none() {
        skipped("pages opened by a browser", "there is no Chromium");
    }
    found
}

/// The page after its scripts and `more` have run. What `more` leaves in `window.told` comes back; what the browser says
/// on its console fails the test.
fn opened(browser: &Path, page: &Path, more: &str) -> Value {
    let text = std::fs::read_to_string(page).unwrap();
    let more = format!(
        "<script>(async () => {{ {more} }})().then(told => {{ const at = document.createElement('pre'); at.id = 'told'; \
         at.textContent = JSON.stringify(told); document.body.append(at); }}, e => console.error(e));</script>"
    );
    let walked = page.with_extension("walked.html");
    std::fs::write(&walked, text.replace("</body>", &format!("{more}</body>"))).unwrap();
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--window-size=1100,1400"]);
    command.args(["--virtual-time-budget=60000", "--timeout=60000"]);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    let output = command.arg(format!("file://{}", walked.display())).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let console: Vec<&str> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "{console:#?}");
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = dom.split("<pre id=\"told\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let told = told.unwrap_or_else(|| panic!("the walk did not end: {said}"));
    serde_json::from_str(&told.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")).unwrap()
}

/// The program with a home of its own; the folder of the example in it.
fn example(home: &Path, args: &[&str]) -> PathBuf {
    let mut command = cargo_bin_cmd!("reid-workbench");
    command.current_dir(home).env("REID_DATA_DIR", home.join("data")).env("REID_CACHE_DIR", home.join("cache"));
    command.args(["export", "example"]).args(args).assert().success();
    let all = std::fs::read_dir(home.join("data/examples")).unwrap();
    all.map(|e| e.unwrap().path()).find(|p| p.join("images.csv").is_file()).unwrap()
}

#[test]
fn a_replay_forms_the_clusters_that_the_program_forms() {
    let Some(browser) = chromium() else { return };
    let home = tempfile::tempdir().unwrap();
    let run = example(home.path(), &["--replay", "replay.html", "--photos"]);
    let page = home.path().join("replay.html");
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(!text.contains("http:") && !text.contains("https:"), "no address of any kind");
    assert!(text.len() < 6_000_000, "{} bytes", text.len());

    // As recorded, then other radii and thresholds, by the controls of the page.
    let tries = [(1, None, None, None), (10, None, None, None), (5, None, None, None)].into_iter().chain(
        [(1, 0.45), (1, 0.7), (4, 0.52), (7, 0.6), (10, 0.45), (10, 0.3), (10, 0.8)].into_iter().flat_map(
            |(e, eps)| {
                [(e, Some(eps), None, None), (e, Some(eps), Some(0.05), None), (e, Some(eps), Some(0.05), Some(0.5))]
            },
        ),
    );
    let tries: Vec<Tried> = tries.collect();
    let asked = json!(tries);
    let walk = format!(
        "const tries = {asked}, $ = id => document.getElementById(id);
         const put = (id, value) => {{ $(id).value = value; $(id).dispatchEvent(new Event('input')); }};
         while (!document.body.dataset.ready) await new Promise(r => setTimeout(r, 20));
         return tries.map(([epoch, eps, delta, alpha]) => {{
           $('reset').click();
           put('epoch', epoch - 1);
           if (eps !== null) put('eps', eps);
           if (delta !== null) put('delta', delta);
           if (alpha !== null) put('alpha', alpha);
           return {{ epoch: $('epoch-shown').value, now: JSON.parse($('counts').dataset.summary), words: $('counts').textContent,
             instead: $('instead').textContent, eps: $('eps-shown').value }};
         }});"
    );
    let told = opened(&browser, &page, &walk);
    let view = RunView::of_folder(&RunReader::open(&run).unwrap());
    let mut moved = 0;
    for (&(epoch, eps, delta, alpha), told) in tries.iter().zip(told.as_array().unwrap()) {
        let what = format!("epoch {epoch}, eps {eps:?}, Δd {delta:?}, threshold {alpha:?}: {told}");
        assert_eq!(told["epoch"], epoch.to_string(), "{what}");
        let recorded = &view.clusters[&(epoch - 1)].summary;
        let counts = match eps {
            None => [recorded.clusters[0], recorded.noise[0], recorded.reliable, recorded.kept],
            Some(_) => {
                let mut rules = EpochRules::of(&view, epoch - 1).unwrap();
                rules.params.eps = eps.unwrap();
                rules.params.delta_d = delta.unwrap_or(rules.params.delta_d);
                if let Some(alpha) = alpha {
                    rules.params.reliability.threshold = alpha;
                    rules.params.reliability.rule = reid_workbench::method::params::Rule::Fixed;
                }
                let found = cluster(&read_graph(&run, epoch - 1).unwrap(), &rules.params, rules.carried);
                let summary = found.summary(&rules.params, None);
                moved += usize::from(summary.clusters[0] != recorded.clusters[0]);
                assert!(told["instead"].as_str().unwrap().contains("the run had"), "{what}");
                assert!(told["eps"].as_str().unwrap().ends_with(&format!("{:.3}", eps.unwrap())), "{what}");
                [summary.clusters[0], summary.noise[0], summary.reliable, summary.kept]
            }
        };
        let now = &told["now"];
        assert_eq!(json!(counts), json!([now["clusters"], now["outliers"], now["reliable"], now["kept"]]), "{what}");
        assert!(told["words"].as_str().unwrap().starts_with(&format!("{} cluster", counts[0])), "{what}");
    }
    assert!(moved > 10, "the radii change something");

    // A pointer on the map names the image under it and shows its photo.
    let walk = "const map = document.getElementById('map'), box = map.getBoundingClientRect();
         while (!document.body.dataset.ready) await new Promise(r => setTimeout(r, 20));
         for (let y = 10; y < box.height; y += 6) for (let x = 10; x < box.width; x += 6) {
           map.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + x, clientY: box.top + y }));
           const card = document.getElementById('card'), photo = card.querySelector('canvas');
           if (card.hidden) continue;
           const seen = photo.getContext('2d').getImageData(0, 0, 48, 96).data;
           return { words: [...card.querySelectorAll('div')].map(d => d.textContent), varied: new Set(seen).size };
         }";
    let told = opened(&browser, &page, walk);
    let words: Vec<&str> = told["words"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    let images = Images::read(&run).unwrap().split(Split::Train).len();
    let number: usize = words[0].trim_start_matches("image ").replace(',', "").parse().unwrap();
    assert!(number < images && words[1].contains("cluster"), "{words:?}");
    assert!(told["varied"].as_u64().unwrap() > 20, "the photo is one: {told}");
}

#[test]
fn a_report_is_read_in_a_browser_without_an_error() {
    let Some(browser) = chromium() else { return };
    let home = tempfile::tempdir().unwrap();
    example(home.path(), &["--report", "report.html"]);
    let walk = "const figure = document.getElementById('retrieval'), box = figure.querySelector('svg').getBoundingClientRect();
         const [left, top, right, bottom] = JSON.parse(figure.querySelector('script').textContent)[0].place;
         const at = [box.left + right / 720 * box.width, box.top + (top + bottom) / 2 / 720 * box.width];
         figure.querySelector('svg').dispatchEvent(new PointerEvent('pointermove', { clientX: at[0], clientY: at[1] }));
         return figure.querySelector('output').textContent;";
    let told = opened(&browser, &home.path().join("report.html"), walk);
    let said = told.as_str().unwrap();
    assert!(said.starts_with("adaptation epochs done 10:") && said.contains("mAP"), "{said}");
}
