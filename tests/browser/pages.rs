//! Every page: nothing serious for axe-core in light and dark, no wider than the window, quiet, with a screenshot to look at.

use super::browser::{Browser, NARROW, WIDE};
use super::look::fill;
use super::served::Served;
use whyred::store::NewOutgoing;

/// Looks at a page in both themes and both widths; each is judged by axe-core once. `name` is the screenshot's.
async fn look_at(browser: &Browser, path: &str, name: &str) {
    for (width, dark, judged) in [(WIDE, false, true), (WIDE, true, false), (NARROW, true, true)] {
        browser.width(width).await;
        browser.dark(dark).await;
        browser.goto(path).await;
        browser.settle().await;
        browser.assert_no_overflow().await;
        if judged {
            browser.assert_accessible().await;
        }
        let mode = if dark { "-dark" } else { "" };
        browser.screenshot(&format!("{name}-{width}{mode}")).await;
    }
    assert_eq!(browser.find_all("h1").await.len(), 1, "{path} has one heading of the first rank");
    assert_eq!(browser.find_all("main").await.len(), 1, "{path} has one main part");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_a_history() {
    let served = Served::start().await;
    fill(&served).await;
    let newest = served.app.store.list(&whyred::store::Filter::default(), None).await.unwrap().reports[0].id.clone();
    let browser = Browser::open(&served).await;
    look_at(&browser, "/history", "history").await;
    look_at(&browser, "/history?q=sandbox&project=envoy&since=2020-01-01", "history-found").await;
    look_at(&browser, &format!("/compare?b={newest}"), "compare").await;
    look_at(&browser, "/trends?days=90", "trends").await;
    browser.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_the_knowledge_base() {
    let served = Served::start().await;
    fill(&served).await;
    let browser = Browser::open(&served).await;
    look_at(&browser, "/rules", "rules").await;
    look_at(&browser, "/rules?q=unknown+host", "rules-found").await;
    look_at(&browser, "/rules/bazel/fetch/unknown-host", "rule").await;
    look_at(&browser, "/rules/bench", "bench").await;
    look_at(&browser, "/docs", "docs").await;
    browser.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_with_nothing_on_them() {
    let served = Served::start().await;
    let browser = Browser::open(&served).await;
    look_at(&browser, "/", "home-empty").await;
    look_at(&browser, "/history", "history-empty").await;
    look_at(&browser, "/history?q=nothing", "history-none").await;
    look_at(&browser, "/trends", "trends-empty").await;
    look_at(&browser, "/rules?q=qwzx", "rules-none").await;
    browser.assert_quiet().await;
    look_at(&browser, "/nowhere", "not-found").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_deliveries() {
    let served = Served::start().await;
    let browser = Browser::open(&served).await;
    look_at(&browser, "/deliveries", "deliveries-none").await;
    let store = &served.app.store;
    for number in 0..60 {
        let what = format!("tell builds that envoy · linux-{number} is red");
        let new = NewOutgoing { kind: "deliver", key: what.clone(), what, payload: "{}".to_owned() };
        store.put_out(&new, whyred::service::now() - number * 7_000_000).await.unwrap();
    }
    for taken in store.take_out(whyred::service::now(), 1000, 55).await.unwrap() {
        store.not_out(&taken, "the sink builds: it answers 404 Not Found", None).await.unwrap();
    }
    look_at(&browser, "/deliveries", "deliveries").await;
    look_at(&browser, "/deliveries?state=waiting", "deliveries-waiting").await;
    look_at(&browser, "/history", "history-dead").await;
    // Without scripts as well.
    browser.javascript(false).await;
    browser.goto("/history").await;
    browser.click("a[href='/deliveries']").await;
    browser.arrive("/deliveries").await;
    assert_eq!(browser.find_all(".row-one").await.len(), 50);
    browser.click(".row-one form[action$='/drop'] button").await;
    browser.arrive("/deliveries").await;
    browser.click("a[rel=next]").await;
    browser.arrive("before=").await;
    assert_eq!(browser.find_all(".row-one").await.len(), 4);
    browser.click("form[action='/deliveries/retry'] button").await;
    browser.find(".empty").await;
    assert_eq!(store.outbox_size().await.unwrap(), (59, 0));
    browser.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_by_keyboard() {
    let served = Served::start().await;
    served.post(super::served::VISIBILITY, "demo", "check").await;
    let browser = Browser::open(&served).await;
    browser.goto("/history").await;
    browser.press("\u{e004}").await;
    let focused = "document.activeElement";
    browser.wait_for(&format!("{focused}.className === 'skip'")).await;
    browser.press("\u{e007}").await;
    browser.wait_for(&format!("{focused}.id === 'main'")).await;
    // Whatever can be reached shows that it is.
    for _ in 0..12 {
        browser.press("\u{e004}").await;
        let seen = browser
            .run("const e = document.activeElement; const s = getComputedStyle(e); const after = getComputedStyle(e, '::after'); return [e.outerHTML.slice(0, 90), s.outlineStyle !== 'none' || after.outlineStyle !== 'none']")
            .await;
        assert_eq!(seen[1], true, "the focus cannot be seen on {}", seen[0]);
    }
}
