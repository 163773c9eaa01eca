//! App: the token for GitHub's API: an App's for one repository, by a signed statement of who we are; or the plain one that is configured.

use axum::http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, Header};
use reqwest::RequestBuilder;
use serde::Serialize;
use serde_json::{Value, json};

use super::Work;
use crate::door::Doors;
use crate::door::ci::{below, not_told, secret};
use crate::door::outbox::Setback;
use crate::service::now;

/// Seconds that our clock may be ahead of GitHub's.
const AHEAD: i64 = 60;
/// Seconds that a statement holds; GitHub takes ten minutes at most.
const HOLDS: i64 = 9 * 60;

/// Who we are, for a short time.
#[derive(Serialize)]
struct Claims<'a> {
    iat: i64,
    exp: i64,
    iss: &'a str,
}

/// What GitHub's API is told with each request.
pub(super) fn headers(token: &str) -> Result<HeaderMap, Setback> {
    let bearer = secret(&format!("Bearer {token}"), "GitHub")?;
    Ok(HeaderMap::from_iter([
        (AUTHORIZATION, bearer),
        (ACCEPT, HeaderValue::from_static("application/vnd.github+json")),
        (
            "x-github-api-version".parse().map_err(|_| Setback::Never(String::new()))?,
            HeaderValue::from_static("2022-11-28"),
        ),
    ]))
}

impl Doors {
    /// A token that may read the logs of this repository and write on its commits.
    pub(super) async fn github_token(&self, work: &Work, tries: i64) -> Result<String, Setback> {
        let config = &self.config.github;
        if config.app_id.is_empty() {
            return Ok(config.token.reveal().to_owned());
        }
        let statement = self.statement()?;
        let installation = match work.installation {
            Some(id) => id,
            // A webhook of the repository itself does not tell it.
            None => {
                let request = self.peer.client().get(work.api(self, &["installation"])?);
                self.github_json(request, &statement, tries).await?["id"].as_u64().ok_or_else(unreadable)?
            }
        };
        let parts = ["app", "installations", &installation.to_string(), "access_tokens"];
        let (_, name) = work.repository.split_once('/').unwrap_or_default();
        // No more than is needed.
        let wanted = json!({ "repositories": [name], "permissions": { "actions": "read", "checks": "write" } });
        let request = self.peer.client().post(below(&config.api_url, &parts)?).json(&wanted);
        let answer = self.github_json(request, &statement, tries).await?;
        Ok(answer["token"].as_str().ok_or_else(unreadable)?.to_owned())
    }

    /// Asks GitHub's API one time.
    pub(super) async fn github_json(&self, request: RequestBuilder, token: &str, tries: i64) -> Result<Value, Setback> {
        let asked = self.peer.json_once(request.headers(headers(token)?)).await;
        asked.map_err(|error| not_told("GitHub", &error, tries))
    }

    /// Who we are, signed with the App's key.
    fn statement(&self) -> Result<String, Setback> {
        let config = &self.config.github;
        let key = config.key().ok_or_else(|| Setback::Never("the App's private key cannot be read".to_owned()))?;
        let seconds = now() / 1000;
        let claims = Claims { iat: seconds - AHEAD, exp: seconds + HOLDS, iss: &config.app_id };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key)
            .map_err(|_| Setback::Never("the App's private key cannot sign".to_owned()))
    }
}

fn unreadable() -> Setback {
    Setback::Never("GitHub answers something else than its documentation says".to_owned())
}
