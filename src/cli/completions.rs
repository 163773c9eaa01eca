//! `whyred completions` and `whyred man`: what packagers install beside the program.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{FOUND, terminal};

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  whyred completions bash > ~/.local/share/bash-completion/completions/whyred\n  whyred completions fish > ~/.config/fish/completions/whyred.fish"
)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Print the manual page
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  whyred man | man -l -\n  whyred man --dir share/man/man1")]
pub(super) struct ManArgs {
    /// Write the pages of all commands into this folder instead
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn completions(args: &CompletionsArgs, mut command: Command) -> anyhow::Result<u8> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut command, "whyred", &mut out);
    terminal::print(&String::from_utf8_lossy(&out))?;
    Ok(FOUND)
}

pub(super) fn man(args: &ManArgs, command: Command) -> anyhow::Result<u8> {
    if let Some(folder) = &args.dir {
        let cannot = || format!("cannot write manual pages to {}", folder.display());
        std::fs::create_dir_all(folder).with_context(cannot)?;
        clap_mangen::generate_to(command, folder).with_context(cannot)?;
        return Ok(FOUND);
    }
    let mut out = Vec::new();
    Man::new(command).render(&mut out)?;
    terminal::print(&String::from_utf8_lossy(&out))?;
    Ok(FOUND)
}
