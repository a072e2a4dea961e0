//! The issuer's public keys (JWKS), kept in memory and shared by push and ID tokens.
//!
//! Invariants: a token is believed only by an RSA key of at least 2048 bits that is meant for RS256 signatures; keys
//! are fetched at most once a minute, whatever `kid`s come in; when they cannot be fetched, those at hand stay in use.

use crate::jws::Unverified;
use channel::ports::Clock;
use channel::time::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Between two fetches, so that a flood of made-up `kid`s reaches nobody but us.
const FLOOR: Duration = Duration::from_secs(60);
/// Where the answer does not say how long it may be kept.
const DEFAULT_AGE: Duration = Duration::from_secs(300);
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_BYTES: usize = 256 * 1024;
const MAX_KEYS: usize = 64;
/// The push must be answered within its acknowledgement deadline, 10 s by default.
const TIME_OUT: Duration = Duration::from_secs(3);

/// Why a token's payload is not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotVerified {
    /// A code for the log.
    Refused(&'static str),
    KeysUnavailable,
}

struct Keys {
    set: Vec<(String, DecodingKey)>,
    fresh_until: Timestamp,
}

#[derive(Default)]
struct State {
    keys: Option<Keys>,
    /// When a fetch was last tried, whether it succeeded or not.
    tried_at: Option<Timestamp>,
}

/// One key server.
pub struct Jwks {
    http: reqwest::Client,
    url: String,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl Jwks {
    pub fn new(http: reqwest::Client, url: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self { http, url: url.into(), clock, state: Mutex::new(State::default()) }
    }

    /// The payload of `token`, when one of the keys signed it.
    pub(crate) async fn verify(&self, token: &str) -> Result<Vec<u8>, NotVerified> {
        let token = Unverified::parse(token).ok_or(NotVerified::Refused("malformed"))?;
        let key = self.key(&token.kid).await?;
        signed_by(&token, &key).map_err(NotVerified::Refused)
    }

    /// The lock is held over the fetch: whoever comes meanwhile waits for its result instead of fetching as well.
    async fn key(&self, kid: &str) -> Result<DecodingKey, NotVerified> {
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        let known = state.keys.as_ref().and_then(|keys| keys.find(kid));
        let fresh = state.keys.as_ref().is_some_and(|keys| keys.fresh_until > now);
        // A clock that was set back must not keep us from fetching for longer than the floor.
        let may_fetch = state.tried_at.is_none_or(|tried| now.since(tried) >= FLOOR || tried > now);
        if let Some(key) = &known
            && (fresh || !may_fetch)
        {
            return Ok(key.clone());
        }
        if may_fetch {
            state.tried_at = Some(now);
            match self.fetch(now).await {
                Ok(keys) => state.keys = Some(keys),
                Err(error) => tracing::warn!(error, "the issuer's keys could not be fetched"),
            }
        }
        match &state.keys {
            None => Err(NotVerified::KeysUnavailable),
            Some(keys) => keys.find(kid).ok_or(NotVerified::Refused("unknown_key")),
        }
    }

    async fn fetch(&self, now: Timestamp) -> Result<Keys, &'static str> {
        let answer = self.http.get(&self.url).timeout(TIME_OUT).send().await.map_err(|_| "no answer")?;
        if !answer.status().is_success() {
            return Err("an error status");
        }
        let age = max_age(answer.headers()).unwrap_or(DEFAULT_AGE).min(MAX_AGE);
        if answer.content_length().is_some_and(|length| length > MAX_BYTES as u64) {
            return Err("too many bytes");
        }
        let body = answer.bytes().await.map_err(|_| "a broken answer")?;
        if body.len() > MAX_BYTES {
            return Err("too many bytes");
        }
        let set: Published = serde_json::from_slice(&body).map_err(|_| "not a key set")?;
        let set = usable(set);
        if set.is_empty() { Err("no usable key") } else { Ok(Keys { set, fresh_until: now.plus(age) }) }
    }
}

