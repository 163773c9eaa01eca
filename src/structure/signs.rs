//! Signs: words near the start and the end of a log that tell which tools speak and what kind of build this is.
//! One pass over both ends for all of them; `facts.rs` and `tool.rs` draw the conclusions.

use super::words::Words;

/// How much of each end is read, in bytes: this runs on every log, and tools introduce themselves early.
const END: usize = 16 * 1024;

/// What a word is a sign of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Bazel speaks.
    Bazel,
    /// `Starting local Bazel server (V)`, `Build label: V`, `release V`: Bazel and its version.
    BazelVersion,
    /// `bazel-V` in a path, or `bazel-out`.
    BazelPath,
    /// Nix speaks.
    Nix,
    /// `(Nix) V`, `-nix-V/`.
    NixVersion,
    /// The words of a Nix builder.
    Builder,
    /// A path below `/build/`, where a builder of Nix works on Linux.
    BuildPath,
    /// Bazel started this Nix.
    RulesNixpkgs,
    Bzlmod,
    Workspace,
    Ci,
    Remote,
    Flake,
    Nixos,
    Macos,
    Windows,
}

/// The words. None the start of another, none frequent in ordinary lines.
const WORDS: [(&str, Sign); 64] = [
    ("Starting local Bazel server", Sign::BazelVersion),
    ("Build label: ", Sign::BazelVersion),
    ("azel release ", Sign::BazelVersion),
    ("bazel-", Sign::BazelPath),
    ("_bazel_", Sign::Bazel),
    ("packages loaded", Sign::Bazel),
    ("INFO: Elapsed time", Sign::Bazel),
    ("Build completed", Sign::Bazel),
    ("Build did NOT", Sign::Bazel),
    (".bzl:", Sign::Bazel),
    ("/BUILD", Sign::Bazel),
    ("no such package '", Sign::Bazel),
    ("no such target '", Sign::Bazel),
    ("/output/external/", Sign::Bazel),
    ("Bazel installation", Sign::Bazel),
    ("/blaze.cc:", Sign::Bazel),
    ("server_javabase", Sign::Bazel),
    ("nrecognized option: ", Sign::Bazel),
    ("building '/nix/", Sign::Nix),
    ("builder for '", Sign::Nix),
    ("nnot build '", Sign::Nix),
    (" will be built:", Sign::Nix),
    ("copying path '/nix/", Sign::Nix),
    ("--show-trace", Sign::Nix),
    ("while evaluating the ", Sign::Nix),
    ("while calling ", Sign::Nix),
    (".nix:", Sign::Nix),
    ("@nix {", Sign::Nix),
    ("/nix/var/nix/", Sign::Nix),
    (" (Nix) ", Sign::NixVersion),
    ("-nix-", Sign::NixVersion),
    ("nning phase: ", Sign::Builder),
    ("unpacking sourc", Sign::Builder),
    ("nix-build-", Sign::Builder),
    ("homeless-shelter", Sign::Builder),
    ("/build/", Sign::BuildPath),
    ("rules_nixpkgs", Sign::RulesNixpkgs),
    ("nixpkgs_package", Sign::RulesNixpkgs),
    ("Cannot build Nix ", Sign::RulesNixpkgs),
    ("MODULE.bazel", Sign::Bzlmod),
    ("<builtin>: in ", Sign::Bzlmod),
    ("module extension", Sign::Bzlmod),
    ("WORKSPACE", Sign::Workspace),
    ("##[group]", Sign::Ci),
    ("##[error]", Sign::Ci),
    ("/home/runner/", Sign::Ci),
    ("_bk;t=", Sign::Ci),
    ("uildkite", Sign::Ci),
    ("gitlab-runner", Sign::Ci),
    ("[Pipeline]", Sign::Ci),
    ("emote cache", Sign::Remote),
    ("emote Cache", Sign::Remote),
    ("emote_exec", Sign::Remote),
    ("emote_cache", Sign::Remote),
    ("emote execution", Sign::Remote),
    ("grpcs://", Sign::Remote),
    ("flake", Sign::Flake),
    ("Git tree '", Sign::Flake),
    ("NixOS", Sign::Nixos),
    ("/Users/", Sign::Macos),
    ("/private/", Sign::Macos),
    (":\\Users\\", Sign::Windows),
    (":/Users/", Sign::Windows),
    ("x64_windows", Sign::Windows),
];

