//! HistoryPage: all reports, newest first, a day after the other; found by what is known of them and by words of titles and evidence.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Extension, Query, State};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::address;
use super::chart::Spark;
use super::frame::Frame;
use super::moment::Moment;
use super::web_error::WebError;
use crate::service::access::{Caller, Scope};
use crate::service::{App, now};
use crate::store::{Cursor, Filter, Listed};

/// Days that a spark shows.
pub(super) const SPARK_DAYS: i64 = 30;
/// Milliseconds.
pub(super) const DAY: i64 = 24 * 60 * 60 * 1000;

/// What is looked for, as the form sends it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    q: String,
    project: String,
    job: String,
    rule: String,
    subject: String,
    verdict: String,
    tool: String,
    fingerprint: String,
    /// A day, `2026-11-28`.
    since: String,
    /// The last day.
    until: String,
    cursor: String,
}

/// The history.
#[derive(Template, WebTemplate)]
#[template(path = "history.html")]
pub(super) struct HistoryPage {
    frame: Frame,
    wanted: Wanted,
    days: Vec<(String, Vec<Row>)>,
    next: Option<String>,
    base_url: String,
    /// What waits and what could not be delivered, for whoever runs the service.
    outbox: Option<(i64, i64)>,
}

/// One report.
struct Row {
    one: Listed,
    at: Moment,
    spark: Option<Spark>,
}

/// GET /history
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Query(wanted): Query<Wanted>,
    caller: Option<Extension<Caller>>,
) -> Result<HistoryPage, WebError> {
    let filter = wanted.filter()?;
    let cursor = match wanted.cursor.as_str() {
        "" => None,
        text => Some(Cursor::parse(text).ok_or_else(|| {
            WebError::BadRequest("this page of the history cannot be found; begin at the first one".to_owned())
        })?),
    };
    let page = app.store.list(&filter, cursor).await?;
    let now = now();
    let sparks = sparks(&app, &page.reports, now).await?;
    let mut days: Vec<(String, Vec<Row>)> = Vec::new();
    for one in page.reports {
        let day = day_name(one.made_at, now);
        let row = Row { at: Moment::of(one.made_at, now), spark: sparks.get(&one.fingerprint).cloned(), one };
        match days.last_mut().filter(|(last, _)| *last == day) {
            Some((_, rows)) => rows.push(row),
            None => days.push((day, vec![row])),
        }
    }
    let next = page.next.map(|next| wanted.at(&[("cursor", &next.to_text())]));
    let outbox = match caller.is_some_and(|Extension(caller)| caller.may(Scope::Admin)) {
        true => Some(app.store.outbox_size().await?),
        false => None,
    };
    let base_url = app.config.base_url.clone();
    Ok(HistoryPage { frame: Frame::of(&app, "history"), wanted, days, next, base_url, outbox })
}

/// How often each cause of these reports was seen lately.
async fn sparks(app: &App, reports: &[Listed], now: i64) -> Result<BTreeMap<String, Spark>, WebError> {
    let until = now.div_euclid(DAY) + 1;
    let since = until - SPARK_DAYS;
    let fingerprints: Vec<String> =
        reports.iter().map(|one| one.fingerprint.clone()).filter(|one| !one.is_empty()).collect();
    let days = app.store.cause_days(&fingerprints, since, until).await?;
    Ok(days.into_iter().map(|(cause, days)| (cause, Spark::of(&days, since, until, 1))).collect())
}

/// `Today`, `Yesterday` or the date.
fn day_name(at: i64, now: i64) -> String {
    match now.div_euclid(DAY) - at.div_euclid(DAY) {
        0 => "Today".to_owned(),
        1 => "Yesterday".to_owned(),
        _ => jiff::Timestamp::from_millisecond(at).unwrap_or_default().strftime("%A, %-d %B %Y").to_string(),
    }
}