/// The payload, when the key signed it.
fn signed_by(token: &Unverified<'_>, key: &DecodingKey) -> Result<Vec<u8>, &'static str> {
    match jsonwebtoken::crypto::verify(token.signature, token.message.as_bytes(), key, Algorithm::RS256) {
        Ok(true) => token.payload().ok_or("malformed"),
        Ok(false) | Err(_) => Err("signature"),
    }
}

impl Keys {
    /// Nothing when several keys claim the id: which of them is meant cannot be known.
    fn find(&self, kid: &str) -> Option<DecodingKey> {
        let mut found = self.set.iter().filter(|(id, _)| id == kid).map(|(_, key)| key);
        match (found.next(), found.next()) {
            (Some(key), None) => Some(key.clone()),
            _ => None,
        }
    }
}

/// Keys one by one: one of a kind that is not known here must not hide the others (RFC 7517, section 5).
#[derive(Deserialize)]
struct Published {
    keys: Vec<serde_json::Value>,
}

fn usable(published: Published) -> Vec<(String, DecodingKey)> {
    published
        .keys
        .into_iter()
        .take(MAX_KEYS)
        .filter_map(|key| serde_json::from_value::<Jwk>(key).ok())
        .filter(verifies_rs256)
        .filter_map(|key| Some((key.common.key_id.clone()?, DecodingKey::from_jwk(&key).ok()?)))
        .collect()
}

fn verifies_rs256(key: &Jwk) -> bool {
    let common = &key.common;
    let algorithm = common.key_algorithm.is_none_or(|algorithm| algorithm == KeyAlgorithm::RS256);
    let usage = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let operations = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    algorithm && usage && operations && matches!(key.algorithm, AlgorithmParameters::RSA(_))
}

fn max_age(headers: &reqwest::header::HeaderMap) -> Option<Duration> {
    let text = headers.get(reqwest::header::CACHE_CONTROL)?.to_str().ok()?;
    let directives = text.split(',').map(|part| part.trim().to_ascii_lowercase());
    let seconds = directives.filter_map(|part| part.strip_prefix("max-age=")?.trim_matches('"').parse().ok()).next();
    seconds.map(Duration::from_secs)
}

#[cfg(test)]
mod vectors {
    //! Project Wycheproof's signed tokens, by our rules: RS256 alone, by a key that is meant for it.

    use super::*;
    use serde_json::{Value, json};

    const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/fixtures/wycheproof/testvectors_v1");

    /// A sound signature by a key whose factors are weak (ROCA). Which keys are sound is the issuer's affair: the set
    /// comes from Google over TLS.
    const WEAK_KEY: (&str, u64) = ("json_web_key_test.json", 7);

    fn keys(group: &Value) -> Keys {
        let given = group.get("public").or_else(|| group.get("private")).cloned().unwrap();
        let set = if given.get("keys").is_some() { given } else { json!({ "keys": [given] }) };
        Keys { set: usable(serde_json::from_value(set).unwrap()), fresh_until: Timestamp::from_secs(0) }
    }

    fn accepted(keys: &Keys, token: &str) -> bool {
        let Some(token) = Unverified::parse(token) else { return false };
        keys.find(&token.kid).is_some_and(|key| signed_by(&token, &key).is_ok())
    }

    fn is_rs256(token: &str) -> bool {
        jsonwebtoken::decode_header(token).is_ok_and(|header| header.alg == Algorithm::RS256)
    }

    fn run(file: &str) -> (usize, usize) {
        let text = std::fs::read_to_string(format!("{FIXTURES}/{file}")).unwrap();
        let vectors: Value = serde_json::from_str(&text).unwrap();
        let (mut seen, mut good) = (0, 0);
        for group in vectors["testGroups"].as_array().unwrap() {
            let keys = keys(group);
            for test in group["tests"].as_array().unwrap() {
                seen += 1;
                let (id, jws) = (test["tcId"].as_u64().unwrap(), &test["jws"]);
                let token = jws.as_str().map_or_else(|| jws.to_string(), str::to_owned);
                let expected = test["result"] == "valid" && is_rs256(&token) || (file, id) == WEAK_KEY;
                assert_eq!(accepted(&keys, &token), expected, "{file} {id}: {}", test["comment"]);
                good += usize::from(expected);
            }
        }
        (seen, good)
    }

    #[test]
    fn fault_25_signatures_are_judged_as_labelled() {
        assert_eq!(run("json_web_signature_test.json"), (401, 8));
        assert_eq!(run("json_web_key_test.json"), (26, 2));
    }

    #[test]
    fn two_keys_of_one_id_are_none() {
        let key = |n: &str| (n.to_owned(), DecodingKey::from_rsa_raw_components(&[1], &[1]));
        let keys = Keys { set: vec![key("a"), key("b"), key("a")], fresh_until: Timestamp::from_secs(0) };
        assert!(keys.find("a").is_none() && keys.find("b").is_some() && keys.find("c").is_none());
    }

    #[test]
    fn max_age_is_read_in_its_usual_forms() {
        let age = |text: &str| {
            let mut headers = reqwest::header::HeaderMap::new();
            headers.insert(reqwest::header::CACHE_CONTROL, text.parse().unwrap());
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(age("public, max-age=19834, must-revalidate"), Some(19834));
        assert_eq!(age("Max-Age=\"60\""), Some(60));
        assert_eq!(age("no-store"), None);
        assert_eq!(age("max-age=-1"), None);
    }
}
