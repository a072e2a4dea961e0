//! The built-in assistant: it answers with sentences of the knowledge base, or says why a person should.
//!
//! Invariant: every word of a reply stands in a passage of the reply's language or in a fixed phrase of [`phrases`];
//! the mail's words select and are never repeated. So no mail can put words, numbers or orders into a reply. One ask
//! without a source makes the whole mail a person's: half an answer looks like a whole one.

pub(crate) mod phrases;
pub(crate) mod questions;
mod search;

use crate::concerns::{self, Concern};
use crate::knowledge::{self, Index, Query};
use crate::language::{self, UNDETERMINED};
use crate::text::{clip, sentences};
use async_trait::async_trait;
use channel::assistant::{Answer, AnswerRequest, AssistantError, Author, Intent, Sentiment, Source, Urgency};
use channel::ports::Assistant;
use questions::{Ask, Reading};
use search::{Found, Search};

/// Longer mails are not the short questions that this assistant can judge as a whole.
const MAX_MAIL: usize = 8_000;
/// More asks than this in one mail need someone who sees how they hang together.
const MAX_ASKS: usize = 8;
const MAX_SUBJECT: usize = 300;
/// Of a longer passage only the sentences that speak to the question are quoted.
const QUOTED_WHOLE: usize = 700;
/// Words alone never make certain.
const MAX_CONFIDENCE: f32 = 0.95;

/// Answers from an [`Index`] alone: no key, no network, the same answer to the same mail.
#[derive(Debug)]
pub struct Extractive {
    index: Index,
}

/// Why a person, for the operator.
struct Person {
    reason: String,
    concern: Option<Concern>,
    /// What the knowledge base lacks.
    unanswered: Vec<String>,
}

impl Person {
    fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), concern: None, unanswered: vec![] }
    }

    fn lacking<'t>(reason: impl Into<String>, asks: impl IntoIterator<Item = &'t str>) -> Self {
        Self { unanswered: asks.into_iter().map(str::to_owned).collect(), ..Self::because(reason) }
    }
}

/// What the routing knows of a mail; neutral where it knows nothing.
fn traits(concern: Option<Concern>) -> (Intent, Sentiment, Urgency) {
    use Concern::{Abuse, Cancellation, Complaint, Credentials, Instructions, Legal, MoneyBack, Promise, SelfHarm};
    match concern {
        None | Some(Instructions) => (Intent::Other, Sentiment::Neutral, Urgency::Normal),
        Some(SelfHarm) => (Intent::Other, Sentiment::Negative, Urgency::High),
        Some(Legal) => (Intent::Complaint, Sentiment::Negative, Urgency::High),
        Some(Abuse | MoneyBack | Complaint) => (Intent::Complaint, Sentiment::Negative, Urgency::Normal),
        Some(Credentials | Cancellation | Promise) => (Intent::Support, Sentiment::Neutral, Urgency::Normal),
    }
}

/// The sentences of a mail that ask for something.
pub(crate) fn asked(mail: &str) -> impl Iterator<Item = &str> {
    questions::read(mail).asks.into_iter().map(|ask| ask.text)
}

impl Extractive {
    pub fn new(index: Index) -> Self {
        Self { index }
    }

    pub fn index(&self) -> &Index {
        &self.index
    }

    pub fn answer(&self, request: &AnswerRequest) -> Answer {
        let open = open_mails(request);
        let subject = subject(request);
        let language = self.language_of(request, subject, &open);
        match self.compose(request, subject, &open, &language) {
            Ok(answer) => answer,
            Err(Person { reason, concern, unanswered }) => {
                let (intent, sentiment, urgency) = traits(concern);
                let reason_for_person = Some(reason);
                Answer { language, reason_for_person, intent, sentiment, urgency, unanswered, ..Answer::default() }
            }
        }
    }

