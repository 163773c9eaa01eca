//! Piece: what a log is shown as: lines, folds of progress, and gaps that are read when somebody looks.

use memchr::memchr_iter;

use super::ansi::{Paint, Span, spans};
use super::event;
use super::marks::{Mark, Marks};
use super::noise::is_noise;
use crate::log::Line;
use crate::store::LogLines;

/// Lines of progress in a row that are folded.
const FOLD: usize = 8;
/// Longest line that is shown whole, in bytes.
const LONGEST: usize = 4 * 1024;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Row {
    /// 1-based.
    pub(in crate::web) number: u64,
    /// What the report says of it.
    pub(in crate::web) mark: Option<Mark>,
    /// The text.
    pub(in crate::web) spans: Vec<Span>,
    /// Bytes that are not shown.
    pub(in crate::web) more: usize,
    noise: bool,
}

/// A part of what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) enum Piece {
    /// Lines.
    Rows(Vec<Row>),
    /// Lines that say nothing.
    Fold(Vec<Row>),
    /// Lines from the first number up to and with the second one, not read yet.
    Gap(u64, u64),
}

/// The lines of a text.
pub(in crate::web) fn rows(lines: &LogLines, marks: &Marks) -> Vec<Row> {
    let mut paint = Paint::default();
    split(&lines.text)
        .zip(lines.first..)
        .map(|(raw, number)| {
            let text = event::text(raw);
            let shown = &text[..text.len().min(LONGEST)];
            let mark = marks.at(number).cloned();
            let noise = mark.is_none() && is_noise(&Line::clean(shown, shown.len()).text);
            Row { number, mark, spans: spans(shown, &mut paint), more: text.len() - shown.len(), noise }
        })
        .collect()
}

/// Lines with their progress folded.
pub(in crate::web) fn folded(rows: Vec<Row>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for run in runs(rows) {
        let fold = run.len() >= FOLD && run.first().is_some_and(|row| row.noise);
        match (pieces.last_mut(), fold) {
            (_, true) => pieces.push(Piece::Fold(run)),
            (Some(Piece::Rows(rows)), false) => rows.extend(run),
            (_, false) => pieces.push(Piece::Rows(run)),
        }
    }
    pieces
}

/// Runs of noise and of news.
fn runs(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let mut runs: Vec<Vec<Row>> = Vec::new();
    for row in rows {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| last.noise == row.noise) => run.push(row),
            _ => runs.push(vec![row]),
        }
    }
    runs
}

fn split(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let open = text.last().is_some_and(|last| *last != b'\n');
    let ends = memchr_iter(b'\n', text).chain(open.then_some(text.len()));
    ends.scan(0, |start, end| {
        let line = &text[*start..end];
        *start = end + 1;
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<Piece> {
        let lines = LogLines { first: 5, of: 100, text: text.as_bytes().to_vec() };
        folded(rows(&lines, &Marks::default()))
    }

    #[test]
    fn progress_is_folded_where_there_is_much_of_it() {
        let text = format!("a\n{}b\n[1 / 2] x\nc", "[1 / 9] x\n".repeat(9));
        let lengths: Vec<_> = pieces(&text)
            .iter()
            .map(|piece| match piece {
                Piece::Rows(rows) => (rows.len(), rows[0].number, false),
                Piece::Fold(rows) => (rows.len(), rows[0].number, true),
                Piece::Gap(from, to) => ((to - from) as usize, *from, false),
            })
            .collect();
        assert_eq!(lengths, [(1, 5, false), (9, 6, true), (3, 15, false)]);
    }

    #[test]
    fn long_lines_are_cut() {
        let Some(Piece::Rows(rows)) = pieces(&"x".repeat(5000)).pop() else { panic!("no rows") };
        assert_eq!((rows[0].more, rows[0].spans[0].text.len()), (5000 - LONGEST, LONGEST));
    }
}
