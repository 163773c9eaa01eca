//! Slack, as its documentation shows its requests.

use serde_json::{Value, json};
use url::form_urlencoded::Serializer;
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, Request, ResponseTemplate};

use crate::house::{CAUSE, House, LOG, SECRET, hex, hmac, json, seconds};

async fn slack() -> House {
    House::open(|peer| {
        format!(
            "[slack]\nsigning-secret = '{SECRET}'\nbot-token = 'xoxb-1'\napi-url = '{peer}/api'\nhook-origins = ['{peer}']\nfile-origins = ['{peer}']\n[[slack.channels]]\nid = 'C0NEWS'\nprojects = ['envoy']\n"
        )
    })
    .await
}

impl House {
    /// Posts what Slack would have signed at this time.
    async fn slack_at(&self, door: &str, body: &str, time: i64) -> reqwest::Response {
        let signature = hmac(SECRET.as_bytes(), format!("v0:{time}:{body}").as_bytes());
        let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
        self.http
            .post(format!("{}/slack/{door}", self.base))
            .header("content-type", kind)
            .header("x-slack-request-timestamp", time.to_string())
            .header("x-slack-signature", format!("v0={}", hex(&signature)))
            .body(body.to_owned())
            .send()
            .await
            .unwrap()
    }

    async fn slack(&self, door: &str, body: &str) -> reqwest::Response {
        self.slack_at(door, body, seconds()).await
    }

    /// The messages that Slack was sent on this path, each of them one that it would take.
    async fn told(&self, path: &str, times: usize) -> Vec<Request> {
        let requests = self.asked(path, times).await;
        for request in &requests {
            assert!(is_message(request), "Slack would refuse {}", json(request));
            if path.starts_with("/api/") {
                assert_eq!(request.headers["authorization"], "Bearer xoxb-1");
                assert!(json(request)["channel"].is_string() && json(request)["response_type"].is_null());
            }
        }
        requests
    }

    fn command(&self, text: &str) -> String {
        let response_url = format!("{}/commands/T1DC2JH3J/397700885554/96rGlfmibIGlgcZRskXaIFfN", self.peer.uri());
        command(text, &response_url)
    }
}

const ANSWER: &str = "/commands/T1DC2JH3J/397700885554/96rGlfmibIGlgcZRskXaIFfN";