/// What was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Signs {
    seen: u32,
    /// Bazel's version, and how sure it is.
    bazel: Option<(u8, String)>,
    nix: Option<(u8, String)>,
}

impl Signs {
    /// Reads both ends of a log; they may be the same bytes.
    pub(super) fn of(head: &[u8], tail: &[u8]) -> Signs {
        let mut signs = Signs::default();
        let same = std::ptr::eq(head.as_ptr(), tail.as_ptr());
        if same && head.len() <= 2 * END {
            signs.read(head);
        } else {
            signs.read(head.get(..head.len().min(END)).unwrap_or(head));
            signs.read(tail.get(tail.len().saturating_sub(END)..).unwrap_or(tail));
        }
        signs
    }

    /// Whether `sign` was seen.
    pub(super) fn has(&self, sign: Sign) -> bool {
        self.seen & (1 << sign as u32) != 0
    }

    /// Bazel's version.
    pub(super) fn bazel(&self) -> Option<String> {
        self.bazel.as_ref().map(|v| v.1.clone())
    }

    /// Nix's version.
    pub(super) fn nix(&self) -> Option<String> {
        self.nix.as_ref().map(|v| v.1.clone())
    }

    fn read(&mut self, text: &[u8]) {
        static SEARCH: Words<{ WORDS.len() }> = Words::new(&WORDS);
        for (at, word) in SEARCH.find(text) {
            let (word, sign) = WORDS[word];
            self.hit(text, at, word, sign);
        }
    }

    /// Takes the word at `at`, if its surroundings fit.
    fn hit(&mut self, text: &[u8], at: usize, word: &str, sign: Sign) {
        let before = at.checked_sub(1).and_then(|i| text.get(i)).copied();
        let after = text.get(at + word.len()..).unwrap_or_default();
        let boundary = before.is_none_or(|b| !b.is_ascii_alphanumeric() && !b"-_./\\".contains(&b));
        let seen = match sign {
            Sign::BazelVersion => {
                let after = after.strip_prefix(b" (").unwrap_or(after);
                keep(&mut self.bazel, 3, version(after));
                self.mark(Sign::Bazel);
                true
            }
            Sign::BazelPath => self.bazel_path(before, after),
            Sign::NixVersion => {
                let sure = if word.starts_with('-') { 1 } else { 2 };
                // The hash of a store path stands before the name.
                let store = sure == 2 || at.checked_sub(33).and_then(|i| text.get(i)) == Some(&b'/');
                if store {
                    keep(&mut self.nix, sure, version(after));
                }
                sure == 2
            }
            Sign::BuildPath => boundary && of_builder(after),
            Sign::Builder if word == "nix-build-" => {
                before.is_some_and(|b| b == b'/') && memchr::memchr(b'/', after.get(..200).unwrap_or(after)).is_some()
            }
            Sign::Workspace => after.first().is_some_and(|b| b":\".'".contains(b)),
            Sign::Flake if word == "flake" => {
                after.starts_with(b".nix")
                    || after.starts_with(b".lock")
                    || after.starts_with(b" '")
                    || after.starts_with(b"s' is")
            }
            Sign::Bazel if word == "/BUILD" => after.starts_with(b":") || after.starts_with(b".bazel"),
            Sign::Macos => boundary,
            Sign::Windows => word.starts_with(|c| c != ':') || drive(text, at),
            _ => true,
        };
        if seen {
            self.mark(sign);
        }
    }

    /// `bazel-7.6.0` in a path is Bazel's version; `bazel-out/…` is what it says of its outputs.
    fn bazel_path(&mut self, before: Option<u8>, after: &[u8]) -> bool {
        if [&b"out/"[..], b"bin/", b"testlogs/"].iter().any(|p| after.starts_with(p)) {
            self.mark(Sign::Bazel);
            return true;
        }
        let found = version(after);
        if let Some(found) = found.filter(|_| before.is_some_and(|b| b == b'-' || b == b'/')) {
            // `…-bazel-6.5.0/bin` is there; the file `bazel-7.6.0-linux-x86_64` is often what is missing.
            let sure = if before == Some(b'-') { 2 } else { 1 };
            keep(&mut self.bazel, sure, Some(found));
        }
        false
    }

    fn mark(&mut self, sign: Sign) {
        self.seen |= 1 << sign as u32;
    }
}

