//! Silence: what is said where there is no diagnosis: the log is empty, the build is fine, or no rule knows what happened.

use textwrap::core::display_width;

use super::paint::{Style, safe, safe_line, start_of};
use crate::engine::cleaned;
use crate::report::Report;

/// Names of logs that cannot be opened again: standard input, and what `whyred run` has read.
const NO_FILES: [&str; 3] = ["stdin", "-", "output"];
/// Lines of log shown on each side of a line by the command that is offered.
const AROUND: u64 = 20;
/// Rows of the terminal that an unexplained line may take.
const ROWS: usize = 4;

/// An empty log: what to pipe in.
pub(super) fn empty(report: &Report, style: &Style) -> String {
    let name = safe_line(&report.log.name);
    let first = style.wrap("", "", &format!("{}: nothing to diagnose", style.bold(format!("{name} is empty"))));
    let words = "Pipe a build into whyred with both its streams, for its errors stand in the second one:";
    format!(
        "{first}\n\n{}\n\n    bazel build //... 2>&1 | whyred\n    nix build -L 2>&1 | whyred\n",
        style.wrap("", "", words)
    )
}

/// A build that succeeded: nothing else is said.
pub(super) fn green(report: &Report, style: &Style) -> String {
    let words = format!(
        "{}: {} shows a build that succeeded; nothing to fix",
        style.good("green"),
        safe_line(&report.log.name)
    );
    style.wrap("", "", &words)
}

/// No rule fits: said plainly, with what is worth reading.
pub(super) fn unknown(report: &Report, style: &Style) -> Vec<String> {
    let log = &report.log;
    let tools =
        log.tools.iter().map(|t| format!("{} {}", t.name, t.version.as_deref().unwrap_or("")).trim().to_owned());
    let lines = if log.lines == 1 { "1 line".to_owned() } else { format!("{} lines", log.lines) };
    let facts: Vec<String> = std::iter::once(lines).chain(tools).map(|fact| safe_line(&fact)).collect();
    let head =
        format!("{} {} ({})", style.bold("no known cause in"), style.bold(safe_line(&log.name)), facts.join(", "));
    let mut parts = vec![style.wrap("", "    ", &head)];
    let Some(last) = report.unexplained.last() else {
        parts.push(style.wrap(
            "",
            "",
            "No line of it says that something failed. Is this the whole log, with standard error (2>&1)?",
        ));
        return parts;
    };
    let digits = last.line.to_string().len();
    let bar = style.name("|");
    let mut quoted = style.wrap("", "", "The lines that are most worth reading:") + "\n\n";
    for line in &report.unexplained {
        let text = safe(&cleaned(&line.text)).replace('\n', " ");
        let number = style.name(format!("{:>digits$}", line.line));
        for (row, text) in rows(text.trim_end(), style.width.saturating_sub(digits + 3)).into_iter().enumerate() {
            let number = if row == 0 { number.clone() } else { " ".repeat(digits) };
            quoted += &format!("{number} {bar} {text}\n");
        }
    }
    parts.push(quoted);
    let mut next = String::new();
    let (from, to) =
        (last.line.saturating_sub(AROUND).max(1), last.line.saturating_add(AROUND).min(log.lines.max(last.line)));
    let is_file = !NO_FILES.contains(&log.name.as_str());
    if is_file && log.lines > report.unexplained.len() as u64 {
        let file = quoted_for_shell(&safe_line(&log.name));
        next += &format!("{}\n\n    sed -n {from},{to}p {file}\n\n", style.wrap("", "", "More of it:"));
    }
    next += &style.wrap(
        "",
        "",
        "Once you know the cause, a rule of your own makes whyred know it too: see `whyred rules new --help`.",
    );
    parts.push(next);
    parts
}

/// A line in pieces of so many columns, the last one cut.
fn rows(text: &str, columns: usize) -> Vec<String> {
    let mut rows = Vec::new();
    let mut rest = text;
    while rows.len() + 1 < ROWS && display_width(rest) > columns {
        let row = start_of(rest, columns.max(2));
        rows.push(row.trim_end().to_owned());
        rest = &rest[row.len()..];
    }
    rows.push(if rows.is_empty() { rest.to_owned() } else { start_of(rest, columns).to_owned() });
    if let Some(last) = rows.last_mut().filter(|last| last.len() < rest.len()) {
        last.pop();
        last.push('…');
    }
    rows
}

/// A file name that a shell takes as one word.
fn quoted_for_shell(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,".contains(c);
    if name.chars().all(plain) { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_into_rows() {
        assert_eq!(rows("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(rows(&"x".repeat(99), 4), ["xxxx", "xxxx", "xxxx", "xxx…"]);
        assert_eq!(rows("", 4), [""]);
    }

    #[test]
    fn file_names_are_quoted_where_a_shell_needs_it() {
        assert_eq!(
            (quoted_for_shell("a/b-1.log"), quoted_for_shell("it's b")),
            ("a/b-1.log".to_owned(), r"'it'\''s b'".to_owned())
        );
    }
}