/// The fields of the documentation's example.
fn command(text: &str, response_url: &str) -> String {
    let fields = [
        ("token", "xyzz0WbapA4vBCDEFasx0q6G"),
        ("team_id", "T1DC2JH3J"),
        ("team_domain", "testteamnow"),
        ("channel_id", "G8PSS9T3V"),
        ("channel_name", "foobar"),
        ("user_id", "U2CERLKJA"),
        ("user_name", "roadrunner"),
        ("command", "/whyred"),
        ("text", text),
        ("response_url", response_url),
        ("trigger_id", "398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"),
    ];
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn event(id: &str, event: Value) -> String {
    json!({
        "token": "ZZZZZZWSxiZZZ2yIvs3peJ", "team_id": "T123ABC456", "api_app_id": "A123ABC456", "event": event,
        "type": "event_callback", "event_id": id, "event_time": 1_515_449_522, "authorizations": [], "event_context": "EC"
    })
    .to_string()
}

/// What Slack would refuse: no text, too many blocks, texts that are too long.
fn is_message(request: &Request) -> bool {
    let message = json(request);
    let within =
        |text: &Value, most: usize| text.as_str().is_some_and(|text| (1..=most).contains(&text.chars().count()));
    let button = |button: &Value| {
        within(&button["text"]["text"], 75)
            && within(&button["action_id"], 255)
            && within(&button["value"], 2000)
            && (button["url"].is_null() || within(&button["url"], 3000))
    };
    let block = |block: &Value| match block["type"].as_str() {
        Some("section") => block["text"]["type"] == "mrkdwn" && within(&block["text"]["text"], 3000),
        Some("context") => block["elements"].as_array().is_some_and(|all| (1..=10).contains(&all.len())),
        Some("actions") => block["elements"].as_array().is_some_and(|all| all.len() <= 25 && all.iter().all(button)),
        _ => false,
    };
    let blocks = message["blocks"].as_array();
    within(&message["text"], 4000) && blocks.is_none_or(|all| (1..=50).contains(&all.len()) && all.iter().all(block))
}

async fn hook(house: &House) {
    let ok = ResponseTemplate::new(200).set_body_string("ok");
    Mock::given(method("POST"))
        .and(path(ANSWER))
        .and(header("content-type", "application/json"))
        .respond_with(ok)
        .mount(&house.peer)
        .await;
}

/// Slack's Web API, which asks for the token.
async fn api(house: &House) {
    let bearer = || header("authorization", "Bearer xoxb-1");
    let file = json!({ "ok": true, "file": {
        "id": "F1", "name": "build.log", "mimetype": "text/plain", "size": LOG.len(),
        "url_private_download": format!("{}/files-pri/T1-F1/download/build.log", house.peer.uri()),
        "shares": { "public": { "C0LAN2Q65": [{ "ts": "1515449000.000100" }] } },
    }});
    let thread = json!({ "ok": true, "has_more": false, "messages": [
        { "type": "message", "user": "U1", "text": "it is red", "ts": "1515449000.000100", "thread_ts": "1515449000.000100" },
        { "type": "message", "user": "U2", "text": "", "ts": "1515449100.000100", "files": [{ "id": "F1", "name": "build.log" }] },
        { "type": "message", "user": "U3", "text": "<@U0LAN0Z89> why?", "ts": "1515449522.000016" },
    ]});
    let posted = json!({ "ok": true, "channel": "C0LAN2Q65", "ts": "1515449600.000200" });
    for (verb, place, answer) in [
        ("GET", "/api/files.info", file),
        ("GET", "/api/conversations.replies", thread),
        ("POST", "/api/chat.postMessage", posted),
    ] {
        let answer = ResponseTemplate::new(200).set_body_json(answer);
        Mock::given(method(verb)).and(path(place)).and(bearer()).respond_with(answer).mount(&house.peer).await;
    }
    let log = ResponseTemplate::new(200).set_body_string(LOG);
    Mock::given(path("/files-pri/T1-F1/download/build.log")).and(bearer()).respond_with(log).mount(&house.peer).await;
}

#[tokio::test]
async fn a_command_is_answered_at_once_and_told_later() {
    let house = slack().await;
    hook(&house).await;
    let at_once = house.slack("commands", &house.command(&format!("```{LOG}```"))).await;
    assert_eq!(at_once.status(), 200);
    assert_eq!(at_once.json::<Value>().await.unwrap()["response_type"], "ephemeral");
    let message = json(&house.told(ANSWER, 1).await[0]);
    assert_eq!(message["response_type"], "in_channel");
    assert!(message["text"].as_str().unwrap().contains(CAUSE), "{message}");
    assert!(message["blocks"].as_array().unwrap().len() <= 50);
    assert_eq!(house.stored().await, 1);
}

#[tokio::test]
async fn help_needs_nothing() {
    let house = slack().await;
    for text in ["help", ""] {
        let answer: Value = house.slack("commands", &house.command(text)).await.json().await.unwrap();
        assert!(answer["text"].as_str().unwrap().contains("https://whyred.example"), "{answer}");
        // The same request may not come twice.
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    }
}

#[tokio::test]
async fn forged_stale_and_replayed_requests_are_refused_and_nothing_is_stored() {
    let house = slack().await;
    hook(&house).await;
    let body = house.command(&format!("```{LOG}```"));
    for (time, what) in [(seconds() - 301, "stale"), (seconds() + 400, "ahead"), (0, "ancient")] {
        assert_eq!(house.slack_at("commands", &body, time).await.status(), 401, "{what}");
    }
    for door in ["commands", "events", "interactions"] {
        let url = format!("{}/slack/{door}", house.base);
        assert_eq!(house.http.post(&url).body(body.clone()).send().await.unwrap().status(), 401);
        let forged = house.http.post(&url).header("x-slack-request-timestamp", seconds().to_string());
        let forged = forged.header("x-slack-signature", format!("v0={}", "0".repeat(64)));
        assert_eq!(forged.body(body.clone()).send().await.unwrap().status(), 401);
    }
    assert_eq!(house.stored().await, 0);
    assert_eq!(house.peer.received_requests().await.unwrap().len(), 0);
    let time = seconds();
    assert_eq!(house.slack_at("commands", &body, time).await.status(), 200);
    assert_eq!(house.slack_at("commands", &body, time).await.status(), 401, "replayed");
    house.told(ANSWER, 1).await;
    assert_eq!(house.stored().await, 1);
}

#[tokio::test]
async fn a_door_that_is_not_configured_is_not_there_and_bodies_are_bounded() {
    let house = House::open(|_| String::new()).await;
    for door in [
        "slack/commands",
        "slack/events",
        "slack/interactions",
        "mattermost",
        "rocketchat",
        "discord",
        "zulip",
        "teams",
    ] {
        let answer = house.http.post(format!("{}/{door}", house.base)).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), 404, "{door}");
    }
    let house = slack().await;
    assert_eq!(house.slack("commands", &"a".repeat((1 << 20) + 1)).await.status(), 413);
}

