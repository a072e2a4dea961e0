//! `POST /oauth/connect` and `GET /oauth/callback` by Lambda events (A2).
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

#[expect(dead_code, reason = "shared with the console's suite, which uses the rest")]
#[path = "../../console/tests/support/mod.rs"]
mod support;

use channel::ids::{HistoryId, MailboxId};
use channel::ports::{GmailError, OAuthError, Profile};
use channel::record::*;
use channel::usecase::connect::{Connect, SCOPE};
use channel::work::SyncWork;
use oauth_callback::App;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use support::*;

const COOKIE: &str = "__Host-postroom-connect";

fn router(world: &Arc<World>) -> axum::Router {
    let connect = Connect {
        authorisations: authorisations(world),
        mailboxes: world.store.clone(),
        engines: world.store.clone(),
        commits: world.clone(),
        vault: world.clone(),
        gmail: world.clone(),
        oauth: world.clone(),
        pseudonyms: world.clone(),
        queue: world.clone(),
        clock: world.clone(),
        entropy: world.clone(),
        redirect: format!("{ORIGIN}/oauth/callback"),
    };
    oauth_callback::router(Arc::new(App { door: door(world), connect }))
}

fn google_says(world: &World, address: &str) {
    *world.tokens.lock().unwrap() = Some(Ok(tokens(SCOPE)));
    let profile = Profile { address: email(address), history_id: HistoryId(500) };
    *world.profile.lock().unwrap() = Some(Ok(profile));
}

/// Presses *Connect*; returns the state that went to Google.
async fn press(browser: &mut Browser, token: &str, fields: &[(&str, &str)]) -> String {
    let mut form = vec![("form_token", token)];
    form.extend_from_slice(fields);
    let seen = browser.post("/oauth/connect", &form).await;
    assert_eq!(seen.status, 303);
    let to = seen.location.unwrap();
    assert!(to.starts_with("https://accounts.example.com/auth?"), "{to}");
    let (_, state) = to.split_once("&state=").unwrap();
    state.split('&').next().unwrap().to_owned()
}

fn grants(world: &World) -> Vec<GrantRecord> {
    world.find(pick!(Grant))
}

/// Everything but the grants that were tried and given up and the pending authorisations.
fn kept(world: &World) -> Vec<Item> {
    let passing = |item: &&Item| {
        !matches!(item, Item::OAuthState(_)) && !matches!(item, Item::Grant(grant) if grant.grant != grant_id())
    };
    world.snapshot().iter().filter(passing).cloned().collect()
}

#[tokio::test]
async fn a_new_mailbox_is_connected_in_the_order_of_grants() {
    let world = World::new();
    let (mut browser, token) = signed_in(&world, router(&world)).await;
    google_says(&world, "support@example.com");
    let state = press(&mut browser, &token, &[("history_days", "3")]).await;
    let seen = browser.get(&format!("/oauth/callback?code=c&state={state}")).await;
    assert_eq!((seen.status, seen.code()), (303, Some("connected")));

    let [meta] = world.find(pick!(Mailbox)).try_into().unwrap();
    assert_eq!((meta.address.as_str(), meta.history_days, meta.connected_at), ("support@example.com", 3, at(0)));
    let [grant] = grants(&world).try_into().unwrap();
    assert_eq!((grant.state, Some(&grant.grant)), (GrantState::Current, meta.grant.as_ref()));
    assert_eq!(grant.due_at, Some(at(3299)), "refreshed five minutes ahead");
    let [sync] = world.find(pick!(Sync)).try_into().unwrap();
    assert_eq!((sync.cursor, sync.due_at), (HistoryId(500), Some(at(0))));
    let resync = sync.resync.unwrap();
    assert_eq!(
        (resync.reason, resync.since, resync.profile_id),
        (ResyncReason::History, at(-3 * 86_400), HistoryId(500))
    );
    assert_eq!(resync.labels.iter().map(|label| label.as_str()).collect::<Vec<_>>(), ["INBOX", "SENT"]);
    assert_eq!(world.find(pick!(Watch))[0].due_at, Some(at(0)));
    assert_eq!(world.find(pick!(AddressOwner))[0].mailbox, Some(meta.mailbox.clone()));
    assert_eq!(world.find(pick!(Settings))[0].mode(), Mode::Draft, "A10: begins with drafts");
    assert_eq!(*world.sync_work.lock().unwrap(), [SyncWork::Sync { mailbox: meta.mailbox, pushed: None }]);
    assert_eq!(world.secrets.lock().unwrap().len(), 1);
    assert!(world.find(pick!(OAuthState)).is_empty(), "the state is used up");
}

