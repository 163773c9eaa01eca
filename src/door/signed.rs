//! Signed: proofs that a request comes from whom it names. All compare in constant time, over the raw body, before anything of it is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Seconds that a signed request may be old, or ahead of our clock: what comes later may be a replay.
const FRESH: i64 = 300;

/// Slack's v0: HMAC-SHA256 over version, time and body. `timestamp` and `signature` are the headers `X-Slack-Request-Timestamp` and
/// `X-Slack-Signature`, `now` is in seconds. Source: docs.slack.dev, "Verifying requests from Slack".
pub(super) fn slack(secret: &str, timestamp: &str, signature: &str, body: &[u8], now: i64) -> bool {
    let Some(hex) = signature.strip_prefix("v0=") else { return false };
    fresh(timestamp, now) && hmac_is(secret.as_bytes(), &[b"v0:", timestamp.as_bytes(), b":", body], &unhex(hex))
}

/// GitHub: `X-Hub-Signature-256: sha256=HEX` over the body. Source: docs.github.com, "Validating webhook deliveries".
pub(super) fn github(secret: &str, signature: &str, body: &[u8]) -> bool {
    let Some(hex) = signature.strip_prefix("sha256=") else { return false };
    hmac_is(secret.as_bytes(), &[body], &unhex(hex))
}

/// Buildkite: `X-Buildkite-Signature: timestamp=…,signature=HEX` over `timestamp.body`; `now` is in seconds.
pub(super) fn buildkite(secret: &str, header: &str, body: &[u8], now: i64) -> bool {
    let part = |name: &str| header.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let (Some(timestamp), Some(hex)) = (part("timestamp"), part("signature")) else { return false };
    fresh(timestamp, now) && hmac_is(secret.as_bytes(), &[timestamp.as_bytes(), b".", body], &unhex(hex))
}

/// Microsoft Teams' outgoing webhooks: `Authorization: HMAC BASE64` over the body, with the key that Teams shows in base64.
pub(super) fn teams(key: &str, header: &str, body: &[u8]) -> bool {
    let (Some(told), Ok(key)) = (header.strip_prefix("HMAC "), BASE64.decode(key)) else { return false };
    hmac_is(&key, &[body], &BASE64.decode(told).unwrap_or_default())
}

/// Discord: Ed25519 over time and body, in hexadecimal; `now` is in seconds.
pub(super) fn discord(public_key: &str, timestamp: &str, signature: &str, body: &[u8], now: i64) -> bool {
    let key = <[u8; 32]>::try_from(unhex(public_key)).ok().and_then(|key| VerifyingKey::from_bytes(&key).ok());
    let (Some(key), Ok(signature)) = (key, Signature::from_slice(&unhex(signature))) else { return false };
    fresh(timestamp, now) && key.verify_strict(&[timestamp.as_bytes(), body].concat(), &signature).is_ok()
}

/// A shared secret that stands in the request as it is: GitLab, Mattermost, Zulip.
pub(super) fn token(secret: &str, told: &str) -> bool {
    !secret.is_empty() && bool::from(secret.as_bytes().ct_eq(told.as_bytes()))
}

/// The proof that we send with our own webhooks: as GitHub's.
pub(super) fn sign(secret: &str, body: &[u8]) -> String {
    let digest = hmac(secret.as_bytes(), &[body]).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default();
    digest.iter().fold("sha256=".to_owned(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn fresh(timestamp: &str, now: i64) -> bool {
    timestamp.parse::<i64>().is_ok_and(|then| now.abs_diff(then) <= FRESH as u64)
}

fn hmac(secret: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    // An empty secret would accept what anybody can sign.
    let mut mac =
        Some(secret).filter(|secret| !secret.is_empty()).and_then(|s| Hmac::<Sha256>::new_from_slice(s).ok())?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac)
}

fn hmac_is(secret: &[u8], parts: &[&[u8]], told: &[u8]) -> bool {
    hmac(secret, parts).is_some_and(|mac| mac.verify_slice(told).is_ok())
}

/// Bytes of hexadecimal digits; nothing where they are none.
fn unhex(hex: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let pairs: Option<Vec<u8>> = hex.as_bytes().chunks(2).map(|pair| byte(pair).filter(|_| pair.len() == 2)).collect();
    pairs.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slacks_published_vector() {
        let secret = "8f742231b10e8888abcd99yyyzzz85a5";
        let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
        let now = 1_531_420_618;
        assert!(slack(secret, "1531420618", signature, body, now));
        assert!(slack(secret, "1531420618", signature, body, now + 300));
        assert!(!slack(secret, "1531420618", signature, body, now + 301), "replayed");
        assert!(!slack(secret, "1531420619", signature, body, now), "another time");
        assert!(!slack(secret, "1531420618", signature, &body[1..], now), "another body");
        assert!(!slack("", "1531420618", signature, body, now), "no secret");
        for broken in ["", "v0=", "v1=00", "v0=zz", "v0=é0", "v0=a"] {
            assert!(!slack(secret, "1531420618", broken, body, now), "{broken}");
        }
        assert!(!slack(secret, "-9223372036854775808", signature, body, now));
    }

    #[test]
    fn githubs_published_vector() {
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let secret = "It's a Secret to Everybody";
        assert!(github(secret, signature, b"Hello, World!"));
        assert_eq!(sign(secret, b"Hello, World!"), signature);
        assert!(!github(secret, signature, b"Hello, World?"));
        assert!(!github("", signature, b"Hello, World!"));
    }

    #[test]
    fn discord_and_teams() {
        let key = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
        let signature = "f7caed702889e902c2cde4a4fb00f601284aa47ff4caf84588d7c8c3d8fe7183fd73e13e30d0c07d1515b6684f7b3cfaa231c421768d9667b104f760cf0da302";
        assert!(discord(key, "1700000000", signature, b"{\"type\":1}", 1_700_000_010));
        assert!(!discord(key, "1700000000", signature, b"{\"type\":2}", 1_700_000_010));
        assert!(!discord(key, "1700000000", signature, b"{\"type\":1}", 1_700_001_000));
        let key = "vqF0En+Z0ucuRTM/01o2GuhMH3hKKk/N2bOmlM31zaA=";
        let body = b"{\"type\":\"message\",\"text\":\"hi\"}";
        assert!(teams(key, "HMAC OsI22fOxGbRqh5cP8AMgGG80vP5pVkuGv1D1ft388ls=", body));
        assert!(!teams(key, "HMAC OsI22fOxGbRqh5cP8AMgGG80vP5pVkuGv1D1ft388lt=", body));
        assert!(!teams(key, "Bearer x", body));
    }

    #[test]
    fn buildkite_and_tokens() {
        let signature = sign("secret", b"1700000000.{}").replace("sha256=", "");
        let header = format!("timestamp=1700000000,signature={signature}");
        assert!(buildkite("secret", &header, b"{}", 1_700_000_000));
        assert!(!buildkite("secret", &header, b"{}", 1_700_000_301));
        assert!(!buildkite("other", &header, b"{}", 1_700_000_000));
        assert!(token("a", "a") && !token("a", "b") && !token("", ""));
    }
}
