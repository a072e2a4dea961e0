//! The channel page, the settings form, the stop switch and disconnecting.

use crate::operator;
use crate::support::*;
use channel::ids::LabelId;
use channel::ports::{GmailError, GmailLabel};
use channel::record::*;
use std::sync::Arc;

const SETTINGS: &str = "/channels/gmail/mb1/settings";

async fn connected() -> (Arc<World>, Browser, String) {
    let world = World::new();
    connected_mailbox(&world);
    let label =
        |id: &str, name: &str, system| GmailLabel { id: LabelId::parse(id).unwrap(), name: name.to_owned(), system };
    *world.labels.lock().unwrap() = Some(Ok(vec![
        label("INBOX", "INBOX", true),
        label("Label_7", "Support/Shop", false),
        label("SENT", "SENT", true),
    ]));
    let (browser, token) = operator(&world).await;
    (world, browser, token)
}

fn form<'a>(token: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("form_token", token),
        ("ver", "1"),
        ("enabled", "on"),
        ("draft_only", "on"),
        ("labels", "INBOX"),
        ("exclude_bulk", "on"),
        ("delay", "0"),
        ("delay_unit", "minutes"),
        ("disclosure", "standard"),
    ];
    fields.extend_from_slice(more);
    fields
}

fn stored(world: &World) -> Settings {
    world.find(pick!(Settings)).remove(0)
}

