//! The personality form of a mailbox (`A3.2`).

use crate::assistant::Personality;
use crate::ids::MailboxId;
use crate::ports::CommitError;
use crate::record::{Commit, Settings};
use crate::usecase::common::Stop;
use crate::usecase::configure::{Configure, FieldError, MAX_LINE, MAX_LONG, NotSaved, Wrong, unix_lines};

/// The form as text, as it came in or is to be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonalityForm {
    /// The version of the settings that the form was made from.
    pub ver: u64,
    pub tone: String,
    pub instructions: String,
    pub language: String,
    pub signature: String,
    /// `standard`, `own` or `off`.
    pub disclosure: String,
    pub disclosure_text: String,
}

impl PersonalityForm {
    pub fn of(ver: u64, personality: &Personality) -> Self {
        let (disclosure, disclosure_text) = match personality.disclosure.as_deref() {
            None => ("standard", ""),
            Some("") => ("off", ""),
            Some(own) => ("own", own),
        };
        Self {
            ver,
            tone: personality.tone.clone(),
            instructions: personality.instructions.clone(),
            language: personality.language.clone(),
            signature: personality.signature.clone(),
            disclosure: disclosure.to_owned(),
            disclosure_text: disclosure_text.to_owned(),
        }
    }

    /// The personality that the form means, or everything that is wrong with it.
    pub fn check(&self) -> Result<Personality, Vec<FieldError>> {
        let mut wrong = Wrong(vec![]);
        let long = [
            ("instructions", &self.instructions),
            ("signature", &self.signature),
            ("disclosure_text", &self.disclosure_text),
        ];
        for (field, text) in long {
            // A browser sends a line's end as two characters and counts it as one.
            if unix_lines(text).chars().count() > MAX_LONG {
                wrong.say(field, &format!("At most {MAX_LONG} characters."));
            }
        }
        if self.tone.chars().count() > MAX_LINE {
            wrong.say("tone", &format!("At most {MAX_LINE} characters."));
        }
        let language = self.language.trim();
        let tag = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if language.len() > 35 || !language.chars().all(tag) {
            wrong.say("language", "Give a language tag such as en, de or pt-BR, or leave it empty.");
        }
        let disclosure = match self.disclosure.as_str() {
            "standard" => None,
            "off" => Some(String::new()),
            "own" if self.disclosure_text.trim().is_empty() => {
                wrong.say("disclosure_text", "Write the line, or choose another option.");
                None
            }
            "own" => Some(unix_lines(&self.disclosure_text)),
            _ => {
                wrong.say("disclosure", "Choose one of the options.");
                None
            }
        };
        let personality = Personality {
            tone: self.tone.trim().to_owned(),
            instructions: unix_lines(&self.instructions),
            language: language.to_owned(),
            signature: unix_lines(&self.signature),
            disclosure,
        };
        if wrong.0.is_empty() { Ok(personality) } else { Err(wrong.0) }
    }
}

impl Configure {
    /// Takes effect with the next answer; what the other form of the mailbox holds stays as it is.
    pub async fn save_personality(&self, mailbox: &MailboxId, form: &PersonalityForm) -> Result<(), NotSaved> {
        let view = self.mailboxes.mailbox(mailbox).await.map_err(Stop::from)?.ok_or(NotSaved::Unknown)?;
        let personality = form.check().map_err(NotSaved::Fields)?;
        if form.ver != view.settings.ver {
            return Err(NotSaved::Stale);
        }
        match self.commits.commit(Commit::new().put(Settings { personality, ..view.settings })).await {
            Ok(()) => Ok(()),
            Err(CommitError::Conflict(_)) => Err(NotSaved::Stale),
            Err(error) => Err(Stop::from(error).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong_fields(change: fn(&mut PersonalityForm)) -> Vec<&'static str> {
        let mut form = PersonalityForm::of(1, &Personality::default());
        change(&mut form);
        form.check().map(|_| vec![]).unwrap_or_else(|errors| errors.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn a_form_made_from_a_personality_means_this_personality() {
        for disclosure in [None, Some(String::new()), Some("Written by a machine.".to_owned())] {
            let personality = Personality {
                tone: "friendly".to_owned(),
                instructions: "Say “thou”.\nNever joke.".to_owned(),
                language: "pt-BR".to_owned(),
                signature: "Kind regards\nSupport".to_owned(),
                disclosure,
            };
            assert_eq!(PersonalityForm::of(3, &personality).check(), Ok(personality));
        }
    }

    #[test]
    fn what_cannot_be_stored_is_told_beside_its_field() {
        assert!(wrong_fields(|_| {}).is_empty());
        assert_eq!(wrong_fields(|f| f.language = "en<".into()), ["language"]);
        assert_eq!(wrong_fields(|f| f.tone = "x".repeat(201)), ["tone"]);
        assert_eq!(wrong_fields(|f| f.instructions = "x".repeat(4001)), ["instructions"]);
        assert!(wrong_fields(|f| f.signature = "x\r\n".repeat(2000)).is_empty(), "line ends count once");
        assert_eq!(wrong_fields(|f| f.disclosure = "own".into()), ["disclosure_text"]);
        assert_eq!(wrong_fields(|f| f.disclosure = "?".into()), ["disclosure"]);
    }
}