    fn compose(&self, request: &AnswerRequest, subject: &str, open: &[&str], language: &str) -> Result<Answer, Person> {
        let length: usize = open.iter().map(|mail| mail.len()).sum();
        if length > MAX_MAIL {
            return Err(Person::because("The mail is too long to be answered by machine."));
        }
        if !open.iter().any(|mail| mail.chars().any(char::is_alphanumeric))
            && !subject.chars().any(char::is_alphanumeric)
        {
            return Err(Person::because("The mail has no readable text."));
        }
        let mut all: Vec<&str> = open.iter().flat_map(|mail| sentences(mail)).collect();
        all.extend(sentences(subject));
        if let Some(concern) = concerns::concern(&all).filter(|concern| !harmless(*concern, open, &all)) {
            return Err(Person { concern: Some(concern), ..Person::because(concern.reason()) });
        }
        if open.iter().any(|mail| mail.contains("://") || mail.to_lowercase().contains("www.")) {
            return Err(Person::because("The mail holds a link, which a machine should not answer to."));
        }
        if open.iter().any(|mail| holds_code(mail)) {
            return Err(Person::because("The mail holds marks of code or markup, which a person should look at."));
        }
        if all.iter().any(|sentence| names_one_case(sentence)) {
            return Err(Person::because("The mail names an order, an account or a case, which a person can look up."));
        }
        let reply_language = self.reply_language(request, language, open)?;
        let asks = asks(request, subject, open)?;
        let earlier = earlier_question(request);
        let found = Search { index: &self.index, language: &reply_language, subject, earlier }.resolve(&asks)?;
        self.reply(request, language, &reply_language, &found)
    }

    fn language_of(&self, request: &AnswerRequest, subject: &str, open: &[&str]) -> String {
        let body = open.iter().map(|mail| clip(mail, 4_000)).collect::<Vec<_>>().join("\n");
        let own = language::detect(&body);
        if own != UNDETERMINED {
            return own.to_owned();
        }
        let with_subject = format!("{subject}\n{body}");
        let own = language::detect(&with_subject);
        if own != UNDETERMINED {
            return own.to_owned();
        }
        // A short answer to an earlier exchange is in its language, if that is still this customer's.
        let earlier = request.chain.iter().rev().skip(request.open.max(1)).find(|mail| mail.author == Author::Customer);
        if let Some(earlier) = earlier.filter(|_| with_subject.chars().any(char::is_alphabetic)) {
            let before = language::detect(&earlier.text);
            if before != UNDETERMINED && no_other_script(&with_subject, &earlier.text) {
                return before.to_owned();
            }
        }
        // `Opening hours?`: words of one language's passages, and hardly any of another's.
        let mut known = self.index.known_words(clip(&with_subject, 400));
        known.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let second = known.get(1).map_or(0, |(_, count)| *count);
        let guess = language::guess(&with_subject);
        match known.first() {
            Some((best, count)) if *count >= 2 && *count > second * 2 => (*best).to_owned(),
            Some((best, 1)) if second == 0 && guess == *best => guess.to_owned(),
            _ => UNDETERMINED.to_owned(),
        }
    }

    fn reply_language(&self, request: &AnswerRequest, language: &str, open: &[&str]) -> Result<String, Person> {
        let all = || open.iter().flat_map(|mail| asked(mail));
        let set = language::primary(&request.personality.language);
        let wanted = if set.is_empty() { language.to_owned() } else { set };
        if wanted == UNDETERMINED {
            return Err(Person::because("The language of the mail cannot be told."));
        }
        let known = self.index.languages();
        if known.is_empty() {
            return Err(Person::lacking("The knowledge base is empty.", all()));
        }
        if !known.contains(&wanted.as_str()) {
            let reason = format!(
                "A reply would have to be in “{wanted}”, and the knowledge base has passages only in: {}.",
                known.join(", ")
            );
            return Err(Person::lacking(reason, all()));
        }
        if language != UNDETERMINED && language != wanted {
            return Err(Person::because(format!(
                "The mail is in “{language}”, replies are set to “{wanted}”: without a model a question cannot be matched across languages."
            )));
        }
        Ok(wanted)
    }

