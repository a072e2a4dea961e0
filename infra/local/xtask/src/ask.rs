//! The built-in assistant over the demo knowledge base, as a customer's first mail would meet it. It needs no running cloud.

use crate::workspace::Workspace;
use crate::{Result, demo};
use assistant::Extractive;
use assistant::knowledge::Index;
use channel::assistant::{Answer, AnswerRequest, Author, ChainMail};
use channel::ports::Clock;
use runtime::clock::SystemClock;
use std::fmt::Write;

pub fn ask(question: &str) -> Result<Answer> {
    let assistant = Extractive::new(Index::build(&demo::documents(&Workspace::find()?)?));
    Ok(assistant.answer(&AnswerRequest {
        subject: String::new(),
        chain: vec![ChainMail { author: Author::Customer, at: SystemClock.now(), text: question.to_owned() }],
        open: 1,
        ..AnswerRequest::default()
    }))
}

/// For a person at the terminal.
pub fn shown(answer: &Answer) -> String {
    let mut text = match &answer.reason_for_person {
        Some(reason) => format!("No answer by machine: {reason}\n"),
        None => format!("{}\n", answer.reply),
    };
    let mut line = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        let _written = write!(text, "\n{name:<12}{value}");
    };
    for source in &answer.sources {
        line("source", &format!("{}  {}", source.id, source.title));
    }
    line("confidence", &format!("{:.2}", answer.confidence));
    line("language", &answer.language);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_knows_its_returns_and_leaves_the_rest_to_a_person() {
        let answer = ask("Hello, how many days do I have to return goods after delivery?").unwrap();
        assert!(answer.answerable, "{answer:?}");
        assert!(answer.sources[0].id.starts_with("returns.en#"), "{answer:?}");
        assert!(shown(&answer).contains("source      returns.en#"));
        let person = ask("Do you sell bicycles?").unwrap();
        assert!(!person.answerable && person.sources.is_empty());
        assert!(shown(&person).starts_with("No answer by machine: "));
    }
}
