use super::*;
use channel::assistant::{ChainMail, KnowledgeDocument};
use channel::time::Timestamp;

const GUIDE: &str = "# Help\n\n## Delivery times\n\nStandard delivery takes 3 to 5 working days.\n\n## Opening hours\n\nThe shop is open Monday to Friday from 9:00 to 18:00.\n\n\
    ## Returns\n\nYou can return goods within 30 days. Return shipping is free.";

fn assistant() -> Extractive {
    Extractive::new(Index::build(&[KnowledgeDocument {
        id: "help".into(),
        title: "Help".into(),
        text: GUIDE.into(),
        version: 1,
    }]))
}

fn mail(author: Author, text: &str) -> ChainMail {
    ChainMail { author, at: Timestamp::from_secs(1), text: text.to_owned() }
}

fn request(subject: &str, text: &str) -> AnswerRequest {
    AnswerRequest {
        subject: subject.to_owned(),
        chain: vec![mail(Author::Customer, text)],
        open: 1,
        ..AnswerRequest::default()
    }
}

#[test]
fn several_questions_are_answered_in_their_order() {
    let answer = assistant().answer(&request("Hello", "When are you open? And how long does delivery take?"));
    assert!(answer.answerable, "{answer:?}");
    assert_eq!(answer.sources.iter().map(|source| source.id.as_str()).collect::<Vec<_>>(), ["help#2", "help#1"]);
    assert!(answer.reply.find("Monday") < answer.reply.find("3 to 5"));
    assert!(answer.confidence > 0.6 && answer.confidence < 1.0);
}

#[test]
fn one_question_without_a_source_makes_it_a_persons() {
    let answer = assistant().answer(&request("Hello", "When are you open? Do you sell bicycles?"));
    assert!(!answer.answerable && answer.reply.is_empty() && answer.sources.is_empty());
    assert!(answer.reason_for_person.is_some_and(|reason| reason.contains("no passage")));
}

#[test]
fn a_set_language_is_kept_to() {
    let mut asked = request("", "How long does delivery take?");
    asked.personality.language = "en-GB".to_owned();
    assert!(assistant().answer(&asked).answerable);
    asked.personality.language = "de".to_owned();
    let answer = assistant().answer(&asked);
    assert!(!answer.answerable);
    assert_eq!(answer.language, "en");
}

#[test]
fn what_was_sent_already_is_not_sent_again() {
    let mut asked = request("Delivery", "How long does delivery take?");
    let first = assistant().answer(&asked);
    asked.chain = vec![
        mail(Author::Customer, "How long is delivery?"),
        mail(Author::Assistant, &first.reply),
        mail(Author::Customer, "But how long does delivery take?"),
    ];
    assert!(first.answerable);
    assert!(!assistant().answer(&asked).answerable);
}

#[test]
fn only_the_open_mails_are_answered() {
    let mut asked = request("Question", "When are you open?");
    asked.chain.insert(0, mail(Author::Customer, "Do you sell bicycles?"));
    asked.chain.insert(1, mail(Author::Person, "No, we do not."));
    let answer = assistant().answer(&asked);
    assert!(answer.answerable && answer.sources[0].id == "help#2", "{answer:?}");
}

#[test]
fn an_unread_attachment_lowers_the_confidence() {
    let mut asked = request("", "How long does delivery take?");
    asked.unread_attachments.push("photo.heic".to_owned());
    assert!(assistant().answer(&asked).confidence <= 0.5);
}

#[test]
fn an_empty_chain_is_a_persons() {
    let mut asked = request("", "");
    asked.chain.clear();
    asked.open = 0;
    assert!(!assistant().answer(&asked).answerable);
}

#[test]
fn thanks_alone_are_a_persons_and_said_to_be() {
    let answer = assistant().answer(&request("Re: Delivery", "Thanks a lot, that helped!"));
    assert!(answer.reason_for_person.is_some_and(|reason| reason.contains("thanks")));
}

#[test]
fn what_the_routing_finds_is_told() {
    let told = |text: &str| {
        let answer = assistant().answer(&request("Hello", text));
        (answer.intent, answer.sentiment, answer.urgency)
    };
    assert_eq!(told("How long does delivery take?"), (Intent::Question, Sentiment::Neutral, Urgency::Normal));
    let complaint = told("My parcel arrived broken and I am very disappointed. This is a complaint.");
    assert_eq!((complaint.0, complaint.1), (Intent::Complaint, Sentiment::Negative));
    assert_eq!(told("I will take legal action, my lawyer will write to you.").2, Urgency::High);
}