#[tokio::test]
async fn no_history_is_listed_when_none_is_asked_for() {
    let world = World::new();
    let (mut browser, token) = signed_in(&world, router(&world)).await;
    google_says(&world, "support@example.com");
    let state = press(&mut browser, &token, &[("history_days", "0")]).await;
    browser.get(&format!("/oauth/callback?code=c&state={state}")).await;
    assert_eq!(world.find(pick!(Sync))[0].resync, None);
}

#[tokio::test]
async fn reconnect_keeps_settings_cursor_and_moment_of_connection() {
    let world = World::new();
    connected_mailbox(&world);
    let mut meta = world.find(pick!(Mailbox)).remove(0);
    meta.problem = Some(GrantProblem { kind: GrantProblemKind::Expired, grant: grant_id(), at: at(-60) });
    world.seed(meta.clone());
    world.seed(Settings { delay_secs: 60, ..Settings::initial(mailbox_id()) });
    let (mut browser, token) = signed_in(&world, router(&world)).await;
    google_says(&world, "Support@Example.com");
    let state = press(&mut browser, &token, &[("mailbox", "mb1")]).await;
    let seen = browser.get(&format!("/oauth/callback?code=c&state={state}")).await;
    assert_eq!(seen.code(), Some("reconnected"));

    let [after] = world.find(pick!(Mailbox)).try_into().unwrap();
    assert_eq!((after.problem, after.connected_at), (None, meta.connected_at));
    assert_ne!(after.grant, Some(grant_id()));
    let states: Vec<_> = grants(&world).into_iter().map(|grant| (grant.grant == grant_id(), grant.state)).collect();
    assert!(
        states.contains(&(true, GrantState::Former)) && states.contains(&(false, GrantState::Current)),
        "{states:?}"
    );
    let sync = world.find(pick!(Sync)).remove(0);
    assert_eq!((sync.cursor, sync.resync, sync.due_at), (HistoryId(100), None, Some(at(0))));
    assert_eq!(world.find(pick!(Settings))[0].delay_secs, 60);
    assert_eq!(world.find(pick!(Resume))[0].due_at, Some(at(0)));
    assert!(world.revoked.lock().unwrap().is_empty(), "revoking the former token would end the new grant too");
}

#[tokio::test]
async fn fault_21_another_account_on_reconnect_overwrites_nothing() {
    let world = World::new();
    connected_mailbox(&world);
    let (mut browser, token) = signed_in(&world, router(&world)).await;
    let before = kept(&world);
    google_says(&world, "other@example.com");
    let state = press(&mut browser, &token, &[("mailbox", "mb1")]).await;
    let seen = browser.get(&format!("/oauth/callback?code=c&state={state}")).await;
    assert_eq!(seen.code(), Some("other_account"));
    assert_eq!(kept(&world), before);
    assert_eq!(world.secrets.lock().unwrap().len(), 1, "the secret of the wrong account is gone");
    let tried: Vec<_> = grants(&world).into_iter().filter(|grant| grant.grant != grant_id()).collect();
    assert_eq!((tried.len(), tried[0].state, tried[0].due_at), (1, GrantState::Former, Some(at(0))));
}

#[tokio::test]
async fn an_account_that_is_known_is_found_again_by_connect() {
    let world = World::new();
    connected_mailbox(&world);
    let mut meta = world.find(pick!(Mailbox)).remove(0);
    meta.grant = None;
    let hash = meta.address_hash.clone();
    world.seed(meta);
    world.seed(AddressOwner { ver: 0, address_hash: hash, mailbox: None });
    let (mut browser, token) = signed_in(&world, router(&world)).await;
    google_says(&world, "support@example.com");
    let state = press(&mut browser, &token, &[]).await;
    let seen = browser.get(&format!("/oauth/callback?code=c&state={state}")).await;
    assert_eq!(seen.code(), Some("reconnected"));
    let [meta] = world.find(pick!(Mailbox)).try_into().unwrap();
    assert_eq!(
        (meta.mailbox, meta.connected_at),
        (mailbox_id(), at(0)),
        "disconnecting was a decision: what came since is history"
    );
    assert_eq!(world.find(pick!(Sync))[0].cursor, HistoryId(500));
    let current: Vec<_> = grants(&world).into_iter().filter(|grant| grant.state == GrantState::Current).collect();
    assert!(current.iter().any(|grant| Some(&grant.grant) == meta.grant.as_ref() && grant.mailbox == mailbox_id()));
}

#[tokio::test]
async fn fault_22_a_consent_without_gmail_modify_is_said_to_be_incomplete_and_sets_no_watch() {
    let world = World::new();
    let (mut browser, token) = signed_in(&world, router(&world)).await;
    google_says(&world, "support@example.com");
    *world.tokens.lock().unwrap() = Some(Ok(tokens("openid email https://www.googleapis.com/auth/gmail.readonly")));
    let state = press(&mut browser, &token, &[]).await;
    let seen = browser.get(&format!("/oauth/callback?code=c&state={state}")).await;
    assert_eq!((seen.status, seen.code()), (303, Some("scope_missing")), "its words name what is missing");
    assert!(world.find(pick!(Mailbox)).is_empty() && world.find(pick!(Watch)).is_empty());
    assert!(grants(&world).is_empty() && world.secrets.lock().unwrap().is_empty(), "nothing is kept of it");
    assert!(world.sync_work.lock().unwrap().is_empty());
}

