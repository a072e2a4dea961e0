//! `C1`, `B10`, and the faults of sync: nothing is lost, whatever is.

use crate::letters::question;
use crate::world::{World, auto_reply};
use channel::ports::Engines;
use channel::record::ConversationState;
use simulator::{Deliver, Effect, Fault, Verdict, When};
use std::time::Duration;

#[tokio::test]
async fn fault_07_a_hundred_pushes_of_one_mail_are_one_conversation_and_one_answer() {
    let mut world = World::with(auto_reply()).await;
    world.deliver(&question("a"));
    for _ in 0..100 {
        world.push();
    }
    world.settle().await;
    assert_eq!(world.conversations().await.len(), 1);
    assert_eq!(world.answers().len(), 1);
}

#[tokio::test]
async fn a_lost_push_costs_a_fallback_interval() {
    let mut world = World::new().await;
    let mail = world.deliver(&question("a"));
    world.run_for(Duration::from_secs(420)).await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review);
}

#[tokio::test]
async fn hints_that_are_lost_come_back_from_the_due_index() {
    let mut world = World::with(auto_reply()).await;
    world.receive(&question("a"));
    // The Sync and the Ingest run; then every hint is lost, again and again.
    for _ in 0..6 {
        world.run_for(Duration::from_secs(1)).await;
        world.post.lose();
        world.run_for(Duration::from_secs(61)).await;
    }
    world.settle().await;
    assert_eq!(world.answers().len(), 1);
}

#[tokio::test]
async fn fault_11_a_history_id_that_is_too_old_leads_to_a_listing_that_closes_the_gap() {
    let mut world = World::new().await;
    let mut threads = vec![];
    for n in 0..7 {
        threads.push(world.deliver(&question(&format!("g{n}")).subject(&format!("Question {n}"))).thread_id);
    }
    world.google.forget_history(crate::letters::DESK).unwrap();
    world.push();
    world.settle().await;
    for thread in threads {
        assert_eq!(world.conversation(&thread).await.head.state, ConversationState::Review);
    }
    let state = world.table.sync_state(&world.mailbox).await.unwrap().unwrap();
    assert_eq!(state.recovered, 7);
    assert_eq!(state.resync, None);
}

#[tokio::test]
async fn fault_12_all_pages_of_the_history_are_read() {
    let mut world = World::new().await;
    for n in 0..120 {
        world.deliver(&question(&format!("p{n}")).subject(&format!("Question {n}")));
    }
    world.push();
    world.run_for(Duration::from_secs(600)).await;
    let mut seen = 0;
    let mut page = None;
    loop {
        let rows = channel::ports::Conversations::list(
            &*world.table,
            &world.mailbox,
            page.as_deref(),
            50,
            channel::ports::Clock::now(&world.clock),
        )
        .await
        .unwrap();
        seen += rows.rows.len();
        page = rows.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(seen, 120);
}

#[tokio::test]
async fn fault_13_a_mail_that_is_deleted_before_it_is_read_is_skipped() {
    let mut world = World::new().await;
    let gone = world.receive(&question("a"));
    world.google.delete_message(crate::letters::DESK, &gone.id).unwrap();
    let kept = world.receive(&question("b").subject("Another question"));
    world.settle().await;
    assert_eq!(world.conversations().await.len(), 1);
    assert_eq!(world.conversation(&kept.thread_id).await.head.state, ConversationState::Review);
    assert_eq!(world.dead, Vec::<String>::new());
}

#[tokio::test]
async fn fault_16_a_rate_limit_is_waited_for() {
    let mut world = World::new().await;
    let refuse =
        Effect::Refuse { status: 429, reason: "rateLimitExceeded".into(), message: None, retry_after: Some(90) };
    world.google.fault(Fault {
        method: "gmail.users.messages.get".into(),
        account: None,
        nth: 1,
        times: 2,
        when: When::Before,
        effect: refuse,
    });
    let mail = world.receive(&question("a"));
    world.run_for(Duration::from_secs(900)).await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review);
    assert_eq!(world.dead, Vec::<String>::new());
}

#[tokio::test]
async fn fault_18_a_revoked_grant_parks_the_mail() {
    let mut world = World::new().await;
    world.google.revoke_grants(crate::letters::DESK);
    world.receive(&question("a"));
    world.settle().await;
    let view = world.view().await;
    assert_eq!(view.state(), channel::record::ConnectionState::AccessRevoked);
    assert_eq!(world.dead, Vec::<String>::new());
}

#[tokio::test]
async fn fault_49_a_mail_that_is_old_when_first_seen_is_only_drafted() {
    let mut world = World::with(auto_reply()).await;
    let view = world.view().await;
    let mut meta = view.meta;
    let three_days = Duration::from_secs(3 * 24 * 3600);
    meta.connected_at = meta.connected_at.minus(three_days);
    channel::ports::Commits::commit(&*world.table, channel::record::Commit::new().put(meta)).await.unwrap();
    let then = channel::ports::Clock::now(&world.clock).minus(Duration::from_secs(2 * 24 * 3600)).as_millis();
    let old = Deliver { internal_date: Some(then), authentication: Some(Verdict::Pass), ..Deliver::default() };
    let mail = world.deliver_as(&question("a"), &old);
    world.push();
    world.settle().await;
    assert!(world.answers().is_empty());
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review);
}

