//! `A3.2`, `A10`, `C10`: what is handed in, replaced and removed changes the next answer; a question without a source is
//! answered once, and its waiting turns are planned again.

use crate::letters::{Letter, question};
use crate::world::{Setup, World};
use async_trait::async_trait;
use channel::address::EmailAddress;
use channel::assistant::{Answer, AnswerRequest, AssistantError};
use channel::ids::{DocumentId, ThreadId};
use channel::ports::{Assistant, Clock, Gaps, Library};
use channel::record::{ActionState, ConversationState, DocumentStatus, TurnState};
use channel::usecase::gaps::GapView;
use channel::usecase::knowledge::{KnowledgeError, NotTaken};
use simulator::Delivered;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use testkit::{FailWith, Faults, When};

const REPAIRS: &str =
    "# Repairs\n\nWe repair bicycles of every brand in our own workshop. A repair takes 3 working days.\n";
const ANSWER: &str = "We repair bicycles of every brand. A repair takes 4 working days.";
/// Longer than every lease, visibility time-out and second look together.
const LONG: Duration = Duration::from_secs(75 * 60);

fn operator() -> EmailAddress {
    EmailAddress::parse("operator@example.com").unwrap()
}

fn asks(id: &str, text: &str) -> Letter {
    question(id).subject(&format!("A question {id}")).body(&format!("Hello,\n\n{text}\n\nAda\n"))
}

fn bicycles(id: &str) -> Letter {
    asks(id, "Do you repair bicycles?")
}

async fn upload(world: &mut World, name: &str, bytes: &[u8]) -> DocumentId {
    let begun = world.library().begin_upload(name, None, None, &operator()).await.unwrap();
    world.files.post(&begun.form, bytes).unwrap();
    world.library().finish_upload(&begun.document, begun.version).await.unwrap();
    world.run_for(Duration::from_secs(5)).await;
    begun.document
}

async fn replace(world: &mut World, document: &DocumentId, name: &str, bytes: &[u8]) {
    let begun = world.library().begin_replacement(document, name, None, &operator()).await.unwrap();
    world.files.post(&begun.form, bytes).unwrap();
    world.library().finish_upload(document, begun.version).await.unwrap();
    world.run_for(Duration::from_secs(5)).await;
}

async fn status(world: &World, document: &DocumentId) -> DocumentStatus {
    let (document, head) = world.library().open(document).await.unwrap().expect("the document");
    document.status(&head)
}

/// The text of the one draft of the thread, if there is one.
async fn draft(world: &World, mail: &Delivered) -> Option<String> {
    let conversation = world.conversation(&mail.thread_id).await;
    let drafted = |action: &&channel::record::Action| action.state == ActionState::Drafted;
    let drafts: Vec<_> = conversation.actions.iter().filter(drafted).collect();
    assert!(drafts.len() <= 1, "{drafts:?}");
    drafts.first().map(|action| action.reply.text.clone())
}

async fn gaps(world: &World) -> Vec<GapView> {
    world.gaps().list().await.unwrap()
}

#[tokio::test]
async fn the_next_mail_is_answered_from_what_was_handed_in() {
    let mut world = World::new().await;
    let document = upload(&mut world, "Repairs.md", REPAIRS.as_bytes()).await;
    assert_eq!(status(&world, &document).await, DocumentStatus::Ready);
    let (stored, _) = world.library().open(&document).await.unwrap().unwrap();
    let text = stored.text.as_ref().expect("a text");
    assert_eq!((stored.title.as_str(), text.languages.clone()), ("Repairs", BTreeMap::from([("en".to_owned(), 1)])));
    assert_eq!(world.library().text(&stored).await.unwrap().as_deref(), Some(REPAIRS.trim_end()));
    let mail = world.receive(&bicycles("a"));
    world.settle().await;
    let answer = draft(&world, &mail).await.expect("a draft");
    assert!(answer.contains("A repair takes 3 working days."), "{answer}");
    let source = &world.conversation(&mail.thread_id).await.traces[0].sources[0];
    assert_eq!(source.id, format!("{document}#1"));
    // What was there before still is.
    let other = world.receive(&question("b"));
    world.settle().await;
    assert!(draft(&world, &other).await.unwrap().contains("30 days"));
}

#[tokio::test]
async fn a_version_that_cannot_be_read_says_why_and_the_former_one_serves() {
    let mut world = World::new().await;
    let document = upload(&mut world, "Repairs.md", REPAIRS.as_bytes()).await;
    replace(&mut world, &document, "Repairs.pdf", b"%PDF-1.7 broken \xff\xfe").await;
    let DocumentStatus::Failed { reason, remedy } = status(&world, &document).await else { panic!("it was read") };
    assert!(!reason.is_empty() && !remedy.is_empty());
    let (stored, _) = world.library().open(&document).await.unwrap().unwrap();
    assert_eq!(stored.former_text().expect("the former text").edition.file_name, "Repairs.md");
    let mail = world.receive(&bicycles("a"));
    world.settle().await;
    assert!(draft(&world, &mail).await.unwrap().contains("3 working days"));
    replace(&mut world, &document, "Repairs.txt", REPAIRS.replace('3', "9").as_bytes()).await;
    assert_eq!(status(&world, &document).await, DocumentStatus::Ready);
    let next = world.receive(&bicycles("b"));
    world.settle().await;
    let answer = draft(&world, &next).await.unwrap();
    assert!(answer.contains("9 working days") && !answer.contains("3 working"), "{answer}");
}

