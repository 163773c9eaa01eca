//! Machine: what must be installed here, and where what the tests make goes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Installs what is missing, once; fails with the reason where that is not possible.
pub(crate) fn prepare() {
    static READY: OnceLock<()> = OnceLock::new();
    READY.get_or_init(|| {
        let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/setup/browser");
        let done = Command::new(&setup).arg(assets()).output().expect("tests/setup/browser can be run");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    });
}

/// The browser's name here.
pub(crate) fn chromium() -> &'static str {
    let is_here = |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|done| done.status.success());
    ["chromium", "google-chrome"].into_iter().find(is_here).expect("chromium or google-chrome")
}

/// Where screenshots go.
pub(crate) fn screenshots() -> PathBuf {
    folder("screenshots")
}

/// What is fetched once for the tests.
pub(crate) fn assets() -> PathBuf {
    folder("test-assets")
}

/// A folder in `target`.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name(name);
    fs::create_dir_all(&folder).expect("a folder in target");
    folder
}
