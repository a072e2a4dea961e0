//! What a person decides at a conversation.

use crate::operator;
use crate::support::*;
use channel::ids::{DraftId, MessageId};
use channel::record::*;
use channel::work::WorkerWork;
use std::sync::Arc;

const CHAT: &str = "/chat/mb1/t1";

fn act(step: &str) -> WorkerWork {
    let step = channel::ids::StepName::parse(step).unwrap();
    WorkerWork::Act { mailbox: mailbox_id(), thread: thread_id(), turn: 1, step }
}

fn the_action(world: &World) -> Action {
    let actions = world.find(pick!(Action));
    actions.into_iter().find(|action| action.step == step()).unwrap()
}

fn the_head(world: &World) -> Head {
    world.find(pick!(Head)).remove(0)
}

fn the_turn(world: &World) -> Turn {
    world.find(pick!(Turn)).remove(0)
}

async fn in_review() -> (Arc<World>, Browser, String) {
    let world = World::new();
    connected_mailbox(&world);
    conversation_in_review(&world);
    let (browser, token) = operator(&world).await;
    (world, browser, token)
}

async fn pending() -> (Arc<World>, Browser, String) {
    let world = World::new();
    connected_mailbox(&world);
    conversation_pending(&world);
    let (browser, token) = operator(&world).await;
    (world, browser, token)
}

fn form<'a>(token: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![("form_token", token), ("turn", "1"), ("step", "answer"), ("ver", "1")];
    fields.extend_from_slice(more);
    fields
}

