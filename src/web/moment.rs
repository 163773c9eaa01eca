//! Moment: a point in time as a page shows it: for machines, for people, and how long ago.

use jiff::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A point in time, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// `2026-11-28T00:41:09Z`, for `<time datetime>`.
    pub(super) exact: String,
    /// `28 Nov 2026, 00:41 UTC`.
    pub(super) long: String,
    /// `3 hours ago`; the day where that is long past.
    pub(super) ago: String,
}

impl Moment {
    /// A time in milliseconds since 1970, seen from `now`.
    pub(super) fn of(at: i64, now: i64) -> Moment {
        let time = Timestamp::from_millisecond(at).unwrap_or_default();
        let seconds = (now - at).max(0) / 1000;
        let ago = match seconds {
            0..MINUTE => "just now".to_owned(),
            MINUTE..HOUR => counted(seconds / MINUTE, "minute"),
            HOUR..DAY => counted(seconds / HOUR, "hour"),
            _ if seconds < 14 * DAY => counted(seconds / DAY, "day"),
            _ => time.strftime("%-d %b %Y").to_string(),
        };
        Moment {
            exact: time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            long: time.strftime("%-d %b %Y, %H:%M UTC").to_string(),
            ago,
        }
    }
}

fn counted(n: i64, what: &str) -> String {
    format!("{n} {what}{} ago", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_ago() {
        let ago = |seconds: i64| Moment::of(0, seconds * 1000).ago;
        assert_eq!([ago(-5), ago(59), ago(60), ago(7300)], ["just now", "just now", "1 minute ago", "2 hours ago"]);
        assert_eq!([ago(DAY), ago(20 * DAY)], ["1 day ago", "1 Jan 1970"]);
        assert_eq!(Moment::of(1_795_826_469_000, 0).long, "28 Nov 2026, 00:41 UTC");
    }
}
