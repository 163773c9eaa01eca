//! The other chats, as their documentation shows their requests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, method, path};
use wiremock::{Mock, ResponseTemplate};

use crate::house::{CAUSE, House, LOG, hex, hmac, json, seconds};

impl House {
    async fn post(&self, door: &str, body: &Value) -> reqwest::Response {
        self.http.post(format!("{}/{door}", self.base)).json(body).send().await.unwrap()
    }
}

#[tokio::test]
async fn mattermost() {
    let config = |_: &str| "[mattermost]\ntokens = ['other', 'nezum4kpu3faiec7r7c5zt6tfy']\n".to_owned();
    let house = House::open(config).await;
    let ask = async |token: &str, trigger: &str, text: &str| {
        let fields = [
            ("channel_name", "town-square"),
            ("command", "/whyred"),
            // A server that is not the configured one is not told anything.
            ("response_url", "http://10.0.0.5:8065/hooks/commands/zozc1xwxybdedeyz8djwjpngny"),
            ("text", text),
            ("token", token),
            ("trigger_id", trigger),
        ];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = house.http.post(format!("{}/mattermost", house.base)).body(body);
        request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap()
    };
    assert_eq!(ask("wrong", "1", LOG).await.status(), 401);
    assert_eq!(house.stored().await, 0);
    let answer: Value = ask("nezum4kpu3faiec7r7c5zt6tfy", "1", LOG).await.json().await.unwrap();
    assert_eq!(answer["response_type"], "in_channel");
    assert!(answer["text"].as_str().unwrap().contains(CAUSE));
    assert_eq!(ask("nezum4kpu3faiec7r7c5zt6tfy", "1", LOG).await.status(), 401, "replayed");
    // An outgoing webhook of JSON, with its trigger word.
    let hook = json!({ "token": "other", "trigger_word": "whyred", "text": format!("whyred ```{LOG}```"), "post_id": "p1", "timestamp": 1 });
    let answer: Value = house.post("mattermost", &hook).await.json().await.unwrap();
    assert!(answer["text"].as_str().unwrap().contains(CAUSE));
}

#[tokio::test]
async fn rocketchat() {
    let house = House::open(|_| "[rocketchat]\ntoken = 'secret'\n".to_owned()).await;
    let ask = |token: &str, id: &str| {
        json!({
            "token": token, "bot": false, "channel_id": "GENERAL", "channel_name": "general", "message_id": id, "timestamp": "2026-11-28T00:00:00.000Z",
            "user_id": "u1", "user_name": "ada", "text": format!("!whyred ```{LOG}```"), "trigger_word": "!whyred"
        })
    };
    assert_eq!(house.post("rocketchat", &ask("wrong", "m1")).await.status(), 401);
    assert_eq!(house.stored().await, 0);
    let answer: Value = house.post("rocketchat", &ask("secret", "m1")).await.json().await.unwrap();
    assert!(answer["text"].as_str().unwrap().contains(CAUSE), "{answer}");
    assert_eq!(house.post("rocketchat", &ask("secret", "m1")).await.status(), 401, "replayed");
    let mut bot = ask("secret", "m2");
    bot["bot"] = json!({ "i": "x" });
    assert_eq!(house.post("rocketchat", &bot).await.json::<Value>().await.unwrap(), json!({}));
}

#[tokio::test]
async fn zulip() {
    let house = House::open(|_| "[zulip]\ntoken = 'xvOzfurIutdRRVLzpXrIIHXJvNfaJLJ0'\n".to_owned()).await;
    let ask = |token: &str, id: u64| {
        let text = format!("@**Outgoing webhook test** ```\n{LOG}\n```");
        json!({
            "bot_email": "outgoing-bot@localhost", "bot_full_name": "Outgoing webhook test", "data": text, "token": token, "trigger": "mention",
            "message": { "content": text, "display_recipient": "Verona", "id": id, "sender_email": "iago@zulip.com", "sender_id": 5, "stream_id": 5, "subject": "Verona2", "timestamp": 1527876931, "type": "stream" }
        })
    };
    assert_eq!(house.post("zulip", &ask("wrong", 112)).await.status(), 401);
    assert_eq!(house.stored().await, 0);
    let answer: Value = house.post("zulip", &ask("xvOzfurIutdRRVLzpXrIIHXJvNfaJLJ0", 112)).await.json().await.unwrap();
    assert!(answer["content"].as_str().unwrap().contains(CAUSE), "{answer}");
    assert_eq!(house.post("zulip", &ask("xvOzfurIutdRRVLzpXrIIHXJvNfaJLJ0", 112)).await.status(), 401, "replayed");
}

