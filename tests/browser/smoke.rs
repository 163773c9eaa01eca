//! The harness itself: a report is stored, its page opens, in light and dark, wide and narrow, with and without scripts.

use super::browser::{Browser, NARROW};
use super::served::{Served, VISIBILITY};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_opens_in_a_browser() {
    let served = Served::start().await;
    let id = served.post(VISIBILITY, "demo", "check").await;
    let browser = Browser::open(&served).await;
    browser.goto(&format!("/r/{id}")).await;
    assert!(!browser.text("h1").await.is_empty());
    assert_eq!(browser.here().await, format!("/r/{id}"));
    browser.dark(true).await;
    browser.wait_for("document.documentElement.dataset.theme === 'dark'").await;
    browser.width(NARROW).await;
    browser.assert_no_overflow().await;
    browser.assert_accessible().await;
    browser.javascript(false).await;
    browser.goto(&format!("/r/{id}")).await;
    assert_eq!(browser.find_all("html[data-theme]").await.len(), 0, "no script has run");
}
