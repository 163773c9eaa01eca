//! TrendsPage: what fails most and how it went: by day, by cause, repository, derivation and host; read from counts alone.

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Query, State};
use serde::Deserialize;

use super::address;
use super::chart::{self, Shares, Spark, Stacks};
use super::frame::Frame;
use super::history::DAY;
use super::web_error::WebError;
use crate::service::{App, now};
use crate::store::{Day, Top, TrendFilter, Trends};

/// Days that can be asked for.
const RANGES: [i64; 4] = [7, 30, 90, 365];
const USUAL_RANGE: i64 = 30;
/// Up to so many days each has a bar of its own; beyond, each week.
const MOST_DAYS: i64 = 31;
/// Rows of a table.
const ROWS: usize = 10;

/// Which days of which project.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    days: String,
    project: String,
}

/// Trends.
#[derive(Template, WebTemplate)]
#[template(path = "trends.html")]
pub(super) struct TrendsPage {
    frame: Frame,
    wanted: Wanted,
    range: i64,
    projects: Vec<String>,
    total: Day,
    before: Day,
    stacks: Stacks,
    shares: Shares,
    spans: Vec<Span>,
    tops: Vec<Section>,
}

/// A day or a week.
struct Span {
    name: String,
    sum: Day,
}

/// The most frequent of one kind.
struct Section {
    id: &'static str,
    title: &'static str,
    what: &'static str,
    rows: Vec<TopRow>,
    more: usize,
}

struct TopRow {
    href: String,
    title: String,
    /// Below the title; may be empty.
    note: String,
    count: i64,
    /// Width of its bar, of a hundred.
    share: i64,
    spark: Spark,
}

/// GET /trends
pub(super) async fn show(State(app): State<Arc<App>>, Query(wanted): Query<Wanted>) -> Result<TrendsPage, WebError> {
    let range = wanted.days.parse().ok().filter(|days| RANGES.contains(days)).unwrap_or(USUAL_RANGE);
    let until = now().div_euclid(DAY) + 1;
    let since = until - range;
    let project = wanted.project.trim().to_owned();
    let of = |since_day, until_day| TrendFilter { project: project.clone(), since_day, until_day };
    let trends = app.store.trends(&of(since, until)).await?;
    let before = app.store.trends(&of(since - range, since)).await?;
    let spans = spans(&trends.days, since, until);
    let pieces = |sum: &Day| {
        vec![
            ("fix", "to fix", sum.fix),
            ("retry", "to try again", sum.retry),
            ("unknown", "unknown", sum.unknown),
            ("green", "green", sum.green),
        ]
    };
    let stacks: Vec<_> = spans.iter().map(|span| (span.name.clone(), pieces(&span.sum))).collect();
    let shares: Vec<_> = spans.iter().map(|span| (span.name.clone(), unknown_share(&span.sum))).collect();
    Ok(TrendsPage {
        frame: Frame::of(&app, "trends"),
        range,
        projects: app.store.projects().await?,
        total: sum(&trends.days),
        before: sum(&before.days),
        stacks: Stacks::of(&stacks),
        shares: Shares::of(&shares, "unknown"),
        tops: sections(trends, since, until, &wanted.project),
        spans,
        wanted,
    })
}

fn sum<'d>(days: impl IntoIterator<Item = &'d Day>) -> Day {
    days.into_iter().fold(Day::default(), |sum, day| Day {
        day: 0,
        reports: sum.reports + day.reports,
        occurrences: sum.occurrences + day.occurrences,
        unknown: sum.unknown + day.unknown,
        green: sum.green + day.green,
        retry: sum.retry + day.retry,
        fix: sum.fix + day.fix,
    })
}

/// Every day or week of the range, also those on which nothing came.
fn spans(days: &[Day], since: i64, until: i64) -> Vec<Span> {
    let step = step(until - since);
    // The last span ends today.
    let first = until - (until - since + step - 1) / step * step;
    let starts = (first..until).step_by(step as usize);
    let span = |start: i64| Span {
        name: date(start),
        sum: sum(days.iter().filter(|day| (start..start + step).contains(&day.day))),
    };
    starts.map(span).collect()
}

