//! Look: screenshots of any pages, for those who work on them:
//! `LOOK="/rules /history?q=x" TALLEST=900 LOGS=FOLDER cargo test --test browser look -- --ignored`.

use super::browser::{Browser, NARROW, WIDE};
use super::served::{GREEN, HASH_MISMATCH, RETRY, Served, UNKNOWN, UNKNOWN_HOST, VISIBILITY};

/// A history of some weeks: three failures of two projects, and what the folders in `LOGS` hold.
pub(crate) async fn fill(served: &Served) {
    let logs = [UNKNOWN_HOST, VISIBILITY, HASH_MISMATCH, UNKNOWN, GREEN, RETRY];
    for day in 0..30 {
        for (i, log) in logs.iter().enumerate() {
            if (day * 11 + i as i64 * 5) % (3 + i as i64) == 0 {
                let project = ["envoy", "tools"][i % 2];
                let log = format!("{log}\nbuild {day}\n");
                served.keep(&log, project, ["x86_64-linux", "aarch64-linux"][day as usize % 2], day).await;
            }
        }
    }
    for folder in std::env::var("LOGS").unwrap_or_default().split_whitespace() {
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "log"));
        paths.sort();
        for (i, path) in paths.iter().enumerate() {
            let bytes = std::fs::read(path).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy();
            served.keep(&String::from_utf8_lossy(&bytes), ["envoy", "nixpkgs"][i % 2], &name, i as i64 % 28).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "only shows pages"]
async fn look() {
    let served = Served::start().await;
    fill(&served).await;
    let browser = Browser::open(&served).await;
    let tallest = std::env::var("TALLEST").ok().and_then(|height| height.parse().ok()).unwrap_or(6000);
    for path in std::env::var("LOOK").unwrap_or_default().split_whitespace() {
        let name = path.trim_matches('/').replace(['/', '?', '&', '='], "-");
        for (width, dark) in [(WIDE, false), (WIDE, true), (NARROW, false)] {
            browser.width(width).await;
            browser.dark(dark).await;
            browser.goto(path).await;
            browser.settle().await;
            let mode = if dark { "dark" } else { "light" };
            browser.screenshot_up_to(&format!("look/{name}-{width}-{mode}"), tallest).await;
            browser.assert_no_overflow().await;
            browser.assert_accessible().await;
        }
    }
    browser.assert_quiet().await;
}