#[tokio::test]
async fn fault_30_mails_of_one_thread_that_are_read_at_once_all_keep_their_text() {
    let mut world = World::new().await;
    let mail = world.deliver(&question("c0"));
    for n in 1..6 {
        let letter = question(&format!("c{n}")).replies_to("<c0@customer.test>").subject("Re: Returning an item");
        world.deliver(&letter.body(&format!("And a further remark, number {n}.\n")));
    }
    world.push();
    world.all_at_once().await; // the Sync
    world.all_at_once().await; // six Ingests
    world.settle().await;
    let conversation = world.conversation(&mail.thread_id).await;
    assert_eq!(conversation.mails.len(), 6);
    assert!(conversation.mails.iter().all(|mail| !mail.text.is_empty() && mail.obstacles.is_empty()));
    assert_eq!(conversation.turns.len(), 1, "one turn for all of them");
    assert_eq!(world.dead, Vec::<String>::new());
}

#[tokio::test]
async fn fault_47_a_pause_holds_the_pending_answer_and_a_mail_that_comes_meanwhile() {
    let mut setup = auto_reply();
    setup.settings = Box::new(|settings| {
        settings.auto_reply = true;
        settings.draft_only = false;
        settings.delay_secs = 300;
    });
    let mut world = World::with(setup).await;
    let mail = world.receive(&question("a"));
    world.run_for(Duration::from_secs(120)).await;
    world.change(|settings| settings.enabled = false).await;
    world.run_for(Duration::from_secs(600)).await;
    assert!(world.answers().is_empty(), "paused");
    let more = question("b").replies_to("<a@customer.test>").subject("Re: Returning an item");
    world.receive(&more.body("And how long does delivery take?\n"));
    world.run_for(Duration::from_secs(600)).await;
    let conversation = world.conversation(&mail.thread_id).await;
    assert_eq!((conversation.mails.len(), conversation.head.state), (2, ConversationState::Held));
    world.change(|settings| settings.enabled = true).await;
    world.resume().await;
    world.run_for(Duration::from_secs(900)).await;
    assert_eq!(world.answers().len(), 1);
    assert!(world.answers()[0].text.contains("2 to 4 working days"), "{}", world.answers()[0].text);
}

#[tokio::test]
async fn a_newer_mail_that_an_exclusion_leaves_out_does_not_hold_the_answer_back() {
    let mut setup = auto_reply();
    setup.settings = Box::new(|settings| {
        settings.auto_reply = true;
        settings.draft_only = false;
        settings.delay_secs = 120;
        settings.exclusions.domains.push("elsewhere.test".into());
    });
    let mut world = World::with(setup).await;
    world.receive(&question("a"));
    world.run_for(Duration::from_secs(60)).await;
    world.receive(
        &question("x")
            .from("Eve <eve@elsewhere.test>")
            .replies_to("<a@customer.test>")
            .subject("Re: Returning an item"),
    );
    world.run_for(Duration::from_secs(600)).await;
    assert_eq!(world.answers().len(), 1);
}

#[tokio::test]
async fn a_thread_that_is_deleted_in_gmail_goes_to_a_person() {
    let mut setup = auto_reply();
    setup.settings = Box::new(|settings| {
        settings.auto_reply = true;
        settings.draft_only = false;
        settings.delay_secs = 300;
    });
    let mut world = World::with(setup).await;
    let mail = world.receive(&question("a"));
    world.run_for(Duration::from_secs(120)).await;
    world.google.delete_message(crate::letters::DESK, &mail.id).unwrap();
    world.run_for(Duration::from_secs(1200)).await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::NeedsPerson);
    let calls = world.google.calls().iter().filter(|call| call.method == "gmail.users.threads.get").count();
    assert!(calls < 5, "it was asked {calls} times");
}

/// Crashes at every point are swept elsewhere; these two are the ones with a name.
async fn killed_around(method: &str) -> World {
    let mut setup = auto_reply();
    setup.rules.lease = Duration::from_secs(130);
    let mut world = World::with(setup).await;
    // The answer of the call is lost for good: to the worker it is the same as dying after it.
    world.google.fault(Fault {
        method: method.into(),
        account: None,
        nth: 1,
        times: 1,
        when: When::After,
        effect: Effect::drop_connection(),
    });
    world.receive(&question("a"));
    world.run_for(Duration::from_secs(1800)).await;
    world
}

#[tokio::test]
async fn fault_02_a_send_whose_answer_is_lost_is_found_in_the_thread_and_not_repeated() {
    let world = killed_around("gmail.users.drafts.send").await;
    assert_eq!(world.answers().len(), 1);
    let sends = world.google.calls().iter().filter(|call| call.method == "gmail.users.drafts.send").count();
    assert_eq!(sends, 1, "it is looked for, not sent again");
}

#[tokio::test]
async fn fault_03_a_draft_whose_id_was_never_recorded_is_found_again() {
    let world = killed_around("gmail.users.drafts.create").await;
    assert_eq!(world.answers().len(), 1);
    let made = world.google.calls().iter().filter(|call| call.method == "gmail.users.drafts.create").count();
    assert_eq!(made, 1, "no second draft is made");
}
