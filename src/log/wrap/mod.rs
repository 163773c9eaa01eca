//! Wrap: terminal pastes whose long lines were cut at the width of the terminal, put together again.
//! Only what is surely such a paste is touched: several lines as wide as any line gets, cut in the midst of a word,
//! or a cut word that is whole elsewhere in the paste.

mod row;
mod seam;

use memchr::{memchr2_iter, memmem};

use row::{Row, characters, row_from};
use seam::{Seam, goes_in_path, goes_on_in_word, is_fresh, is_list, is_word};

/// Larger logs are no pastes, in bytes.
const LARGEST: usize = 256 * 1024;
/// Widths of a terminal, in characters.
const NARROWEST: usize = 60;
const WIDEST: usize = 300;
/// Columns that Nix sets its error tails in by (`       > `) and that copying drops, without and with the `> `.
const INDENT: usize = 7;
const INDENT_AND_MARK: usize = 9;
/// How much narrower than the widest line a cut one may be where the cut word is known from elsewhere.
const NEAR: usize = 12;
/// Pastes up to this size are searched for cut words, in bytes, and how many words at the most.
const SEARCHED: usize = 16 * 1024;
const SEARCHES: usize = 8;
/// Shortest word that is searched for, in bytes: shorter ones are joined by chance.
const SHORTEST_WORD: usize = 12;
/// Lines that speak against a paste, before the search is given up.
const DOUBTS: usize = 32;
/// A paste with its cut lines joined.
#[derive(Debug, PartialEq, Eq)]
pub struct Unwrapped {
    /// The joined text.
    pub bytes: Vec<u8>,
    /// For each line of `bytes`, the 1-based number of the raw line it starts on.
    /// A line feed at the end starts a last, empty line.
    pub lines: Vec<u64>,
}

/// Joins the lines of a hard-wrapped terminal paste; `None` for everything else.
pub fn unwrap_paste(bytes: &[u8]) -> Option<Unwrapped> {
    let paste = Paste::measure(bytes)?;
    let cuts = paste.cuts()?;
    Some(paste.joined(&cuts))
}

/// What may be a paste.
struct Paste<'b> {
    bytes: &'b [u8],
    /// Width of the widest row, in characters.
    width: usize,
}

/// What the end of one row and the start of the next say about a cut between them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Cut {
    /// Surely two lines.
    No,
    /// Two lines, and a sign that nobody cut this log at this width.
    Against,
    /// One line, if this is a paste.
    Loose,
    /// One line, most likely: cut after the blank between two words.
    Strong,
    /// One line, most likely: cut in a path, a label or a name.
    InName,
    /// One line: the cut word is whole elsewhere.
    Known,
}