    fn reply(
        &self,
        request: &AnswerRequest,
        language: &str,
        reply_language: &str,
        found: &[Found],
    ) -> Result<Answer, Person> {
        let mut parts: Vec<String> = Vec::new();
        let mut sources: Vec<Source> = Vec::new();
        for one in found {
            let Some(passage) = self.index.passage(reply_language, one.passage) else {
                return Err(Person::because("A passage of the knowledge base could not be read."));
            };
            if sources.iter().any(|source| source.id == passage.id) {
                continue;
            }
            let quoted = quote(reply_language, &passage.text, &one.query);
            if already_sent(request, &quoted) {
                return Err(Person::because(
                    "The customer asks again about something that was already answered with the same passage.",
                ));
            }
            parts.push(quoted);
            sources.push(Source {
                id: passage.id.clone(),
                title: passage.title.clone(),
                passage: passage.text.clone(),
            });
        }
        if parts.is_empty() {
            return Err(Person::because("The mail asks nothing that the knowledge base could answer."));
        }
        let weakest = found.iter().map(|one| one.coverage).fold(1.0_f32, f32::min);
        // An attachment may hold what the mail is really about.
        let attached = !request.unread_attachments.is_empty() || !request.attachments.is_empty();
        let ceiling = if !attached { MAX_CONFIDENCE } else { 0.5 };
        Ok(Answer {
            language: language.to_owned(),
            answerable: true,
            confidence: weakest.min(ceiling),
            reply: phrases::framed(reply_language, &parts.join("\n\n")),
            sources,
            intent: Intent::Question,
            ..Answer::default()
        })
    }
}

#[async_trait]
impl Assistant for Extractive {
    async fn answer(&self, request: &AnswerRequest) -> Result<Answer, AssistantError> {
        Ok(Extractive::answer(self, request))
    }
}

/// The customer's mails that are to be answered, oldest first.
fn open_mails(request: &AnswerRequest) -> Vec<&str> {
    let from = request.chain.len().saturating_sub(request.open.max(1));
    request.chain[from..].iter().filter(|mail| mail.author == Author::Customer).map(|mail| mail.text.as_str()).collect()
}

/// The subject without `Re:` and its like.
fn subject(request: &AnswerRequest) -> &str {
    let mut subject = clip(request.subject.trim(), MAX_SUBJECT);
    while let Some((mark, rest)) = subject.split_once(':') {
        let mark = mark.trim().to_lowercase();
        if !["re", "aw", "sv", "antw", "rv", "res", "fwd", "fw", "wg", "tr", "rif", "vs", "odp", "ynt", "回复", "답장"]
            .contains(&mark.as_str())
        {
            break;
        }
        subject = rest.trim();
    }
    subject
}

