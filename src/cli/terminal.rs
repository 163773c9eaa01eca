//! Terminal: whether output may have colours and how wide it may be; and the only places where the program writes.

use std::io::{self, Write};

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use clap::{Args, ValueEnum};
use terminal_size::{Width, terminal_size_of};

use crate::report::Style;

/// Columns where nothing tells.
const USUAL: usize = 80;
/// Columns used at least and at most.
const NARROWEST: usize = 40;
const WIDEST: usize = 120;

/// How output may look.
#[derive(Debug, Args)]
pub(super) struct Terminal {
    /// When to colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", display_order = 900)]
    color: When,
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    /// On a terminal, unless NO_COLOR, CLICOLOR or TERM say otherwise
    Auto,
    /// Whatever the environment says
    Always,
    /// Whatever the environment says
    Never,
}

impl Terminal {
    /// The style of standard output.
    pub(super) fn stdout(&self) -> Style {
        let width = terminal_size_of(io::stdout()).map(|(Width(columns), _)| columns);
        Style { color: self.colors(&io::stdout()), width: columns(width) }
    }

    /// The style of standard error.
    pub(super) fn stderr(&self) -> Style {
        let width = terminal_size_of(io::stderr()).map(|(Width(columns), _)| columns);
        Style { color: self.colors(&io::stderr()), width: columns(width) }
    }

    fn colors<S: RawStream>(&self, stream: &S) -> bool {
        match self.color {
            When::Always => true,
            When::Never => false,
            When::Auto => AutoStream::choice(stream) != ColorChoice::Never,
        }
    }
}

fn columns(terminal: Option<u16>) -> usize {
    let told = || std::env::var("COLUMNS").ok()?.parse().ok();
    let width = terminal.map(usize::from).filter(|columns| *columns > 0).or_else(told);
    width.unwrap_or(USUAL).clamp(NARROWEST, WIDEST)
}

/// Writes to standard output. Text holds colour codes only where a style wanted them.
///
/// # Errors
/// What the system says; a broken pipe where nobody reads any more.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = AutoStream::always(io::stdout().lock());
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes to standard error; that this may fail is nobody's concern.
pub(super) fn print_aside(text: &str) {
    let mut out = AutoStream::always(io::stderr().lock());
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// One clear sentence on standard error.
pub(super) fn complain(message: &str) {
    print_aside(&format!("whyred: {message}\n"));
}
