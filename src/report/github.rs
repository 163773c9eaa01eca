//! Github: reports as workflow commands, which GitHub Actions shows as annotations. Every byte of a log is escaped, so that
//! no line of it can be a command of its own.

use super::{Confidence, Diagnosis, Location, Report};

/// Annotations that a step may have; GitHub drops what comes after.
const MOST: usize = 10;

/// One line a diagnosis.
pub fn render(reports: &[Report]) -> String {
    let diagnoses =
        reports.iter().flat_map(|report| report.diagnoses.iter().enumerate().map(move |found| (report, found)));
    let command = |(report, (number, diagnosis)): (&Report, (usize, &Diagnosis))| {
        let kind = if diagnosis.confidence == Confidence::Low { "warning" } else { "error" };
        let mut properties = Vec::new();
        if let Some(place) = Location::of(report, number) {
            properties.push(format!("file={}", property(&place.path)));
            properties.extend(place.line.map(|line| format!("line={line}")));
            properties.extend(place.line.and(place.column).map(|column| format!("col={column}")));
        }
        properties.push(format!("title={}", property(&diagnosis.title)));
        let message = [diagnosis.message(), diagnosis.help()].join("\n\n");
        format!("::{kind} {}::{}\n", properties.join(","), data(message.trim_end()))
    };
    diagnoses.take(MOST).map(command).collect()
}

/// What stands after the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What stands after a `=`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