#[tokio::test]
async fn a_response_url_leads_only_to_slack() {
    let house = House::open(|_| format!("[slack]\nsigning-secret = '{SECRET}'\n")).await;
    for response_url in [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/",
        "https://hooks.slack.com.evil.example/",
        "https://hooks.slack.com@evil.example/",
        "http://hooks.slack.com/commands/1",
        "",
    ] {
        let answer = house.slack("commands", &command("error: x", response_url)).await;
        assert_eq!(answer.status(), 400, "{response_url}");
    }
    assert_eq!(house.stored().await, 0);
}

#[tokio::test]
async fn an_address_of_another_host_is_not_fetched() {
    let house = slack().await;
    hook(&house).await;
    house.slack("commands", &house.command(&format!("{}/secret", house.peer.uri()))).await;
    let message = json(&house.told(ANSWER, 1).await[0]);
    assert_eq!(message["response_type"], "ephemeral", "{message}");
    assert!(house.peer.received_requests().await.unwrap().iter().all(|request| request.url.path() != "/secret"));
    assert_eq!(house.stored().await, 0);
}

#[tokio::test]
async fn the_address_of_events_is_verified() {
    let house = slack().await;
    let body = json!({ "token": "Jhj5dZrVaK7ZwHHjRyZWjbDl", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P", "type": "url_verification" });
    let answer: Value = house.slack("events", &body.to_string()).await.json().await.unwrap();
    assert_eq!(answer["challenge"], body["challenge"]);
}

#[tokio::test]
async fn a_mention_reads_the_file_of_its_thread_once() {
    let house = slack().await;
    api(&house).await;
    let mention = json!({
        "type": "app_mention", "user": "U061F7AUR", "text": "<@U0LAN0Z89> why?", "ts": "1515449522.000016",
        "channel": "C0LAN2Q65", "event_ts": "1515449522000016", "thread_ts": "1515449000.000100"
    });
    let answer = house.slack("events", &event("Ev123ABC456", mention.clone())).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["x-slack-no-retry"].to_str().unwrap()), (200, "1"));
    let message = json(&house.told("/api/chat.postMessage", 1).await[0]);
    assert_eq!((&message["channel"], &message["thread_ts"]), (&json!("C0LAN2Q65"), &json!("1515449000.000100")));
    assert!(message["text"].as_str().unwrap().contains(CAUSE), "{message}");
    // Slack sends it again, signed at another time; a bot mentions the bot.
    assert_eq!(house.slack_at("events", &event("Ev123ABC456", mention.clone()), seconds() - 5).await.status(), 200);
    let mut bot = mention;
    bot["bot_id"] = json!("B1");
    assert_eq!(house.slack("events", &event("Ev2", bot)).await.status(), 200);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(house.told("/api/chat.postMessage", 1).await.len(), 1);
}