#[tokio::test]
async fn teams() {
    const KEY: &str = "vqF0En+Z0ucuRTM/01o2GuhMH3hKKk/N2bOmlM31zaA=";
    let house = House::open(|_| format!("[teams]\nkey = '{KEY}'\n")).await;
    let ask = |time: i64, id: &str| {
        let text = format!(
            "<at>whyred</at>&nbsp;{}",
            LOG.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>")
        );
        let time = jiff::Timestamp::from_second(time).unwrap().to_string();
        json!({ "type": "message", "id": id, "timestamp": time, "serviceUrl": "https://smba.trafficmanager.net/emea/", "text": text, "textFormat": "plain", "conversation": { "id": "19:x@thread.skype" } }).to_string()
    };
    let send = async |body: String, key: &str| {
        let proof = BASE64.encode(hmac(&BASE64.decode(key).unwrap(), body.as_bytes()));
        let request = house.http.post(format!("{}/teams", house.base)).header("authorization", format!("HMAC {proof}"));
        request.header("content-type", "application/json").body(body).send().await.unwrap()
    };
    assert_eq!(send(ask(seconds(), "1"), "AAAA").await.status(), 401);
    assert_eq!(send(ask(seconds() - 400, "1"), KEY).await.status(), 401, "stale");
    assert_eq!(house.stored().await, 0);
    let time = seconds();
    let answer: Value = send(ask(time, "1"), KEY).await.json().await.unwrap();
    assert_eq!(answer["type"], "message");
    assert_eq!(answer["attachments"][0]["contentType"], "application/vnd.microsoft.card.adaptive");
    assert!(answer.to_string().contains(CAUSE), "{answer}");
    assert_eq!(send(ask(time, "1"), KEY).await.status(), 401, "replayed");
}

