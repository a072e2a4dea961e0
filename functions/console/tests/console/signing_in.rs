//! Sessions, sign-in and what stands before every page.

use crate::support::*;
use crate::{operator, router};
use channel::ports::IdToken;
use channel::record::*;

const PAGES: [&str; 7] = [
    "/chat",
    "/chat/mb1/t1",
    "/channels/gmail",
    "/channels/gmail/mb1/settings",
    "/channels/gmail/mb1/notifications",
    "/channels/gmail/mb1/disconnect",
    "/settings",
];

const FORMS: [&str; 14] = [
    "/chat/mb1/t1/approve",
    "/chat/mb1/t1/discard",
    "/chat/mb1/t1/send-now",
    "/chat/mb1/t1/cancel",
    "/chat/mb1/t1/take-over",
    "/chat/mb1/t1/hand-back",
    "/chat/mb1/t1/reply",
    "/channels/gmail/mb1/disconnect",
    "/channels/gmail/mb1/settings",
    "/channels/gmail/mb1/notifications",
    "/channels/gmail/mb1/notifications/t1/test",
    "/channels/gmail/mb1/notifications/t1/remove",
    "/settings",
    "/signout",
];

#[tokio::test]
async fn no_page_without_a_session() {
    let world = World::new();
    connected_mailbox(&world);
    conversation_in_review(&world);
    let mut stranger = Browser::new(router(&world));
    for page in PAGES {
        let seen = stranger.get(&format!("{page}?a=b")).await;
        let back = format!("/signin?return_to={}%3Fa%3Db", page);
        assert_eq!((seen.status, seen.location), (303, Some(back)), "{page}");
    }
    for cookie in ["", "short", &"0".repeat(64)] {
        stranger.cookies.insert("__Host-postroom".to_owned(), cookie.to_owned());
        assert_eq!(stranger.get("/chat").await.status, 303, "{cookie:?}");
    }
}

#[tokio::test]
async fn nothing_is_changed_without_session_origin_and_form_token() {
    let world = World::new();
    connected_mailbox(&world);
    conversation_in_review(&world);
    let (mut browser, token) = operator(&world).await;
    let (_, other_token) = operator(&world).await;
    let before = world.snapshot();
    let mut stranger = Browser::new(router(&world));
    for form in FORMS {
        let fields = [
            ("form_token", token.as_str()),
            ("turn", "1"),
            ("step", "answer"),
            ("ver", "1"),
            ("shown", "dm1"),
            ("text", "x"),
            ("sending", "stopped"),
        ];
        let seen = stranger.post(form, &fields).await;
        assert_eq!((seen.status, seen.location.as_deref()), (303, Some("/signin")), "{form}");
        for wrong in ["", "0", &other_token] {
            let mut fields = fields;
            fields[0].1 = wrong;
            assert_eq!(browser.post(form, &fields).await.status, 403, "{form} with token {wrong:?}");
        }
        for origin in [Some("https://evil.example"), Some("null"), None] {
            browser.origin = origin.map(str::to_owned);
            assert_eq!(browser.post(form, &fields).await.status, 403, "{form} from {origin:?}");
        }
        browser.origin = Some(ORIGIN.to_owned());
        let seen = browser.send("POST", form, Some(("application/json", "{}".to_owned()))).await;
        assert_eq!(seen.status, 415, "{form}");
    }
    assert_eq!(world.snapshot(), before);
    assert!(world.worker_work.lock().unwrap().is_empty());
}

async fn sign_in_as(who: Option<IdToken>) -> (std::sync::Arc<World>, Browser, Reply) {
    let world = World::new();
    *world.tokens.lock().unwrap() = Some(Ok(tokens("openid email")));
    *world.id_token.lock().unwrap() = who;
    let mut browser = Browser::new(router(&world));
    let seen = browser.post("/signin", &[("return_to", "/channels/gmail")]).await;
    let to = seen.location.unwrap();
    let state = to.split_once("&state=").unwrap().1.split('&').next().unwrap();
    let seen = browser.get(&format!("/signin/callback?code=c&state={state}")).await;
    (world, browser, seen)
}