#[tokio::test]
async fn what_was_removed_answers_nothing_and_leaves_no_file() {
    let mut world = World::new().await;
    let document = upload(&mut world, "Repairs.md", REPAIRS.as_bytes()).await;
    let (stored, _) = world.library().open(&document).await.unwrap().unwrap();
    assert!(world.files.names().iter().any(|name| name.contains(document.as_str())));
    world.library().remove(&document, stored.ver).await.unwrap();
    world.run_for(Duration::from_secs(5)).await;
    assert!(!world.files.names().iter().any(|name| name.contains(document.as_str())));
    let mail = world.receive(&bicycles("a"));
    world.settle().await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::NeedsPerson);
}

#[tokio::test]
async fn an_upload_whose_browser_went_away_is_read_and_one_that_never_came_says_so() {
    let mut world = World::new().await;
    let arrived = world.library().begin_upload("Repairs.md", None, None, &operator()).await.unwrap();
    world.files.post(&arrived.form, REPAIRS.as_bytes()).unwrap();
    let lost = world.library().begin_upload("Lost.md", None, None, &operator()).await.unwrap();
    let refused = world.library().finish_upload(&lost.document, lost.version).await.unwrap_err();
    assert!(matches!(refused, KnowledgeError::Refused(NotTaken::NotArrived)), "{refused:?}");
    world.run_for(Duration::from_secs(15 * 60)).await;
    assert_eq!(status(&world, &arrived.document).await, DocumentStatus::Ready);
    let DocumentStatus::Failed { reason, .. } = status(&world, &lost.document).await else { panic!("it was read") };
    assert_eq!(reason, "The file never arrived.");
}

#[tokio::test]
async fn many_documents_at_once_are_all_in_the_snapshot() {
    let mut world = World::new().await;
    let mut documents = vec![];
    for no in 0..8 {
        let begun = world.library().begin_upload(&format!("{no}.md"), None, None, &operator()).await.unwrap();
        world.files.post(&begun.form, format!("# Part {no}\n\nPart {no} of the whole is here.\n").as_bytes()).unwrap();
        world.library().finish_upload(&begun.document, begun.version).await.unwrap();
        documents.push(begun.document);
    }
    for _ in 0..4 {
        world.all_at_once().await;
    }
    world.run_for(Duration::from_secs(400)).await;
    for document in &documents {
        assert_eq!(status(&world, document).await, DocumentStatus::Ready);
    }
    let head = world.table.knowledge_head().await.unwrap();
    assert_eq!((head.due_at, head.built), (None, head.changes));
}

#[tokio::test]
async fn a_question_without_a_source_is_answered_once_for_all_who_asked_it() {
    let mut world = World::new().await;
    let first = world.receive(&bicycles("a"));
    let second = world.receive(&asks("b", "Can you repair my bicycle, please?"));
    let third = world.receive(&asks("c", "Do you repair bicycles?"));
    let other = world.receive(&asks("d", "Is there a car park beside your shop?"));
    world.settle().await;
    for mail in [&first, &second, &third, &other] {
        assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::NeedsPerson);
    }
    let views = gaps(&world).await;
    assert_eq!(views.iter().map(GapView::count).collect::<Vec<_>>(), [3, 1], "{views:?}");
    assert!(views[0].example().unwrap().text.contains("bicycle"));
    // Somebody of the team has the third in hand.
    let thread = ThreadId::parse(third.thread_id.clone()).unwrap();
    world.people.take_over(&world.mailbox, &thread).await.unwrap();
    let gap = &views[0].gap;
    world.gaps().answer(&gap.gap, gap.ver, "Do you repair bicycles?", ANSWER, &operator()).await.unwrap();
    let refused = world.gaps().answer(&gap.gap, gap.ver, "Do you repair bicycles?", ANSWER, &operator()).await;
    assert!(matches!(refused, Err(KnowledgeError::Refused(NotTaken::Changed))), "{refused:?}");
    let asked = world.asked.load(std::sync::atomic::Ordering::SeqCst);
    world.settle().await;
    for mail in [&first, &second] {
        assert!(draft(&world, mail).await.expect("a draft").contains("4 working days"));
        assert_eq!(world.conversation(&mail.thread_id).await.turns[0].rev, 2);
    }
    assert_eq!(draft(&world, &third).await, None);
    assert_eq!(draft(&world, &other).await, None);
    assert_eq!(world.asked.load(std::sync::atomic::Ordering::SeqCst), asked + 2);
    assert_eq!(world.drafts().len(), 2);
    let left = gaps(&world).await;
    assert_eq!(left.iter().map(GapView::count).collect::<Vec<_>>(), [1], "{left:?}");
    assert!(left[0].questions[0].text.contains("car park"));
}

