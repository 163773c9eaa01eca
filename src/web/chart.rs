//! Charts, made on the server as SVG: shapes here, colours in the style sheet, numbers beside them as text or a table.

use std::collections::BTreeMap;

/// Days and how often something was seen on them; days are counted from 1970.
pub(super) type Days = [(i64, i64)];

/// Small bars, one a day or more, beside a line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spark {
    /// One path of upright strokes.
    pub(super) path: String,
    /// What it shows, in words.
    pub(super) words: String,
}

/// Width of a bar of a spark and the room beside it.
const WIDE: i64 = 3;
/// Height of the tallest bar of a spark.
const SPARK: i64 = 18;

impl Spark {
    /// The days from `since` up to but without `until`, so many in each bar.
    pub(super) fn of(days: &Days, since: i64, until: i64, step: i64) -> Spark {
        let days = days.iter().filter(|(day, n)| (since..until).contains(day) && *n > 0);
        let mut bars: BTreeMap<i64, i64> = BTreeMap::new();
        let (mut times, mut seen) = (0, 0);
        for (day, n) in days {
            *bars.entry((day - since) / step).or_default() += n;
            (times, seen) = (times + n, seen + 1);
        }
        let most = bars.values().copied().max().unwrap_or(1);
        let bar = |(place, n): (&i64, &i64)| format!("M{} {SPARK}v-{}", place * WIDE + 1, (n * SPARK / most).max(3));
        let words = match times {
            0 => format!("not seen in {} days", until - since),
            1 => format!("seen once in {} days", until - since),
            _ => format!("seen {times} times in {} days, on {seen} of them", until - since),
        };
        Spark { path: bars.iter().map(bar).collect(), words }
    }

    /// The box of a spark of so many days.
    pub(super) fn view_box(days: i64, step: i64) -> String {
        format!("0 0 {} {SPARK}", (days + step - 1) / step * WIDE)
    }
}

/// A kind in a stack: its class, its words after the number, the number.
pub(super) type Piece = (&'static str, &'static str, i64);

/// Bars one beside the other, each a stack of kinds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stacks {
    pub(super) bars: Vec<Bar>,
    /// Lines across, with their numbers: from the top, in units of the box.
    pub(super) lines: Vec<(f64, i64)>,
    /// Names below: from the left, in units of the box.
    pub(super) names: Vec<(f64, String)>,
}

/// A piece of a stack, in units of the box.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bar {
    pub(super) class: &'static str,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    /// What it shows, in words.
    pub(super) words: String,
}

/// The box of stacks: with room for numbers at the left and names below.
pub(super) const WIDTH: f64 = 720.0;
pub(super) const HEIGHT: f64 = 220.0;
const LEFT: f64 = 44.0;
const BELOW: f64 = 24.0;
const ABOVE: f64 = 8.0;
/// Names that fit below.
const NAMES: usize = 7;

impl Stacks {
    /// A stack for each name: its pieces from below, each with a class and its words before the number.
    pub(super) fn of(stacks: &[(String, Vec<Piece>)]) -> Stacks {
        let most = stacks.iter().map(|(_, pieces)| pieces.iter().map(|(.., n)| n).sum::<i64>()).max().unwrap_or(0);
        let top = round_up(most.max(1));
        let (room, floor) = (HEIGHT - BELOW - ABOVE, HEIGHT - BELOW);
        let height = |n: i64| n as f64 / top as f64 * room;
        let step = (WIDTH - LEFT) / stacks.len().max(1) as f64;
        let width = (step * 0.75).min(48.0);
        let left = |i: usize| LEFT + step * i as f64 + (step - width) / 2.0;
        let mut bars = Vec::new();
        for (i, (name, pieces)) in stacks.iter().enumerate() {
            let mut y = floor;
            for (class, what, n) in pieces.iter().filter(|(.., n)| *n > 0) {
                y -= height(*n);
                let words = format!("{name}: {n} {what}");
                bars.push(Bar {
                    class,
                    x: round(left(i)),
                    y: round(y),
                    width: round(width),
                    height: round(height(*n)),
                    words,
                });
            }
        }
        let every = stacks.len().div_ceil(NAMES).max(1);
        let names = stacks.iter().enumerate().step_by(every);
        Stacks {
            bars,
            lines: [0, top / 2, top].into_iter().map(|n| (round(floor - height(n)), n)).collect(),
            names: names.map(|(i, (name, _))| (round(left(i) + width / 2.0), name.clone())).collect(),
        }
    }
}

