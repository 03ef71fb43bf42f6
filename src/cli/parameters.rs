//! `reid-workbench params list`: every parameter with its bounds, the paper's value and what it does.

use clap::{Args, Subcommand};
use serde_json::json;

use super::progress::print_json;
use crate::method::params::presets::PRESETS;
use crate::method::params::{ParamKind, table};

/// The hyper-parameters: what can be set, and what it does.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  reid-workbench params list
  reid-workbench params list eps
  reid-workbench params list --json | jq '.parameters[].key'")]
pub struct ParamsArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// All parameters, or those whose key, name or help holds a word.
    List(ListArgs),
}

#[derive(Args, Debug)]
struct ListArgs {
    /// Only those with this word in key, name, group or help
    word: Option<String>,
    /// As JSON, with the presets
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When no parameter holds the word, or nothing can be printed.
pub fn run(args: &ParamsArgs) -> anyhow::Result<()> {
    let Command::List(list) = &args.command;
    let word = list.word.as_deref().unwrap_or_default().to_lowercase();
    let holds = |row: &&table::ParamRow| {
        [row.key, row.label, row.group, row.help].iter().any(|t| t.to_lowercase().contains(&word))
    };
    let rows: Vec<&table::ParamRow> = table::ROWS.iter().filter(holds).collect();
    if rows.is_empty() {
        // A word that nothing holds is a key mistyped: the sentence for that names the nearest one.
        table::row(&word)?;
    }
    if list.json {
        return as_json(&rows);
    }
    let mut group = "";
    for row in rows {
        if row.group != group {
            println!("{}{}", if group.is_empty() { "" } else { "\n" }, row.group);
            group = row.group;
        }
        println!(
            "  {} = {}   ({}; takes effect {})",
            row.key,
            shown(&row.paper().to_string()),
            row.bounds(),
            row.effect.label()
        );
        println!("      {} {}", row.help, source(row.source));
    }
    if word.is_empty() {
        println!("\nThe value shown is the paper's. Presets, for --preset:");
        PRESETS.iter().for_each(|p| println!("  {:<22} {}", p.name, p.help));
    }
    Ok(())
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "\"\"" } else { value }
}

fn source(source: &str) -> String {
    format!("[{source}]")
}

fn as_json(rows: &[&table::ParamRow]) -> anyhow::Result<()> {
    let parameters: Vec<_> = rows
        .iter()
        .map(|row| {
            let (kind, min, max) = match row.kind {
                ParamKind::Bool => ("bool", None, None),
                ParamKind::Int { min, max } => ("int", Some(json!(min)), Some(json!(max))),
                ParamKind::Float { min, max, .. } => ("float", Some(json!(min)), Some(json!(max))),
                ParamKind::Choice(_) => ("choice", None, None),
                ParamKind::Text => ("text", None, None),
            };
            let choices = if let ParamKind::Choice(names) = row.kind { Some(names) } else { None };
            json!({
                "key": row.key, "label": row.label, "group": row.group, "kind": kind, "min": min, "max": max,
                "choices": choices, "paper": row.paper(), "source": row.source, "takes_effect": row.effect.label(),
                "help": row.help,
            })
        })
        .collect();
    let presets: Vec<_> = PRESETS
        .iter()
        .map(|p| {
            let sets: serde_json::Map<_, _> = p.overlay.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
            json!({ "name": p.name, "help": p.help, "sets": sets })
        })
        .collect();
    print_json(&json!({ "parameters": parameters, "presets": presets }))
}
