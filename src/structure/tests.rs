//! Whole logs and whole blocks, read by brute force.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

/// `FILE:LINE:COL FUNCTION` of every frame, outermost first.
fn frames(repository: &Repository) -> Vec<String> {
    let number = |n: Option<u64>| n.map(|n| format!(":{n}")).unwrap_or_default();
    let function = |f: &Frame| f.function.as_ref().map(|f| format!(" {f}")).unwrap_or_default();
    repository
        .frames
        .iter()
        .map(|f| format!("{}{}{}{}", f.file, number(f.line), number(f.column), function(f)))
        .collect()
}

/// `NAME <- DEPENDANT…` of every derivation.
fn tree(text: &str) -> Vec<String> {
    let derivations = Structure::of_text(text).derivations;
    let name = |drv: &String| drv::name(drv).to_owned();
    derivations
        .iter()
        .map(|d| format!("{} <- {}", d.name, d.wanted_by.iter().map(name).collect::<Vec<_>>().join(" ")))
        .collect()
}

/// Seed 11: a chain of five frames through two repositories, the error four times.
const SEED_11: &str = "Starting local Bazel server and connecting to it...
INFO: Repository com_google_googleapis instantiated at:
  /build/r6mjfd99m7j2nn6qwg1ibnys453i0s1l-source-patched/WORKSPACE:9:23: in <toplevel>
  /build/r6mjfd99m7j2nn6qwg1ibnys453i0s1l-source-patched/bazel/api_repositories.bzl:4:21: in envoy_api_dependencies
  /build/.cache/bazel/_bazel_root/f97a/external/envoy_api/bazel/repositories.bzl:27:26: in api_dependencies
  /build/.cache/bazel/_bazel_root/f97a/external/envoy_api/bazel/repositories.bzl:9:23: in external_http_archive
  /build/.cache/bazel/_bazel_root/f97a/external/envoy_api/bazel/envoy_http_archive.bzl:16:17: in envoy_http_archive
Repository rule http_archive defined at:
  /build/.cache/bazel/_bazel_root/f97a/external/bazel_tools/tools/build_defs/repo/http.bzl:372:31: in <toplevel>
WARNING: Download from https://github.com/googleapis/fd52.tar.gz failed: class X Unknown host: github.com
ERROR: An error occurred during the fetch of repository 'com_google_googleapis':
   Traceback (most recent call last):