#[tokio::test]
async fn labels_are_read_live_and_everything_is_stored() {
    let (world, mut browser, token) = connected().await;
    let page = browser.get(SETTINGS).await.body;
    assert!(page.contains("Support/Shop") && page.contains("name=\"labels\" value=\"INBOX\" checked"));
    assert!(!page.contains("value=\"SENT\""), "sent mail cannot be watched");
    let more = [
        ("labels", "Label_7"),
        ("excluded_senders", "boss@example.com\r\nnews@example.net"),
        ("excluded_domains", "@example.org"),
        ("excluded_words", "invoice"),
    ];
    let seen = browser.post(SETTINGS, &form(&token, &more)).await;
    assert_eq!(seen.location.as_deref(), Some("/channels/gmail/mb1/settings?message=saved"));
    let settings = stored(&world);
    assert_eq!(settings.labels.len(), 2);
    assert_eq!((settings.exclusions.senders.len(), settings.exclusions.domains[0].as_str()), (2, "example.org"));
    assert_eq!(world.find(pick!(Watch))[0].due_at, Some(at(0)), "the watch takes the new labels");
    let page = browser.get(SETTINGS).await.body;
    assert!(page.contains("value=\"Label_7\" checked") && page.contains("boss@example.com\nnews@example.net"));
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_nothing_is_lost() {
    let (world, mut browser, token) = connected().await;
    let before = stored(&world);
    let fields =
        form(&token, &[("excluded_senders", "not an address"), ("excluded_words", "cash & carry"), ("delay", "soon")]);
    let fields: Vec<_> = fields.into_iter().filter(|field| *field != ("delay", "0")).collect();
    let seen = browser.post(SETTINGS, &fields).await;
    assert_eq!(seen.status, 422);
    assert!(seen.body.contains("“not an address” is not a mail address.") && seen.body.contains("id=\"delay-errors\""));
    assert!(seen.body.contains("cash &#38; carry") && seen.body.contains("value=\"soon\""));
    assert_eq!(stored(&world), before);
}

#[tokio::test]
async fn auto_reply_asks_to_be_confirmed() {
    let (world, mut browser, token) = connected().await;
    let fields: Vec<_> =
        form(&token, &[("auto_reply", "on")]).into_iter().filter(|(name, _)| *name != "draft_only").collect();
    let seen = browser.post(SETTINGS, &fields).await;
    assert_eq!(seen.status, 422);
    assert!(seen.body.contains("Confirm that answers may be sent without a person"));
    assert_eq!(stored(&world).mode(), Mode::Draft);
    let mut fields = fields;
    fields.push(("auto_reply_confirmed", "on"));
    assert_eq!(browser.post(SETTINGS, &fields).await.code(), Some("saved"));
    assert_eq!(stored(&world).mode(), Mode::AutoReply);
}

#[tokio::test]
async fn a_form_from_before_somebody_elses_does_not_overwrite_theirs() {
    let (world, mut browser, token) = connected().await;
    let theirs = Settings { ver: 5, delay_secs: 60, ..Settings::initial(mailbox_id()) };
    world.seed(theirs.clone());
    let seen = browser.post(SETTINGS, &form(&token, &[("excluded_words", "mine")])).await;
    assert_eq!(seen.status, 409);
    assert!(seen.body.contains("Somebody else changed these settings") && seen.body.contains("\nmine</textarea>"));
    assert!(seen.body.contains("name=\"ver\" value=\"5\""), "saving again is then a decision");
    assert_eq!(stored(&world), theirs);
}

#[tokio::test]
async fn labels_that_cannot_be_read_stay_as_they_are() {
    let (world, mut browser, _) = connected().await;
    world.seed(Settings { labels: vec![LabelId::parse("Label_7").unwrap()], ..Settings::initial(mailbox_id()) });
    *world.labels.lock().unwrap() = Some(Err(GmailError::Unavailable("down".to_owned())));
    let page = browser.get(SETTINGS).await.body;
    assert!(page.contains("could not be asked for its labels") && page.contains("value=\"Label_7\" checked"));
}

#[tokio::test]
async fn pausing_and_going_on() {
    let (world, mut browser, token) = connected().await;
    let paused: Vec<_> = form(&token, &[]).into_iter().filter(|(name, _)| *name != "enabled").collect();
    assert_eq!(browser.post(SETTINGS, &paused).await.code(), Some("saved"));
    assert!(!stored(&world).enabled && world.find(pick!(Resume)).is_empty());
    let page = browser.get("/channels/gmail").await.body;
    assert!(page.contains(">Paused<") && page.contains("Enabled is off"));
    let fields: Vec<_> =
        form(&token, &[]).into_iter().map(|(name, value)| (name, if name == "ver" { "2" } else { value })).collect();
    assert_eq!(browser.post(SETTINGS, &fields).await.code(), Some("saved"));
    assert_eq!(world.find(pick!(Resume))[0].due_at, Some(at(0)), "what waited is taken up");
}

#[tokio::test]
async fn one_switch_stops_all_automatic_sending() {
    let (world, mut browser, token) = connected().await;
    for (value, code, stopped) in [
        ("stopped", "sending_stopped", true),
        ("stopped", "sending_stopped", true),
        ("allowed", "sending_allowed", false),
    ] {
        assert_eq!(browser.post("/settings", &[("form_token", &token), ("sending", value)]).await.code(), Some(code));
        assert_eq!(world.find(pick!(Organisation))[0].sending_stopped, stopped);
        assert_eq!(browser.get("/channels/gmail").await.body.contains("All automatic sending is stopped"), stopped);
    }
    assert_eq!(browser.post("/settings", &[("form_token", &token), ("sending", "maybe")]).await.status, 400);
}

#[tokio::test]
async fn each_state_of_a_mailbox_says_what_to_do() {
    for (kind, state, remedy) in [
        (GrantProblemKind::Expired, "Reconnect needed", "Token expired"),
        (GrantProblemKind::ScopeMissing, "Reconnect needed", "Authorization failed"),
        (GrantProblemKind::Revoked, "Access revoked", "Google Account → Security"),
        (GrantProblemKind::BlockedByAdmin, "Blocked by an administrator", "Admin console"),
    ] {
        let (world, mut browser, _) = connected().await;
        let mut meta = world.find(pick!(Mailbox)).remove(0);
        meta.problem = Some(GrantProblem { kind, grant: grant_id(), at: at(-1) });
        world.seed(meta);
        let page = browser.get("/channels/gmail").await.body;
        assert!(page.contains(state) && page.contains(remedy), "{kind:?}");
        assert!(page.contains("<button class=\"primary\">Reconnect</button>"), "on the same page");
    }
    let (world, mut browser, _) = connected().await;
    let mut grant = world.find(pick!(Grant)).remove(0);
    grant.refresh_expires_at = Some(at(3 * 86_400));
    world.seed(grant);
    let page = browser.get("/channels/gmail").await.body;
    assert!(page.contains(">Connected<") && page.contains("support@example.com") && page.contains("in 3 days"));
}

#[tokio::test]
async fn disconnecting_releases_everything_and_keeps_the_settings() {
    let (world, mut browser, token) = connected().await;
    let page = browser.get("/channels/gmail/mb1/disconnect").await.body;
    assert!(page.contains("Disconnect support@example.com?"));
    let path = "/channels/gmail/mb1/disconnect";
    assert_eq!(browser.post(path, &[("form_token", &token)]).await.code(), Some("disconnected"));
    let meta = world.find(pick!(Mailbox)).remove(0);
    let grant = world.find(pick!(Grant)).remove(0);
    assert_eq!((meta.grant, grant.state, grant.due_at), (None, GrantState::Former, Some(at(0))));
    assert_eq!(world.find(pick!(AddressOwner))[0].mailbox, None);
    assert_eq!((world.find(pick!(Sync))[0].due_at, world.find(pick!(Watch))[0].due_at), (None, None));
    assert_eq!(world.stopped.lock().unwrap().len(), 1);
    assert_eq!(*world.revoked.lock().unwrap(), ["old-refresh"]);
    assert_eq!(stored(&world), Settings { ver: 1, ..Settings::initial(mailbox_id()) });
    assert!(browser.get("/channels/gmail").await.body.contains(">Disconnected<"));
    assert_eq!(browser.post(path, &[("form_token", &token)]).await.code(), Some("disconnected_already"));
    assert_eq!(browser.post("/channels/gmail/mb2/disconnect", &[("form_token", &token)]).await.status, 404);
}

#[tokio::test]
async fn a_google_that_cannot_be_told_is_said() {
    let (world, mut browser, token) = connected().await;
    *world.revoke_fails.lock().unwrap() = true;
    let seen = browser.post("/channels/gmail/mb1/disconnect", &[("form_token", &token)]).await;
    assert_eq!(seen.code(), Some("disconnected_here"));
    assert_eq!(world.find(pick!(Mailbox))[0].grant, None);
}
