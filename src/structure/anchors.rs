//! Anchors: the literals that announce a structural fact, and which fact each of them announces.
//! Compiled into build.rs as well, so it knows nothing else. What follows an anchor is read in `event.rs`.

/// What a structure literal announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// `Repository N instantiated at:`, the chain of a repository, outermost frame first (Bazel 3 and later).
    Chain,
    /// `Call stack for the definition of repository 'N' which is a R`, innermost frame first (Bazel 0.29 to 2).
    OldChain,
    /// `An error occurred during the fetch of repository 'N'`.
    FetchError,
    /// `fetching R rule //external:N: …` and its bzlmod form `rule @@N//:`.
    FetchingRule,
    /// `T depends on L in repository N which failed to fetch`.
    FailedToFetch,
    /// `no such package '@N//P': …`, with `and referenced by 'T'` where somebody wanted it.
    NoSuchPackage,
    /// `Error downloading [U1, U2] to …/external/N/temp…`.
    DownloadError,
    /// `Download from U failed: …`; a later mirror may still have worked.
    DownloadWarning,
    /// Git: `unable to access 'U'`, and Bazel's `error running 'git …' while working with @N`.
    Git,
    /// `fetching is disabled`, `fetching repositories is disabled`.
    FetchDisabled,
    /// Nix up to 2.28 and Lix: `builder for 'D' failed …`.
    Builder,
    /// Nix since 2.29: `Cannot build 'D'.`, the reason on the next line.
    CannotBuild,
    /// `N dependencies of derivation 'D' failed to build`, `cannot build derivation 'D': …`.
    Dependent,
    /// `build of 'D1', 'D2' failed`: a summary of what was asked for.
    Summary,
    /// `hash mismatch in fixed-output derivation 'D'`.
    HashMismatch,
    /// A limit of Nix was hit: `timed out after`, `killed after writing more than`.
    Limit,
    /// This machine may not build it: `is required to build 'D'`.
    Platform,
    /// `derivation 'D' may not be deterministic`.
    Determinism,
}

/// The literals, and what they announce. Each is at least 7 bytes long, stands in no ordinary line, and holds no place
/// where a tool may put a colour code (Nix colours what is between quotes, Bazel its severity words).
pub const ANCHORS: &[(&str, Marker)] = &[
    (" instantiated at:", Marker::Chain),
    ("Call stack for the definition of repository", Marker::OldChain),
    ("the fetch of repository", Marker::FetchError),
    (" rule //external:", Marker::FetchingRule),
    (" rule @@", Marker::FetchingRule),
    (" rule //:", Marker::FetchingRule),
    ("ERROR: fetching ", Marker::FetchingRule),
    ("which failed to fetch", Marker::FailedToFetch),
    ("no such package '@", Marker::NoSuchPackage),
    ("Error downloading [", Marker::DownloadError),
    ("Download from http", Marker::DownloadWarning),
    ("unable to access '", Marker::Git),
    ("while working with @", Marker::Git),
    ("and fetching is disabled", Marker::FetchDisabled),
    ("fetching repositories is disabled", Marker::FetchDisabled),
    ("builder for '", Marker::Builder),
    ("builder for \u{2018}", Marker::Builder),
    ("Cannot build '", Marker::CannotBuild),
    ("cannot build '", Marker::CannotBuild),
    (" of derivation '", Marker::Dependent),
    (" of derivation \u{2018}", Marker::Dependent),
    ("cannot build derivation ", Marker::Dependent),
    ("build of '", Marker::Summary),
    ("build of \u{2018}", Marker::Summary),
    ("build of resolved derivation ", Marker::Dependent),
    ("hash mismatch in fixed-output derivation", Marker::HashMismatch),
    (" timed out after ", Marker::Limit),
    (" killed after writing more than ", Marker::Limit),
    (" is required to build ", Marker::Platform),
    ("may not be deterministic", Marker::Determinism),
];
