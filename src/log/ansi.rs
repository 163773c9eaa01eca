//! Ansi: bytes of a line without what only a terminal reads: escape sequences, control characters,
//! and what is left of such sequences where a tool dropped or spelt out their ESC (`[31m`, `\u001b[0m`, `^[[K`).

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr2, memmem};

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
const DEL: u8 = 0x7f;
/// ESC as it stands in logs that spell it out.
const SPELT: [&[u8]; 6] = [b"\\u001b", b"\\u001B", b"\\x1b", b"\\x1B", b"\\033", b"^["];
/// Longest parameters of a colour that has lost its ESC: `38;2;255;255;255`.
const PARAMETERS: usize = 18;
/// A hyperlink (OSC 8) that has lost its ESC.
const LINK: &[u8] = b"]8;;";

/// The bytes that a reader would see, in order. Nothing is copied where there is nothing to drop; tabs stay.
pub(super) fn strip(line: &[u8]) -> Cow<'_, [u8]> {
    if has_controls(line) || has_leftovers(line) {
        Cow::Owned(without_links(without_sequences(line)))
    } else {
        Cow::Borrowed(line)
    }
}

fn has_controls(line: &[u8]) -> bool {
    // No early end: this way the compiler makes it a loop over whole vectors.
    line.iter().fold(false, |found, &byte| found | is_control(byte))
}

fn is_control(byte: u8) -> bool {
    (byte < b' ') & (byte != b'\t') | (byte == DEL)
}

/// May there be a sequence without its ESC? Says yes a little too often, never no too often.
fn has_leftovers(line: &[u8]) -> bool {
    let bracket = |at: usize| {
        let (before, after) = line.split_at(at);
        let end = after.iter().skip(1).find(|b| !matches!(b, b'0'..=b'9' | b';'));
        end.is_some_and(|b| matches!(b, b'm' | b'K') || b.is_ascii_alphabetic() && ends_spelt(before).is_some())
    };
    let link = |at: usize| line.get(at..).is_some_and(|link| link.starts_with(LINK));
    memchr_iter(b'[', line).any(bracket) || memchr_iter(b']', line).any(link)
}

fn without_sequences(line: &[u8]) -> Vec<u8> {
    let mut seen = Vec::with_capacity(line.len());
    let mut rest = line;
    // Where the last leftover was taken from the end of `seen`: a `[K` there belongs to it.
    let mut mended = None;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            ESC => after_sequence(after),
            _ if is_control(byte) => after,
            _ => {
                seen.push(byte);
                if byte.is_ascii_alphabetic() && drop_leftover(&mut seen, mended) {
                    mended = Some(seen.len());
                }
                after
            }
        };
    }
    seen
}

/// What follows the sequence whose ESC stood before `bytes`.
fn after_sequence(bytes: &[u8]) -> &[u8] {
    match bytes {
        [b'[', body @ ..] => {
            let length = body.iter().take_while(|b| (0x20..0x40).contains(*b)).count();
            let (parameters, rest) = body.split_at(length);
            match rest {
                [b'm', note @ ..] if parameters == b"8" && note.starts_with(b"ha:") => after_jenkins_note(note),
                [0x40..=0x7e, rest @ ..] => rest,
                rest => rest,
            }
        }
        [b']' | b'P' | b'X' | b'^' | b'_', body @ ..] => after_string(body),
        [0x20..0x30, ..] => {
            let length = bytes.iter().take_while(|b| (0x20..0x30).contains(*b)).count();
            match bytes.get(length..) {
                Some([0x30..=0x7e, rest @ ..]) => rest,
                rest => rest.unwrap_or_default(),
            }
        }
        [0x30..=0x7e, rest @ ..] => rest,
        rest => rest,
    }
}

/// What follows a string of OSC, DCS, APC or PM, ended by BEL or ESC `\`.
/// One without an end is no reason to lose the line.
fn after_string(body: &[u8]) -> &[u8] {
    let end = memchr2(BEL, ESC, body).and_then(|end| body.get(end..));
    match end {
        Some([BEL, rest @ ..] | [ESC, b'\\', rest @ ..]) => rest,
        _ => body,
    }
}

/// Jenkins hides annotations as `ESC[8mha:BASE64ESC[0m`.
fn after_jenkins_note(note: &[u8]) -> &[u8] {
    match memchr(ESC, note).and_then(|end| note.get(end..)) {
        Some([ESC, b'[', b'0', b'm', rest @ ..]) => rest,
        _ => note,
    }
}

/// Takes a sequence that has lost its ESC, or has it spelt out, from the end of what was seen so far.
fn drop_leftover(seen: &mut Vec<u8>, mended: Option<usize>) -> bool {
    let Some((&last, before)) = seen.split_last() else { return false };
    let parameters = before.iter().rev().take(PARAMETERS).take_while(|b| matches!(b, b'0'..=b'9' | b';')).count();
    let Some((b'[', before)) =
        before.get(..before.len() - parameters).and_then(<[u8]>::split_last).map(|(b, rest)| (*b, rest))
    else {
        return false;
    };
    let from = if let Some(spelt) = ends_spelt(before) {
        before.len() - spelt
    } else if last == b'm' && parameters > 0 || last == b'K' && (parameters > 0 || mended == Some(before.len())) {
        before.len()
    } else if last == b'K' && before.ends_with(b"[m") {
        before.len() - 2
    } else if last == b'K' && before.ends_with(b"[1A") {
        before.len() - 3
    } else {
        return false;
    };
    seen.truncate(from);
    true
}

