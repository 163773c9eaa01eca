//! Peers that are slow, down or busy: they are asked again, and no request waits for them.

use std::time::{Duration, Instant};

use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

use crate::house::House;

fn mattermost(peer: &str) -> String {
    format!("[mattermost]\ntokens = ['nezum4kpu3faiec7r7c5zt6tfy']\nurl = '{peer}'\n")
}

fn body(house: &House, text: &str) -> String {
    let response_url = format!("{}/hooks/commands/zozc1xwxybdedeyz8djwjpngny", house.peer.uri());
    let fields = [
        ("channel_id", "i3bb9xfyqt8rtbyshmyhgsj16c"),
        ("command", "/whyred"),
        ("response_url", response_url.as_str()),
        ("text", text),
        ("token", "nezum4kpu3faiec7r7c5zt6tfy"),
        ("user_name", "tester"),
    ];
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

async fn ask(house: &House, text: &str) -> Duration {
    let begun = Instant::now();
    let answer = house.http.post(format!("{}/mattermost", house.base)).body(body(house, text));
    let answer = answer.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    begun.elapsed()
}

const HOOK: &str = "/hooks/commands/zozc1xwxybdedeyz8djwjpngny";

#[tokio::test]
async fn a_busy_or_broken_peer_is_asked_again() {
    let house = House::open(mattermost).await;
    let post = || Mock::given(method("POST")).and(path(HOOK));
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "1");
    post().respond_with(busy).up_to_n_times(1).with_priority(1).mount(&house.peer).await;
    post().respond_with(ResponseTemplate::new(502)).up_to_n_times(1).with_priority(2).mount(&house.peer).await;
    post().respond_with(ResponseTemplate::new(200)).mount(&house.peer).await;
    let begun = Instant::now();
    ask(&house, "error: undefined variable 'x'").await;
    house.asked(HOOK, 3).await;
    assert!(begun.elapsed() >= Duration::from_millis(700), "Retry-After is kept");
}

#[tokio::test]
async fn a_peer_that_refuses_is_not_asked_again_and_redirects_are_not_followed() {
    let house = House::open(mattermost).await;
    let away = ResponseTemplate::new(302).insert_header("location", format!("{}/elsewhere", house.peer.uri()));
    Mock::given(path(HOOK)).respond_with(away).mount(&house.peer).await;
    ask(&house, "error: undefined variable 'x'").await;
    house.asked(HOOK, 1).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(house.peer.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_slow_peer_blocks_nobody() {
    let house = House::open(mattermost).await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(20));
    Mock::given(path(HOOK)).respond_with(slow).mount(&house.peer).await;
    for number in 0..20 {
        let took = ask(&house, &format!("error: undefined variable 'x{number}'")).await;
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
    // Whoever does not answer in time is asked again.
    house.asked(HOOK, 9).await;
}

#[tokio::test]
async fn a_peer_that_is_down_is_given_up() {
    let house = House::open(|_| "[mattermost]\ntokens = ['t']\nurl = 'http://127.0.0.1:9'\n".to_owned()).await;
    let body = "token=t&text=error: undefined variable 'x'&response_url=http://127.0.0.1:9/hooks/1";
    let answer = house.http.post(format!("{}/mattermost", house.base)).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let until = Instant::now() + Duration::from_secs(10);
    while house.stored().await == 0 {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