/// Days in a bar.
fn step(range: i64) -> i64 {
    if range > MOST_DAYS { 7 } else { 1 }
}

fn date(day: i64) -> String {
    jiff::Timestamp::from_millisecond(day * DAY).unwrap_or_default().strftime("%-d %b").to_string()
}

/// Of the reports of builds that failed, in percent.
fn unknown_share(sum: &Day) -> Option<f64> {
    let failed = sum.fix + sum.retry + sum.unknown;
    (failed > 0).then(|| sum.unknown as f64 * 100.0 / failed as f64)
}

fn sections(trends: Trends, since: i64, until: i64, project: &str) -> Vec<Section> {
    let found = |words: &str| address::with("/history", &[("q", words), ("project", project)]);
    let cause = |top: &Top| {
        let href = address::with("/history", &[("fingerprint", &top.key), ("project", project)]);
        (href, top.title.clone(), top.rule.clone())
    };
    let rule = |top: &Top| (format!("/rules/{}", top.key), top.key.clone(), String::new());
    let named = |top: &Top| (found(&top.key), top.key.clone(), String::new());
    let section = |id, title, what, tops: Vec<Top>, told: &dyn Fn(&Top) -> (String, String, String)| {
        let most = tops.first().map_or(1, |top| top.count.max(1));
        let row = |top: &Top| {
            let (href, title, note) = told(top);
            let spark = Spark::of(&top.days, since, until, step(until - since));
            TopRow { href, title, note, count: top.count, share: (top.count * 100 / most).max(1), spark }
        };
        Section {
            id,
            title,
            what,
            rows: tops.iter().take(ROWS).map(row).collect(),
            more: tops.len().saturating_sub(ROWS),
        }
    };
    vec![
        section("causes", "Causes", "Cause", trends.causes, &cause),
        section("rules", "Rules", "Rule", trends.rules, &rule),
        section("repositories", "Repositories that failed", "Repository", trends.repositories, &named),
        section("derivations", "Derivations that failed", "Derivation", trends.derivations, &named),
        section("hosts", "Hosts", "Host", trends.hosts, &named),
    ]
}

impl TrendsPage {
    fn unknown(&self) -> Option<i64> {
        unknown_share(&self.total).map(|share| share.round() as i64)
    }

    /// How many more or fewer reports than in the time before.
    fn change(&self) -> Option<String> {
        let (now, before) = (self.total.reports, self.before.reports);
        if before == 0 {
            return None;
        }
        let by = (now - before) * 100 / before;
        Some(match by {
            0 => format!("as many as in the {} days before", self.range),
            by if by > 0 => format!("{by} % more than in the {} days before", self.range),
            by => format!("{} % fewer than in the {} days before", -by, self.range),
        })
    }

    /// Share of those that ask for a fix among those that ask for a fix or for another try, in percent.
    fn fix_share(&self) -> Option<i64> {
        let acts = self.total.fix + self.total.retry;
        (acts > 0).then(|| self.total.fix * 100 / acts)
    }

    /// What a bar stands for: `day` or `week`.
    fn step(&self) -> &'static str {
        if step(self.range) == 7 { "week" } else { "day" }
    }

    /// The box of both charts.
    fn view_box(&self) -> String {
        format!("0 0 {} {}", chart::WIDTH, chart::HEIGHT)
    }

    fn spark_box(&self) -> String {
        Spark::view_box(self.range, step(self.range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_or_week_has_its_place() {
        let day = |day, reports| Day { day, reports, ..Day::default() };
        let month = spans(&[day(100, 3), day(129, 2)], 100, 130);
        assert_eq!((month.len(), month[0].sum.reports, month[29].sum.reports), (30, 3, 2));
        let year = spans(&[day(100, 3), day(464, 2)], 100, 465);
        assert_eq!((year.len(), year.iter().map(|span| span.sum.reports).sum::<i64>()), (53, 5));
    }

    #[test]
    fn the_unknown_are_counted_among_failures() {
        assert_eq!(unknown_share(&Day { unknown: 1, fix: 3, green: 100, ..Day::default() }), Some(25.0));
        assert_eq!(unknown_share(&Day { green: 100, ..Day::default() }), None);
    }
}
