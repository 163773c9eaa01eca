//! LogView: a stored log as a page shows it: both ends and the marked places at first, the rest when somebody looks.
//! `rows` are lines, `marks` what the report says of them, `ansi` their colours, `event` Nix's JSON, `noise` what is folded, `lit` what stands out; `routes` gives more of it.

mod ansi;
mod event;
mod lit;
mod marks;
mod noise;
mod routes;
mod rows;

use crate::store::{LogLines, ReportId, Store, StoreError};

use ansi::Span;
pub(in crate::web) use lit::lit;
pub(in crate::web) use marks::{Kind, Marks, no_cause};
pub(in crate::web) use routes::{find, hint, lines, page};
pub(in crate::web) use rows::{Piece, Row};

/// A log of at most so many lines and bytes is shown whole.
const WHOLE: (u64, u64) = (1500, 400 << 10);
/// Lines of the start that are shown of a longer one.
const HEAD: u64 = 40;
/// Lines of its end.
const TAIL: u64 = 120;
/// Lines on each side of a marked one.
const AROUND: u64 = 6;
/// Marked lines that are shown at once; others wait in gaps.
const MARKED: usize = 60;
/// Gaps of fewer lines are shown.
const LEAST_GAP: u64 = 30;

/// What is shown of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::web) struct LogView {
    /// In order, all lines.
    pub(in crate::web) pieces: Vec<Piece>,
    /// Lines of the log.
    pub(in crate::web) lines: u64,
    /// The numbers of the marked lines.
    pub(in crate::web) marked: Vec<u64>,
}

impl LogView {
    /// What a report's page shows at first.
    ///
    /// # Errors
    /// What the store says.
    pub(in crate::web) async fn open(
        store: &Store,
        id: &ReportId,
        bytes: u64,
        marks: &Marks,
    ) -> Result<LogView, StoreError> {
        let Some(start) = store.log_lines(id, 1, HEAD).await? else { return Ok(LogView::default()) };
        let lines = start.of;
        let mut view = LogView { lines, marked: marks.lines().map(|(line, _)| line).collect(), ..LogView::default() };
        let mut next = 1;
        for (from, to) in windows(lines, bytes, marks) {
            if from > next {
                view.pieces.push(Piece::Gap(next, from - 1));
            }
            let Some(part) = store.log_lines(id, from, to).await? else { break };
            let rows = rows::rows(&part, marks);
            next = rows.last().map_or(from, |row| row.number + 1);
            view.pieces.extend(rows::folded(rows));
        }
        if next <= lines {
            view.pieces.push(Piece::Gap(next, lines));
        }
        Ok(view)
    }

    /// Only these lines.
    ///
    /// # Errors
    /// What the store says.
    pub(in crate::web) async fn part(
        store: &Store,
        id: &ReportId,
        from: u64,
        to: u64,
        marks: &Marks,
    ) -> Result<LogView, StoreError> {
        let Some(part) = store.log_lines(id, from, to).await? else { return Ok(LogView::default()) };
        Ok(LogView::of(&part, marks))
    }

    fn of(part: &LogLines, marks: &Marks) -> LogView {
        let pieces = rows::folded(rows::rows(part, marks));
        LogView { pieces, lines: part.of, marked: Vec::new() }
    }

    /// A line and its neighbours, nothing folded.
    ///
    /// # Errors
    /// What the store says.
    pub(in crate::web) async fn rows(
        store: &Store,
        id: &ReportId,
        from: u64,
        to: u64,
        marks: &Marks,
    ) -> Result<Vec<Row>, StoreError> {
        Ok(store.log_lines(id, from, to).await?.map_or_else(Vec::new, |part| rows::rows(&part, marks)))
    }
}

/// The parts of a log that are shown at first, in order, from and to.
fn windows(lines: u64, bytes: u64, marks: &Marks) -> Vec<(u64, u64)> {
    if lines <= WHOLE.0 && bytes <= WHOLE.1 {
        return vec![(1, lines)];
    }
    let mut marked: Vec<(Kind, u64)> = marks.lines().map(|(line, kind)| (kind, line)).collect();
    marked.sort_unstable();
    let around = |(_, line): &(Kind, u64)| (line.saturating_sub(AROUND).max(1), (line + AROUND).min(lines));
    let mut parts: Vec<(u64, u64)> = marked.iter().take(MARKED).map(around).collect();
    parts.extend([(1, HEAD.min(lines)), (lines.saturating_sub(TAIL).max(1), lines)]);
    parts.retain(|(from, to)| from <= to);
    parts.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (from, to) in parts {
        match joined.last_mut() {
            Some(last) if from <= last.1 + LEAST_GAP => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_log_the_ends_are_shown() {
        assert_eq!(windows(1000, 1000, &Marks::default()), [(1, 1000)]);
        assert_eq!(windows(9000, 1000, &Marks::default()), [(1, HEAD), (9000 - TAIL, 9000)]);
        assert_eq!(windows(0, 1 << 30, &Marks::default()), []);
    }
}
