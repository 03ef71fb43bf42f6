//! What a screen reader hears and a keyboard reaches: every node that takes a click or the keyboard has a name in words,
//! and Tab comes to all of them.

use std::collections::BTreeSet;

use eframe::egui::{Key, Modifiers, Role, accesskit};
use egui_kittest::kittest::{AccessKitNode, NodeT, Queryable};
use reid_workbench::gui::panels::Pane;
use reid_workbench::run::example;

use crate::support::window::{Window, settle};

/// The recorded run that comes with the program: it has something in every panel.
fn window() -> (tempfile::TempDir, Window) {
    let data = tempfile::tempdir().unwrap();
    let run = example::ensure(data.path()).unwrap();
    let mut window = Window::among(run.parent().unwrap(), Some(run.clone()));
    window.until("Done");
    settle(&mut window.harness);
    (data, window)
}

/// What an assistive program would call it.
fn name(node: &AccessKitNode<'_>) -> String {
    let words = if node.role() == Role::Label { node.value() } else { node.label() };
    words.unwrap_or_default()
}

fn takes(node: &AccessKitNode<'_>, action: accesskit::Action) -> bool {
    node.data().supports_action(action)
}

/// Nodes that take a click or the keyboard and have no name in words; glyphs and marks are none.
fn nameless(window: &Window) -> BTreeSet<String> {
    let nodes = window.harness.root().children_recursive();
    let mut found = BTreeSet::new();
    for node in nodes {
        let node = node.accesskit_node();
        let at = node.bounding_box();
        let roles = [Role::Image, Role::Canvas, Role::Slider, Role::ProgressIndicator];
        let interactive = takes(&node, accesskit::Action::Click) || takes(&node, accesskit::Action::Focus);
        // The role of a scroll bar says all there is to say.
        let own = node.role() == Role::ScrollBar || (!interactive && !roles.contains(&node.role()));
        if own || name(&node).chars().any(char::is_alphanumeric) {
            continue;
        }
        let above = std::iter::successors(node.parent(), |n| n.parent()).map(|n| name(&n)).find(|n| !n.is_empty());
        let above = above.unwrap_or_default();
        found.insert(format!(
            "{:?} “{}” value {:?} at {at:?}, below “{above}”",
            node.role(),
            name(&node),
            node.value()
        ));
    }
    found
}

fn report(found: &BTreeSet<String>) {
    let list: Vec<_> = found.iter().map(String::as_str).collect();
    assert!(found.is_empty(), "{} nodes without a name:\n{}", found.len(), list.join("\n"));
}

fn look(window: &mut Window, what: &str, found: &mut BTreeSet<String>) {
    settle(&mut window.harness);
    found.extend(nameless(window).into_iter().map(|fault| format!("{what}: {fault}")));
}

/// Clicks each node of a role in turn, and looks at what opens.
fn open_each(window: &mut Window, what: &str, fits: impl Fn(Role, &str) -> bool, found: &mut BTreeSet<String>) {
    let names: BTreeSet<String> = window
        .harness
        .root()
        .children_recursive()
        .filter(|node| fits(node.accesskit_node().role(), &name(&node.accesskit_node())))
        .map(|node| name(&node.accesskit_node()))
        .collect();
    for name in names {
        let Some(node) = window.harness.query_all_by_label(&name).next() else { continue };
        node.click_accesskit();
        window.harness.run_steps(2);
        look(window, &format!("{what}, {name}"), found);
        window.press(Key::Escape);
    }
}

/// Every `of`-th panel alone, from the `from`-th on, with its menus and what stands behind its i.
fn panels(from: usize, of: usize) {
    let (_data, mut window) = window();
    let mut found = BTreeSet::new();
    for &pane in Pane::ALL.iter().skip(from).step_by(of) {
        window.harness.state_mut().enlarge(pane);
        window.harness.run_steps(2);
        look(&mut window, pane.title(), &mut found);
        let opens =
            |role, name: &str| role == Role::ComboBox || name.starts_with("Options of") || name.starts_with("About ");
        open_each(&mut window, pane.title(), opens, &mut found);
    }
    report(&found);
}

