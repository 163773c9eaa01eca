//! `whyred run`: a command whose output passes through unchanged and live, and is diagnosed if the command fails.
//! Two threads pass the streams on and hand whole lines to the engine, which reads them as one log.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use clap::Args;

use super::{Global, diagnose, terminal};
use crate::log::Log;
use crate::report::render_text;

/// Run a build, pass its output on, and say why it failed if it fails
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(super) struct RunArgs {
    /// The command and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

const AFTER_LONG_HELP: &str = "\
Examples:
  whyred run -- bazel build //...
  whyred run -- nix build -L .#envoy

The exit status is that of CMD: 128 and the signal's number if a signal ended it, 127 if CMD was not found, 126 if it \
cannot be run. CMD writes to pipes, not to the terminal: some tools then draw no progress bars. The diagnosis goes to \
standard error.";

/// Bytes read at once from a stream.
const CHUNK: usize = 16 * 1024;
/// Bytes of a line that are kept back until it ends.
const LONGEST_LINE: usize = 256 * 1024;
/// Pieces that may wait for the engine.
const WAITING: usize = 64;
/// What the report calls the log.
const NAME: &str = "output";

/// Statuses of a shell for a command that cannot be started.
const NOT_FOUND: u8 = 127;
const NOT_RUNNABLE: u8 = 126;

/// Runs the command, and diagnoses it if it fails.
pub(super) fn run(args: &RunArgs, global: &Global) -> anyhow::Result<u8> {
    let engine = global.packs.engine()?;
    let Some((program, rest)) = args.command.split_first() else { anyhow::bail!("no command") };
    let spawned = Command::new(program).args(rest).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            terminal::complain(&format!("cannot run {}: {error}", program.display()));
            return Ok(if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_RUNNABLE });
        }
    };
    let log = Log::stream(NAME, Output::of(&mut child));
    let report = diagnose::report(&engine, log);
    let status = child.wait()?;
    if !status.success() {
        terminal::print_aside(&format!("\n{}", render_text(&report, &global.terminal.stderr())));
    }
    Ok(code(status))
}

/// What the command's status is for those who ask.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    status.code().map_or(1, |code| u8::try_from(code & 0xff).unwrap_or(1))
}

/// Both streams of a command as one log, line by line.
struct Output {
    pieces: Receiver<Vec<u8>>,
    piece: io::Cursor<Vec<u8>>,
}

impl Output {
    fn of(child: &mut Child) -> Output {
        let (sender, pieces) = sync_channel(WAITING);
        if let Some(stdout) = child.stdout.take() {
            let sender = sender.clone();
            thread::spawn(move || pass_on(stdout, io::stdout(), &sender));
        }
        if let Some(stderr) = child.stderr.take() {
            thread::spawn(move || pass_on(stderr, io::stderr(), &sender));
        }
        Output { pieces, piece: io::Cursor::default() }
    }
}

impl Read for Output {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            // Both threads are done when nobody can send any more.
            let Ok(piece) = self.pieces.recv() else { return Ok(0) };
            self.piece = io::Cursor::new(piece);
        }
    }
}

/// Copies a stream at once, and sends its whole lines to the log. Ends where nobody reads the copy, so that the command learns of it.
fn pass_on(mut from: impl Read, mut to: impl Write, log: &SyncSender<Vec<u8>>) {
    let mut chunk = vec![0; CHUNK];
    let mut kept: Vec<u8> = Vec::new();
    loop {
        let read = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let bytes = chunk.get(..read).unwrap_or_default();
        if to.write_all(bytes).and_then(|()| to.flush()).is_err() {
            break;
        }
        kept.extend_from_slice(bytes);
        let whole = match memchr::memrchr(b'\n', &kept) {
            Some(end) => end + 1,
            None if kept.len() > LONGEST_LINE => kept.len(),
            None => continue,
        };
        let rest = kept.split_off(whole);
        if log.send(std::mem::replace(&mut kept, rest)).is_err() {
            break;
        }
    }
    if !kept.is_empty() {
        // The other stream may go on: its next line is another one.
        kept.push(b'\n');
        let _ = log.send(kept);
    }
}
