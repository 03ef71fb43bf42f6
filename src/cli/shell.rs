//! `completions SHELL` and `man DIR`: for those who package the program.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;

use super::Cli;
use super::progress::print_json;
use crate::base::fs::write_bytes;

/// Writes the completions of a shell to stdout.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:
  reid-workbench completions bash > ~/.local/share/bash-completion/completions/reid-workbench")]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Writes a man page for each sub-command.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:
  reid-workbench man ~/.local/share/man/man1")]
pub struct ManArgs {
    /// The folder they go to
    pub dir: PathBuf,
}

/// Runs `completions`.
///
/// # Errors
/// When stdout cannot be written.
pub fn completions(args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "reid-workbench", &mut script);
    std::io::stdout().write_all(&script).context("the completions cannot be printed")
}

/// Runs `man`.
///
/// # Errors
/// When a page cannot be written.
pub fn man(args: &ManArgs) -> anyhow::Result<()> {
    let mut root = Cli::command();
    root.build();
    let mut files = Vec::new();
    let mut pages = vec![root];
    while let Some(command) = pages.pop() {
        let shown = |c: &&clap::Command| !c.is_hide_set() && c.get_name() != "help";
        pages.extend(command.get_subcommands().filter(shown).cloned());
        let manual = clap_mangen::Man::new(command);
        let mut page = Vec::new();
        manual.render(&mut page)?;
        let path = args.dir.join(manual.get_filename());
        write_bytes(&path, &page).with_context(|| format!("could not write {}", path.display()))?;
        files.push(path);
    }
    files.sort();
    print_json(&serde_json::json!({ "files": files }))
}
