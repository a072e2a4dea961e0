use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::Value;
use simulator::{Client, Config};
use url::Url;

use crate::support::{CALLBACK, CLIENT, CUSTOMER, Fixture, MODIFY, SECRET, SUPPORT, config, start, start_with};

const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0";
/// SHA-256 of it, computed with another tool.
const CHALLENGE: &str = "S6xMLfJrdwhXm9EJRqmQw6nyYWcpLlPsCEOqmhPUIcs";

type Pairs<'a> = Vec<(&'a str, &'a str)>;

fn request<'a>(scope: &'a str) -> Pairs<'a> {
    vec![
        ("client_id", CLIENT),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", scope),
        ("state", "a state & more"),
        ("nonce", "n-1"),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

impl Fixture {
    /// Submits the consent form; returns what the redirect carries.
    async fn consent(&self, mut form: Pairs<'_>, account: &str, decision: &str) -> Vec<(String, String)> {
        form.extend([("account", account), ("decision", decision)]);
        let response = self.http.post(self.url("/o/oauth2/v2/auth")).form(&form).send().await.unwrap();
        assert_eq!(response.status(), 302);
        let location = Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
        assert!(location.as_str().starts_with(CALLBACK));
        location.query_pairs().into_owned().collect()
    }

    async fn code(&self, scope: &str) -> String {
        let answer = self.consent(request(scope), SUPPORT, "allow").await;
        assert!(answer.contains(&("state".into(), "a state & more".into())));
        answer.into_iter().find(|(key, _)| key == "code").unwrap().1
    }

    async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let mut form = form.to_vec();
        form.extend([("client_id", CLIENT), ("client_secret", SECRET)]);
        let response = self.http.post(self.url("/token")).form(&form).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn redeem(&self, code: &str, verifier: &str) -> (u16, Value) {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ])
        .await
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn profile_status(&self, token: &str) -> u16 {
        let url = self.url("/gmail/v1/users/me/profile");
        self.http.get(url).bearer_auth(token).send().await.unwrap().status().as_u16()
    }

    async fn keys(&self) -> JwkSet {
        let document: Value =
            self.http.get(self.url("/.well-known/openid-configuration")).send().await.unwrap().json().await.unwrap();
        assert_eq!(document["issuer"], self.sim.url());
        let response = self.http.get(document["jwks_uri"].as_str().unwrap()).send().await.unwrap();
        assert!(response.headers()["cache-control"].to_str().unwrap().contains("max-age="));
        response.json().await.unwrap()
    }
}

fn text<'a>(body: &'a Value, key: &str) -> &'a str {
    body[key].as_str().unwrap()
}

#[tokio::test]
async fn consent_code_and_tokens() {
    let at = start().await;
    let (status, tokens) = at.redeem(&at.code(MODIFY).await, VERIFIER).await;
    assert_eq!(status, 200);
    assert_eq!(tokens["scope"], MODIFY);
    assert_eq!(tokens["expires_in"], 3599);
    assert_eq!(tokens["token_type"], "Bearer");
    assert!(tokens.get("id_token").is_none() && tokens.get("refresh_token_expires_in").is_none());
    assert_eq!(at.profile_status(text(&tokens, "access_token")).await, 200);

    let (status, fresh) = at.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!(status, 200);
    assert!(fresh.get("refresh_token").is_none());
    assert_ne!(fresh["access_token"], tokens["access_token"]);
}

#[tokio::test]
async fn sign_in_gives_an_id_token_that_the_published_key_verifies() {
    let at = start().await;
    let (_, tokens) = at.redeem(&at.code("openid email").await, VERIFIER).await;
    assert_eq!(tokens["scope"], "openid https://www.googleapis.com/auth/userinfo.email");
    let id_token = text(&tokens, "id_token");
    let kid = decode_header(id_token).unwrap().kid.unwrap();
    let keys = at.keys().await;
    let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let mut wanted = Validation::new(Algorithm::RS256);
    wanted.set_audience(&[CLIENT]);
    wanted.set_issuer(&[at.sim.url()]);
    let claims = decode::<Value>(id_token, &key, &wanted).unwrap().claims;
    assert_eq!(claims["email"], SUPPORT);
    assert_eq!(claims["email_verified"], true);
    assert_eq!(claims["hd"], "postroom.test");
    assert_eq!(claims["nonce"], "n-1");
    assert!(claims["sub"].is_string());
    // A sign-in alone does not open the mailbox.
    assert_eq!(at.profile_status(text(&tokens, "access_token")).await, 403);
}

