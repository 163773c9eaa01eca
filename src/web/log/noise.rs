//! Noise: lines by which tools only say that they are still at work.

/// What such lines start with.
const STARTS: [&str; 30] = [
    "@nix {",
    "Loading:",
    "Analyzing:",
    "Computing main repo mapping:",
    "currently loading:",
    "[Prepa]",
    "Fetching repository",
    "Fetching ",
    "copying path '",
    "building '/nix/store/",
    "downloading '",
    "fetching ",
    "unpacking '",
    "substituting ",
    "querying info about",
    "waiting for lock on",
    "Downloading ",
    "Downloaded ",
    "Compiling ",
    "Checking ",
    "Collecting ",
    "Using cached ",
    "Receiving objects:",
    "Resolving deltas:",
    "remote: Counting objects",
    "remote: Compressing objects",
    "make[",
    "checking for ",
    "checking whether ",
    "-- Looking for ",
];

/// Whether a cleaned line is progress and nothing else.
pub(super) fn is_noise(text: &str) -> bool {
    let text = text.trim_start();
    if text.is_empty() {
        return true;
    }
    if text.starts_with('[') && counts(text) || is_running(text) {
        return true;
    }
    if text.starts_with("/nix/store/") && !text.contains(char::is_whitespace) {
        return true;
    }
    STARTS.iter().any(|start| text.starts_with(start))
        && !text.contains("rror")
        && !text.contains("fail")
        && !text.contains("***")
}

/// `Compiling a.cc; 3s linux-sandbox`: what Bazel lists below its progress.
fn is_running(text: &str) -> bool {
    let Some((_, state)) = text.rsplit_once("; ") else { return false };
    let (time, strategy) = state.split_once(' ').unwrap_or((state, ""));
    let is_time = time.strip_suffix('s').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    is_time && strategy.bytes().all(|b| b.is_ascii_lowercase() || b"-, ".contains(&b)) || state == "fetching"
}

/// `[12 / 345] …`, `[12/345] …`, `[ 12%] …`, `[0/1 built] …`, with thousands as Bazel writes them.
fn counts(text: &str) -> bool {
    let Some((inner, _)) = text[1..].split_once(']') else { return false };
    let numbers = inner.bytes().all(|b| b.is_ascii_digit() || b" /%,.".contains(&b));
    let nix = inner.split_once('/').is_some_and(|(n, rest)| {
        n.bytes().all(|b| b.is_ascii_digit()) && rest.split(['/', ' ']).next().is_some_and(|m| m.parse::<u64>().is_ok())
    });
    (numbers || nix) && inner.contains(['/', '%']) && !text.contains("FAILED")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_and_no_more() {
        for noise in [
            "[12 / 345] Compiling a.cc; 3s linux-sandbox",
            "[1,234 / 5,678] 4 actions",
            "[ 12%] Building C object",
            "[0/1 built, 2 copied] x",
            "Loading: 0 packages loaded",
            "copying path '/nix/store/x' from 'https://cache'",
            "  /nix/store/abc-x.drv",
            "    Testing //tests:a; 12s linux-sandbox",
            "    [Prepa] Testing //tests:a",
            "    Fetching @local_config_sh; fetching",
            "",
        ] {
            assert!(is_noise(noise), "{noise}");
        }
        for news in
            ["ERROR: x", "[x] y", "[12] y", "make[1]: *** [all] Error 2", "INFO: Elapsed time: 3s", "FAILED: [1/2] x"]
        {
            assert!(!is_noise(news), "{news}");
        }
    }
}