/// Keeps the surest version, of equals the first.
fn keep(kept: &mut Option<(u8, String)>, sure: u8, found: Option<String>) {
    if let Some(found) = found.filter(|_| kept.as_ref().is_none_or(|k| k.0 < sure)) {
        *kept = Some((sure, found));
    }
}

/// A version at the start of `text`: a digit, a dot, and no more than 40 bytes.
fn version(text: &[u8]) -> Option<String> {
    let text = text.get(..text.len().min(40)).unwrap_or(text);
    let end = text.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'.').unwrap_or(text.len());
    let found = std::str::from_utf8(text.get(..end)?).ok()?.trim_end_matches('.');
    let is = found.starts_with(|c: char| c.is_ascii_digit()) && found.contains('.') && !found.ends_with("drv");
    is.then(|| found.to_owned())
}

/// Whether the path that goes on with `after` below `/build/` is one of a Nix builder: other machines have a `/build` too.
fn of_builder(after: &[u8]) -> bool {
    let end = after.iter().take(80).position(|b| !b.is_ascii_alphanumeric() && !b"-._+".contains(b));
    let name = end.and_then(|end| after.get(..end)).unwrap_or_default();
    let hash = name.len() > 33
        && name.get(32) == Some(&b'-')
        && name.iter().take(32).all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    hash || name.starts_with(b"source") || [&b"output"[..], b".cache", b"bazel", b".bazel"].contains(&name)
}

/// Whether the colon at `at` follows a drive letter (`C:\`), not a word.
fn drive(text: &[u8], at: usize) -> bool {
    let letter = at.checked_sub(1).and_then(|i| text.get(i));
    let before = at.checked_sub(2).and_then(|i| text.get(i));
    letter.is_some_and(u8::is_ascii_alphabetic) && before.is_none_or(|b| !b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Signs {
        Signs::of(text.as_bytes(), text.as_bytes())
    }

    #[test]
    fn versions() {
        assert_eq!(of("Starting local Bazel server (8.4.1) and connecting to it...").bazel().as_deref(), Some("8.4.1"));
        assert_eq!(of("Starting local Bazel server and connecting to it...").bazel(), None);
        assert_eq!(of("Build label: 7.6.0").bazel().as_deref(), Some("7.6.0"));
        let wanted = "requires Bazel 7.6.0 (specified in /build/x/.bazelversion), but it wasn't found in \
                      /nix/store/8nbnr7vc86cp6nw92s9v7k3ab9028vr2-bazel-6.5.0/bin.\n/nix/store/8nbnr7vc86cp6nw92s9v7k3ab9028vr2-bazel-6.5.0/bin/bazel-7.6.0-linux-x86_64";
        assert_eq!(of(wanted).bazel().as_deref(), Some("6.5.0"));
        assert_eq!(of("nix-build (Nix) 2.8.0").nix().as_deref(), Some("2.8.0"));
        assert_eq!(of("/nix/store/4bsvs0y3ds5p7pa8mly4ir543hr1did6-nix-2.8.0/bin/nix").nix().as_deref(), Some("2.8.0"));
        assert_eq!(of("bazel-0.4.5.drv-0/x").bazel(), None);
    }

    #[test]
    fn paths_of_a_builder() {
        assert!(of("  /build/source/WORKSPACE:1:1").has(Sign::BuildPath));
        assert!(of("/build/r6mjfd99m7j2nn6qwg1ibnys453i0s1l-source-patched/W").has(Sign::BuildPath));
        assert!(!of("/home/x/build/source/a").has(Sign::BuildPath));
        assert!(!of("/build/workspace/a").has(Sign::BuildPath));
        assert!(of("/tmp/nix-build-envoy-deps.tar.gz.drv-0/output").has(Sign::Builder));
        assert!(!of("+ nix-build -A x").has(Sign::Builder));
    }

    #[test]
    fn machines() {
        assert!(of("at C:\\Users\\x").has(Sign::Windows));
        assert!(!of("abc:\\Users\\n").has(Sign::Windows));
        assert!(of("ERROR: /Users/dev/x/BUILD:1:1").has(Sign::Macos));
        assert!(!of("/home/Users/dev").has(Sign::Macos));
    }

    #[test]
    fn no_word_is_the_start_of_another() {
        for (i, a) in WORDS.iter().enumerate() {
            for b in WORDS.iter().skip(i + 1) {
                assert!(!b.0.starts_with(a.0) && !a.0.starts_with(b.0), "{} {}", a.0, b.0);
            }
        }
    }
}
