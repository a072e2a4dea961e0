//! The page of the notification targets: add, test, remove, and what is never shown.

use crate::operator;
use crate::support::*;
use channel::ports::NotDelivered;
use channel::record::*;
use std::sync::Arc;

const PAGE: &str = "/channels/gmail/mb1/notifications";
const SECRET_PATH: &str = "T0SECRET/B0SECRET";

async fn connected() -> (Arc<World>, Browser, String) {
    let world = World::new();
    connected_mailbox(&world);
    let (browser, token) = operator(&world).await;
    (world, browser, token)
}

fn stored(world: &World) -> Vec<Target> {
    world.find(pick!(Targets)).into_iter().flat_map(|targets| targets.targets).collect()
}

fn slack<'a>(token: &'a str, url: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("form_token", token), ("kind", "slack_webhook"), ("name", "Support <team>"), ("url", url)]
}

#[tokio::test]
async fn a_slack_webhook_is_added_and_its_address_is_never_seen_again() {
    let (world, mut browser, token) = connected().await;
    let url = format!("https://hooks.slack.com/services/{SECRET_PATH}");
    let seen = browser.post(PAGE, &slack(&token, &url)).await;
    assert_eq!(seen.location.as_deref(), Some("/channels/gmail/mb1/notifications?message=target_added"));
    let page = browser.get(&seen.location.unwrap()).await.body;
    assert!(page.contains("hooks.slack.com") && page.contains("Support &#60;team&#62;"), "{page}");
    assert!(!page.contains("SECRET"));
    let target = stored(&world).remove(0);
    assert!(matches!(target.place, Place::SlackWebhook { .. }) && !target.without_content);
    let lying = format!("{:?}", world.snapshot());
    assert!(!lying.contains("SECRET"), "what is stored is sealed");
}

#[tokio::test]
async fn a_signing_secret_is_shown_once() {
    let (world, mut browser, token) = connected().await;
    let fields = [
        ("form_token", token.as_str()),
        ("kind", "webhook"),
        ("name", "CRM"),
        ("url", "https://crm.example.com/in"),
        ("without_content", "on"),
    ];
    let seen = browser.post(PAGE, &fields).await;
    assert_eq!(seen.status, 201);
    assert!(seen.body.contains("whsec_"), "{}", seen.body);
    assert_eq!(seen.headers.get("cache-control").unwrap(), "no-store");
    let page = browser.get(PAGE).await.body;
    assert!(!page.contains("whsec_") && page.contains("crm.example.com") && page.contains("without content"));
    assert!(stored(&world)[0].without_content);
}

#[tokio::test]
async fn what_is_wrong_is_said_and_a_typed_address_is_not_shown_again() {
    let (world, mut browser, token) = connected().await;
    let seen = browser.post(PAGE, &slack(&token, "http://hooks.slack.com/SECRET")).await;
    assert_eq!(seen.status, 422);
    assert!(seen.body.contains("Only https:// addresses may be used.") && !seen.body.contains("SECRET"));
    assert!(seen.body.contains("Support &#60;team&#62;"), "what was typed elsewhere stays");
    for (kind, name, channel) in
        [("carrier_pigeon", "a", ""), ("topic", "", ""), ("slack_channel", "a", "a b"), ("slack_channel", "a", "")]
    {
        let fields = [("form_token", token.as_str()), ("kind", kind), ("name", name), ("channel", channel)];
        assert_eq!(browser.post(PAGE, &fields).await.status, 422, "{kind} {name} {channel}");
    }
    assert!(stored(&world).is_empty());
}

#[tokio::test]
async fn a_test_says_what_came_back_and_carries_no_content() {
    let (world, mut browser, token) = connected().await;
    conversation_in_review(&world);
    browser.post(PAGE, &slack(&token, "https://hooks.slack.com/services/x")).await;
    let path = format!("{PAGE}/{}/test", stored(&world)[0].id);
    world.team.answers(Err(NotDelivered::Refused("Slack refused (no_service).".to_owned())));
    let seen = browser.post(&path, &[("form_token", token.as_str())]).await;
    assert_eq!(seen.location.as_deref(), Some("/channels/gmail/mb1/notifications?message=test_failed"));
    assert!(browser.get(PAGE).await.body.contains("Slack refused (no_service)."));
    assert!(browser.get("/channels/gmail").await.body.contains("was not reached"));
    let seen = browser.post(&path, &[("form_token", token.as_str())]).await;
    assert_eq!(seen.location.as_deref(), Some("/channels/gmail/mb1/notifications?message=test_arrived"));
    assert!(!browser.get(PAGE).await.body.contains("no_service"));
    assert!(!browser.get("/channels/gmail").await.body.contains("was not reached"));
    for (_, notification) in world.team.told() {
        assert_eq!((notification.event, notification.about), ("test", None));
    }
    assert_eq!(world.team.told().len(), 2);
}

#[tokio::test]
async fn a_target_is_removed_and_nobody_else_can_do_any_of_it() {
    let (world, mut browser, token) = connected().await;
    browser.post(PAGE, &slack(&token, "https://hooks.slack.com/services/x")).await;
    let id = stored(&world)[0].id.clone();
    for decision in ["test", "remove"] {
        let seen = browser.post(&format!("{PAGE}/{id}/{decision}"), &[("form_token", "forged")]).await;
        assert_eq!(seen.status, 403, "{decision}");
    }
    assert_eq!((stored(&world).len(), world.team.told().len()), (1, 0));
    let unknown = browser.post(&format!("{PAGE}/other/test"), &[("form_token", token.as_str())]).await;
    assert_eq!(unknown.status, 404);
    let seen = browser.post(&format!("{PAGE}/{id}/remove"), &[("form_token", token.as_str())]).await;
    assert_eq!(seen.location.as_deref(), Some("/channels/gmail/mb1/notifications?message=target_removed"));
    assert!(stored(&world).is_empty());
}

#[tokio::test]
async fn the_conversation_says_who_was_told() {
    let (world, mut browser, _) = connected().await;
    conversation_in_review(&world);
    let target = testkit::targets("mb1").targets.remove(0);
    let delivery = |name: &str, state| Delivery {
        target: target.id.clone(),
        name: name.to_owned(),
        state,
        attempts: 1,
        updated_at: at(-100),
    };
    world.seed(Notice {
        ver: 0,
        mailbox: mailbox_id(),
        thread: thread_id(),
        turn: 1,
        event: NoticeEvent::NeedsPerson,
        reason: "A complaint.".to_owned(),
        deliveries: Some(vec![
            delivery("Night shift", DeliveryState::Delivered),
            delivery("CRM", DeliveryState::Failed { why: "The receiver refused with status 400.".to_owned() }),
        ]),
        created_at: at(-100),
        due_at: None,
        expires_at: at(2_000_000),
    });
    let page = browser.get("/chat/mb1/t1").await.body;
    assert!(page.contains("Night shift was told."), "{page}");
    assert!(page.contains("CRM was not told: The receiver refused with status 400."));
}

#[tokio::test]
async fn there_is_room_for_a_few_targets() {
    let (world, mut browser, token) = connected().await;
    for _ in 0..12 {
        browser.post(PAGE, &slack(&token, "https://hooks.slack.com/services/x")).await;
    }
    assert_eq!(stored(&world).len(), channel::usecase::targets::MAX_TARGETS);
    assert!(browser.get(PAGE).await.body.contains("Remove one to add another"));
}
