//! Each way in which a token ends, and what the token endpoint says to it.

use serde_json::{Value, json};
use simulator::{Client, Config, EndTokens, Restore, TokenDeath};

use crate::support::{CALLBACK, CLIENT, CUSTOMER, Fixture, MODIFY, SECRET, SUPPORT, config, start};

const DAY_MS: i64 = 86_400_000;

impl Fixture {
    async fn refreshed(&self, token: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", CLIENT),
            ("client_secret", SECRET),
        ];
        let response = self.http.post(self.url("/token")).form(&form).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    fn fresh(&self) -> simulator::Tokens {
        self.sim.grant(CLIENT, SUPPORT, &[MODIFY]).unwrap()
    }

    async fn reads(&self, access_token: &str) -> u16 {
        let url = self.url("/gmail/v1/users/me/profile");
        self.http.get(url).bearer_auth(access_token).send().await.unwrap().status().as_u16()
    }
}

fn end(kind: TokenDeath) -> EndTokens {
    let account = (!kind.of_client()).then(|| SUPPORT.to_owned());
    EndTokens { kind, account, client_id: None, for_ms: None }
}

/// What Google says, and whether the access token that is still out ends too.
fn answer(kind: TokenDeath) -> (u16, Value, bool) {
    let gone = json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."});
    match kind {
        TokenDeath::Revoked | TokenDeath::Password => (400, gone, true),
        TokenDeath::Unused | TokenDeath::Limit | TokenDeath::Testing | TokenDeath::TimeLimited => (400, gone, false),
        TokenDeath::Admin => {
            let description = "Access to your account data is restricted by policies within your organization.";
            (400, json!({"error": "admin_policy_enforced", "error_description": description}), true)
        }
        TokenDeath::Session => {
            let body = json!({
                "error": "invalid_grant",
                "error_description": "reauth related error (invalid_rapt)",
                "error_subtype": "invalid_rapt",
                "error_uri": "https://support.google.com/a/answer/9368756",
            });
            (400, body, false)
        }
        TokenDeath::AccountDeleted => {
            (400, json!({"error": "invalid_grant", "error_description": "Account has been deleted"}), true)
        }
        TokenDeath::AccountDisabled => {
            (400, json!({"error": "invalid_grant", "error_description": "Bad Request"}), true)
        }
        TokenDeath::SecretRotated => {
            let description = "The provided client secret is invalid.";
            (401, json!({"error": "invalid_client", "error_description": description}), false)
        }
        TokenDeath::ClientDeleted => {
            (401, json!({"error": "deleted_client", "error_description": "The OAuth client was deleted."}), true)
        }
        TokenDeath::ClientUnauthorized => {
            (401, json!({"error": "unauthorized_client", "error_description": "Unauthorized"}), false)
        }
    }
}

#[tokio::test]
async fn every_kind_has_googles_answer_over_rust_and_over_http() {
    let at = start().await;
    for (kind, over_http) in TokenDeath::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        at.sim.restore(&Restore::default());
        at.sim.revoke_grants(SUPPORT);
        let tokens = at.fresh();
        assert_eq!(at.refreshed(&tokens.refresh_token).await.0, 200, "{kind:?} before");
        let ended = if over_http {
            let url = at.url("/_sim/tokens/end");
            let answer: Value = at.http.post(url).json(&end(kind)).send().await.unwrap().json().await.unwrap();
            answer["ended"].as_u64().unwrap()
        } else {
            at.sim.end_tokens(&end(kind)).unwrap() as u64
        };
        assert_eq!(ended, 1, "{kind:?}");
        let (status, body, at_once) = answer(kind);
        assert_eq!(at.refreshed(&tokens.refresh_token).await, (status, body.clone()), "{kind:?}");
        let profile = if at_once { 401 } else { 200 };
        assert_eq!(at.reads(&tokens.access_token).await, profile, "{kind:?}: the access token");
        let logged = at.sim.calls();
        let refused = logged.iter().rev().find(|call| call.method == "oauth2.token.refresh").unwrap();
        assert_eq!(refused.reason.as_deref(), body["error"].as_str());
    }
}

#[tokio::test]
async fn a_changed_password_ends_tokens_with_gmail_scopes_only() {
    let at = start().await;
    let mail = at.fresh();
    let sign_in = at.sim.grant(CLIENT, SUPPORT, &["openid"]).unwrap();
    at.sim.end_tokens(&end(TokenDeath::Password)).unwrap();
    assert_eq!(at.refreshed(&mail.refresh_token).await.0, 400);
    assert_eq!(at.refreshed(&sign_in.refresh_token).await.0, 200);
}

#[tokio::test]
async fn six_months_without_use_end_a_token_and_use_keeps_it() {
    let at = start().await;
    let (used, unused) = (at.fresh(), at.fresh());
    at.sim.set_clock_offset(150 * DAY_MS);
    assert_eq!(at.refreshed(&used.refresh_token).await.0, 200);
    at.sim.set_clock_offset(184 * DAY_MS);
    assert_eq!(at.refreshed(&used.refresh_token).await.0, 200);
    assert_eq!(at.refreshed(&unused.refresh_token).await.0, 400);
}