#[tokio::test]
async fn operators_get_in_and_come_back_to_their_page() {
    for (address, domain) in [("op@example.com", None), ("ann@example.org", Some("example.org"))] {
        let who = IdToken { email: email(address), hosted_domain: domain.map(str::to_owned) };
        let (world, mut browser, seen) = sign_in_as(Some(who)).await;
        assert_eq!((seen.status, seen.location.as_deref()), (303, Some("/channels/gmail")), "{address}");
        let cookies: Vec<_> = seen.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(
            cookies[0].starts_with("__Host-postroom=")
                && cookies[0].ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure")
        );
        let cookie = browser.cookies["__Host-postroom"].clone();
        let stored = world.find(pick!(Session));
        assert_eq!(stored.len(), 1);
        assert_ne!(stored[0].session_hash, cookie, "the store holds a hash");
        let page = browser.get("/channels/gmail").await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains(address));

        let token =
            page.body.split_once("name=\"form_token\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
        assert_eq!(browser.post("/signout", &[("form_token", &token)]).await.code(), Some("signed_out"));
        browser.cookies.insert("__Host-postroom".to_owned(), cookie);
        assert_eq!(browser.get("/chat").await.status, 303, "a session that was closed stays closed");
    }
}

#[tokio::test]
async fn others_do_not_get_in() {
    for (address, domain) in
        [("eve@example.com", Some("example.com")), ("ann@example.org", None), ("ann@example.org", Some("evil.example"))]
    {
        let who = IdToken { email: email(address), hosted_domain: domain.map(str::to_owned) };
        let (world, mut browser, seen) = sign_in_as(Some(who)).await;
        assert_eq!(seen.code(), Some("not_an_operator"), "{address}");
        assert!(world.find(pick!(Session)).is_empty());
        assert!(browser.get("/signin?message=not_an_operator").await.body.contains("may not sign in here"));
    }
    assert_eq!(sign_in_as(None).await.2.code(), Some("code_refused"), "an ID token that is not valid");
}

#[tokio::test]
async fn sessions_end() {
    let world = World::new();
    let (mut browser, _) = operator(&world).await;
    assert_eq!(browser.get("/chat").await.status, 200);
    world.advance(12 * 3600 + 1);
    assert_eq!(browser.get("/chat").await.status, 303, "after twelve hours");

    let world = World::new();
    let (mut browser, _) = operator(&world).await;
    let mut session = world.find(pick!(Session)).remove(0);
    session.operator = email("left@example.com");
    world.seed(session);
    assert_eq!(browser.get("/chat").await.status, 303, "when the operator is taken off the list");
}

#[tokio::test]
async fn a_sign_in_is_good_once_in_its_browser_and_leads_nowhere_else() {
    let world = World::new();
    *world.tokens.lock().unwrap() = Some(Ok(tokens("openid email")));
    *world.id_token.lock().unwrap() = Some(IdToken { email: email("op@example.com"), hosted_domain: None });
    let mut browser = Browser::new(router(&world));
    let begin = async |browser: &mut Browser| {
        let to = browser.post("/signin", &[("return_to", "//evil.example/")]).await.location.unwrap();
        to.split_once("&state=").unwrap().1.split('&').next().unwrap().to_owned()
    };
    let state = begin(&mut browser).await;
    let callback = format!("/signin/callback?code=c&state={state}");
    let mut stranger = Browser::new(router(&world));
    assert_eq!(stranger.get(&callback).await.code(), Some("no_cookie"));
    assert_eq!(browser.get(&callback).await.code(), Some("state_used"));
    let state = begin(&mut browser).await;
    assert_eq!(
        browser.get(&format!("/signin/callback?error=access_denied&state={state}")).await.code(),
        Some("sign_in_denied")
    );
    let state = begin(&mut browser).await;
    let seen = browser.get(&format!("/signin/callback?code=c&state={state}")).await;
    assert_eq!(seen.location.as_deref(), Some("/"), "not to where the link wanted");
    browser.origin = Some("https://evil.example".to_owned());
    assert_eq!(browser.post("/signin", &[("return_to", "/")]).await.status, 403);
}

#[tokio::test]
async fn a_store_that_is_down_is_said_with_an_id() {
    let world = World::new();
    let (mut browser, token) = operator(&world).await;
    *world.store_down.lock().unwrap() = true;
    let seen = browser.post("/settings", &[("form_token", &token), ("sending", "stopped")]).await;
    assert_eq!(seen.status, 503);
    assert!(seen.body.contains("Reference: <code>") && seen.body.contains("Nothing was lost"));
    assert!(!seen.body.contains("the store is not available: down"), "the cause is for the log");
}