impl<'b> Paste<'b> {
    /// The width, if no row is too wide. This runs on every small log: rows that are no wider than one before are not looked at.
    fn measure(bytes: &'b [u8]) -> Option<Paste<'b>> {
        if bytes.len() > LARGEST {
            return None;
        }
        let (mut width, mut at) = (0, 0);
        while let Some(row) = row_from(bytes, at, width + 1) {
            width = width.max(characters(row.text));
            if width > WIDEST {
                return None;
            }
            at = row.end(bytes);
        }
        (NARROWEST..=WIDEST).contains(&width).then_some(Paste { bytes, width })
    }

    /// For each row that goes on in the next one, where it starts; `None` where this is no paste.
    fn cuts(&self) -> Option<Vec<usize>> {
        let mut searches = if self.bytes.len() <= SEARCHED { SEARCHES } else { 0 };
        let mut found: Vec<(Row<'b>, Cut)> = Vec::new();
        let (mut against, mut strong, mut at) = (0, 0, 0);
        while let Some(row) = row_from(self.bytes, at, self.width.saturating_sub(NEAR)) {
            at = row.end(self.bytes);
            let next = Row::at(self.bytes, at).map_or(&b""[..], |next| next.text);
            let cut = self.cut(row.at == 0, row.text, next, &mut searches);
            against += usize::from(cut == Cut::Against);
            strong += usize::from(cut >= Cut::Strong);
            if against > DOUBTS && against > strong {
                return None;
            }
            if cut != Cut::No {
                found.push((row, cut));
            }
        }
        let has = |least: Cut| found.iter().any(|(_, cut)| *cut >= least);
        let mut texts = found.iter().filter(|(_, cut)| *cut >= Cut::Strong).map(|(row, _)| row.text);
        let different = texts.next().is_some_and(|first| texts.any(|row| row != first));
        let established = different && has(Cut::InName) && against * 3 <= strong;
        if !established && !has(Cut::Known) || self.is_for_terminals() {
            return None;
        }
        let goes_on = |cut: &Cut| *cut == Cut::Known || established && *cut >= Cut::Loose;
        Some(found.iter().filter(|(_, cut)| goes_on(cut)).map(|(row, _)| row.at).collect())
    }

    /// Escape sequences and redraws: written for a terminal, not copied from one.
    fn is_for_terminals(&self) -> bool {
        memchr2_iter(0x1b, b'\r', self.bytes).any(|at| !matches!(self.bytes.get(at..at + 2), None | Some(b"\r\n")))
    }

    /// Judges the end of a row and the start of the next one.
    fn cut(&self, is_first: bool, row: &[u8], next: &[u8], searches: &mut usize) -> Cut {
        let missing = self.width.saturating_sub(characters(row));
        let two_lines = if missing == 0 { Cut::Against } else { Cut::No };
        let (Some(last), Some(first)) = (row.last().copied(), next.first().copied()) else { return two_lines };
        let pads = row.iter().rev().take_while(|b| **b == b' ').count();
        if pads > 1 || missing > NEAR {
            return Cut::No;
        }
        let inset = next.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        if inset > 1 || inset == next.len() || is_fresh(next) {
            return two_lines;
        }
        let seam = Seam::of(row, next);
        let in_path = !seam.head.is_empty() && goes_in_path(first) && !first.is_ascii_uppercase();
        if in_path && *searches > 0 && self.width - missing >= NARROWEST {
            *searches -= 1;
            if self.knows(&seam) {
                return Cut::Known;
            }
        }
        let full = match missing {
            0 => true,
            INDENT => row.starts_with(b"> "),
            INDENT_AND_MARK => is_first,
            _ => false,
        };
        if !full {
            // The next word would not have fitted here: this text was broken between words.
            let word = next.iter().take_while(|b| **b != b' ').count();
            let ends_word = last.is_ascii_alphanumeric() || last == b',';
            return if first.is_ascii_lowercase() && ends_word && missing <= word { Cut::Against } else { Cut::No };
        }
        if is_list(row, next) {
            return Cut::Against;
        }
        let in_name = in_path && is_word(last) && goes_on_in_word(next) && seam.is_name() && row.contains(&b' ');
        match () {
            () if in_name => Cut::InName,
            () if missing == 0 && pads == 1 && first.is_ascii_lowercase() => Cut::Strong,
            () if missing == 0 || in_path => Cut::Loose,
            () => Cut::No,
        }
    }

    /// Is the word across the seam whole elsewhere, and its first part never on its own?
    fn knows(&self, seam: &Seam<'_>) -> bool {
        let long = seam.word.len() >= SHORTEST_WORD && seam.word.len() > seam.head.len();
        long && seam.is_name() && self.stands(&seam.word, 0) && !self.stands(seam.head, 1)
    }

    /// Does this word stand in the paste more than so often, with nothing of a word around it?
    fn stands(&self, word: &[u8], times: usize) -> bool {
        let around = |at: usize| {
            let before = at.checked_sub(1).and_then(|i| self.bytes.get(i));
            let after = self.bytes.get(at + word.len()..).unwrap_or_default();
            let ends = match after {
                [b'.' | b':', b, ..] => !is_word(*b),
                [b, ..] => !goes_in_path(*b),
                [] => true,
            };
            ends && before.is_none_or(|b| !goes_in_path(*b))
        };
        memmem::find_iter(self.bytes, word).filter(|at| around(*at)).nth(times).is_some()
    }

    /// `cuts`: the starts of rows that go on in the next one, in their order.
    fn joined(&self, cuts: &[usize]) -> Unwrapped {
        let mut text = Unwrapped { bytes: Vec::with_capacity(self.bytes.len()), lines: Vec::new() };
        let mut cuts = cuts.iter().peekable();
        let mut rows = std::iter::successors(Row::at(self.bytes, 0), |row| Row::at(self.bytes, row.end(self.bytes)));
        let (mut starts, mut number, mut next) = (true, 0, rows.next());
        while let Some(row) = next {
            next = rows.next();
            number += 1;
            if starts {
                text.lines.push(number);
            }
            text.bytes.extend_from_slice(row.text);
            starts = cuts.next_if_eq(&&row.at).is_none();
            if starts && next.is_some() {
                text.bytes.push(b'\n');
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// Cuts every line as a terminal does.
    fn wrapped(text: &str, width: usize) -> String {
        let cut =
            |line: &str| line.as_bytes().chunks(width).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
        text.lines().map(cut).collect::<Vec<_>>().join("\n")
    }

    fn joined(paste: &str) -> Option<(Vec<String>, Vec<u64>)> {
        let text = unwrap_paste(paste.as_bytes())?;
        Some((text.bytes.split(|b| *b == b'\n').map(|l| String::from_utf8_lossy(l).into_owned()).collect(), text.lines))
    }

    const LOST_INDENT: &str = "\
>                fail(_EXECUTE_ERROR_MESSAGE.format(
> Error in fail: Command [/tmp/deps.drv-0/output/external/rust_sdk_crate_index
/cargo-bazel, \"splice\", \"--output-dir\", /tmp/deps.drv-0/output/external/rust_sdk_crat
e_index/splicing-output, \"--splicing-manifest\", /tmp/deps.drv-0/output/external/ru_sd
k/cargo-bazel.json] failed with exit code 127.
> STDOUT -----------------------------------------------------------------------
>
> Could not start dynamically linked executable: /tmp/deps.drv-0/external/modu
es_rust/cargo-bazel
> NixOS cannot run dynamically linked executables intended for generic
";

    #[test]
    fn nix_tail_that_lost_its_indentation() {
        let (text, lines) = joined(LOST_INDENT).unwrap();
        assert_eq!(joined(&LOST_INDENT.replace('\n', "\r\n")), joined(LOST_INDENT));
        assert_eq!(lines, [1, 2, 6, 7, 8, 10, 11]);
        assert!(
            text[1].contains("_index/cargo-bazel, ") && text[1].contains("/rust_sdk_crate_index/splicing-output, ")
        );
        assert!(text[1].ends_with("/ru_sdk/cargo-bazel.json] failed with exit code 127."));
        assert!(text[4].ends_with("executable: /tmp/deps.drv-0/external/modues_rust/cargo-bazel"));
    }

    #[test]
    fn first_line_selected_without_its_prefix() {
        let paste = "ERROR: /build/source/exe/BUILD:26:16: While resolving toolchains for //source/exe:envoy-stati\n\
            c: invalid registered toolchain '//bazel/nix:rust_nix_aarch64': no such package 'bazel/nix': BUILD in \n\
            the following directories. Add a BUILD file to a directory to mark it as a package.";
        let (text, lines) = joined(paste).unwrap();
        assert_eq!(lines, [1]);
        assert!(text[0].contains("envoy-static: invalid") && text[0].contains("BUILD in the following"));
    }

    #[test]
    fn a_cut_word_that_is_whole_elsewhere() {
        let paste = "ERROR: /build/nix/BUILD.bazel:12:19: in rust_std attribute of rust_toolchain rule //bazel/ni\n\
            x:rust_nix_x86_64_impl: source file '//bazel/nix:ruststd' is misplaced here                 \n\
            ERROR: /build/nix/BUILD.bazel:12:19: Analysis of target '//bazel/nix:rust_nix_x86_64_impl' failed";
        let (text, lines) = joined(paste).unwrap();
        assert_eq!(lines, [1, 3]);
        assert!(text[0].contains("rule //bazel/nix:rust_nix_x86_64_impl: source"));
        assert_eq!(joined(&paste.replace("target '//bazel/nix:", "target '//bazel:")), None);
    }

    #[test]
    fn a_whole_log_cut_at_the_width() {
        let log = "bazel build //...\nERROR: /home/dev/ws/app/BUILD:3:10: Compiling app/main.cc failed: (Exit 1): \
            gcc failed: error executing command /usr/bin/gcc -U_FORTIFY_SOURCE -fstack-protector -Wall -MD \
            -MF bazel-out/k8-fastbuild/bin/app/_objs/app/main.pic.d -c app/main.cc\n\
            app/main.cc:1:10: fatal error: missing_header_of_another_library.h: No such file or directory \
            in any of the directories that were searched\n\
            INFO: Elapsed time: 1s\n";
        let (text, lines) = joined(&wrapped(log, 97)).unwrap();
        assert_eq!(text, log.lines().collect::<Vec<_>>());
        assert_eq!(lines, [1, 2, 5, 7]);
    }

    #[test]
    fn what_is_no_paste() {
        let item = |i| format!("bazel-out/k8-fastbuild/bin/external/library/_objs/library/file_{i}.pic.o and more\n");
        let list: String = (0..9).map(item).collect();
        let row = |i: u64| format!("{:020x}{:020x}{:020x}  file{i} x\n", i * 77_777_777_777, i << 60, !i);
        let table: String = (0..9).map(row).collect();
        let prose = "The build system prints its messages in lines that are broken at blanks so as to\n\
            fit a terminal, here the one with eighty columns, and the second line of it, too\n\
            ends with a word at the margin, while others do not go so far as that and end up\n\
            shorter. Nothing is cut here.\n";
        let base64 = "MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n".repeat(3)
            + "rTELMAkGA1UEBhMCSUUxEjAQBgNVBAoTCUJhbHRpbW9yZTETMBEGA1UECxMKQ3li\nZXJUcnVzdA==\n";
        let coloured = LOST_INDENT.replace("STDOUT", "\u{1b}[1mSTDOUT");
        let wide = format!("{LOST_INDENT}{}\n", "w ".repeat(200));
        for text in ["", "\n", "short\nlines\n", &list, &table, prose, &base64, &coloured, &wide] {
            assert_eq!(joined(text), None, "{text}");
        }
        assert_eq!(joined(&(LOST_INDENT.to_owned() + &"\n".repeat(LARGEST))), None);
    }

    proptest! {
        #[test]
        fn lines_lead_back(
            words in proptest::collection::vec("[a-z]{1,9}|//[a-z]{3,9}/[a-z]{2,20}:[a-z_]{3,9}|\n|> |ERROR: ", 0..200),
            width in 60usize..90,
        ) {
            let paste = wrapped(&words.join(" "), width);
            if let Some(text) = unwrap_paste(paste.as_bytes()) {
                let raw: Vec<&[u8]> = paste.as_bytes().split(|b| *b == b'\n').collect();
                let joined: Vec<&[u8]> = text.bytes.split(|b| *b == b'\n').collect();
                prop_assert_eq!(joined.len(), text.lines.len());
                let ends = text.lines.iter().skip(1).map(|next| *next as usize - 1).chain([raw.len()]);
                for ((line, from), end) in joined.iter().zip(&text.lines).zip(ends) {
                    prop_assert_eq!(&raw[*from as usize - 1..end].concat(), line);
                }
            }
        }
    }
}