#[tokio::test]
async fn discord() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = hex(key.verifying_key().as_bytes());
    let house = House::open(|peer| {
        format!("[discord]\npublic-key = '{public}'\napplication-id = '845027738276462632'\napi-url = '{peer}/api/v10'\nfile-origins = ['{peer}']\n")
    })
    .await;
    let send = async |body: Value, time: i64, key: &SigningKey| {
        let body = body.to_string();
        let signature = key.sign(format!("{time}{body}").as_bytes());
        let request =
            house.http.post(format!("{}/discord", house.base)).header("x-signature-timestamp", time.to_string());
        request.header("x-signature-ed25519", hex(&signature.to_bytes())).body(body).send().await.unwrap()
    };
    // Discord tries both before it takes the address.
    let ping = json!({ "type": 1, "id": "1", "application_id": "845027738276462632", "token": "t", "version": 1 });
    assert_eq!(send(ping.clone(), seconds(), &SigningKey::from_bytes(&[8; 32])).await.status(), 401);
    assert_eq!(send(ping.clone(), seconds() - 400, &key).await.status(), 401);
    assert_eq!(send(ping, seconds(), &key).await.json::<Value>().await.unwrap(), json!({ "type": 1 }));
    assert_eq!(house.stored().await, 0);

    let file = format!("{}/attachments/1/2/build.log", house.peer.uri());
    Mock::given(method("GET"))
        .and(path("/attachments/1/2/build.log"))
        .respond_with(ResponseTemplate::new(200).set_body_string(LOG))
        .mount(&house.peer)
        .await;
    const ORIGINAL: &str = "/api/v10/webhooks/845027738276462632/A_UNIQUE_TOKEN%2F..%2Fx/messages/@original";
    let shape = body_partial_json(json!({ "allowed_mentions": { "parse": [] } }));
    Mock::given(method("PATCH"))
        .and(path(ORIGINAL))
        .and(shape)
        .respond_with(ResponseTemplate::new(200))
        .mount(&house.peer)
        .await;
    let command = |url: &str| {
        json!({
            "type": 2, "token": "A_UNIQUE_TOKEN/../x", "id": "786008729715212338", "guild_id": "290926798626357999", "application_id": "845027738276462632",
            "member": { "user": { "id": "53908232506183680", "username": "Mason" } },
            "data": { "type": 1, "name": "whyred", "id": "771825006014889984", "options": [{ "type": 11, "name": "file", "value": "2" }],
                "resolved": { "attachments": { "2": { "id": "2", "filename": "build.log", "size": 10, "url": url } } } }
        })
    };
    let time = seconds();
    assert_eq!(send(command(&file), time, &key).await.json::<Value>().await.unwrap(), json!({ "type": 5 }));
    let message = json(&house.asked(ORIGINAL, 1).await[0]);
    assert!(message["embeds"][0]["title"].as_str().unwrap().contains("fmtlib"), "{message}");
    assert_eq!(send(command(&file), time, &key).await.status(), 401, "replayed");
    // A file elsewhere is not fetched.
    send(command("http://169.254.169.254/latest"), seconds(), &key).await;
    assert!(json(&house.asked(ORIGINAL, 2).await[1])["content"].as_str().unwrap().contains("not at Discord"));

    let button = &message["components"][0]["components"][1]["custom_id"];
    let click = json!({ "type": 3, "token": "t", "id": "9", "application_id": "845027738276462632", "member": { "user": { "id": "5" } }, "data": { "custom_id": button, "component_type": 2 } });
    let answer: Value = send(click, seconds(), &key).await.json().await.unwrap();
    assert_eq!((&answer["type"], &answer["data"]["flags"]), (&json!(4), &json!(64)));
    assert_eq!(answer["data"]["content"], "Thank you.");
}

#[tokio::test]
async fn matrix() {
    let house = House::open(|peer| format!("[matrix]\ntoken = 'secret'\nwebhook = '{peer}/webhook/abc'\n")).await;
    Mock::given(method("POST"))
        .and(path("/webhook/abc"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "ok": true })))
        .mount(&house.peer)
        .await;
    let send = async |token: &str, id: &str, body: String| {
        let event = json!({ "type": "m.room.message", "room_id": "!r:example.org", "event_id": id, "sender": "@ada:example.org", "content": { "msgtype": "m.text", "body": body } });
        let form = format!(
            "--x\r\ncontent-disposition: form-data; name=\"event\"; filename=\"event_data.json\"\r\ncontent-type: application/json\r\n\r\n{event}\r\n--x--\r\n"
        );
        let request =
            house.http.put(format!("{}/matrix", house.base)).header("content-type", "multipart/form-data; boundary=x");
        let request =
            request.header("x-matrix-hookshot-eventid", id).header("x-matrix-hookshot-roomid", "!r:example.org");
        request.header("x-matrix-hookshot-token", token).body(form).send().await.unwrap().status()
    };
    assert_eq!(send("wrong", "$1", format!("!whyred {LOG}")).await, 401);
    assert_eq!(send("secret", "$2", "good morning".to_owned()).await, 200);
    assert_eq!(house.stored().await, 0);
    assert_eq!(send("secret", "$3", format!("!whyred {LOG}")).await, 200);
    let message = json(&house.asked("/webhook/abc", 1).await[0]);
    assert!(message["text"].as_str().unwrap().contains(CAUSE) && message["html"].as_str().unwrap().contains("<pre>"));
    assert_eq!(send("secret", "$3", format!("!whyred {LOG}")).await, 401, "replayed");
}
