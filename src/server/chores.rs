//! Chores: what is done beside the answering: rules are read again when their files change, old reports are forgotten, counts are kept small.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::engine::Engine;
use crate::service::{App, meters, now};
use crate::store::Retention;

/// Between two looks at the files of rules.
const LOOK: Duration = Duration::from_secs(3);
/// Between two times that old reports are forgotten, in looks.
const RETAIN: u32 = 200;
/// Between two times that addresses are forgotten, in looks.
const FORGET: u32 = 20;

/// Does them for ever.
pub async fn chores(app: Arc<App>, keep: Retention) {
    let mut seen = state(&app.config.packs);
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for look in 0u32.. {
        ticks.tick().await;
        let now_there = state(&app.config.packs);
        if now_there != seen {
            seen = now_there;
            let app = Arc::clone(&app);
            let _ = tokio::task::spawn_blocking(move || reload(&app)).await;
        }
        if look % FORGET == 0 {
            app.rates.forget();
            meters::upkeep();
        }
        if look % RETAIN == 0 && (keep.oldest.is_some() || keep.most_bytes.is_some()) {
            match app.store.retain(&keep, now()).await {
                Ok(done) if done.reports > 0 => {
                    tracing::info!(reports = done.reports, bytes = done.bytes, "old reports are forgotten")
                }
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "old reports could not be forgotten"),
            }
        }
    }
}

/// Reads all rules anew. Where one cannot be used the old ones stay.
fn reload(app: &App) {
    match Engine::built_in_rules().with_packs(&app.config.packs) {
        Ok(rules) => {
            tracing::info!(rules = rules.len(), version = rules.version(), "rules were read again");
            app.set_engine(Engine::new(rules));
        }
        Err(errors) => {
            for error in errors {
                tracing::warn!("{error}");
            }
            tracing::warn!("the changed rules cannot be used; the old ones stay in use");
        }
    }
}

/// Names, times and sizes of all files of rules.
fn state(packs: &[PathBuf]) -> Vec<(PathBuf, Option<SystemTime>, u64)> {
    let mut files = Vec::new();
    packs.iter().for_each(|folder| gather(folder, &mut files));
    files.sort();
    files
}

fn gather(folder: &Path, files: &mut Vec<(PathBuf, Option<SystemTime>, u64)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match std::fs::metadata(&path) {
            Ok(facts) if facts.is_dir() => gather(&path, files),
            Ok(facts) if path.extension().is_some_and(|end| end == "toml") => {
                files.push((path, facts.modified().ok(), facts.len()));
            }
            _ => {}
        }
    }
}