type Case = (&'static str, fn(&World), &'static str);

#[tokio::test]
async fn each_refusal_has_its_own_message_and_overwrites_nothing() {
    let good: fn(&World) = |_| {};
    let cases: [Case; 14] = [
        ("error=access_denied&state={state}", good, "denied"),
        ("error=admin_policy_enforced&state={state}", good, "admin_policy"),
        ("error=org_internal&state={state}", good, "org_internal"),
        ("error=%3Cscript%3Ealert(1)%3C%2Fscript%3E&state={state}", good, "google_refused"),
        ("code=c&state=forged", good, "state_wrong"),
        ("code=c", good, "state_wrong"),
        ("%ff=%ff&&=", good, "state_wrong"),
        ("code=c&state={state}", |world| world.advance(601), "state_old"),
        ("state={state}", good, "state_wrong"),
        (
            "code=c&state={state}",
            |world| *world.tokens.lock().unwrap() = Some(Ok(tokens("openid email"))),
            "scope_missing",
        ),
        (
            "code=c&state={state}",
            |world| {
                let mut answer = tokens(SCOPE);
                answer.refresh_token = None;
                *world.tokens.lock().unwrap() = Some(Ok(answer));
            },
            "no_lasting_access",
        ),
        (
            "code=c&state={state}",
            |world| *world.tokens.lock().unwrap() = Some(Err(OAuthError::Grant(GrantProblemKind::Expired))),
            "code_refused",
        ),
        (
            "code=c&state={state}",
            |world| *world.tokens.lock().unwrap() = Some(Err(OAuthError::Client("invalid_client".to_owned()))),
            "client_refused",
        ),
        (
            "code=c&state={state}",
            |world| *world.profile.lock().unwrap() = Some(Err(GmailError::Unknown("503".to_owned()))),
            "gmail_refused",
        ),
    ];
    for (query, change, expected) in cases {
        let world = World::new();
        connected_mailbox(&world);
        let (mut browser, token) = signed_in(&world, router(&world)).await;
        let before = kept(&world);
        google_says(&world, "support@example.com");
        let state = press(&mut browser, &token, &[("mailbox", "mb1")]).await;
        change(&world);
        let seen = browser.get(&format!("/oauth/callback?{}", query.replace("{state}", &state))).await;
        let status = if expected.starts_with("state_") { 400 } else { 303 };
        assert_eq!((seen.status, seen.code()), (status, Some(expected)), "{query}");
        assert!(!seen.body.contains("script") && !seen.body.contains(&state), "nothing of the query comes back");
        if status == 303 {
            assert_eq!(seen.location.as_deref(), Some(format!("/channels/gmail?message={expected}").as_str()));
        }
        assert_eq!(kept(&world), before, "{expected}");
        assert_eq!(world.secrets.lock().unwrap().len(), 1, "{expected}: no secret is left behind");
        assert!(world.sync_work.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn fault_23_a_state_is_good_once_in_one_browser_and_for_ten_minutes() {
    let world = World::new();
    let (mut browser, token) = signed_in(&world, router(&world)).await;
    google_says(&world, "support@example.com");
    let state = press(&mut browser, &token, &[]).await;
    let callback = format!("/oauth/callback?code=c&state={state}");
    let mut stranger = Browser::new(router(&world));
    stranger.cookies.insert(COOKIE.to_owned(), "ab".repeat(32));
    let refused = |seen: Reply| (seen.status, seen.code().map(str::to_owned));
    let with = |code: &str| (400, Some(code.to_owned()));
    assert_eq!(refused(stranger.get(&callback).await), with("other_browser"));
    assert_eq!(refused(browser.get(&callback).await), with("state_used"), "the stranger used it up");
    let state = press(&mut browser, &token, &[]).await;
    let mut bare = Browser::new(router(&world));
    assert_eq!(refused(bare.get(&format!("/oauth/callback?code=c&state={state}")).await), with("no_cookie"));
    let state = press(&mut browser, &token, &[]).await;
    world.advance(11 * 60);
    assert_eq!(refused(browser.get(&format!("/oauth/callback?code=c&state={state}")).await), with("state_old"));
    assert_eq!(world.exchanges.load(Ordering::SeqCst), 0, "no code was exchanged for any of them");
}

#[tokio::test]
async fn a_callback_that_comes_twice_says_that_it_is_connected() {
    let world = World::new();
    let (mut browser, token) = signed_in(&world, router(&world)).await;
    google_says(&world, "support@example.com");
    let state = press(&mut browser, &token, &[]).await;
    let callback = format!("/oauth/callback?code=c&state={state}");
    assert_eq!(browser.get(&callback).await.code(), Some("connected"));
    assert_eq!(browser.get(&callback).await.code(), Some("already_connected"));
    let mut stranger = Browser::new(router(&world));
    assert_eq!(stranger.get(&callback).await.code(), Some("state_used"));
    assert_eq!(world.exchanges.load(Ordering::SeqCst), 1);
    assert_eq!(world.find(pick!(Mailbox)).len(), 1);
}

#[tokio::test]
async fn connecting_needs_a_session_our_origin_and_the_forms_token() {
    let world = World::new();
    let (mut browser, token) = signed_in(&world, router(&world)).await;
    let mut stranger = Browser::new(router(&world));
    let seen = stranger.post("/oauth/connect", &[("form_token", &token)]).await;
    assert_eq!((seen.status, seen.location.as_deref()), (303, Some("/signin?return_to=/channels/gmail")));
    assert_eq!(browser.post("/oauth/connect", &[]).await.code(), Some("form_old"));
    assert_eq!(browser.post("/oauth/connect", &[("form_token", &"0".repeat(64))]).await.code(), Some("form_old"));
    assert_eq!(
        browser.post("/oauth/connect", &[("form_token", &token), ("mailbox", "no such")]).await.code(),
        Some("unknown_mailbox")
    );
    assert_eq!(
        browser.post("/oauth/connect", &[("form_token", &token), ("mailbox", "mb9")]).await.code(),
        Some("unknown_mailbox")
    );
    assert_eq!(
        browser.post("/oauth/connect", &[("form_token", &token), ("history_days", "91")]).await.code(),
        Some("history_days_wrong")
    );
    for origin in [Some("https://evil.example"), Some("null"), None] {
        browser.origin = origin.map(str::to_owned);
        assert_eq!(browser.post("/oauth/connect", &[("form_token", &token)]).await.status, 403, "{origin:?}");
    }
    assert!(world.find(pick!(OAuthState)).is_empty());
    assert!(MailboxId::parse("mb9").is_ok());
}

#[tokio::test]
async fn garbage_is_answered_and_nothing_stops() {
    let world = World::new();
    let (mut browser, _) = signed_in(&world, router(&world)).await;
    for (method, path, body, expected) in [
        ("GET", "/oauth/connect", None, 405),
        ("POST", "/oauth/callback", Some(("text/plain", "x".to_owned())), 405),
        ("POST", "/oauth/connect", Some(("application/json", "{}".to_owned())), 400),
        ("POST", "/oauth/connect", Some(("application/x-www-form-urlencoded", "a".repeat(20_000))), 400),
        ("GET", "/oauth/else", None, 404),
    ] {
        assert_eq!(browser.send(method, path, body).await.status, expected, "{method} {path}");
    }
}

/// Each commit of a reconnect fails, before and after its effect: the mailbox has a grant in force whose secret is there,
/// every secret has a record, and what is told is true.
#[tokio::test]
async fn a_store_that_fails_at_any_moment_leaves_a_grant_that_works() {
    let mut reached = 0;
    for (nth, after) in (0..6).flat_map(|nth| [(nth, false), (nth, true)]) {
        let world = World::new();
        connected_mailbox(&world);
        let (mut browser, token) = signed_in(&world, router(&world)).await;
        google_says(&world, "support@example.com");
        let state = press(&mut browser, &token, &[("mailbox", "mb1")]).await;
        *world.failing_commit.lock().unwrap() = Some((nth, after));
        let seen = browser.get(&format!("/oauth/callback?code=c&state={state}")).await;
        reached += usize::from(world.failing_commit.lock().unwrap().is_none());
        let in_force = world.find(pick!(Mailbox)).remove(0).grant.unwrap();
        let switched = in_force != grant_id();
        assert_eq!(seen.code(), Some(if switched { "reconnected" } else { "unavailable" }), "{nth} {after}");
        let secrets: Vec<_> = world.secrets.lock().unwrap().keys().cloned().collect();
        assert!(
            secrets.contains(&(mailbox_id(), in_force.clone())),
            "{nth} {after}: the grant in force has its secret"
        );
        for (mailbox, grant) in secrets {
            let record = grants(&world).into_iter().find(|record| record.mailbox == mailbox && record.grant == grant);
            let record = record.expect("no secret without a record");
            assert_eq!(record.state == GrantState::Current, grant == in_force, "{nth} {after}");
            assert!(record.due_at.is_some(), "what is not in force is removed in time");
        }
    }
    assert!(reached >= 6, "taking the state, the record and the switch were each failed: {reached}");
}