#[tokio::test]
async fn a_private_account_has_no_hosted_domain() {
    let at = start().await;
    let answer = at.consent(request("openid email"), CUSTOMER, "allow").await;
    let code = &answer.iter().find(|(key, _)| key == "code").unwrap().1;
    let (_, tokens) = at.redeem(code, VERIFIER).await;
    let person: Value = at
        .http
        .get(at.url("/oauth2/v3/userinfo"))
        .bearer_auth(text(&tokens, "access_token"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(person["email"], CUSTOMER);
    assert!(person.get("hd").is_none());
}

#[tokio::test]
async fn a_wrong_verifier_is_refused() {
    let at = start().await;
    let (status, body) = at.redeem(&at.code(MODIFY).await, "another-verifier").await;
    assert_eq!((status, text(&body, "error")), (400, "invalid_grant"));
    assert_eq!(text(&body, "error_description"), "Invalid code verifier.");
}

#[tokio::test]
async fn a_replayed_code_is_refused_and_ends_what_it_gave() {
    let at = start().await;
    let code = at.code(MODIFY).await;
    let (_, tokens) = at.redeem(&code, VERIFIER).await;
    let (status, body) = at.redeem(&code, VERIFIER).await;
    assert_eq!((status, text(&body, "error")), (400, "invalid_grant"));
    assert_eq!(at.profile_status(text(&tokens, "access_token")).await, 401);
}

#[tokio::test]
async fn an_old_code_is_refused() {
    let at = start().await;
    let code = at.code(MODIFY).await;
    at.sim.set_clock_offset(601_000);
    let (status, body) = at.redeem(&code, VERIFIER).await;
    assert_eq!((status, text(&body, "error")), (400, "invalid_grant"));
}

#[tokio::test]
async fn revocation_ends_the_whole_grant() {
    let at = start().await;
    let (_, tokens) = at.redeem(&at.code(MODIFY).await, VERIFIER).await;
    let form = [("token", text(&tokens, "access_token"))];
    assert_eq!(at.http.post(at.url("/revoke")).form(&form).send().await.unwrap().status(), 200);
    assert_eq!(at.http.post(at.url("/revoke")).form(&form).send().await.unwrap().status(), 400);
    let (status, body) = at.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!((status, text(&body, "error")), (400, "invalid_grant"));
    assert_eq!(text(&body, "error_description"), "Token has been expired or revoked.");
    assert_eq!(at.profile_status(text(&tokens, "access_token")).await, 401);
}

#[tokio::test]
async fn access_tokens_die_by_the_clock_and_refresh_tokens_live_on() {
    let at = start().await;
    let (_, tokens) = at.redeem(&at.code(MODIFY).await, VERIFIER).await;
    at.sim.set_clock_offset(3_600_000);
    assert_eq!(at.profile_status(text(&tokens, "access_token")).await, 401);
    let (_, fresh) = at.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!(at.profile_status(text(&fresh, "access_token")).await, 200);
}

#[tokio::test]
async fn refresh_tokens_of_a_client_in_testing_die_after_a_week() {
    let mut config = config();
    config.clients[0].testing = true;
    let at = start_with(config).await;
    let (_, tokens) = at.redeem(&at.code(MODIFY).await, VERIFIER).await;
    assert!(tokens["refresh_token_expires_in"].as_u64().unwrap() >= 604_700);
    at.sim.set_clock_offset(7 * 86_400_000 + 1_000);
    assert_eq!(at.refresh(text(&tokens, "refresh_token")).await.0, 400);
}

#[tokio::test]
async fn a_second_consent_gives_a_refresh_token_only_when_asked_for() {
    let at = start().await;
    at.redeem(&at.code(MODIFY).await, VERIFIER).await;
    let mut again = request(MODIFY);
    again.retain(|(key, _)| *key != "prompt");
    let answer = at.consent(again, SUPPORT, "allow").await;
    let code = &answer.iter().find(|(key, _)| key == "code").unwrap().1;
    let (status, tokens) = at.redeem(code, VERIFIER).await;
    assert_eq!(status, 200);
    assert!(tokens.get("refresh_token").is_none());
}

#[tokio::test]
async fn cancelling_and_unticking() {
    let at = start().await;
    let answer = at.consent(request(MODIFY), SUPPORT, "deny").await;
    assert!(answer.contains(&("error".into(), "access_denied".into())));

    let scope = format!("openid email {MODIFY}");
    let mut form = request(&scope);
    form.push(("granular", "1"));
    let answer = at.consent(form, SUPPORT, "allow").await;
    let code = &answer.iter().find(|(key, _)| key == "code").unwrap().1;
    let (_, tokens) = at.redeem(code, VERIFIER).await;
    assert_eq!(tokens["scope"], "openid https://www.googleapis.com/auth/userinfo.email");
}

#[tokio::test]
async fn the_page_checks_the_client_and_its_redirect_address() {
    let at = start().await;
    let page = at.url("/o/oauth2/v2/auth");
    let ask = async |pairs: Pairs<'_>| {
        let url = Url::parse_with_params(&page, pairs).unwrap();
        at.http.get(url).send().await.unwrap()
    };
    let change = |key: &str, value: &'static str| {
        let mut pairs = request(MODIFY);
        for pair in pairs.iter_mut().filter(|pair| pair.0 == key) {
            pair.1 = value;
        }
        pairs
    };

    let mut hinted = request(MODIFY);
    hinted.push(("login_hint", CUSTOMER));
    let good = ask(hinted).await;
    assert_eq!(good.status(), 200);
    let html = good.text().await.unwrap();
    assert!(html.contains("a state &#38; more"), "{html}");
    assert!(html.contains(&format!("value=\"{CUSTOMER}\" required checked")));
    assert!(html.contains("Read, compose, and send emails"));

    for (pairs, status, word) in [
        (change("client_id", "stranger"), 401, "invalid_client"),
        (change("redirect_uri", "http://localhost:9/oauth/callback/"), 400, "redirect_uri_mismatch"),
        (change("response_type", "token"), 400, "unsupported_response_type"),
        (change("scope", "everything"), 400, "invalid_scope"),
        (change("code_challenge_method", "plain"), 400, "invalid_request"),
    ] {
        let response = ask(pairs).await;
        assert_eq!(response.status(), status, "{word}");
        assert!(response.headers().get("location").is_none());
        assert!(response.text().await.unwrap().contains(word));
    }
}

