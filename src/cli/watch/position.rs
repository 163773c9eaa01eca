//! Position: which builds were told already, which jobs are red, and what evaluations said last: a small file of JSON, replaced as a whole.
//! Builds end in another order than that of their numbers, so that one number alone would lose some.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::rule::Fnv;

/// Most builds that are remembered; the oldest are forgotten first.
const MOST_SEEN: usize = 20_000;
/// Most jobs that are remembered as red.
const MOST_RED: usize = 20_000;

/// What was told already.
#[derive(Debug)]
pub(super) struct Position {
    file: PathBuf,
    known: Known,
    /// Whether nothing was known at the start.
    pub(super) is_new: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Known {
    seen: BTreeSet<u64>,
    red: BTreeSet<String>,
    evaluations: BTreeMap<String, String>,
}

impl Position {
    /// What stands in this file; nothing where there is none.
    ///
    /// # Errors
    /// That it cannot be read, or that the folder cannot be made.
    pub(super) fn open(file: PathBuf) -> anyhow::Result<Position> {
        let (known, is_new) = match std::fs::read(&file) {
            Ok(json) => {
                let unreadable = || format!("{}: is no position of a watch; remove it to begin anew", file.display());
                (serde_json::from_slice(&json).with_context(unreadable)?, false)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => (Known::default(), true),
            Err(error) => return Err(error).with_context(|| format!("{}: cannot be read", file.display())),
        };
        let folder = folder(&file);
        std::fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
        Ok(Position { file, known, is_new })
    }

    /// Whether this build was told.
    pub(super) fn knows(&self, build: u64) -> bool {
        self.known.seen.contains(&build)
    }

    /// This build is told.
    pub(super) fn tell(&mut self, build: u64) {
        self.known.seen.insert(build);
        while self.known.seen.len() > MOST_SEEN {
            self.known.seen.pop_first();
        }
    }

    /// This job is red.
    pub(super) fn red(&mut self, job: &str) {
        if self.known.red.len() < MOST_RED {
            self.known.red.insert(job.to_owned());
        }
    }

    /// This job is green; whether it was red before.
    pub(super) fn green(&mut self, job: &str) -> bool {
        self.known.red.remove(job)
    }

    /// Whether an evaluation says what was told of it before; nothing is what it says where it went well.
    pub(super) fn knows_evaluation(&self, jobset: &str, says: Option<&str>) -> bool {
        self.known.evaluations.get(jobset) == says.map(hash).as_ref()
    }

    /// What an evaluation says is told.
    pub(super) fn tell_evaluation(&mut self, jobset: &str, says: Option<&str>) {
        match says {
            Some(says) => self.known.evaluations.insert(jobset.to_owned(), hash(says)),
            None => self.known.evaluations.remove(jobset),
        };
    }

    /// Writes it down. Whoever is interrupted leaves the old file or the new one.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn save(&mut self) -> anyhow::Result<()> {
        let saved = || -> anyhow::Result<()> {
            let mut new = tempfile::NamedTempFile::new_in(folder(&self.file))?;
            new.write_all(&serde_json::to_vec(&self.known)?)?;
            new.as_file().sync_all()?;
            new.persist(&self.file)?;
            Ok(())
        };
        saved().with_context(|| format!("{}: the position cannot be kept", self.file.display()))?;
        self.is_new = false;
        Ok(())
    }
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn hash(says: &str) -> String {
    let mut hash = Fnv::default();
    hash.add(says.as_bytes());
    hash.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn it_is_kept_between_two_runs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a/b.json");
        let mut position = Position::open(file.clone()).unwrap();
        assert!(position.is_new && !position.knows(7));
        position.tell(7);
        position.red("main:app");
        position.tell_evaluation("main", Some("error: x"));
        position.save().unwrap();
        let mut position = Position::open(file.clone()).unwrap();
        assert!(!position.is_new && position.knows(7) && !position.knows(8));
        assert!(position.knows_evaluation("main", Some("error: x")) && !position.knows_evaluation("main", None));
        assert!(position.green("main:app") && !position.green("main:app"));
        assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
        std::fs::write(&file, "[").unwrap();
        assert!(format!("{:#}", Position::open(file).unwrap_err()).contains("remove it to begin anew"));
    }
}
