//! The knowledge base: found by words or by a line of a log, read, and tried on the bench.

use super::browser::Browser;
use super::served::{Served, VISIBILITY};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_is_found_and_read() {
    let served = Served::start().await;
    served.post(VISIBILITY, "demo", "check").await;
    let browser = Browser::open(&served).await;
    browser.javascript(false).await;
    browser.goto("/rules").await;
    browser.find("#q").await.send_keys("not visible").await.unwrap();
    browser.click(".finder button").await;
    browser.click(".rule-list a[href='/rules/bazel/analysis/not-visible']").await;
    browser.arrive("/rules/bazel/analysis/not-visible").await;
    for heading in ["means", "fixes", "looks", "known", "met"] {
        browser.find(&format!("h2#{heading}")).await;
    }
    assert!(browser.text(".sample mark").await.contains("visible"));
    assert!(browser.text(".rule-side").await.contains("One report names it"));
    browser.click(".rule-side .listed-title").await;
    browser.arrive("/r/").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_of_a_log_leads_to_its_rule() {
    let served = Served::start().await;
    let browser = Browser::open(&served).await;
    let line = "error: unable to download 'https://cache.example.org/nar/a.nar.xz': HTTP error 503";
    browser.goto("/rules").await;
    browser.find("#q").await.send_keys(line).await.unwrap();
    browser.press("\u{e007}").await;
    assert_eq!(
        browser.find(".known a").await.attr("href").await.unwrap().unwrap(),
        "/rules/nix/fetch/http-server-error"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn areas_and_edges_are_links() {
    let served = Served::start().await;
    let browser = Browser::open(&served).await;
    browser.goto("/rules").await;
    browser.click(".chips a[href='/rules?area=bazel/fetch'], .chips a[href='/rules?area=bazel%2Ffetch']").await;
    browser.arrive("?area=").await;
    browser.find(".rule-list").await;
    assert!(browser.find_all(".rule-list li").await.len() > 20);
    browser.goto("/rules/bazel/fetch").await;
    assert!(browser.here().await.starts_with("/rules?area="), "a folder is its list");
    browser.goto("/rules/bazel/fetch/unknown-host").await;
    browser.click("#leads ~ .edges a").await;
    browser.arrive("/rules/bazel/fetch/repository-failed").await;
    browser.find("section[aria-labelledby=led] a[href='/rules/bazel/fetch/unknown-host']").await;
    browser.goto("/rules/no/such-rule").await;
    assert!(browser.text("main").await.contains("There is no rule with the id no/such-rule."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_is_written_live() {
    let served = Served::start().await;
    let stored = served.post(VISIBILITY, "demo", "check").await;
    let browser = Browser::open(&served).await;
    browser.goto("/rules/bench").await;
    // The scaffold matches its own example.
    browser.wait_for("document.querySelector('.state.good')").await;
    assert_eq!(browser.text(".state").await, "It matches 1 line and is the answer.");
    assert!(browser.text(".matches").await.contains("left-door"));
    // What is wrong is said with its line, and the line is a click away.
    browser.run("const rule = document.getElementById('rule'); rule.value = rule.value.replace('role = \"cause\"', 'role = \"reason\"'); rule.dispatchEvent(new Event('input', { bubbles: true }))").await;
    browser.wait_for("document.querySelector('.problems')").await;
    browser.click(".problems a").await;
    let selected = "const r = document.activeElement; return r.value.slice(r.selectionStart, r.selectionEnd)";
    assert!(browser.run(selected).await.as_str().unwrap().starts_with("role = \"reason\""));
    // Another log, and a rule that knows it better than the one in use: the history would change.
    browser.goto("/rules/bench?rule=bazel/analysis/not-visible").await;
    browser.wait_for("document.querySelector('.state.good')").await;
    browser.run("const rule = document.getElementById('rule'); rule.value = rule.value.replace(/^title = .*$/m, 'title = \"A new title\"'); rule.dispatchEvent(new Event('input', { bubbles: true }))").await;
    browser.wait_for("document.querySelector('.told-title')?.textContent === 'A new title'").await;
    browser.click("[data-history]").await;
    browser.wait_for("document.querySelector('.replay')").await;
    assert!(browser.text(".replay").await.contains("changes the answer of 1"), "{}", browser.text(".replay").await);
    browser.find(&format!(".replay a[href='/r/{stored}']")).await;
    browser.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_is_tried_without_scripts() {
    let served = Served::start().await;
    let browser = Browser::open(&served).await;
    browser.javascript(false).await;
    browser.goto("/rules/bench").await;
    browser.click("[data-try]").await;
    browser.find(".replay").await;
    assert_eq!(browser.text(".state").await, "It matches 1 line and is the answer.");
    assert!(browser.text(".replay").await.contains("No report is stored yet."));
    // What was written is still there.
    assert!(browser.find("#rule").await.prop("value").await.unwrap().unwrap().contains("[signature]"));
    let client = reqwest::Client::new();
    let form = "id=acme%2Fout-of-gizmos&rule=title%20%3D%201%0D%0A&log=";
    let request = client.post(format!("{}/rules/bench/export", served.base_url));
    let answer = request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await.unwrap();
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"out-of-gizmos.toml\"");
    assert_eq!(answer.text().await.unwrap(), "title = 1\n");
    let body = format!("log={}", "x".repeat(2 << 20));
    let request = client.post(format!("{}/rules/bench", served.base_url)).header("accept", "text/html");
    let answer = request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.unwrap();
    assert_eq!(answer.status(), 413);
    assert!(answer.text().await.unwrap().contains("The bench takes a log of 1 MB"));
}