/// A line through shares of a hundred; a gap where nothing is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shares {
    pub(super) path: String,
    /// Places of the values: from the left, from the top, words.
    pub(super) points: Vec<(f64, f64, String)>,
    pub(super) lines: Vec<(f64, i64)>,
    pub(super) names: Vec<(f64, String)>,
}

impl Shares {
    /// A point for each name that has a share, in percent.
    pub(super) fn of(shares: &[(String, Option<f64>)], what: &str) -> Shares {
        let (room, floor) = (HEIGHT - BELOW - ABOVE, HEIGHT - BELOW);
        let top = if shares.iter().filter_map(|(_, share)| *share).any(|share| share > 50.0) { 100 } else { 50 };
        let step = (WIDTH - LEFT) / shares.len().max(1) as f64;
        let x = |i: usize| round(LEFT + step * (i as f64 + 0.5));
        let y = |share: f64| round(floor - share / f64::from(top) * room);
        let (mut path, mut points, mut pen_up) = (String::new(), Vec::new(), true);
        for (i, (name, share)) in shares.iter().enumerate() {
            let Some(share) = *share else {
                pen_up = true;
                continue;
            };
            path += &format!("{}{} {}", if pen_up { "M" } else { "L" }, x(i), y(share));
            points.push((x(i), y(share), format!("{name}: {share:.0} % {what}")));
            pen_up = false;
        }
        let every = shares.len().div_ceil(NAMES).max(1);
        Shares {
            path,
            points,
            lines: [0, top / 2, top].into_iter().map(|n| (y(f64::from(n)), i64::from(n))).collect(),
            names: shares.iter().enumerate().step_by(every).map(|(i, (name, _))| (x(i), name.clone())).collect(),
        }
    }
}

/// The next number that reads well and can be halved.
fn round_up(n: i64) -> i64 {
    let mut ten = 1;
    loop {
        match [2, 4, 6, 10].into_iter().map(|step| step * ten).find(|step| *step >= n) {
            Some(step) => return step,
            None => ten *= 10,
        }
    }
}

/// One decimal place is finer than a screen.
fn round(n: f64) -> f64 {
    (n * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spark_says_what_it_shows() {
        let spark = Spark::of(&[(9, 4), (10, 2), (12, 1), (40, 9)], 10, 40, 1);
        assert_eq!(spark.words, "seen 3 times in 30 days, on 2 of them");
        assert_eq!(spark.path, "M1 18v-18M7 18v-9");
        assert_eq!(Spark::of(&[(9, 4), (10, 2), (20, 1)], 0, 90, 7).path, "M4 18v-18M7 18v-3");
        assert_eq!(Spark::of(&[], 0, 30, 1).words, "not seen in 30 days");
    }

    #[test]
    fn stacks_fill_their_box_and_no_more() {
        let stacks = Stacks::of(&[
            ("Mon".to_owned(), vec![("fix", "to fix", 3), ("unknown", "unknown", 1)]),
            ("Tue".to_owned(), vec![("fix", "to fix", 0)]),
        ]);
        assert_eq!(stacks.bars.len(), 2);
        assert_eq!(stacks.bars[1].words, "Mon: 1 unknown");
        assert_eq!((stacks.bars[1].y, stacks.lines[2]), (ABOVE, (ABOVE, 4)));
        assert!(stacks.bars.iter().all(|bar| bar.x >= LEFT && bar.x + bar.width <= WIDTH));
        let shares =
            Shares::of(&[("Mon".into(), Some(0.0)), ("Tue".into(), None), ("Wed".into(), Some(50.0))], "unknown");
        assert_eq!(shares.path.matches('M').count(), 2, "a gap stays a gap");
        assert_eq!((shares.points[1].1, shares.points[1].2.as_str()), (ABOVE, "Wed: 50 % unknown"));
        assert_eq!([round_up(1), round_up(5), round_up(7), round_up(101)], [2, 6, 10, 200]);
    }
}
