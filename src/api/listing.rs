//! Listing: which reports are asked for, and how each stands in a list.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Problem;
use super::reports::searchable;
use crate::store::{Cursor, Filter, Listed};

/// Which reports are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Exactly this project
    #[param(required = false)]
    project: String,
    /// Exactly this job
    #[param(required = false)]
    job: String,
    /// The id of the first diagnosis' rule
    #[param(required = false)]
    rule: String,
    /// The first diagnosis' subject
    #[param(required = false)]
    subject: String,
    /// fix-code, fix-build, fix-environment, retry, unknown or green
    #[param(required = false)]
    verdict: String,
    /// bazel or nix: who speaks outermost
    #[param(required = false)]
    tool: String,
    /// The same cause: rule and subject
    #[param(required = false)]
    fingerprint: String,
    /// Not before: a date (2026-02-28), a time (2026-02-28T12:00:00Z), or milliseconds since 1970
    #[param(required = false)]
    since: String,
    /// Before: as `since`
    #[param(required = false)]
    until: String,
    /// Words of titles and evidence, all of which must be there
    #[param(required = false)]
    q: String,
    /// Where the page begins: `next` of the page before
    #[param(required = false)]
    cursor: String,
}

impl Asked {
    /// The same for the store.
    ///
    /// # Errors
    /// The first value that cannot be one.
    pub(super) fn read(self) -> Result<(Filter, Option<Cursor>), Problem> {
        let cursor = match &*self.cursor {
            "" => None,
            text => Some(Cursor::parse(text).ok_or_else(|| {
                Problem::bad("the cursor is not one; give `next` of the page before as it stands there")
            })?),
        };
        let Asked { project, job, rule, subject, verdict, tool, fingerprint, since, until, q, cursor: _ } = self;
        for (name, text) in [
            ("project", &project),
            ("job", &job),
            ("rule", &rule),
            ("subject", &subject),
            ("verdict", &verdict),
            ("tool", &tool),
            ("fingerprint", &fingerprint),
            ("q", &q),
        ] {
            searchable(name, text)?;
        }
        let (since, until) = (moment("since", &since)?, moment("until", &until)?);
        Ok((Filter { project, job, rule, subject, verdict, tool, fingerprint, since, until, q }, cursor))
    }
}

/// Milliseconds since 1970 of a date, a time or a number.
fn moment(name: &str, text: &str) -> Result<Option<i64>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let of_date = || TimeZone::UTC.to_timestamp(text.parse::<Date>().ok()?.at(0, 0, 0, 0)).ok();
    let of_time = || text.parse::<jiff::Timestamp>().ok();
    let read = text.parse().ok().or_else(|| of_time().or_else(of_date).map(jiff::Timestamp::as_millisecond));
    read.map(Some).ok_or_else(|| {
        Problem::bad(format!("{name} is no time; write 2026-02-28, 2026-02-28T12:00:00Z or milliseconds since 1970"))
    })
}

/// One report in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entry {
    /// Its name.
    id: String,
    /// Its page.
    permalink: String,
    /// When its log came first, in milliseconds since 1970.
    made_at: i64,
    /// When the same log came last.
    seen_at: i64,
    /// How often the same log came.
    occurrences: i64,
    /// Told by the sender.
    project: String,
    /// Told by the sender.
    job: String,
    /// Told by the sender.
    name: String,
    /// Who has to act.
    verdict: String,
    /// `bazel`, `nix` or nothing.
    tool: String,
    /// The first diagnosis' rule, or nothing.
    rule: String,
    /// Its subject, or nothing.
    subject: String,
    /// Its title, or nothing.
    title: String,
    /// Of the first diagnosis: the same for the same cause.
    fingerprint: String,
}

impl Entry {
    pub(super) fn of(listed: Listed, base: &str) -> Entry {
        Entry {
            permalink: format!("{base}/r/{}", listed.id),
            id: listed.id,
            made_at: listed.made_at,
            seen_at: listed.seen_at,
            occurrences: listed.occurrences,
            project: listed.project,
            job: listed.job,
            name: listed.name,
            verdict: listed.verdict,
            tool: listed.tool,
            rule: listed.rule,
            subject: listed.subject,
            title: listed.title,
            fingerprint: listed.fingerprint,
        }
    }
}
