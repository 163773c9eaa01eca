//! The history: found by words, narrowed by filters, compared; without scripts just as well.

use super::browser::Browser;
use super::look::fill;
use super::served::{HASH_MISMATCH, Served, UNKNOWN_HOST, VISIBILITY};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_is_found_by_words_and_filters() {
    let served = Served::start().await;
    fill(&served).await;
    let browser = Browser::open(&served).await;
    for scripts in [true, false] {
        browser.javascript(scripts).await;
        browser.goto("/history").await;
        assert!(browser.find_all(".row-one").await.len() > 10);
        browser.find("#q").await.send_keys("journal").await.unwrap();
        browser.click(".finder button").await;
        browser.find(".chosen").await;
        browser.arrive("q=journal").await;
        for title in browser.find_all(".row-title").await {
            assert!(title.text().await.unwrap().contains("journal"));
        }
        // A filter goes as it came: by a link.
        browser.click(".chosen a").await;
        browser.wait_for("location.href.endsWith('/history')").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_is_read_page_by_page() {
    let served = Served::start().await;
    for day in 0..60 {
        served.keep(&format!("{VISIBILITY}\nbuild {day}\n"), "demo", "check", day).await;
    }
    let browser = Browser::open(&served).await;
    browser.goto("/history").await;
    let first = browser.find_all(".row-one").await.len();
    browser.click("a[rel=next]").await;
    browser.arrive("cursor=").await;
    assert_eq!(first + browser.find_all(".row-one").await.len(), 60);
    // The bars lead to all reports with the same cause.
    browser.goto("/history").await;
    let spark = browser.find(".row-spark svg").await.attr("aria-label").await.unwrap().unwrap();
    assert_eq!(spark, "seen 30 times in 30 days, on 30 of them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_reports_of_a_job_are_compared() {
    let served = Served::start().await;
    let first = served.keep(UNKNOWN_HOST, "demo", "check", 3).await;
    let second = served.keep(VISIBILITY, "demo", "check", 2).await;
    let third = served.keep(&format!("{VISIBILITY}\nagain\n"), "demo", "check", 1).await;
    served.keep(HASH_MISMATCH, "demo", "other", 0).await;
    let browser = Browser::open(&served).await;
    browser.goto("/history?job=check").await;
    browser.click("a[href^='/compare']").await;
    browser.arrive(&format!("/compare?b={third}")).await;
    assert_eq!(browser.text("h1").await, "The same causes as before");
    browser.goto(&format!("/compare?a={first}&b={second}")).await;
    assert_eq!(browser.text("h1").await, "Causes: 1 new, 1 gone");
    assert!(browser.text(".is-new").await.contains("is not visible"));
    assert!(browser.text(".is-gone").await.contains("no network"));
    browser.goto(&format!("/compare?b={first}")).await;
    assert_eq!(browser.text("h1").await, "The first report of its job");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trends_are_numbers_as_well_as_pictures() {
    let served = Served::start().await;
    for day in 0..10 {
        served.keep(&format!("{VISIBILITY}\nbuild {day}\n"), "demo", "check", day).await;
    }
    served.keep(super::served::UNKNOWN, "other", "check", 1).await;
    let browser = Browser::open(&served).await;
    browser.goto("/trends").await;
    assert_eq!(browser.text(".numbers dd").await, "11");
    assert_eq!(browser.find_all(".chart rect").await.len(), 11);
    browser.click("summary").await;
    assert!(browser.text(".numbers-table table").await.contains("Unknown"));
    browser.goto("/trends?project=demo&days=7").await;
    assert_eq!(browser.text(".numbers dd").await, "7");
    browser.click(".top-causes th a").await;
    browser.arrive("fingerprint=").await;
    browser.find(".row-one").await;
    assert_eq!(browser.find_all(".row-one").await.len(), 10);
}
