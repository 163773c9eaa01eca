//! Steps: what a build consisted of, read from the table on its page: Hydra gives it in no other form. Rows that are not understood are
//! left out; the pages of all versions that have such a table are read alike.

/// A step of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number within the build.
    pub number: u64,
    /// What it made: a path in the store; empty where Hydra does not know.
    pub output: String,
    /// Hydra's words for how it ended: `Failed`, `Cached failure`.
    pub status: String,
    /// What Hydra itself says besides.
    pub message: String,
    /// Whether it failed.
    pub failed: bool,
    /// The build that met the same failure before, or in its place.
    pub propagated_from: Option<u64>,
}

impl Step {
    /// The name of what it made, without the hash: `http-parser-2.9.4`.
    pub fn name(&self) -> Option<&str> {
        let base = self.output.rsplit('/').next()?;
        base.split_once('-').map(|(_, name)| name).filter(|name| !name.is_empty())
    }

    /// Whether it only repeats an earlier failure.
    pub fn is_repeated(&self) -> bool {
        self.status.starts_with("Cached failure") || self.status == "Resolved"
    }
}

/// The steps on the page of a build, each one once, the first one first.
pub fn steps_of(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = elements(page, "tr").filter_map(step).collect();
    steps.sort_by_key(|step| step.number);
    // The page shows those that failed twice.
    steps.dedup_by_key(|step| step.number);
    steps
}

fn step(row: &str) -> Option<Step> {
    let cells: Vec<&str> = elements(row, "td").collect();
    let [number, what, _, _, status] = cells.as_slice() else { return None };
    let number = text(number).parse().ok()?;
    // Where it has several outputs, the shortest has the plain name.
    let outputs = text(what);
    let paths = outputs.split([' ', ',']).filter(|word| word.starts_with('/'));
    let output = paths.min_by_key(|path| path.len()).unwrap_or_default().to_owned();
    let message = elements(status, "em").next().map(text).filter(|_| !status.contains("text-muted"));
    // What links lead to is no word of the status.
    let words = text(status);
    let words = words.split(['(', ':']).next().unwrap_or_default();
    let words = words.split(" -- ").next().unwrap_or_default().trim().to_owned();
    let from = status.split_once("propagated from").or_else(|| status.split_once("resolved to"));
    let propagated = from.and_then(|(_, rest)| build_in(rest));
    let failed = status.contains("class=\"error\"") && !words.starts_with("Succeeded");
    let message = message.unwrap_or_default();
    Some(Step { number, output, status: words, message, failed, propagated_from: propagated })
}

/// What stands within each of these elements. None of them is looked for in another one of its kind.
fn elements<'p>(page: &'p str, name: &str) -> impl Iterator<Item = &'p str> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let mut rest = page;
    std::iter::from_fn(move || {
        loop {
            let begin = rest.find(&open)? + open.len();
            rest = &rest[begin..];
            // `<td` is also how `<tdx` begins.
            if !rest.starts_with(['>', ' ', '\n', '\t', '\r']) {
                continue;
            }
            let inner = &rest[rest.find('>')? + 1..];
            let end = inner.find(&close)?;
            rest = &inner[end..];
            return Some(&inner[..end]);
        }
    })
}

/// The words of a piece of HTML.
fn text(html: &str) -> String {
    let mut words = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        words.push_str(before);
        // Paths of several outputs are parted by a mark alone.
        words.push(' ');
        rest = after.split_once('>').map_or("", |(_, rest)| rest);
    }
    words.push_str(rest);
    let words = words.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    let words = words.replace("&#39;", "'").replace("&amp;", "&").replace("<br/>", " ");
    words.replace(char::is_control, " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The number of the build that the first link leads to.
fn build_in(html: &str) -> Option<u64> {
    let (_, rest) = html.split_once("/build/")?;
    rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The page of today's version.
    const NEW: &str = include_str!("../../../tests/data/hydra/build.html");
    /// The rows as they were before links led to steps.
    const OLD: &str = r#"
      <div id="tabs-buildsteps" class="tab-pane"><table class="table table-striped table-condensed clickable-rows">
        <thead><tr><th>Nr</th><th>What</th><th>Duration</th><th>Machine</th><th>Status</th></tr></thead><tbody>
        <tr><td>2</td><td>Build of <tt>/nix/store/9f7-nixos-system</tt></td><td><em>n/a</em></td><td><em>n/a</em></td>
          <td class="step-status"><span class="error">Cached failure</span>
            (<a class="row-link" href="https://hydra.nixos.org/build/174320115/nixlog/2">log</a>, <a href="https://hydra.nixos.org/build/174320115/nixlog/2/raw">raw</a>)</td></tr>
        <tr><td>1</td><td>Build of <tt>/nix/store/0kd-http-parser-2.9.4-dev<br/>,/nix/store/5j1-http-parser-2.9.4</tt></td><td>3s</td><td>ike</td>
          <td class="step-status"><span class="error">Cached failure</span> (<a href="https://hydra.nixos.org/build/174320115/nixlog/1">log</a>)
            (propagated from <a href="https://hydra.nixos.org/build/174152230">build 174152230</a>)</td></tr>
      </tbody></table></div>"#;

    #[test]
    fn rows_of_an_old_page() {
        let steps = steps_of(OLD);
        assert_eq!(steps.iter().map(|step| step.number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(steps[0].name(), Some("http-parser-2.9.4"));
        assert_eq!(steps[0].propagated_from, Some(174_152_230));
        assert!(steps[0].failed && steps[0].is_repeated() && steps[1].propagated_from.is_none());
    }

    #[test]
    fn rows_of_a_new_page() {
        let told: Vec<String> = steps_of(NEW)
            .iter()
            .map(|step| format!("{} {} {} {:?} {}", step.number, step.failed, step.status, step.name(), step.message))
            .collect();
        assert_eq!(
            told,
            [
                "1 false Succeeded Some(\"source\") ",
                "2 true Failed Some(\"libfoo-1.4\") ",
                "3 true Aborted Some(\"bar-0.3\") cannot connect to machine \"ike\" & others",
                "4 true Resolved None ",
            ]
        );
    }

    #[test]
    fn any_text_is_no_page() {
        for page in [
            "",
            "<tr",
            "<tr><td>",
            "<tr><td>1</td></tr>",
            "<tr><td>x</td><td/><td></td><td></td><td></td></tr>",
            "<é<tr>é",
        ] {
            assert_eq!(steps_of(page), []);
        }
    }
}
