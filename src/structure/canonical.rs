//! Canonical repository names of bzlmod: `rules_python~~pip~pip_311`, `+_repo_rules+llvm-raw`, `protobuf+`.
//! The separator is `~` up to Bazel 7 and `+` since Bazel 8; neither may stand in a name of a `WORKSPACE`.

use serde::{Deserialize, Serialize};

/// What a canonical repository name says.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub struct Module {
    /// The module that brings the repository; `_main` for the root.
    pub module: String,
    /// Its version; named only where several versions are in the build, or by Bazel 6 and 7.0.
    pub version: Option<String>,
    /// The module extension that made the repository; none for the module's own.
    pub extension: Option<String>,
}

impl Module {
    /// Reads a repository name without `@`. `None` for a plain name, as a `WORKSPACE` gives it.
    pub fn of(name: &str) -> Option<Module> {
        let separator = if name.contains('+') { '+' } else { '~' };
        let mut parts = name.split(separator);
        let module = parts.next()?;
        let rest: Vec<&str> = parts.take(3).collect();
        let (version, extension) = match rest[..] {
            [version] => (version, None),
            [extension, _repository] => ("", Some(extension)),
            [version, extension, _repository] => (version, Some(extension)),
            _ => return None,
        };
        // `MODULE~override` is how Bazel 6 calls a module whose version an override took away.
        let version = (!version.is_empty() && version != "override").then(|| version.to_owned());
        let module = if module.is_empty() { "_main" } else { module };
        let extension = extension.filter(|e| !e.is_empty()).map(str::to_owned);
        Some(Module { module: module.to_owned(), version, extension })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(name: &str) -> (String, Option<String>, Option<String>) {
        let m = Module::of(name).unwrap();
        (m.module, m.version, m.extension)
    }

    fn some(s: &str) -> Option<String> {
        Some(s.to_owned())
    }

    #[test]
    fn names_of_bazel_6_and_7() {
        assert_eq!(read("rules_python~0.31.0"), ("rules_python".into(), some("0.31.0"), None));
        assert_eq!(read("rules_kotlin~"), ("rules_kotlin".into(), None, None));
        assert_eq!(read("rules_go~override"), ("rules_go".into(), None, None));
        assert_eq!(read("rules_python~~pip~pip_311"), ("rules_python".into(), None, some("pip")));
        assert_eq!(
            read("rules_jvm_external~5.3~maven~maven"),
            ("rules_jvm_external".into(), some("5.3"), some("maven"))
        );
        assert_eq!(read("_main~_repo_rules~boost"), ("_main".into(), None, some("_repo_rules")));
        assert_eq!(
            read("bazel_tools~xcode_configure_extension~local_config_xcode"),
            ("bazel_tools".into(), None, some("xcode_configure_extension"))
        );
    }

    #[test]
    fn names_of_bazel_8() {
        assert_eq!(read("rules_kotlin+"), ("rules_kotlin".into(), None, None));
        assert_eq!(read("rules_rust++crate+crates__serde-1.0"), ("rules_rust".into(), None, some("crate")));
        assert_eq!(read("gazelle+0.36.0+go_deps+x"), ("gazelle".into(), some("0.36.0"), some("go_deps")));
        assert_eq!(read("+_repo_rules8+llvm-project"), ("_main".into(), None, some("_repo_rules8")));
        assert_eq!(read("_main+ext+r"), ("_main".into(), None, some("ext")));
    }

    #[test]
    fn plain_names() {
        assert_eq!(Module::of("cu__wasmtime-c-api-macros-24.0.0"), None);
        assert_eq!(Module::of("com_google_googleapis"), None);
        assert_eq!(Module::of(""), None);
    }
}
