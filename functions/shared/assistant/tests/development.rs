//! The built-in assistant over small knowledge bases of other trades, in eight languages: questions put in other words,
//! and questions that look alike and have no answer there. What is tuned is tuned on these, all but the language school,
//! whose questions are only counted.

use assistant::Extractive;
use assistant::knowledge::Index;
use channel::assistant::{AnswerRequest, Author, ChainMail, KnowledgeDocument};
use channel::time::Timestamp;
use std::collections::HashMap;

fn bases() -> HashMap<&'static str, Extractive> {
    let all = include_str!("development/bases.txt").split("== ").filter(|base| !base.is_empty());
    all.map(|base| {
        let (name, text) = base.split_once('\n').expect("a name and a text");
        let document = KnowledgeDocument { id: name.into(), title: String::new(), text: text.into(), version: 1 };
        (name, Extractive::new(Index::build(&[document])))
    })
    .collect()
}

fn request(text: &str) -> AnswerRequest {
    let mail = ChainMail { author: Author::Customer, at: Timestamp::from_secs(1), text: text.to_owned() };
    AnswerRequest { chain: vec![mail], open: 1, ..AnswerRequest::default() }
}

#[derive(Debug, Default)]
struct Figures {
    answerable: usize,
    right: usize,
    wrong_passage: usize,
    unanswerable: usize,
    unfounded: usize,
}

fn measure(of: fn(&str) -> bool, told: bool) -> Figures {
    let bases = bases();
    let mut figures = Figures::default();
    let lines = include_str!("development/questions.txt").lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let fields: Vec<&str> = line.splitn(3, " | ").collect();
        let [base, expected, text] = fields[..] else { panic!("three fields: {line}") };
        if !of(base) {
            continue;
        }
        let answer = bases[base].answer(&request(text));
        let given: Vec<&str> =
            answer.sources.iter().map(|source| source.title.rsplit(" > ").next().unwrap_or_default()).collect();
        if expected == "person" {
            figures.unanswerable += 1;
            figures.unfounded += usize::from(answer.answerable);
        } else {
            figures.answerable += 1;
            figures.right += usize::from(given == [expected]);
            figures.wrong_passage += usize::from(answer.answerable && !given.contains(&expected));
        }
        if told && (given != [expected]) && !(expected == "person" && given.is_empty()) {
            println!("  {base} | {expected} | {text} -> {given:?} {:?}", answer.reason_for_person);
        }
    }
    figures
}

#[test]
fn other_trades_are_answered_and_look_alikes_are_not() {
    let figures = measure(|base| !base.starts_with("school"), true);
    println!("{figures:?}");
    assert!(figures.right * 100 >= figures.answerable * 70, "{figures:?}");
    assert_eq!((figures.unfounded, figures.wrong_passage), (0, 0), "{figures:?}");
}

#[test]
fn a_trade_that_nothing_was_tuned_on_gets_nothing_unfounded() {
    let figures = measure(|base| base.starts_with("school"), false);
    println!("{figures:?}");
    assert!(figures.right * 100 >= figures.answerable * 55, "{figures:?}");
    assert_eq!((figures.unfounded, figures.wrong_passage), (0, 0), "{figures:?}");
}
