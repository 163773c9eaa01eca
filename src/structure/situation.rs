//! Where the build ran, read from the signs of a log: the `Situation` by which fixes and words are chosen.

use crate::rule::Situation;

use super::signs::{Sign, Signs};
use super::{Derivation, DerivationStatus, Repository};

/// What the signs, repositories and derivations of a log say of its build.
pub(super) fn situation(
    signs: &Signs,
    prefixed: bool,
    repositories: &[Repository],
    derivations: &[Derivation],
) -> Situation {
    // A leaf whose builder ended badly: what it ran, ran inside. Of rules_nixpkgs it is Nix that runs inside Bazel.
    let builder = derivations.iter().any(|d| {
        d.status == DerivationStatus::Failed && d.reason.as_deref().is_some_and(|r| r.starts_with("builder "))
    });
    let from = |file: &str| repositories.iter().any(|r| r.frames.iter().any(|f| f.file.starts_with(file)));
    Situation {
        inside_nix: prefixed
            || signs.has(Sign::BuildPath)
            || signs.has(Sign::Builder) && !signs.has(Sign::RulesNixpkgs)
            || builder && !signs.has(Sign::RulesNixpkgs),
        bzlmod: signs.has(Sign::Bzlmod) || repositories.iter().any(|r| r.module.is_some()),
        workspace: signs.has(Sign::Workspace) || from("WORKSPACE"),
        ci: signs.has(Sign::Ci),
        remote: signs.has(Sign::Remote),
        flake: signs.has(Sign::Flake),
        nixos: signs.has(Sign::Nixos),
        macos: signs.has(Sign::Macos),
        windows: signs.has(Sign::Windows),
        bazel: signs.bazel(),
        nix: signs.nix(),
    }
}