fn ends_spelt(bytes: &[u8]) -> Option<usize> {
    SPELT.iter().find(|spelt| bytes.ends_with(spelt)).map(|spelt| spelt.len())
}

/// Drops the addresses of hyperlinks that lost their ESC: `]8;;ADDRESS\TEXT]8;;\`, or with nothing at all between
/// address and text, as gcc's `]8;;https://…#index-Wformat=-Wformat=]8;;`.
fn without_links(seen: Vec<u8>) -> Vec<u8> {
    if memmem::find(&seen, LINK).is_none() {
        return seen;
    }
    let mut kept = Vec::with_capacity(seen.len());
    let mut rest = seen.as_slice();
    while let Some(start) = memmem::find(rest, LINK) {
        let (before, link) = rest.split_at(start);
        kept.extend_from_slice(before);
        let link = link.get(LINK.len()..).unwrap_or_default();
        let Some(end) = memmem::find(link, LINK) else {
            rest = link.strip_prefix(b"\\").unwrap_or(link);
            continue;
        };
        let (inside, closing) = link.split_at(end);
        kept.extend_from_slice(link_text(inside));
        let closing = closing.get(LINK.len()..).unwrap_or_default();
        rest = closing.strip_prefix(b"\\").unwrap_or(closing);
    }
    kept.extend_from_slice(rest);
    kept
}

/// The text of a link, given what stands between its two marks.
fn link_text(inside: &[u8]) -> &[u8] {
    if let Some(end) = memchr(b'\\', inside) {
        return inside.get(end + 1..).unwrap_or_default();
    }
    let option = memmem::find(inside, b"#index-").and_then(|at| inside.get(at + "#index".len()..)).unwrap_or(inside);
    match option.split_at(option.len() / 2) {
        (address, text) if address == text => text,
        _ => inside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        String::from_utf8_lossy(&strip(line.as_bytes())).into_owned()
    }

    #[test]
    fn plain_text_is_not_copied() {
        for line in
            ["", "ERROR: a/BUILD:1:2: x[i] = [m for m in y] \t]", "f[0] and [12 / 345] and <[K]>", "Müller’s [31]"]
        {
            assert_eq!(shown(line), line);
        }
        assert!(matches!(strip(b"[12 / 345] a[0] \t"), Cow::Borrowed(_)));
    }

    #[test]
    fn sequences_of_terminals() {
        assert_eq!(shown("\x1b[31m\x1b[1mERROR: \x1b[0m/home"), "ERROR: /home");
        assert_eq!(shown("\x1b[1A\x1b[K\x1b[32mLoading:\x1b[0m"), "Loading:");
        assert_eq!(shown("\x1b[?25l\x1b[>4;2mx\x1b(B\x1b[m\x1b=\x1b7\x1bMy"), "xy");
        assert_eq!(shown("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b"), "alinkb");
        assert_eq!(shown("\x1b_bk;t=1700000000000\x07make\x1b_bk;t=1700000000001\x07!"), "make!");
        assert_eq!(shown("\x1bP1$r0m\x1b\\a\x1b^private\x1b\\b"), "ab");
        assert_eq!(shown("\x1b[8mha:////4AAAA+QAA==\x1b[0mStarted by user"), "Started by user");
        assert_eq!(shown("a\0b\x08\x0c\x7f\tc"), "ab\tc");
    }

    #[test]
    fn broken_sequences_lose_little() {
        assert_eq!(shown("\x1b]8;;http://x no end"), "8;;http://x no end");
        assert_eq!(shown("a\x1b"), "a");
        assert_eq!(shown("a\x1b["), "a");
        assert_eq!(shown("a\x1b[31"), "a");
        assert_eq!(shown("a\x1b[31é"), "aé");
        assert_eq!(shown("\x1b\x1b[1mx"), "x");
        assert_eq!(shown("\x1b_a\x1b_b\x07c"), "ac");
    }

    #[test]
    fn sequences_without_their_escape() {
        assert_eq!(shown("[31m[1mERROR: [0m/home"), "ERROR: /home");
        assert_eq!(shown("[01;31m[Kerror: [m[Kcannot"), "error: cannot");
        assert_eq!(shown("[1A[K[32mINFO: [0mFound"), "INFO: Found");
        assert_eq!(shown("^[[31merror:^[[0m \\u001b[35;1mx\\u001b[m\\033[Ky\\x1b[0m"), "error: xy");
        assert_eq!(shown("[3[31m1mx"), "x");
        assert_eq!(shown("sleep [5 m; list[K, V]; a[m"), "sleep [5 m; list[K, V]; a[m");
    }

    #[test]
    fn links_without_their_escape() {
        assert_eq!(shown("[]8;;https://gcc.gnu.org/W.html#index-Wformat=\\-Wformat=]8;;\\]"), "[-Wformat=]");
        assert_eq!(shown("[]8;;https://gcc.gnu.org/W.html#index-Wformat=-Wformat=]8;;]"), "[-Wformat=]");
        assert_eq!(shown("x]8;;"), "x");
    }
}