#[tokio::test]
async fn a_wrong_secret_is_a_client_error() {
    let at = start().await;
    let form =
        [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", CLIENT), ("client_secret", "wrong")];
    let response = at.http.post(at.url("/token")).form(&form).send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "invalid_client");
}

#[tokio::test]
async fn keys_grants_and_mail_survive_a_restart() {
    let dir = std::env::temp_dir().join(format!("simulator-test-{}", std::process::id()));
    let config = Config { state_dir: Some(dir.clone()), ..config() };
    let at = start_with(config.clone()).await;
    at.deliver(&crate::support::mail("kept@customer.test", "Kept", ""));
    let (_, tokens) = at.redeem(&at.code(MODIFY).await, VERIFIER).await;
    let before = at.keys().await;
    at.sim.stop().await.unwrap();

    let at = start_with(config).await;
    assert_eq!(at.keys().await.keys, before.keys);
    assert_eq!(at.refresh(text(&tokens, "refresh_token")).await.0, 200);
    assert_eq!(at.sim.dump(SUPPORT).unwrap().messages.len(), 1);
    at.sim.rotate_key().unwrap();
    assert_eq!(at.keys().await.keys.len(), 2);
    at.sim.client(Client {
        client_id: "other".into(),
        client_secret: "s".into(),
        redirect_uris: vec![],
        testing: false,
    });
    at.sim.stop().await.unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}
