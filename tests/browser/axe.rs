//! Axe: axe-core, from the npm registry at the first run and then from `target/test-assets`.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use super::machine;

const PACKAGE: &str = "axe-core@4";

/// The script.
pub(crate) fn script() -> &'static str {
    static SCRIPT: OnceLock<String> = OnceLock::new();
    SCRIPT.get_or_init(|| {
        let kept = machine::assets().join("axe.min.js");
        if !kept.exists() {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--silent", PACKAGE]).current_dir(dir.path());
            let done = npm.output().expect("npm fetches axe-core for the browser tests; install npm");
            assert!(
                done.status.success(),
                "npm could not fetch {PACKAGE}; put its axe.min.js at {}: {}",
                kept.display(),
                String::from_utf8_lossy(&done.stderr)
            );
            // Written whole or not at all: another run may look at the same moment.
            let part = kept.with_extension(format!("{}.part", std::process::id()));
            fs::copy(dir.path().join("node_modules/axe-core/axe.min.js"), &part).expect("axe-core holds axe.min.js");
            fs::rename(&part, &kept).expect("a file in target");
        }
        fs::read_to_string(&kept).expect("axe.min.js")
    })
}

/// Runs axe on the page and gives the findings that matter as lines; for `execute_async`.
pub(crate) const RUN: &str = r"
const done = arguments[arguments.length - 1];
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }).then(
  ({ violations }) => done(violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${v.impact}: ${v.id}: ${v.help}: ` + v.nodes.slice(0, 4).map((n) => n.html.slice(0, 160) + ' | ' + n.failureSummary.replace(/\s+/g, ' ')).join(' // '))),
  (error) => done(['axe failed: ' + error]));
";