#[tokio::test]
async fn a_shared_log_is_answered_in_its_thread() {
    let house = slack().await;
    api(&house).await;
    let shared = json!({ "type": "file_shared", "file_id": "F1", "user_id": "U1", "file": { "id": "F1" }, "channel_id": "C0LAN2Q65", "event_ts": "1515449000.000200" });
    assert_eq!(house.slack("events", &event("Ev3", shared)).await.status(), 200);
    let message = json(&house.told("/api/chat.postMessage", 1).await[0]);
    assert_eq!(message["thread_ts"], "1515449000.000100");
}

#[tokio::test]
async fn the_token_goes_to_slack_alone() {
    let house = House::open(|peer| {
        format!("[slack]\nsigning-secret = '{SECRET}'\nbot-token = 'xoxb-1'\napi-url = '{peer}/api'\n")
    })
    .await;
    api(&house).await;
    let mention = json!({ "type": "app_mention", "user": "U1", "text": "<@U0>", "ts": "2.1", "channel": "C1", "files": [{ "id": "F1" }] });
    house.slack("events", &event("Ev4", mention)).await;
    let message = json(&house.told("/api/chat.postMessage", 1).await[0]);
    assert!(message["text"].as_str().unwrap().starts_with("Slack did not give me the file"), "{message}");
    let requests = house.peer.received_requests().await.unwrap();
    assert!(requests.iter().all(|request| !request.url.path().starts_with("/files-pri")));
}

