//! From a log to its cause: home, the report, its pictures and its log, with and without scripts.

use super::browser::{Browser, NARROW, WIDE};
use super::served::{Served, UNKNOWN, UNKNOWN_HOST};
use whyred::engine::Engine;

/// The texts of all elements that fit, as they are seen.
async fn texts(browser: &Browser, css: &str) -> Vec<String> {
    let script = format!("return [...document.querySelectorAll({css:?})].map((e) => e.textContent.trim())");
    serde_json::from_value(browser.run(&script).await).unwrap()
}

/// A log of so many lines: progress, then a failure, then more of it.
fn long_log(lines: usize) -> String {
    let progress = |from: usize, to: usize| -> String {
        let line = |i: usize| match i % 50 {
            0 => format!("INFO: From Compiling source/codec_{i}.cc:\n"),
            _ => format!("\u{1b}[32m[{i} / 90,000]\u{1b}[0m Compiling source/codec_{i}.cc; 3s linux-sandbox\n"),
        };
        (from..to).map(line).collect()
    };
    format!("{}{UNKNOWN_HOST}{}", progress(1, lines / 2), progress(lines / 2, lines))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_paste_to_a_copied_fix_and_the_line_that_proves_it() {
    let served = Served::start().await;
    let browser = Browser::open(&served).await;
    browser.goto("/").await;
    assert_eq!(browser.run("return document.activeElement.id").await, "log", "the box has the focus");
    browser.assert_accessible().await;
    browser.screenshot("home").await;
    browser.run(&format!("document.getElementById('log').value = {}", serde_json::json!(UNKNOWN_HOST))).await;
    browser.press("\u{e009}\u{e007}").await;
    browser.wait_for("location.pathname.startsWith('/r/')").await;
    assert!(browser.text("h1").await.contains("com_github_fmtlib_fmt"));
    browser.assert_accessible().await;
    browser.screenshot("report").await;

    browser.run("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }").await;
    browser.click(".fix[open] .copy button").await;
    browser.wait_for("window.copied").await;
    let shown = browser.run("return document.querySelector('.fix[open] pre').textContent.trim()").await;
    assert_eq!(browser.run("return window.copied").await, shown);
    assert_eq!(browser.text(".fix[open] .copy button").await, "Copied");

    let before = browser.here().await;
    browser.click("#proof a").await;
    browser.wait_for("document.querySelector('#log .ln.on')").await;
    let hash = browser.run("return location.hash").await;
    assert_eq!(browser.run("return '#' + document.querySelector('#log .ln.on').id").await, hash);
    let seen = "return document.querySelector('#log .ln.on').getBoundingClientRect().top";
    let top = browser.run(seen).await.as_f64().unwrap();
    assert!((0.0..900.0).contains(&top), "{top}");
    browser.driver.back().await.unwrap();
    assert_eq!(browser.here().await, before);
    browser.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_file_is_sent_while_a_bar_shows_how_far() {
    let served = Served::start().await;
    let browser = Browser::open(&served).await;
    browser.goto("/").await;
    let log = serde_json::json!(UNKNOWN_HOST);
    browser
        .run(&format!(
            "window.name = '';
             new MutationObserver(() => {{ if (!document.querySelector('.upload').hidden) window.name += 'seen '; }})
                 .observe(document.querySelector('.upload'), {{ attributes: true, childList: true, subtree: true }});
             const brought = new DataTransfer();
             brought.items.add(new File([{log}, 'x\\n'.repeat(1e6)], 'dropped.log'));
             dispatchEvent(new DragEvent('dragenter', {{ dataTransfer: brought }}));
             window.name += document.querySelector('.drop').hidden ? '' : 'offered ';
             document.body.dispatchEvent(new DragEvent('drop', {{ dataTransfer: brought, bubbles: true, cancelable: true }}));"
        ))
        .await;
    browser.wait_for("location.pathname.startsWith('/r/')").await;
    let told = browser.run("return window.name").await;
    let told = told.as_str().unwrap();
    assert!(told.contains("offered") && told.contains("seen"), "{told}");
    assert!(texts(&browser, ".facts").await.concat().contains("dropped.log"));
    browser.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_log_is_refused_in_words() {
    let served = Served::start().await;
    let browser = Browser::open(&served).await;
    browser.goto("/").await;
    browser.click("#send button[type=submit]").await;
    assert!(browser.text(".alert").await.contains("Paste a log"));
    assert_eq!(browser.run("return document.activeElement.id").await, "log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_chain_is_a_picture_whose_boxes_lead_to_their_lines() {
    let served = Served::start().await;
    let id = served.post(UNKNOWN_HOST, "demo", "chain").await;
    let browser = Browser::open(&served).await;
    browser.goto(&format!("/r/{id}")).await;
    let boxes = texts(&browser, "svg.chain a.box").await;
    let wanted = [
        "WORKSPACE:14",
        "repositories.bzl:22",
        "repositories.bzl:61",
        "archive.bzl:9",
        "@com_github_fmtlib_fmt",
        "https://github.com/fmtlib/fmt/",
        "//cmd/gateway:gateway",
    ];
    assert_eq!(boxes.len(), wanted.len(), "{boxes:?}");
    assert!(boxes.iter().zip(wanted).all(|(shown, wanted)| shown.contains(wanted)), "{boxes:?}");
    assert_eq!(texts(&browser, ".as-list li").await.len(), wanted.len(), "the same as a list");
    // Each leads to the line that tells of it.
    let lines: Vec<(String, String)> = serde_json::from_value(
        browser
            .run(
                "return [...document.querySelectorAll('svg.chain a.box')].map((box) => [
                    box.querySelector('.name').textContent,
                    document.querySelector(box.getAttribute('href')).querySelector('code').textContent])",
            )
            .await,
    )
    .unwrap();
    for (name, line) in &lines {
        let told = name.split(':').next().unwrap().trim_start_matches('@');
        assert!(line.contains(told) || line.contains("Repository rule"), "{name} leads to {line}");
    }
    browser.run("document.querySelectorAll('svg.chain a.box')[3].dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }))").await;
    browser.wait_for("document.querySelector('#log .ln.on')?.textContent.includes('archive.bzl:9')").await;
    browser.width(NARROW).await;
    browser.assert_no_overflow().await;
    let inside = browser
        .run(
            "const wide = innerWidth;
             return [...document.querySelectorAll('svg.chain :is(text, rect)')].every((e) => e.getBoundingClientRect().right <= wide)",
        )
        .await;
    assert_eq!(inside, true, "all of the picture is in sight on a telephone");
}

/// The log that the whole thing began with, where it is at hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_calls_a_rule_and_an_address_are_seven_boxes() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus/seed/11-unknown-host-chain.log");
    let Ok(log) = std::fs::read_to_string(file) else { return };
    let served = Served::start().await;
    let id = served.post(&log, "envoy", "chain").await;
    let browser = Browser::open(&served).await;
    browser.goto(&format!("/r/{id}")).await;
    let links = "return [...document.querySelectorAll('svg.chain a.box')].map((e) => e.getAttribute('href'))";
    let links: Vec<String> = serde_json::from_value(browser.run(links).await).unwrap();
    assert_eq!(links, ["#L5", "#L6", "#L7", "#L8", "#L9", "#L10", "#L12"]);
    let names = texts(&browser, "svg.chain a.box").await;
    let wanted = [
        "WORKSPACE:9",
        "api_repositories.bzl:4",
        "repositories.bzl:27",
        "repositories.bzl:9",
        "envoy_http_archive.bzl:16",
        "@com_google_googleapis",
        "https://github.com/googleapis/",
    ];
    assert!(names.iter().zip(wanted).all(|(shown, wanted)| shown.contains(wanted)), "{names:?}");
}

/// How long a page of a log of 100 MB takes, and how much of it is in the page. Unoptimized: `--release` shows what people see.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "makes a log of 100 MB"]
#[allow(clippy::print_stdout)]
async fn a_log_of_100_megabytes_opens_at_once() {
    let served = Served::start().await;
    let log = long_log(1_500_000);
    let id = served.post(&log, "demo", "huge").await;
    let browser = Browser::open(&served).await;
    browser.goto(&format!("/r/{id}")).await;
    let timing = "const t = performance.getEntriesByType('navigation')[0]; return [t.responseStart - t.requestStart, t.domContentLoadedEventEnd]";
    let timing = browser.run(timing).await;
    let elements = browser.run("return document.querySelectorAll('*').length").await.as_u64().unwrap();
    let found = "const at = performance.now(); return fetch(location.pathname + '/find?q=codec_1234567').then((r) => r.json()).then((f) => [f.lines.length, performance.now() - at])";
    let found = browser.run(found).await;
    println!("{} MB; first byte and ready: {timing} ms; {elements} elements; found and ms: {found}", log.len() >> 20);
    assert!(elements < 10_000 && found[0] == 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_everything_is_there() {
    let served = Served::start().await;
    let browser = Browser::open(&served).await;
    browser.javascript(false).await;
    browser.goto("/").await;
    browser.find("#log").await.send_keys("ERROR: /w/BUILD:1:1: no such package '@it//': x\n").await.unwrap();
    browser.click("#send button[type=submit]").await;
    browser.arrive("/r/").await;
    let title = browser.text("h1").await;
    assert!(title.contains("it"), "{title}");
    browser.find(".feedback textarea").await.send_keys("it is").await.unwrap();
    browser.click(".feedback button[value=helpful]").await;
    assert!(browser.text(".thanks").await.contains("Thank you"));

    browser.goto("/").await;
    browser.click(".try").await;
    browser.arrive("/r/").await;
    let id = served.post(&long_log(6000), "demo", "long").await;
    browser.goto(&format!("/r/{id}")).await;
    browser.click(".gap a").await;
    browser.arrive(&format!("/r/{id}/log?from=")).await;
    browser.find("input[name=q]").await.send_keys("codec_4250\u{e007}").await.unwrap();
    assert!(browser.text("#found").await.contains("1 line"));
    let id = served.post("a \u{1b}[1mco\u{1b}[0;31mlour\u{1b}[0mful word\n", "demo", "colours").await;
    browser.goto(&format!("/r/{id}/log?q=COLOURFUL+word")).await;
    assert!(browser.text("#found").await.contains("1 line"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_log_is_read_where_somebody_looks() {
    let served = Served::start().await;
    let id = served.post(&long_log(60_000), "demo", "long").await;
    let browser = Browser::open(&served).await;
    browser.goto(&format!("/r/{id}#L50000")).await;
    browser.wait_for("document.getElementById('L50000')?.classList.contains('on')").await;
    browser.wait_for("document.querySelector('#L50000 .note')?.textContent").await;
    browser.run("location.hash = '#L20000-L20003'").await;
    browser.wait_for("document.querySelectorAll('#log .ln.on').length === 4").await;
    let folded = "return document.getElementById('L20002').offsetParent !== null";
    assert_eq!(browser.run(folded).await, true, "a fold that holds a chosen line is open");
    // All the way through: what was read is let go again.
    for step in 1..40 {
        browser
            .run(&format!("const log = document.getElementById('log'); log.scrollTop = log.scrollHeight * {step} / 40"))
            .await;
        tokio::time::sleep(std::time::Duration::from_millis(120)).await;
    }
    let elements = browser.run("return document.querySelectorAll('*').length").await.as_u64().unwrap();
    assert!(elements < 40_000, "{elements} elements");
    let numbers: Vec<u64> = serde_json::from_value(
        browser.run("return [...document.querySelectorAll('#log .ln')].map((row) => Number(row.id.slice(1)))").await,
    )
    .unwrap();
    assert!(numbers.is_sorted_by(|a, b| a < b), "lines stand once and in order");

    browser.find("#find").await.send_keys("codec_41234\u{e007}").await.unwrap();
    browser.wait_for("document.querySelector('#log .ln.on')?.textContent.includes('codec_41234.cc')").await;
    browser.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_lead_from_marked_line_to_marked_line() {
    let served = Served::start().await;
    let id = served.post(UNKNOWN_HOST, "demo", "keys").await;
    let browser = Browser::open(&served).await;
    browser.goto(&format!("/r/{id}")).await;
    let chosen = "return document.querySelector('#log .ln.on')?.id ?? null";
    browser.press("n").await;
    browser.wait_for("document.querySelector('#log .ln.on')").await;
    let first = browser.run(chosen).await;
    browser.press("n").await;
    browser.wait_for(&format!("document.querySelector('#log .ln.on')?.id !== {first}")).await;
    browser.press("p").await;
    browser.wait_for(&format!("document.querySelector('#log .ln.on')?.id === {first}")).await;
    // A line that is no cause says why.
    browser.run("location.hash = '#L1'").await;
    browser.wait_for("document.querySelector('#L1 .note')?.textContent").await;
    browser.press("/").await;
    browser.press("n").await;
    assert_eq!(browser.run("return document.getElementById('find').value").await, "n", "no keys while somebody writes");
    browser.press("\u{e00c}").await;
    browser.press("?").await;
    browser.wait_for("document.getElementById('keys').open").await;
    browser.assert_accessible().await;
    browser.click("#keys-on").await;
    browser.press("\u{e00c}").await;
    browser.run("location.hash = '#L2'").await;
    browser.wait_for("document.querySelector('#L2.on')").await;
    browser.press("n").await;
    assert_eq!(browser.run(chosen).await, "L2", "keys can be turned off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_report_fits_a_telephone_and_is_easy_to_use() {
    let served = Served::start().await;
    let browser = Browser::open(&served).await;
    let two =
        format!("{UNKNOWN_HOST}\n{}", UNKNOWN_HOST.replace("com_github_fmtlib_fmt", "zlib").replace(":61:", ":62:"));
    let logs = [
        ("chain", two.as_str()),
        ("hash", super::served::HASH_MISMATCH),
        ("visibility", super::served::VISIBILITY),
        ("green", "INFO: Build completed successfully, 12 total actions\n"),
        ("unknown", "starting\nthe gizmo error: 7\n"),
        ("empty", ""),
    ];
    for (name, log) in logs {
        let id = served.post(log, "demo", name).await;
        browser.width(WIDE).await;
        browser.goto(&format!("/r/{id}")).await;
        browser.run("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })").await;
        browser.assert_accessible().await;
        browser.screenshot(&format!("report-{name}")).await;
        browser.width(NARROW).await;
        browser.dark(true).await;
        browser.assert_no_overflow().await;
        browser.assert_accessible().await;
        browser.screenshot(&format!("report-{name}-narrow-dark")).await;
        browser.dark(false).await;
    }
    browser.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keeper_diagnoses_anew_and_deletes() {
    const RULE: &str = "title = \"The door has no {part}\"\nwhy = \"Buy one.\"\nrole = \"cause\"\nverdict = \"fix-environment\"\n\
        [signature]\nanchor = [\" door is out of \"]\npattern = ['door is out of (?<part>\\w+)']\n\
        [[fix]]\ntitle = \"Buy one\"\nkind = \"advice\"\nbody = \"a {part}\"\n\
        [[example]]\nsource = \"here\"\nlog = \"the door is out of gizmos\"\nevidence = \"out of gizmos\"\n\
        [[counter]]\nlog = \"the door is out\"\n";
    let served = Served::start().await;
    let id = served.post(UNKNOWN, "demo", "doors").await;
    let browser = Browser::open(&served).await;
    browser.javascript(false).await;
    browser.goto(&format!("/r/{id}")).await;
    assert!(browser.text("h1").await.contains("No known cause"));
    assert_eq!(browser.find_all("form[action$=rediagnose]").await.len(), 0, "the rules are the same");

    let pack = tempfile::tempdir().unwrap();
    std::fs::create_dir(pack.path().join("house")).unwrap();
    std::fs::write(pack.path().join("house/door.toml"), RULE).unwrap();
    let rules =
        Engine::built_in_rules().with_packs(&[pack.path().to_owned()]).unwrap_or_else(|errors| panic!("{errors:?}"));
    served.app.set_engine(Engine::new(rules));
    browser.goto(&format!("/r/{id}")).await;
    browser.click("form[action$=rediagnose] button").await;
    browser.arrive(&format!("/r/{id}")).await;
    assert!(browser.text("h1").await.contains("gizmos"));
    assert_eq!(browser.find_all("form[action$=rediagnose]").await.len(), 0);
    browser.javascript(true).await;
    browser.goto(&format!("/r/{id}")).await;
    browser.assert_accessible().await;
    browser.click("#keep ~ details summary").await;
    browser.click("form[action$=delete] button").await;
    browser.arrive("/history").await;
    browser.goto(&format!("/r/{id}")).await;
    assert!(browser.text("main").await.contains("no such report"));
}