#[tokio::test]
async fn approving_names_the_message_that_was_shown() {
    let (world, mut browser, token) = in_review().await;
    let page = browser.get(CHAT).await.body;
    for shown in [
        "Draft waiting for your review",
        "Your order left on Monday.",
        "value=\"dm1\"",
        "Shipping times",
        "82 %",
        "Ada Customer",
        "Answers come from <strong>support@example.com</strong>",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    let seen = browser.post(&format!("{CHAT}/approve"), &form(&token, &[("shown", "dm1")])).await;
    assert_eq!((seen.status, seen.location.as_deref()), (303, Some("/chat/mb1/t1?message=approved")));
    let action = the_action(&world);
    assert_eq!(action.state, ActionState::Approved { message: MessageId::parse("dm1").unwrap(), text: None });
    assert_eq!((action.due_at, action.by), (Some(at(0)), Some(email("op@example.com"))));
    assert_eq!(the_head(&world).state, ConversationState::Pending);
    assert_eq!(*world.worker_work.lock().unwrap(), [act("answer")]);

    let again = browser.post(&format!("{CHAT}/approve"), &form(&token, &[("shown", "dm1")])).await;
    assert_eq!(again.status, 409, "a double click is one approval");
    assert!(again.body.contains("nothing was done twice"));
    assert_eq!(world.worker_work.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_edited_answer_is_sent_with_its_text() {
    let (world, mut browser, token) = in_review().await;
    let path = format!("{CHAT}/approve");
    for (text, words) in [("  \r\n", "Write something first"), (&*"x".repeat(50_001), "too long")] {
        let seen = browser.post(&path, &form(&token, &[("shown", "dm1"), ("text", text)])).await;
        assert_eq!((seen.status, seen.body.contains(words)), (422, true), "{words}");
    }
    browser.post(&path, &form(&token, &[("shown", "dm1"), ("text", "It left\r\non Tuesday.\r\n\r\n")])).await;
    let ActionState::Approved { text, .. } = the_action(&world).state else { panic!("not approved") };
    assert_eq!(text.as_deref(), Some("It left\non Tuesday.\n"));

    let (world, mut browser, token) = in_review().await;
    browser.post(&path, &form(&token, &[("shown", "dm1"), ("text", "Your order left on Monday.\r\n")])).await;
    let ActionState::Approved { text, .. } = the_action(&world).state else { panic!("not approved") };
    assert_eq!(text, None, "the same text is no edit");
}

#[tokio::test]
async fn stale_forms_are_refused_and_keep_what_was_typed() {
    let (world, mut browser, token) = in_review().await;
    world.seed(Turn { rev: 2, state: TurnState::Open, ..turn(TurnState::Open) });
    let fields = form(&token, &[("shown", "dm1"), ("text", "My careful words.")]);
    let seen = browser.post(&format!("{CHAT}/approve"), &fields).await;
    assert_eq!(seen.status, 409);
    assert!(seen.body.contains("My careful words."), "what was typed is still there");

    let (world, mut browser, token) = in_review().await;
    world.seed(Turn { rev: 2, ..turn(TurnState::Planned) });
    let seen = browser.post(&format!("{CHAT}/approve"), &form(&token, &[("shown", "dm1")])).await;
    assert!(seen.body.contains("The customer wrote more meanwhile"));

    let (world, mut browser, token) = in_review().await;
    let mut replaced = action(ActionKind::Draft, ActionState::Drafted);
    replaced.ver = 4;
    world.seed(replaced);
    let seen = browser.post(&format!("{CHAT}/discard"), &form(&token, &[])).await;
    assert_eq!(seen.status, 409);
    assert!(seen.body.contains("has changed since you opened the page"));
    assert_eq!(the_action(&world).state, ActionState::Drafted);
}

#[tokio::test]
async fn a_draft_is_shown_as_it_stands_in_gmail() {
    let (world, mut browser, _) = in_review().await;
    let draft = DraftId::parse("d1").unwrap();
    world.drafts.lock().unwrap().insert(draft.clone(), (draft_ref("dm2"), b"Changed by hand.".to_vec()));
    let page = browser.get(CHAT).await.body;
    assert!(
        page.contains("Changed by hand.") && page.contains("was changed in Gmail") && page.contains("value=\"dm2\"")
    );
    assert!(!page.contains("Edit and send"), "their words and recipients are not overwritten");
    world.drafts.lock().unwrap().remove(&draft);
    let page = browser.get(CHAT).await.body;
    assert!(page.contains("no longer in Gmail") && !page.contains("Approve and send"));
    *world.gmail_down.lock().unwrap() = true;
    let page = browser.get(CHAT).await.body;
    assert!(page.contains("Gmail cannot be asked right now") && page.contains("value=\"dm1\""));
}

#[tokio::test]
async fn discarding_cleans_up_and_ends_the_turn() {
    let (world, mut browser, token) = in_review().await;
    let seen = browser.post(&format!("{CHAT}/discard"), &form(&token, &[])).await;
    assert_eq!(seen.code(), Some("discarded"));
    let action = the_action(&world);
    assert_eq!(action.state, ActionState::Cancelled { reason: "discarded".to_owned(), cleanup: true });
    assert_eq!(action.due_at, Some(at(0)));
    assert_eq!((the_turn(&world).state, the_head(&world).state), (TurnState::NoAnswer, ConversationState::Received));
    assert_eq!(*world.worker_work.lock().unwrap(), [act("answer")]);
}

#[tokio::test]
async fn a_pending_answer_is_sent_now_or_cancelled() {
    let (world, mut browser, token) = pending().await;
    let page = browser.get(CHAT).await.body;
    assert!(page.contains("Answer that will be sent") && page.contains("in 1 h"));
    assert_eq!(browser.post(&format!("{CHAT}/send-now"), &form(&token, &[])).await.code(), Some("sending_now"));
    let action = the_action(&world);
    assert_eq!((action.state, action.due_at), (ActionState::Planned, Some(at(0))));
    assert_eq!(*world.worker_work.lock().unwrap(), [act("answer")]);

    let (world, mut browser, token) = pending().await;
    assert_eq!(browser.post(&format!("{CHAT}/cancel"), &form(&token, &[])).await.code(), Some("cancelled"));
    let action = the_action(&world);
    assert_eq!(action.state, ActionState::Cancelled { reason: "cancelled".to_owned(), cleanup: false });
    assert_eq!((action.due_at, the_turn(&world).state), (None, TurnState::NoAnswer));
    assert_eq!(the_head(&world).state, ConversationState::Received);
}

#[tokio::test]
async fn nothing_is_sent_now_while_paused_or_stopped() {
    let (world, mut browser, token) = pending().await;
    world.seed(Settings { enabled: false, ..Settings::initial(mailbox_id()) });
    let before = the_action(&world);
    let seen = browser.post(&format!("{CHAT}/send-now"), &form(&token, &[])).await;
    assert!(seen.status == 409 && seen.body.contains("The channel is paused"));
    world.seed(Settings::initial(mailbox_id()));
    world.seed(Organisation { ver: 0, sending_stopped: true });
    let seen = browser.post(&format!("{CHAT}/send-now"), &form(&token, &[])).await;
    assert!(seen.status == 409 && seen.body.contains("stopped for the organisation"));
    assert_eq!(the_action(&world), before);
}

#[tokio::test]
async fn what_is_being_sent_cannot_be_called_back() {
    for state in [
        ActionState::Sending { since: at(-1), attempt: 1 },
        ActionState::Unknown { since: at(-1), attempt: 1, looks: 0 },
    ] {
        let (world, mut browser, token) = pending().await;
        world.seed(action(ActionKind::Send, state.clone()));
        for decision in ["cancel", "send-now", "discard"] {
            let seen = browser.post(&format!("{CHAT}/{decision}"), &form(&token, &[("shown", "dm1")])).await;
            assert_eq!(seen.status, 409, "{decision}");
        }
        assert_eq!(
            browser.post(&format!("{CHAT}/take-over"), &[("form_token", &token)]).await.code(),
            Some("taken_over")
        );
        assert_eq!(the_action(&world).state, state, "left to the worker, who knows whether it went out");
        assert_eq!(the_turn(&world).state, TurnState::Planned);
        assert!(the_head(&world).taken_over.is_some());
    }
}

#[tokio::test]
async fn taking_over_cancels_and_handing_back_reopens() {
    let (world, mut browser, token) = in_review().await;
    assert_eq!(browser.post(&format!("{CHAT}/take-over"), &[("form_token", &token)]).await.code(), Some("taken_over"));
    assert_eq!(the_action(&world).state, ActionState::Cancelled { reason: "taken_over".to_owned(), cleanup: true });
    assert_eq!(
        (the_turn(&world).state, the_head(&world).state),
        (TurnState::NeedsPerson, ConversationState::NeedsPerson)
    );
    let page = browser.get(CHAT).await.body;
    assert!(page.contains("Hand back to the assistant") && !page.contains("Approve and send"));

    world.worker_work.lock().unwrap().clear();
    assert_eq!(browser.post(&format!("{CHAT}/hand-back"), &[("form_token", &token)]).await.code(), Some("handed_back"));
    let turn = the_turn(&world);
    assert_eq!((turn.state, turn.rev, turn.due_at, turn.slot), (TurnState::Open, 2, Some(at(0)), None));
    assert_eq!((the_head(&world).taken_over, the_head(&world).state), (None, ConversationState::Working));
    let work = WorkerWork::Turn { mailbox: mailbox_id(), thread: thread_id(), turn: 1 };
    assert_eq!(*world.worker_work.lock().unwrap(), [work]);
}

#[tokio::test]
async fn handing_back_an_answered_thread_waits_for_the_next_mail() {
    let (world, mut browser, token) = in_review().await;
    world.seed(turn(TurnState::Answered));
    let mut answer = customer_mail("m2", -60, "We sent it.");
    answer.author = channel::assistant::Author::Person;
    world.seed(answer);
    let seen = browser.post(&format!("{CHAT}/hand-back"), &[("form_token", &token)]).await;
    assert_eq!(seen.code(), Some("handed_back_next"));
    assert_eq!((the_turn(&world).state, the_head(&world).state), (TurnState::Answered, ConversationState::Answered));
    assert!(world.worker_work.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_own_answer_closes_the_turn_and_is_sent_once() {
    let (world, mut browser, token) = in_review().await;
    let page = browser.get(CHAT).await.body;
    let form_id = page.split_once("name=\"form_id\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let fields = [("form_token", token.as_str()), ("form_id", &form_id), ("text", "Hello Ada,\r\nit is on its way.")];
    assert_eq!(browser.post(&format!("{CHAT}/reply"), &fields).await.code(), Some("replied"));
    let replies: Vec<_> =
        world.find(pick!(Action)).into_iter().filter(|action| action.kind == ActionKind::PersonReply).collect();
    let [reply] = replies.try_into().unwrap();
    assert_eq!(reply.step.as_str(), format!("person:{form_id}"));
    assert_eq!(
        (reply.state.clone(), reply.due_at, reply.reply.machine_sent),
        (ActionState::Planned, Some(at(0)), false)
    );
    assert_eq!(reply.reply.text, "Hello Ada,\nit is on its way.\n");
    assert_eq!(reply.reply.to[0].email, email("ada@customer.test"));
    assert_eq!(reply.reply.in_reply_to.as_deref(), Some("<m1@customer.test>"));
    assert!(matches!(the_action(&world).state, ActionState::Cancelled { cleanup: true, .. }), "the draft goes");
    assert_eq!(the_turn(&world).state, TurnState::Answered);
    assert_eq!(the_head(&world).taken_over.unwrap().reason, "own_reply");
    assert!(world.worker_work.lock().unwrap().contains(&act(reply.step.as_str())));

    assert_eq!(browser.post(&format!("{CHAT}/reply"), &fields).await.status, 409, "sent twice is one mail");
    let both = world.find(pick!(Action)).len();
    assert_eq!(both, 2);
    let seen = browser.post(&format!("{CHAT}/take-over"), &[("form_token", &token)]).await;
    assert_eq!(seen.code(), Some("taken_over"));
    let reply = world.find(pick!(Action)).into_iter().find(|action| action.kind == ActionKind::PersonReply).unwrap();
    assert_eq!(reply.state, ActionState::Planned, "a person's own answer is not the assistant's to cancel");
}

#[tokio::test]
async fn a_mailbox_that_is_not_connected_sends_nothing() {
    let (world, mut browser, token) = in_review().await;
    let mut meta = world.find(pick!(Mailbox)).remove(0);
    meta.problem = Some(GrantProblem { kind: GrantProblemKind::Revoked, grant: grant_id(), at: at(-1) });
    world.seed(meta);
    let form_id = "ab".repeat(16);
    for (decision, fields) in [
        ("approve", form(&token, &[("shown", "dm1")])),
        ("reply", vec![("form_token", token.as_str()), ("form_id", &form_id), ("text", "Hello.")]),
    ] {
        let seen = browser.post(&format!("{CHAT}/{decision}"), &fields).await;
        assert!(seen.status == 409 && seen.body.contains("The mailbox is not connected"), "{decision}");
    }
    assert!(world.worker_work.lock().unwrap().is_empty());
}

#[tokio::test]
async fn ids_of_another_mailbox_lead_nowhere() {
    let (world, mut browser, token) = in_review().await;
    for path in ["/chat/mb2/t1", "/chat/mb1/t2", "/chat/mb1/no%20id", "/chat/..%2F..%2Fmb1/t1"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    for path in [
        "/chat/mb2/t1/approve",
        "/chat/mb1/t2/approve",
        "/chat/mb2/t1/take-over",
        "/chat/mb1/t2/hand-back",
        "/chat/mb1/t1/obey",
    ] {
        assert_eq!(browser.post(path, &form(&token, &[("shown", "dm1")])).await.status, 404, "{path}");
    }
    for (name, value) in [("turn", "x"), ("step", "no step"), ("ver", "-1"), ("shown", "")] {
        let fields: Vec<_> = form(&token, &[("shown", "dm1")])
            .into_iter()
            .map(|(key, old)| (key, if key == name { value } else { old }))
            .collect();
        assert_eq!(browser.post(&format!("{CHAT}/approve"), &fields).await.status, 400, "{name}");
    }
    assert_eq!(the_action(&world).state, ActionState::Drafted);
}