#[test]
fn every_panel_names_what_can_be_clicked() {
    panels(0, 2);
}

#[test]
fn every_other_panel_names_what_can_be_clicked() {
    panels(1, 2);
}

#[test]
fn every_layout_and_dialog_names_what_can_be_clicked() {
    let (_data, mut window) = window();
    let mut found = BTreeSet::new();
    let press = |window: &mut Window, modifiers, key| {
        window.harness.key_press_modifiers(modifiers, key);
        window.harness.run_steps(3);
    };
    for (key, layout) in [(Key::Num2, "Tune"), (Key::Num3, "Teach"), (Key::Num1, "Research")] {
        press(&mut window, Modifiers::COMMAND, key);
        look(&mut window, layout, &mut found);
    }
    let menus = |role, name: &str| role == Role::Button && name == "Menu";
    open_each(&mut window, "menus", menus, &mut found);
    let dialogs = [
        (Modifiers::COMMAND, Key::N, "New run"),
        (Modifiers::COMMAND, Key::O, "Open run"),
        (Modifiers::COMMAND, Key::D, "Add dataset"),
        (Modifiers::COMMAND, Key::E, "Export"),
        (Modifiers::COMMAND, Key::P, "Palette"),
        (Modifiers::NONE, Key::F1, "Shortcuts"),
    ];
    for (modifiers, key, what) in dialogs {
        press(&mut window, modifiers, key);
        look(&mut window, what, &mut found);
        open_each(&mut window, what, |role, _| role == Role::ComboBox, &mut found);
        press(&mut window, Modifiers::NONE, Key::Escape);
    }
    for command in ["Checkpoints", "Log", "Take the tour"] {
        press(&mut window, Modifiers::COMMAND, Key::P);
        window.harness.get_by_label("Command").type_text(command);
        window.harness.run_steps(2);
        press(&mut window, Modifiers::NONE, Key::Enter);
        look(&mut window, command, &mut found);
        press(&mut window, Modifiers::NONE, Key::Escape);
    }
    window.harness.state_mut().ask_to_quit();
    window.harness.run_steps(2);
    look(&mut window, "Quit", &mut found);
    report(&found);
}

/// What Tab comes to, in its order, until it begins anew.
fn tab_round(window: &mut Window) -> Vec<accesskit::NodeId> {
    let mut way = Vec::new();
    loop {
        window.harness.key_press(Key::Tab);
        window.harness.run_steps(2);
        let focused = window.harness.root().children_recursive().find(|n| n.accesskit_node().is_focused());
        let Some(id) = focused.map(|n| n.accesskit_node().locate().0) else { continue };
        if way.contains(&id) || way.len() > 2000 {
            return way;
        }
        way.push(id);
    }
}

#[test]
fn tab_comes_to_everything_that_can_be_clicked() {
    let (_data, mut window) = window();
    window.press(Key::F1);
    window.press(Key::Escape);
    for pane in [Pane::Map, Pane::Reachability, Pane::RankLists, Pane::Retrieval] {
        window.harness.state_mut().enlarge(pane);
        window.harness.run_steps(2);
        settle(&mut window.harness);
        let way: BTreeSet<_> = tab_round(&mut window).into_iter().map(|id| format!("{id:?}")).collect();
        let mut missed = Vec::new();
        for node in window.harness.root().children_recursive() {
            let node = node.accesskit_node();
            let at = node.bounding_box();
            if takes(&node, accesskit::Action::Click)
                && node.role() != Role::ScrollBar // what it scrolls to is scrolled to by Tab
                && !node.is_disabled()
                && !way.contains(&format!("{:?}", node.locate().0))
            {
                missed.push(format!("{:?} “{}” at {at:?}", node.role(), name(&node)));
            }
        }
        assert!(missed.is_empty(), "{}: Tab does not come to\n{}", pane.title(), missed.join("\n"));
    }
}
