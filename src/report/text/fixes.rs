//! Fixes: what to do, numbered, best first; commands, patches and snippets as they are, so that they can be copied.

use super::paint::{Style, safe, safe_line};
use crate::fix::Fix;
use crate::rule::{FixKind, Safety};

/// Blanks before the lines of a fix's body, beside those of its title.
const BODY: &str = "  ";

/// A fix with its number; the body can be copied.
pub(super) fn numbered(number: usize, fix: &Fix, style: &Style) -> String {
    let mark = format!("{number}. ");
    let pad = " ".repeat(mark.len());
    let said = fix.title.to_ascii_lowercase().contains("last resort");
    let risk = match fix.safety {
        Safety::Safe => "",
        Safety::LastResort if said => "",
        Safety::Review => " (read before you use it)",
        Safety::LastResort => " (last resort)",
    };
    let title = format!("{}{}", style.bold(safe_line(&fix.title)), style.dim(risk));
    let mut out = style.wrap(&style.name(&mark), &pad, &title) + "\n";
    if let Some(needs) = &fix.needs {
        out += &(style.wrap(&pad, &pad, &style.dim(format!("needs {}", safe_line(needs)))) + "\n");
    }
    let body = safe(fix.body.trim_matches('\n'));
    match fix.kind {
        FixKind::Advice if body.trim().is_empty() => {}
        FixKind::Advice => out += &format!("\n{}", style.prose(&body, pad.len())),
        FixKind::Command | FixKind::Patch | FixKind::Snippet => {
            out.push('\n');
            for line in body.lines() {
                out += format!("{pad}{BODY}{}", coloured(line, fix, style)).trim_end();
                out.push('\n');
            }
        }
    }
    out
}

/// A line of a fix's body: what a patch adds and takes away is seen at once.
fn coloured(line: &str, fix: &Fix, style: &Style) -> String {
    match (fix.kind, line.as_bytes().first()) {
        (FixKind::Patch, Some(b'+')) => style.paint(anstyle::AnsiColor::Green.on_default(), line),
        (FixKind::Patch, Some(b'-')) => style.paint(anstyle::AnsiColor::Red.on_default(), line),
        (FixKind::Patch, Some(b'@')) => style.dim(line),
        _ => line.to_owned(),
    }
}