#[tokio::test]
async fn buttons_and_the_shortcut() {
    let house = slack().await;
    hook(&house).await;
    api(&house).await;
    house.log("linux", LOG).await;
    let id = house.app.store.list(&Default::default(), None).await.unwrap().reports[0].id.clone();
    let response_url = format!("{}{ANSWER}", house.peer.uri());
    let press = |action: &str| {
        let payload = json!({
            "type": "block_actions", "team": { "id": "T9TK3CUKW", "domain": "example" }, "user": { "id": "UA8RXUSPL", "username": "jtorrance" },
            "api_app_id": "AABA1ABCD", "token": "9s8d9as89d8as9d8as989", "trigger_id": "12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3",
            "container": { "type": "message", "message_ts": "1548261231.000200", "channel_id": "CBR2V3XEX", "is_ephemeral": false },
            "channel": { "id": "CBR2V3XEX", "name": "review-updates" }, "message": { "ts": "1548261231.000200" }, "response_url": response_url,
            "actions": [{ "action_id": action, "block_id": "=qXel", "text": { "type": "plain_text", "text": "x" }, "value": id, "type": "button", "action_ts": "1548426417.840180" }]
        });
        Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish()
    };
    assert_eq!(house.slack("interactions", &press("whyred_helped")).await.status(), 200);
    assert!(json(&house.told(ANSWER, 1).await[0])["text"].as_str().unwrap().starts_with("Thank you"));
    assert_eq!(house.slack_at("interactions", &press("whyred_helped"), seconds() - 7).await.status(), 200);
    house.told(ANSWER, 2).await;
    let id_of = whyred::store::ReportId::parse(&id).unwrap();
    assert_eq!(house.app.store.feedback_of(&id_of).await.unwrap().len(), 1, "one voice for each person");
    assert_eq!(house.slack("interactions", &press("whyred_all_causes")).await.status(), 200);
    let causes = json(&house.told(ANSWER, 3).await[2]);
    assert!(causes["blocks"][0]["text"]["text"].as_str().unwrap().contains(CAUSE), "{causes}");
    assert_eq!(house.slack("interactions", &press("whyred_open")).await.status(), 200);

    let shortcut = json!({
        "token": "Nj2rfC2hU8mAfgaJLemZgO7H", "callback_id": "whyred_diagnose", "type": "message_action", "trigger_id": "13345224609.8534564800.6f8ab1f53e13d0cd15f96106292d5536",
        "response_url": response_url, "team": { "id": "T0MJRM1A7", "domain": "pandamonium" }, "channel": { "id": "D0LFFBKLZ", "name": "cats" },
        "user": { "id": "U0D15K92L", "name": "dr_maomao" },
        "message": { "type": "message", "user": "U0MJRG1AL", "ts": "1516229207.000133", "text": format!("```{}```", LOG.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")) }
    });
    let body = Serializer::new(String::new()).append_pair("payload", &shortcut.to_string()).finish();
    assert_eq!(house.slack("interactions", &body).await.status(), 200);
    let posted = house.told("/api/chat.postMessage", 2).await;
    let message = posted.iter().map(json).find(|message| message["channel"] == "D0LFFBKLZ").unwrap();
    assert_eq!(message["thread_ts"], "1516229207.000133");
    assert!(message["text"].as_str().unwrap().contains(CAUSE), "{message}");
}

#[tokio::test]
async fn a_channel_is_told_of_a_new_cause_and_of_green_in_its_thread() {
    let house = slack().await;
    // The watcher begins where the history ends.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    // At first Slack is busy, then broken.
    let post = || Mock::given(method("POST")).and(path("/api/chat.postMessage"));
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "0");
    post().respond_with(busy).up_to_n_times(1).with_priority(1).mount(&house.peer).await;
    post().respond_with(ResponseTemplate::new(503)).up_to_n_times(1).with_priority(2).mount(&house.peer).await;
    api(&house).await;
    house.log("linux", LOG).await;
    house.log("other", "INFO: Build completed successfully, 3 total actions\n").await;
    let red = json(&house.told("/api/chat.postMessage", 3).await[2]);
    assert_eq!((&red["channel"], &red["thread_ts"]), (&json!("C0NEWS"), &Value::Null));
    assert!(red["blocks"][0]["text"]["text"].as_str().unwrap().contains("*envoy · linux* is red"), "{red}");
    house.log("linux", &LOG.replace("10.2.1.tar.gz", "10.2.2.tar.gz")).await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    assert_eq!(house.told("/api/chat.postMessage", 3).await.len(), 3, "a repetition is not told");
    house.log("linux", "INFO: Build completed successfully, 3 total actions\n").await;
    let green = json(&house.told("/api/chat.postMessage", 4).await[3]);
    assert_eq!(green["thread_ts"], "1515449600.000200");
    assert!(green["text"].as_str().unwrap().contains("green again"), "{green}");
}

#[tokio::test]
async fn a_permalink_into_a_private_conversation_is_not_followed() {
    let house = slack().await;
    hook(&house).await;
    api(&house).await;
    let info = |id: &str, private: bool| {
        let answer = json!({ "ok": true, "channel": { "id": id, "is_channel": true, "is_private": private } });
        Mock::given(path("/api/conversations.info"))
            .and(query_param("channel", id))
            .respond_with(ResponseTemplate::new(200).set_body_json(answer))
    };
    info("C0PRIVATE", true).mount(&house.peer).await;
    info("C0LAN2Q65", false).mount(&house.peer).await;
    let link =
        |channel: &str| house.command(&format!("https://testteamnow.slack.com/archives/{channel}/p1515449000000100"));
    house.slack("commands", &link("C0PRIVATE")).await;
    assert!(json(&house.told(ANSWER, 1).await[0])["text"].as_str().unwrap().contains("private"));
    house.slack("commands", &link("C0LAN2Q65")).await;
    assert!(json(&house.told(ANSWER, 2).await[1])["text"].as_str().unwrap().contains(CAUSE));
    let replies = &house.asked("/api/conversations.replies", 1).await[0];
    assert!(replies.url.query().unwrap().contains("ts=1515449000.000100"));
}

#[tokio::test]
async fn news_wait_for_a_slack_that_is_down() {
    let house = slack().await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let down = ResponseTemplate::new(503);
    let post = Mock::given(method("POST")).and(path("/api/chat.postMessage")).respond_with(down);
    // As often as one message is tried in a row.
    post.up_to_n_times(4).with_priority(1).mount(&house.peer).await;
    api(&house).await;
    house.log("linux", LOG).await;
    let red = json(&house.told("/api/chat.postMessage", 5).await[4]);
    assert!(red["text"].as_str().unwrap().contains("is red"), "{red}");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(house.told("/api/chat.postMessage", 5).await.len(), 5, "told once");
}