#[tokio::test]
async fn a_question_expires_with_its_conversation() {
    let setup = Setup::default();
    let kept = setup.rules.retention;
    let mut world = World::with(setup).await;
    world.receive(&bicycles("a"));
    world.settle().await;
    assert_eq!(gaps(&world).await.len(), 1);
    let late = world.clock.now().plus(kept);
    assert_eq!(world.table.gap_questions(10, late).await.unwrap(), []);
    world.clock.set(late);
    assert_eq!(gaps(&world).await, []);
}

#[tokio::test]
async fn a_turn_that_finds_its_answer_later_leaves_no_question_behind() {
    let mut world = World::new().await;
    let mail = world.receive(&bicycles("a"));
    world.settle().await;
    upload(&mut world, "Repairs.md", REPAIRS.as_bytes()).await;
    let thread = ThreadId::parse(mail.thread_id.clone()).unwrap();
    world.people.hand_back(&world.mailbox, &thread).await.unwrap();
    world.settle().await;
    assert!(draft(&world, &mail).await.is_some());
    assert_eq!(gaps(&world).await, []);
}

#[tokio::test]
async fn a_dismissed_group_is_forgotten_and_its_mail_stays_with_its_person() {
    let mut world = World::new().await;
    let mail = world.receive(&bicycles("a"));
    world.settle().await;
    let views = gaps(&world).await;
    world.gaps().dismiss(&views[0].gap.gap, views[0].gap.ver).await.unwrap();
    assert_eq!(gaps(&world).await, []);
    world.settle().await;
    assert_eq!(world.states(&mail.thread_id).await, [(TurnState::NeedsPerson, None)]);
    assert_eq!(world.table.gap_questions(10, world.clock.now()).await.unwrap(), []);
}

async fn answered_once(faults: Arc<Faults>) -> (World, Delivered, usize) {
    let mut world = World::with(Setup { faults: faults.clone(), ..Setup::default() }).await;
    world.every = Duration::from_secs(300);
    let mail = world.receive(&bicycles("a"));
    world.run_for(Duration::from_secs(120)).await;
    let before = faults.calls();
    let view = gaps(&world).await.remove(0);
    world.gaps().answer(&view.gap.gap, view.gap.ver, "Do you repair bicycles?", ANSWER, &operator()).await.unwrap();
    (world, mail, before)
}

#[tokio::test]
async fn each_call_may_fail_and_the_draft_is_made_again_once() {
    sweep(FailWith::Unavailable).await;
}

#[tokio::test]
async fn each_call_may_be_the_last_and_the_draft_is_made_again_once() {
    sweep(FailWith::Crash).await;
}

/// `C2` for the way from the answer to the draft: whatever fails once, the draft is there, once.
async fn sweep(with: FailWith) {
    let calls = Faults::none();
    let (mut plain, mail, before) = answered_once(calls.clone()).await;
    plain.run_for(Duration::from_secs(120)).await;
    assert!(draft(&plain, &mail).await.is_some());
    let points = calls.calls();
    assert!(points > before + 15, "only {} calls", points - before);
    for k in before + 1..=points {
        for when in [When::Before, When::After] {
            let case = format!("call {k} of {before}..{points}, {when:?}, {with:?}");
            let (mut world, mail, _) = answered_once(Faults::nth(k, when, with)).await;
            world.run_for(LONG).await;
            assert!(world.dead.is_empty(), "{case}: {:?}", world.dead);
            let state = world.conversation(&mail.thread_id).await.head.state;
            assert_eq!((state, world.drafts().len()), (ConversationState::Review, 1), "{case}");
            assert_eq!(gaps(&world).await, [], "{case}");
            assert!(draft(&world, &mail).await.unwrap().contains("4 working days"), "{case}");
        }
    }
    println!("{} calls", points - before);
}

/// Answers, and cites nothing.
struct Unsupported;

#[async_trait]
impl Assistant for Unsupported {
    async fn answer(&self, _request: &AnswerRequest) -> Result<Answer, AssistantError> {
        Ok(Answer {
            language: "en".to_owned(),
            answerable: true,
            confidence: 0.9,
            reply: "Yes, we repair bicycles.".to_owned(),
            ..Answer::default()
        })
    }
}

#[tokio::test]
async fn a_draft_that_a_person_edited_stays_theirs() {
    let mut world = World::with(Setup { assistant: Some(Arc::new(Unsupported)), ..Setup::default() }).await;
    let mail = world.receive(&bicycles("a"));
    world.settle().await;
    assert_eq!(world.conversation(&mail.thread_id).await.head.state, ConversationState::Review);
    let view = gaps(&world).await.remove(0);
    world.edit_draft_by_hand("My own words.").await;
    world.gaps().answer(&view.gap.gap, view.gap.ver, "Do you repair bicycles?", ANSWER, &operator()).await.unwrap();
    world.settle().await;
    let drafts = world.drafts();
    assert_eq!(drafts.len(), 1);
    assert!(drafts[0].text.contains("My own words."), "{:?}", drafts[0].text);
}
