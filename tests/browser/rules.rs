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
    browser.find(".finder button").await.click().await.unwrap();
    browser.find(".rule-list a[href='/rules/bazel/analysis/not-visible']").await.click().await.unwrap();
    assert_eq!(browser.here().await, "/rules/bazel/analysis/not-visible");
    for heading in ["means", "fixes", "looks", "known", "met"] {
        browser.find(&format!("h2#{heading}")).await;
    }
    assert!(browser.text(".sample mark").await.contains("visible"));
    assert!(browser.text(".rule-side").await.contains("One report names it"));
    browser.find(".rule-side .listed-title").await.click().await.unwrap();
    assert!(browser.here().await.starts_with("/r/"));
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
    browser
        .find(".chips a[href='/rules?area=bazel/fetch'], .chips a[href='/rules?area=bazel%2Ffetch']")
        .await
        .click()
        .await
        .unwrap();
    assert!(browser.find_all(".rule-list li").await.len() > 20);
    browser.goto("/rules/bazel/fetch").await;
    assert!(browser.here().await.starts_with("/rules?area="), "a folder is its list");
    browser.goto("/rules/bazel/fetch/unknown-host").await;
    browser.find("#leads ~ .edges a").await.click().await.unwrap();
    assert_eq!(browser.here().await, "/rules/bazel/fetch/repository-failed");
    browser.find("section[aria-labelledby=led] a[href='/rules/bazel/fetch/unknown-host']").await;
    browser.goto("/rules/no/such-rule").await;
    assert!(browser.text("main").await.contains("There is no rule with the id no/such-rule."));
}
