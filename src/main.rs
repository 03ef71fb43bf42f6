//! The program: the window, or a sub-command.

use std::process::ExitCode;

use clap::Parser;
use reid_workbench::cli;

/// Unsupervised cross-domain person re-identification, live in a window and headless.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Cluster(cli::cluster::ClusterArgs),
    Evaluate(cli::evaluate::EvaluateArgs),
}

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Cluster(args) => cli::cluster::run(&args),
        Command::Evaluate(args) => cli::evaluate::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(cli::error::exit_code(&error))
        }
    }
}
