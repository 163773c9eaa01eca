//! Seed: many plausible reports for measurements, made of few real ones.

use std::io::Write;

use super::entry::{self, Came, Entry, LogRows};
use super::{LogPacker, ReportId, Store, StoreError, Submission};
use crate::report::Report;

/// Reports that go in together.
const BATCH: u64 = 1000;
/// Over how long they are spread, in milliseconds: half a year.
const SPAN: i64 = 182 * 24 * 60 * 60 * 1000;
/// Projects, jobs of each, and subjects of each cause; small numbers are met far more often than large ones.
const PROJECTS: u64 = 60;
const JOBS: u64 = 8;
const SUBJECTS: u64 = 400;

impl Store {
    /// Puts in so many reports, made of these and their logs, spread over the half year before `now` (milliseconds since 1970).
    /// `told` hears how many are in.
    ///
    /// # Errors
    /// What the database says, or that there is nothing to make them of.
    pub async fn seed(
        &self,
        samples: Vec<(Report, Vec<u8>)>,
        reports: u64,
        now: i64,
        mut told: impl FnMut(u64),
    ) -> Result<(), StoreError> {
        if samples.is_empty() {
            return Err(StoreError::Damaged("there is no rule with an example to make reports of".to_owned()));
        }
        let samples = std::sync::Arc::new(samples);
        let make = |from: u64| {
            let samples = std::sync::Arc::clone(&samples);
            tokio::task::spawn_blocking(move || -> Result<Vec<Entry>, StoreError> {
                let at = |i: u64| now - SPAN + (SPAN as f64 * i as f64 / reports as f64) as i64;
                (from..reports.min(from + BATCH)).map(|i| made(&samples, i, at(i))).collect()
            })
        };
        let mut next = make(0);
        for from in (0..reports).step_by(BATCH as usize) {
            let batch = next.await.map_err(|error| StoreError::Damaged(error.to_string()))??;
            // While these go in, the next ones are made.
            next = make(from + BATCH);
            entry::insert(&self.pool, batch).await?;
            told(reports.min(from + BATCH));
        }
        Ok(())
    }
}

/// The report of this number.
fn made(samples: &[(Report, Vec<u8>)], number: u64, made_at: i64) -> Result<Entry, StoreError> {
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (sample, text) = &samples[dice.low(samples.len() as u64) as usize];
    let mut report = sample.clone();
    match dice.below(100) {
        0..10 => (report.verdict, report.diagnoses) = ("unknown".to_owned(), Vec::new()),
        10..13 => (report.verdict, report.diagnoses) = ("green".to_owned(), Vec::new()),
        _ => (),
    }
    let subject = dice.low(SUBJECTS);
    for diagnosis in &mut report.diagnoses {
        if let Some(old) = diagnosis.subject.as_mut().filter(|old| subject > 0 && !old.is_empty()) {
            let new = format!("{old}_{subject}");
            diagnosis.title = diagnosis.title.replace(old.as_str(), &new);
            *old = new;
        }
    }
    report.repositories.iter_mut().filter(|_| subject > 0).for_each(|one| one.name += &format!("_{subject}"));
    report.derivations.iter_mut().filter(|_| subject > 0).for_each(|one| one.name += &format!("-{subject}"));
    let (project, job) = (dice.low(PROJECTS), dice.below(JOBS));
    let submission = Submission {
        name: "build.log".to_owned(),
        project: format!("project-{project}"),
        job: format!("job-{job}"),
        build_url: format!("https://ci.example/project-{project}/job-{job}/{number}"),
        revision: format!("{:016x}", dice.next()),
        branch: if dice.below(3) == 0 { format!("change-{}", dice.below(5000)) } else { "main".to_owned() },
        metadata: [("runner".to_owned(), dice.below(20).to_string())].into(),
    };
    let mut log = LogPacker::new()?;
    writeln!(log, "build {number} of project-{project}")?;
    log.write_all(text)?;
    let mut log = log.finish()?;
    let pieces = (0..log.index.pieces.len()).map(|piece| log.piece(piece)).collect::<Result<_, _>>()?;
    let index = serde_json::to_string(&log.index)?;
    let rows = LogRows { hash: log.hash, index, packed: log.index.packed as i64, place: String::new(), pieces };
    let times = 1 + dice.below(5) / 4;
    let came = (0..times).map(|i| Came {
        seen_at: made_at + i as i64 * 60_000,
        build_url: submission.build_url.clone(),
        revision: submission.revision.clone(),
        branch: submission.branch.clone(),
    });
    let came = came.collect();
    let entry = Entry::new(ReportId::random(), &report, submission, rows)?;
    Ok(Entry { made_at, came, ..entry })
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 32) % end
    }

    /// Below `end`; half of them below its square root.
    fn low(&mut self, end: u64) -> u64 {
        let share = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        ((end as f64).powf(share) as u64 - 1).min(end - 1)
    }
}