#[tokio::test]
async fn the_hundred_and_first_token_ends_the_oldest_without_a_word() {
    let at = start().await;
    let tokens: Vec<_> = (0..100).map(|_| at.fresh()).collect();
    // The fixture's own token was the oldest; the next one ends the first of these.
    assert_eq!(at.refreshed(&tokens[0].refresh_token).await.0, 200);
    let newest = at.fresh();
    assert_eq!(at.refreshed(&tokens[0].refresh_token).await.0, 400);
    assert_eq!(at.refreshed(&tokens[1].refresh_token).await.0, 200);
    assert_eq!(at.refreshed(&newest.refresh_token).await.0, 200);
    assert_eq!(at.reads(&tokens[0].access_token).await, 200, "its access token lives out its hour");
}

#[tokio::test]
async fn limited_time_is_told_and_over_by_the_clock() {
    for kind in [TokenDeath::TimeLimited, TokenDeath::Testing] {
        let at = start().await;
        let tokens = at.fresh();
        at.sim.end_tokens(&EndTokens { for_ms: Some(7 * DAY_MS), ..end(kind) }).unwrap();
        let (status, body) = at.refreshed(&tokens.refresh_token).await;
        assert_eq!(status, 200);
        let left = body["refresh_token_expires_in"].as_i64().unwrap();
        assert!((604_000..=604_800).contains(&left), "{left}");
        at.sim.set_clock_offset(7 * DAY_MS + 1_000);
        assert_eq!(at.refreshed(&tokens.refresh_token).await.0, 400, "{kind:?}");
    }
}

#[tokio::test]
async fn a_session_length_ends_tokens_by_their_age() {
    let at = start().await;
    let tokens = at.fresh();
    at.sim.end_tokens(&EndTokens { for_ms: Some(16 * 3_600_000), ..end(TokenDeath::Session) }).unwrap();
    assert_eq!(at.refreshed(&tokens.refresh_token).await.0, 200);
    at.sim.set_clock_offset(17 * 3_600_000);
    assert_eq!(at.refreshed(&tokens.refresh_token).await.1["error_subtype"], "invalid_rapt");
    let again = at.fresh();
    assert_eq!(at.refreshed(&again.refresh_token).await.0, 200, "signed in again");
}

#[tokio::test]
async fn what_lies_on_account_and_client_can_be_lifted() {
    use TokenDeath::{AccountDeleted, AccountDisabled, Admin, ClientDeleted, ClientUnauthorized, SecretRotated};
    let lifted = [Admin, AccountDeleted, AccountDisabled, SecretRotated, ClientDeleted, ClientUnauthorized];
    let at = start().await;
    for kind in lifted {
        let tokens = at.fresh();
        at.sim.end_tokens(&end(kind)).unwrap();
        assert_ne!(at.refreshed(&tokens.refresh_token).await.0, 200);
        let another = Restore { account: Some(CUSTOMER.into()), client_id: Some("another".into()) };
        at.sim.restore(&another);
        assert_ne!(at.refreshed(&tokens.refresh_token).await.0, 200, "{kind:?}: somebody else's");
        let url = at.url("/_sim/tokens/restore");
        assert_eq!(at.http.post(url).json(&json!({})).send().await.unwrap().status(), 204);
        assert_eq!(at.refreshed(&tokens.refresh_token).await.0, 200, "{kind:?}");
    }
    let tokens = at.fresh();
    at.sim.end_tokens(&end(SecretRotated)).unwrap();
    at.sim.client(config().clients.remove(0));
    assert_eq!(at.refreshed(&tokens.refresh_token).await.0, 200, "registered again");
}

#[tokio::test]
async fn a_wish_that_names_nobody_is_refused() {
    let at = start().await;
    let ask = async |wish: Value| {
        let response = at.http.post(at.url("/_sim/tokens/end")).json(&wish).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(ask(json!({"kind": "password"})).await.0, 400);
    assert_eq!(ask(json!({"kind": "password", "account": "nobody@example.com"})).await.0, 404);
    assert_eq!(ask(json!({"kind": "tired", "account": SUPPORT})).await.0, 422);
    let (status, text) = ask(json!({"kind": "client-deleted", "client_id": "another"})).await;
    assert_eq!(status, 404);
    assert!(text.contains(CLIENT), "{text}");
    at.sim.client(Client {
        client_id: "second.example.com".into(),
        client_secret: SECRET.into(),
        redirect_uris: vec![CALLBACK.into()],
        testing: false,
    });
    assert_eq!(ask(json!({"kind": "client-deleted"})).await.0, 404, "which of the two?");
}

#[tokio::test]
async fn dead_tokens_stay_dead_over_a_restart() {
    let dir = std::env::temp_dir().join(format!("simulator-tokens-{}", std::process::id()));
    let kept = Config { state_dir: Some(dir.clone()), ..config() };
    let at = crate::support::start_with(kept.clone()).await;
    let (session, disabled) = (at.fresh(), at.sim.grant(CLIENT, CUSTOMER, &[MODIFY]).unwrap());
    at.sim.end_tokens(&end(TokenDeath::Session)).unwrap();
    at.sim.end_tokens(&EndTokens { account: Some(CUSTOMER.into()), ..end(TokenDeath::AccountDisabled) }).unwrap();
    at.sim.stop().await.unwrap();
    let at = crate::support::start_with(kept).await;
    assert_eq!(at.refreshed(&session.refresh_token).await.1["error_subtype"], "invalid_rapt");
    assert_eq!(at.refreshed(&disabled.refresh_token).await.1["error_description"], "Bad Request");
    at.sim.stop().await.unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}