impl Wanted {
    fn fields(&self) -> [(&'static str, &str); 10] {
        [
            ("q", &self.q),
            ("project", &self.project),
            ("job", &self.job),
            ("rule", &self.rule),
            ("subject", &self.subject),
            ("verdict", &self.verdict),
            ("tool", &self.tool),
            ("fingerprint", &self.fingerprint),
            ("since", &self.since),
            ("until", &self.until),
        ]
    }

    fn filter(&self) -> Result<Filter, WebError> {
        // No report holds control characters there, and PostgreSQL refuses NUL.
        let text = |text: &str| text.replace(char::is_control, " ").trim().to_owned();
        Ok(Filter {
            q: text(&self.q),
            project: text(&self.project),
            job: text(&self.job),
            rule: text(&self.rule),
            subject: text(&self.subject),
            verdict: text(&self.verdict),
            tool: text(&self.tool),
            fingerprint: text(&self.fingerprint),
            since: start_of(&self.since)?,
            until: start_of(&self.until)?.map(|day| day + DAY),
        })
    }

    /// The address of the same search with some fields changed, at its first page.
    fn at(&self, changed: &[(&str, &str)]) -> String {
        let kept = |(name, _): &(&str, &str)| !changed.iter().any(|(other, _)| other == name);
        let fields: Vec<(&str, &str)> = self.fields().into_iter().filter(kept).chain(changed.iter().copied()).collect();
        address::with("/history", &fields)
    }
}

impl HistoryPage {
    /// What narrows the list: name, value, and the address without it.
    fn chosen(&self) -> Vec<(&'static str, String, String)> {
        let name = |field: &str| match field {
            "q" => "words",
            "verdict" => "who has to act",
            "fingerprint" => "one cause",
            "since" => "from",
            "until" => "to",
            "project" => "project",
            "job" => "job",
            "rule" => "rule",
            "subject" => "subject",
            _ => "tool",
        };
        let chosen = self.wanted.fields().into_iter().filter(|(_, value)| !value.is_empty());
        chosen.map(|(field, value)| (name(field), value.to_owned(), self.wanted.at(&[(field, "")]))).collect()
    }

    /// Whether a field of the folded part is in use.
    fn is_narrow(&self) -> bool {
        let Wanted { project, job, rule, subject, since, until, .. } = &self.wanted;
        [project, job, rule, subject, since, until].into_iter().any(|field| !field.is_empty())
    }

    fn spark_box(&self) -> String {
        Spark::view_box(SPARK_DAYS, 1)
    }

    fn spark_days(&self) -> i64 {
        SPARK_DAYS
    }

    /// Without a filter, at the first page: there is nothing at all.
    fn is_new(&self) -> bool {
        self.chosen().is_empty() && self.wanted.cursor.is_empty()
    }
}

/// When a day begins, in milliseconds since 1970 in UTC.
pub(super) fn start_of(day: &str) -> Result<Option<i64>, WebError> {
    if day.trim().is_empty() {
        return Ok(None);
    }
    let start = day.trim().parse::<Date>().ok().and_then(|date| date.to_zoned_datetime(TimeZone::UTC).ok());
    let start = start.ok_or_else(|| WebError::BadRequest(format!("“{day}” is no day; write it as 2026-11-28")))?;
    Ok(Some(start.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn days_are_read_and_named() {
        assert_eq!(start_of("1970-01-03").unwrap(), Some(2 * DAY));
        assert!(start_of("3.1.1970").is_err() && start_of(" ").unwrap().is_none());
        assert_eq!([day_name(5, 9), day_name(5, DAY)], ["Today", "Yesterday"]);
        assert_eq!(day_name(0, 9 * DAY), "Thursday, 1 January 1970");
    }

    #[test]
    fn a_search_keeps_its_fields_and_loses_its_page() {
        let wanted = Wanted { q: "a b".into(), job: "x".into(), cursor: "1-2".into(), ..Wanted::default() };
        assert_eq!(wanted.at(&[("job", "")]), "/history?q=a+b");
        assert_eq!(wanted.at(&[("cursor", "3-4")]), "/history?q=a+b&job=x&cursor=3-4");
    }
}