fn asks<'r>(request: &AnswerRequest, subject: &'r str, open: &[&'r str]) -> Result<Vec<Ask<'r>>, Person> {
    let readings: Vec<Reading<'r>> = open.iter().map(|mail| questions::read(mail)).collect();
    let first_mail = request.chain.len() <= request.open.max(1);
    let mut asks: Vec<Ask<'r>> = Vec::new();
    let body_asks: usize = readings.iter().map(|reading| reading.asks.len()).sum();
    if first_mail && subject.contains(['?', '？']) {
        asks.extend(questions::read(subject).asks);
    }
    let statements: Vec<&str> = readings.iter().flat_map(|reading| reading.statements.iter().copied()).collect();
    asks.extend(readings.into_iter().flat_map(|reading| reading.asks));
    let detected = language::detect(&open.join("\n"));
    // `Any news?`, `How are you?` beside a real question ask nothing to look up; alone they keep their place.
    let solid = |ask: &Ask<'_>| !Query::new(detected, ask.text).is_empty();
    if asks.iter().any(solid) {
        asks.retain(|ask| solid(ask) || refers_back(ask.text) || questions::is_order(ask.text));
    }
    if asks.is_empty() && body_asks == 0 {
        asks = topic(first_mail, subject, &statements, detected);
    }
    if asks.is_empty() {
        return Err(Person::because("The mail asks nothing: thanks, small talk or a plain message."));
    }
    if asks.len() > MAX_ASKS {
        return Err(Person::because("The mail asks too many things at once to be answered by machine."));
    }
    Ok(asks)
}

/// A mail of a few words names its subject and leaves the question out: `Opening hours on Saturday`.
fn topic<'r>(first_mail: bool, subject: &'r str, statements: &[&'r str], language: &str) -> Vec<Ask<'r>> {
    let weighty = |text: &&str| !questions::thanks(text) && !Query::new(language, text).is_empty();
    let said: Vec<&str> = statements.iter().copied().filter(weighty).collect();
    match said.as_slice() {
        [] if first_mail && questions::asks(subject) => vec![Ask { text: subject, before: None }],
        [only] if only.split_whitespace().count() <= 6 && first_mail => vec![Ask { text: only, before: None }],
        _ => Vec::new(),
    }
}

/// Pronouns that point to something said before.
fn refers_back(text: &str) -> bool {
    const POINTERS: &[&str] = &[
        "it", "that", "this", "them", "these", "those", "there", "es", "sie", "das", "dies", "diese", "ihn", "dafur",
        "damit", "le", "la", "les", "ca", "cela", "ceci", "celle", "lo", "los", "las", "esto", "eso", "ello", "questo",
        "quello", "isso", "isto", "het", "dat", "deze", "den", "det", "dem", "se", "ez", "это", "его", "ее", "bu",
        "bunu", "to",
    ];
    crate::text::words(text).any(|word| POINTERS.contains(&crate::text::fold(word).as_str()))
}

fn no_other_script(a: &str, b: &str) -> bool {
    let ascii = |text: &str| text.chars().filter(|c| c.is_alphabetic()).all(|c| c < '\u{250}');
    ascii(a) == ascii(b)
}

/// Whoever asks how to get a new password is told what everybody may know; whoever demands access is not.
fn harmless(concern: Concern, open: &[&str], all: &[&str]) -> bool {
    let asked = open.iter().flat_map(|mail| questions::read(mail).asks).all(|ask| ask.text.contains('?'));
    concern == Concern::Credentials && asked && !concerns::demands_access(all)
}

/// Marks that people hardly write in a question, and that texts meant for machines are full of.
fn holds_code(mail: &str) -> bool {
    mail.contains(['<', '{', '[', '`', '|', '\\', '=']) || mail.contains("**")
}

/// A long number or a code (`BS-60011`, `GV-4471`) stands for one order, one voucher, one customer.
fn names_one_case(sentence: &str) -> bool {
    sentence.split(|c: char| c.is_whitespace() || ",;()".contains(c)).any(|word| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let code = word.contains(['-', '/']) && word.starts_with(|c: char| c.is_ascii_uppercase());
        let figures = word.chars().all(|c| c.is_ascii_digit() || ".,:/-".contains(c));
        (digits >= 5 && word.chars().all(|c| c.is_ascii_digit())) || (!figures && code && digits >= 3)
    })
}

/// The question that the customer asked before in this thread, which a short one may go on from.
fn earlier_question(request: &AnswerRequest) -> Option<&str> {
    let from = request.chain.len().saturating_sub(request.open.max(1));
    let before = request.chain[..from].iter().rev().find(|mail| mail.author == Author::Customer)?;
    let asks = questions::read(clip(&before.text, MAX_MAIL)).asks;
    asks.last().map(|ask| ask.text)
}

/// A short passage whole; of a long one the sentences that share the question's words, in their order.
fn quote(language: &str, passage: &str, query: &Query) -> String {
    let plain = knowledge::plain(passage);
    if plain.len() <= QUOTED_WHOLE {
        return plain;
    }
    let pieces = sentences(&plain);
    let hits: Vec<usize> = pieces.iter().map(|piece| query.shared_with(language, piece)).collect();
    let best = hits.iter().copied().max().unwrap_or(0);
    let mut out: Vec<&str> = Vec::new();
    let mut length = 0;
    for (piece, hits) in pieces.iter().zip(&hits) {
        if *hits > 0 && *hits * 2 >= best && length + piece.len() <= QUOTED_WHOLE {
            length += piece.len();
            out.push(piece);
        }
    }
    if out.is_empty() { plain } else { out.join(" ") }
}

fn already_sent(request: &AnswerRequest, quoted: &str) -> bool {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let quoted = squeeze(quoted);
    request
        .chain
        .iter()
        .filter(|mail| mail.author == Author::Assistant)
        .any(|mail| squeeze(clip(&mail.text, 20_000)).contains(&quoted))
}

#[cfg(test)]
mod tests;
