//! `whyred diagnose`: logs from files or standard input, reports on standard output.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{COULD_NOT_RUN, FOUND, Global, NOTHING_KNOWN, is_stdin, terminal};
use crate::engine::Engine;
use crate::log::Log;
use crate::report::{
    Report, Style, render_github, render_gitlab, render_junit, render_markdown, render_sarif, render_text,
};

/// Say why the build of a log failed (the default command)
#[derive(Debug, Default, Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(super) struct DiagnoseArgs {
    /// Build logs, also compressed ones; none or - is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to print the report
    #[arg(long, short, value_name = "FORMAT")]
    format: Option<Format>,
}

const AFTER_LONG_HELP: &str = "\
Examples:
  nix build -L 2>&1 | whyred diagnose
  whyred diagnose build.log
  whyred diagnose --format json build.log | jq -r '.diagnoses[0].title'
  whyred diagnose --format sarif build.log > whyred.sarif
  whyred diagnose --format jsonl *.log |
      jq -r '[.log.name, .diagnoses[0].rule] | @tsv'

With json, one FILE gives an object and several give an array. A file that cannot be read is told on \
standard error and left out; the others still go on.";

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One object, or an array where several files are given
    Json,
    /// One report a line, in the order given
    Jsonl,
    /// For an issue, a pull request or a job's summary
    Markdown,
    /// SARIF 2.1.0, for code scanning and editors
    Sarif,
    /// Workflow commands: annotations in GitHub Actions
    Github,
    /// A Code Quality artifact of GitLab
    Gitlab,
    /// A JUnit file
    Junit,
}

impl DiagnoseArgs {
    /// Whether nothing was typed.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.format.is_none()
    }

    /// These arguments and those that stood before the subcommand.
    pub(super) fn after(self, before: DiagnoseArgs) -> DiagnoseArgs {
        let files = before.files.into_iter().chain(self.files).collect();
        DiagnoseArgs { files, format: self.format.or(before.format) }
    }
}

/// Diagnoses every log in turn.
pub(super) fn run(mut args: DiagnoseArgs, global: &Global) -> anyhow::Result<u8> {
    if args.files.is_empty() {
        if io::stdin().is_terminal() {
            terminal::complain("no log: name a file, or pipe a build in");
            terminal::print_aside(&format!("\n{}", super::short_help()));
            return Ok(COULD_NOT_RUN);
        }
        args.files.push("-".into());
    }
    let engine = global.packs.engine()?;
    let mut printer = Printer::new(args.format.unwrap_or(Format::Text), args.files.len() > 1, global.terminal.stdout());
    let (mut found, mut unread, mut stdin_read) = (false, false, false);
    for file in &args.files {
        let again = is_stdin(file.as_os_str()) && std::mem::replace(&mut stdin_read, true);
        match if again {
            Err(anyhow::anyhow!("standard input is named twice; it can be read once"))
        } else {
            open(file)
        } {
            Ok(log) => {
                let report = report(&engine, log);
                found |= !report.diagnoses.is_empty();
                printer.print(report)?;
            }
            Err(error) => {
                terminal::complain(&format!("{error:#}"));
                unread = true;
            }
        }
    }
    printer.finish()?;
    Ok(if unread { COULD_NOT_RUN } else { status(found) })
}

fn open(file: &Path) -> anyhow::Result<Log<'static>> {
    if is_stdin(file.as_os_str()) { Ok(Log::stream("stdin", io::stdin())) } else { Ok(Log::open(file)?) }
}

/// All that is said of a log.
pub(super) fn report(engine: &Engine, log: Log<'_>) -> Report {
    let name = log.name().to_owned();
    Report::of(engine, &name, &engine.diagnose(log))
}

fn status(found: bool) -> u8 {
    if found { FOUND } else { NOTHING_KNOWN }
}

/// Prints reports as they come; an array of them is opened, filled and closed. Documents of all reports are printed at the end.
struct Printer {
    format: Format,
    several: bool,
    style: Style,
    printed: usize,
    kept: Vec<Report>,
}

impl Printer {
    fn new(format: Format, several: bool, style: Style) -> Printer {
        Printer { format, several, style, printed: 0, kept: Vec::new() }
    }

    fn print(&mut self, report: Report) -> anyhow::Result<()> {
        let first = self.printed == 0;
        self.printed += 1;
        match self.format {
            Format::Text => {
                let gap = if first { "" } else { "\n\n" };
                let head = if self.several { format!("{}\n\n", self.heading(&report.log.name)) } else { String::new() };
                terminal::print(&format!("{gap}{head}{}", render_text(&report, &self.style)))?;
            }
            Format::Json if self.several => {
                terminal::print(if first { "[\n" } else { ",\n" })?;
                terminal::print(&serde_json::to_string_pretty(&report)?)?;
            }
            Format::Json => terminal::print(&(serde_json::to_string_pretty(&report)? + "\n"))?,
            Format::Jsonl => terminal::print(&(serde_json::to_string(&report)? + "\n"))?,
            Format::Markdown => {
                let gap = if first { "" } else { "\n" };
                terminal::print(&format!("{gap}{}", render_markdown(&report, None)))?;
            }
            Format::Sarif | Format::Github | Format::Gitlab | Format::Junit => self.kept.push(report),
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<()> {
        let document = match self.format {
            Format::Sarif => render_sarif(&self.kept),
            Format::Github => render_github(&self.kept),
            Format::Gitlab => render_gitlab(&self.kept),
            Format::Junit => render_junit(&self.kept),
            Format::Text | Format::Json | Format::Jsonl | Format::Markdown => String::new(),
        };
        terminal::print(&document)?;
        if self.format == Format::Json && self.several {
            terminal::print(if self.printed == 0 { "[]\n" } else { "\n]\n" })?;
        }
        io::stdout().flush()?;
        Ok(())
    }

    /// A line that tells where the report of the next log begins.
    fn heading(&self, name: &str) -> String {
        let shown = self.style.elide(&name.replace(char::is_control, ""), self.style.width.saturating_sub(8));
        let rest = self.style.width.saturating_sub(shown.chars().count() + 4);
        format!("{} {} {}", self.style.dim("──"), self.style.bold(shown), self.style.dim("─".repeat(rest)))
    }
}