Error in download_and_extract: java.io.IOException: Error downloading [https://github.com/googleapis/fd52.tar.gz] to /build/.cache/bazel/_bazel_root/f97a/external/com_google_googleapis/temp1/fd52.tar.gz: Unknown host: github.com
ERROR: /build/r6mjfd99m7j2nn6qwg1ibnys453i0s1l-source-patched/WORKSPACE:9:23: fetching http_archive rule //external:com_google_googleapis: Traceback (most recent call last):
ERROR: Error computing the main repository mapping: no such package '@com_google_googleapis//': java.io.IOException: Error downloading [https://github.com/googleapis/fd52.tar.gz] to /build/.cache/x: Unknown host: github.com
";

#[test]
fn a_chain_of_five_frames() {
    let s = Structure::of_text(SEED_11);
    let [r] = &s.repositories[..] else { panic!("{:?}", s.repositories) };
    assert_eq!((r.name.as_str(), r.rule.as_deref(), r.line), ("com_google_googleapis", Some("http_archive"), 2));
    assert_eq!(r.status, RepositoryStatus::Failed);
    let wanted = [
        "WORKSPACE:9:23 <toplevel>",
        "api_repositories.bzl:4:21 envoy_api_dependencies",
        "repositories.bzl:27:26 api_dependencies",
        "repositories.bzl:9:23 external_http_archive",
        "envoy_http_archive.bzl:16:17 envoy_http_archive",
    ];
    assert_eq!(frames(r), wanted);
    assert_eq!(r.frames[1].repository, None);
    assert_eq!(r.frames[2].repository.as_deref(), Some("envoy_api"));
    let at = r.defined_at.as_ref().unwrap();
    assert_eq!((at.file.as_str(), at.line, at.repository.as_deref()), ("http.bzl", Some(372), Some("bazel_tools")));
    assert_eq!(r.urls, ["https://github.com/googleapis/fd52.tar.gz"]);
    assert_eq!((s.outcome, s.situation.inside_nix, s.situation.workspace), (Outcome::Failed, true, true));
    assert_eq!(s.tools.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["bazel"]);
}

#[test]
fn a_chain_cut_by_an_error_and_a_git_fetch() {
    let s = Structure::of_text(
        ")
INFO: Repository cu__wasmtime-c-api-macros-24.0.0 instantiated at:                                      
  /build/source-patched/WORKSPACE:35:25: in <toplevel>                                                  
  /build/source-patched/bazel/repositories_extra.bzl:15:23: in envoy_dependencies_extra                 
  /build/output/external/proxy_wasm_cpp_host/bazel/cargo/wasmtime/remote/crates.bzl:31:43: in crate_repositories      
> ERROR: /build/output/external/p/BUILD.bazel:70:6: @p//remote:macros depends on @cu__wasmtime-c-api-macros-24.0.0//:wasmtime_c_api_macros in repository @cu__wasmtime-c-api-macros-24.0.0 which failed to fetch. no such package '@cu__wasmtime-c-api-macros-24.0.0//': error running 'git fetch origin' while working with @cu__wasmtime-c-api-macros-24.0.0:
> fatal: unable to access 'https://github.com/bytecodealliance/wasmtime/': Could not resolve host: github.com
",
    );
    let [r] = &s.repositories[..] else { panic!("{:?}", s.repositories) };
    assert_eq!((r.name.as_str(), r.rule.as_deref()), ("cu__wasmtime-c-api-macros-24.0.0", None));
    let wanted = [
        "WORKSPACE:35:25 <toplevel>",
        "repositories_extra.bzl:15:23 envoy_dependencies_extra",
        "crates.bzl:31:43 crate_repositories",
    ];
    assert_eq!(frames(r), wanted);
    assert_eq!(r.urls, ["https://github.com/bytecodealliance/wasmtime/"]);
    assert_eq!(r.wanted_by, ["@p//remote:macros"]);
    assert_eq!((r.status, r.module.clone()), (RepositoryStatus::Failed, None));
    assert!(s.situation.inside_nix);
}

#[test]
fn an_old_chain_is_turned_round() {
    let s = Structure::of_text(
        "INFO: Call stack for the definition of repository 'com_github_grpc_grpc' which is a http_archive (rule definition at /c/external/bazel_tools/tools/build_defs/repo/http.bzl:292:16):
 - /ws/bazel/third_party.bzl:8:5
 - /ws/bazel/third_party.bzl:8:5
 - /ws/bazel/deps.bzl:4:5
 - /ws/WORKSPACE:3:1
ERROR: An error occurred during the fetch of repository 'com_github_grpc_grpc':
 - /not/a/frame.bzl:1:1
",
    );
    let r = &s.repositories[0];
    assert_eq!(frames(r), ["WORKSPACE:3:1", "deps.bzl:4:5", "third_party.bzl:8:5"]);
    assert_eq!((r.rule.as_deref(), r.defined_at.as_ref().unwrap().line), (Some("http_archive"), Some(292)));
    assert_eq!(r.status, RepositoryStatus::Failed);
}

#[test]
fn chains_without_frames() {
    let s = Structure::of_text(
        "INFO: Repository reef instantiated at:
  no stack (--record_rule_instantiation_callstack not enabled)
Repository rule http_archive defined at:
  /c/external/bazel_tools/http.bzl:336:16: in <toplevel>
INFO: Repository rules_kotlin+ instantiated at:
  <builtin>: in <toplevel>
Repository rule http_archive defined at:
  /c/external/bazel_tools/http.bzl:392:31: in <toplevel>
INFO: Repository dune instantiated at:
  callstack not available
Repository rule local_repository is built-in.
",
    );
    let [reef, kotlin, dune] = &s.repositories[..] else { panic!("{:?}", s.repositories) };
    assert_eq!((reef.frames.len(), reef.rule.as_deref()), (0, Some("http_archive")));
    assert_eq!(frames(kotlin), ["<builtin> <toplevel>"]);
    assert_eq!(kotlin.module.as_ref().unwrap().module, "rules_kotlin");
    assert_eq!((dune.rule.as_deref(), dune.defined_at.as_ref()), (Some("local_repository"), None));
    assert!(s.repositories.iter().all(|r| r.status == RepositoryStatus::Mentioned));
    assert!(s.situation.bzlmod);
}

#[test]
fn a_chain_with_progress_inside_and_a_wrapped_path() {
    let s = Structure::of_text(
        "INFO: Repository a instantiated at:
  /ws/WORKSPACE:1:2: in <toplevel>
Analyzing: target //:t (13 packages loaded, 18 targets configured)
    Fetching @a; fetching
  /ws/a/very/long/path/to/repositori
es.bzl:3:4: in deps
Repository rule r defined at:
  /ws/r.bzl:5:6: in <toplevel>
",
    );
    let r = &s.repositories[0];
    assert_eq!(frames(r), ["WORKSPACE:1:2 <toplevel>", "repositories.bzl:3:4 deps"]);
    assert_eq!(r.defined_at.as_ref().unwrap().line, Some(5));
}

#[test]
fn every_way_to_name_a_repository() {
    let name = |text: &str| {
        let s = Structure::of_text(text);
        let r = s.repositories.first().unwrap_or_else(|| panic!("{text}"));
        (r.name.clone(), r.status == RepositoryStatus::Failed, r.wanted_by.join(" "))
    };
    let failed = |name: &str, by: &str| (name.to_owned(), true, by.to_owned());
    assert_eq!(
        name("ERROR: x.bzl:1:2: An error occurred during the fetch of repository 'rules_kotlin+':"),
        failed("rules_kotlin+", "")
    );
    assert_eq!(name("ERROR: /w/WORKSPACE:1:1: fetching http_archive rule //external:a: x"), failed("a", ""));
    assert_eq!(name("ERROR: <builtin>: fetching local_repository rule //:config~: x"), failed("config~", ""));
    assert_eq!(name("ERROR: <builtin>: fetching http_archive rule @@+r+a//: x"), failed("+r+a", ""));
    assert_eq!(name("ERROR: fetching a: java.io.IOException: x"), failed("a", ""));
    assert_eq!(
        name("ERROR: B:1:1: //:s depends on @a//:x in repository @@a+ which failed to fetch. y"),
        failed("a+", "//:s")
    );
    assert_eq!(name("ERROR: B:1:1: no such package '@@a~1.0//x': y and referenced by '//:t'"), failed("a~1.0", "//:t"));
    assert_eq!(name("ERROR: no such package '@a//': long\n - story and referenced by '//:t'\n"), failed("a", "//:t"));
    assert_eq!(
        name("ERROR: Analysis of target '//:t' failed; build aborted: no such package '@a//': x"),
        failed("a", "//:t")
    );
    assert_eq!(name("> External repository @@a not found and fetching repositories is disabled."), failed("a", ""));
    assert_eq!(name("Error downloading [https://u] to /o/external/a/temp1/u: x"), failed("a", ""));
    let mentioned = name("WARNING: External repository 'a' is not up-to-date and fetching is disabled.");
    assert_eq!(mentioned, ("a".to_owned(), false, String::new()));
    let package =
        name("ERROR: no such package '@a//b': BUILD file not found in directory 'b' of external repository @a.");
    assert!(!package.1);
    assert!(Structure::of_text("\"error running '%s' while working with @%s:\"").repositories.is_empty());
}

#[test]
fn a_download_belongs_to_the_only_chain_above() {
    let chain = |n: &str| format!("INFO: Repository {n} instantiated at:\n  /w/WORKSPACE:1:1: in <toplevel>\n");
    let warning = "WARNING: Download from https://m/a.zip failed: class X Unknown host: m\n";
    let s = Structure::of_text(&format!("{}{warning}", chain("a")));
    assert_eq!(s.repositories[0].urls, ["https://m/a.zip"]);
    let s = Structure::of_text(&format!("{}{}{warning}", chain("a"), chain("b")));
    assert!(s.repositories.iter().all(|r| r.urls.is_empty()));
    assert!(Structure::of_text(warning).repositories.is_empty());
}

#[test]
fn without_a_chain_the_place_of_the_error_is_the_only_frame() {
    let s = Structure::of_text("ERROR: /w/WORKSPACE:65:23: fetching android_ndk_repository rule //external:ndk: x");
    assert_eq!(frames(&s.repositories[0]), ["WORKSPACE:65:23"]);
    assert_eq!(s.repositories[0].rule.as_deref(), Some("android_ndk_repository"));
}

#[test]
fn a_cascade_is_a_chain() {
    let text = "building '/nix/store/m0ylinlac56rmcvzsijm4qk7a7a9zpmf-zlib-1.2.12.drv'...
Running phase: buildPhase
error: builder for '/nix/store/m0ylinlac56rmcvzsijm4qk7a7a9zpmf-zlib-1.2.12.drv' failed with exit code 2
error: 1 dependencies of derivation '/nix/store/yidvhgkj4zrdr2rh8wrd4bc4g65c26vk-libpng-1.6.37.drv' failed to build
error: 1 dependencies of derivation '/nix/store/jj68jj6hnq85a8m57z29r8iia436wxml-imagemagick-7.1.drv' failed to build
";
    assert_eq!(tree(text), ["zlib-1.2.12 <- libpng-1.6.37", "libpng-1.6.37 <- imagemagick-7.1", "imagemagick-7.1 <- "]);
    let s = Structure::of_text(text);
    let leaf = &s.derivations[0];
    assert_eq!(
        (leaf.reason.as_deref(), leaf.phase.as_deref()),
        (Some("builder failed with exit code 2"), Some("buildPhase"))
    );
    assert_eq!((leaf.line, leaf.status), (3, DerivationStatus::Failed));
    assert_eq!(s.derivations[2].status, DerivationStatus::DependencyFailed);
    assert_eq!((s.outcome, s.tools.len(), s.situation.inside_nix), (Outcome::Failed, 1, true));
}

#[test]
fn a_dependant_of_two() {
    let text = "error: builder for '/nix/store/a.drv' failed with exit code 1
error: builder for '/nix/store/b.drv' failed with exit code 127
error: 2 dependencies of derivation '/nix/store/app.drv' failed to build
error: build of '/nix/store/app.drv' failed
";
    assert_eq!(tree(text), ["a <- app", "b <- app", "app <- "]);
    let diamond = "error: builder for '/nix/store/a.drv' failed with exit code 1
error: 1 dependencies of derivation '/nix/store/b.drv' failed to build
error: 1 dependencies of derivation '/nix/store/c.drv' failed to build
error: 2 dependencies of derivation '/nix/store/top.drv' failed to build
";
    assert_eq!(tree(diamond), ["a <- b c", "b <- top", "c <- top", "top <- "]);
}

#[test]
fn the_wording_of_2_29() {
    let text = "error: Cannot build '/nix/store/m0ylinlac56rmcvzsijm4qk7a7a9zpmf-zlib-1.2.12.drv'.
       Reason: builder failed due to signal 9 (Killed).
       Output paths:
         /nix/store/m0ylinlac56rmcvzsijm4qk7a7a9zpmf-zlib-1.2.12
       Last 25 log lines:
       > Running phase: unpackPhase
       > Running phase: buildPhase
       > boom
       For full logs, run:
         nix log /nix/store/m0ylinlac56rmcvzsijm4qk7a7a9zpmf-zlib-1.2.12.drv
error: Cannot build '/nix/store/yidvhgkj4zrdr2rh8wrd4bc4g65c26vk-libpng-1.6.37.drv'.
       Reason: 1 dependency failed.
       Output paths:
         /nix/store/x
";
    assert_eq!(tree(text), ["zlib-1.2.12 <- libpng-1.6.37", "libpng-1.6.37 <- "]);
    let s = Structure::of_text(text);
    assert_eq!(s.derivations[0].reason.as_deref(), Some("builder failed due to signal 9 (Killed)"));
    assert_eq!(s.derivations[0].phase.as_deref(), Some("buildPhase"));
}

#[test]
fn the_old_wording_and_colours() {
    let text = "\u{1b}[31;1merror:\u{1b}[0m builder for '\u{1b}[35;1m/nix/store/a.drv\u{1b}[0m' failed with exit code \u{1b}[35;1m1\u{1b}[0m;
       last 10 log lines:
cannot build derivation \u{2018}/nix/store/b.drv\u{2019}: 1 dependencies couldn't be built
error: build of \u{2018}/nix/store/b.drv\u{2019} failed
";
    assert_eq!(tree(text), ["a <- b", "b <- "]);
    assert_eq!(Structure::of_text(text).derivations[0].reason.as_deref(), Some("builder failed with exit code 1"));
}

#[test]
fn every_other_reason() {
    let reason =
        |text: &str| Structure::of_text(text).derivations.first().and_then(|d| d.reason.clone()).unwrap_or_default();
    assert_eq!(
        reason("error: hash mismatch in fixed-output derivation '/nix/store/a.drv':"),
        "hash mismatch in fixed-output derivation"
    );
    assert_eq!(
        reason("error: building of '/nix/store/a.drv!out' from .drv file timed out after 3 seconds of silence"),
        "timed out after 3 seconds of silence"
    );
    assert_eq!(
        reason("error: building of '/nix/store/a.drv' killed after writing more than 100 bytes of log output"),
        "killed after writing more than 100 bytes of log output"
    );
    assert_eq!(
        reason(
            "error: a 'aarch64-linux' with features {} is required to build '/nix/store/a.drv', but I am a 'x86_64-linux' with features {kvm}"
        ),
        "a 'aarch64-linux' with features {} is required, but I am a 'x86_64-linux' with features {kvm}"
    );
    assert_eq!(
        reason(
            "error: builder for '/nix/store/a.drv' failed to produce output path for output 'out' at '/nix/store/b'"
        ),
        "builder failed to produce output path for output 'out'"
    );
    assert_eq!(
        reason("error: derivation '/nix/store/a.drv' may not be deterministic: output '/nix/store/b' differs"),
        "may not be deterministic"
    );
    assert_eq!(
        reason(
            "error: cycle detected in build of '/nix/store/a.drv' in the references of output 'dev' from output 'out'"
        ),
        "cycle detected in the references of its outputs"
    );
    assert_eq!(
        reason(
            r#"@nix {"action":"msg","level":0,"msg":"\u001b[31;1merror:\u001b[0m builder for '\u001b[35;1m/nix/store/a.drv\u001b[0m' failed with exit code 2;\n       last 10 log lines:"}"#
        ),
        "builder failed with exit code 2"
    );
    // What a builder prints is no failure of Nix.
    assert_eq!(reason("app> error: builder for '/nix/store/a.drv' failed with exit code 1"), "");
}

#[test]
fn any_text_gives_a_structure() {
    for (anchor, _) in ANCHORS {
        for text in
            [anchor.to_string(), format!("\n{anchor}\n"), format!("'{anchor}'{anchor}'"), format!("é{anchor}é\u{1b}[")]
        {
            Structure::of_text(&text);
        }
    }
    assert_eq!(Structure::of_text(""), Structure::default());
}

#[test]
fn the_shape_of_the_contract() {
    let json = serde_json::to_value(Structure::of_text(SEED_11)).unwrap();
    let r = &json["repositories"][0];
    for key in ["name", "rule", "status", "line", "frames", "defined_at", "module", "urls", "wanted_by", "diagnosis"] {
        assert!(r.get(key).is_some(), "{key}");
    }
    assert_eq!((r["status"].as_str(), json["outcome"].as_str()), (Some("failed"), Some("failed")));
    let dependant = serde_json::to_value(DerivationStatus::DependencyFailed).unwrap();
    assert_eq!(dependant, "dependency-failed");
}
