//! The indexes against a plain walk through all messages, over many random changes.

use std::cmp::Reverse;

use super::*;

/// A small generator with a seed, so that a failure repeats.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

const LABELS: [&str; 4] = ["INBOX", "UNREAD", "DRAFT", "STARRED"];

fn mail(dice: &mut Dice, id: String, threads: &[String]) -> Mail {
    let labels = LABELS.iter().filter(|_| dice.roll(2) == 0).map(|label| (*label).to_owned()).collect();
    let thread = threads.get(dice.roll(threads.len() + 2)).cloned();
    // Few different Message-IDs and dates, so that many mails share them.
    let raw = match dice.roll(5) {
        0 => "Subject: none\r\n\r\nx".to_owned(),
        n => format!("Message-ID: <{n}@load.test>\r\nSubject: Re: {}\r\n\r\n{id}", dice.roll(3)),
    };
    Mail::new(id, thread, labels, i64::try_from(dice.roll(6)).unwrap(), raw.into_bytes())
}

/// What the mailbox holds, kept in the plainest way.
#[derive(Default)]
struct Model(Vec<Mail>);

impl Model {
    fn newest_first(&self) -> Vec<&Mail> {
        let mut mails: Vec<&Mail> = self.0.iter().collect();
        mails.sort_by_key(|mail| Reverse((mail.internal_ms, &mail.id)));
        mails
    }

    fn candidates(&self, narrow: &Narrow<'_>) -> Vec<&str> {
        let mails = self.newest_first().into_iter();
        let fits = |mail: &&Mail| {
            narrow.labels.iter().all(|label| mail.has(label))
                && narrow.message_id.is_none_or(|id| mail.envelope.message_id.as_deref() == Some(id))
                && narrow.since_ms.is_none_or(|since| mail.internal_ms >= since)
                && narrow.before_ms.is_none_or(|before| mail.internal_ms < before)
        };
        mails.filter(fits).map(|mail| mail.id.as_str()).collect()
    }

    fn thread_for_incoming(&self, envelope: &Envelope) -> Option<&str> {
        let mut mails: Vec<&Mail> = self.0.iter().collect();
        mails.sort_by_key(|mail| &mail.id);
        let parent = |ancestor: &String| {
            mails.iter().find(|mail| {
                !mail.has("DRAFT")
                    && mail.envelope.message_id.as_ref() == Some(ancestor)
                    && mail.envelope.subject_key == envelope.subject_key
            })
        };
        envelope.references.iter().rev().find_map(parent).map(|mail| mail.thread_id.as_str())
    }
}

fn ids<'a>(mails: impl IntoIterator<Item = &'a Mail>) -> Vec<&'a str> {
    mails.into_iter().map(|mail| mail.id.as_str()).collect()
}

fn agree(mailbox: &Mailbox, model: &Model, dice: &mut Dice) {
    assert_eq!(ids(mailbox.newest_first()), ids(model.newest_first()));
    assert_eq!(mailbox.messages.len(), model.0.len());
    assert_eq!(mailbox.messages.bytes(), model.0.iter().map(|mail| mail.raw.len()).sum::<usize>());
    let threads: BTreeSet<&str> = model.0.iter().map(|mail| mail.thread_id.as_str()).collect();
    assert_eq!(mailbox.messages.thread_count(), threads.len());
    for thread in threads {
        let mut expected: Vec<&Mail> = model.newest_first().into_iter().filter(|m| m.thread_id == thread).collect();
        expected.reverse();
        assert_eq!(ids(mailbox.thread(thread)), ids(expected));
    }
    for label in LABELS {
        assert_eq!(mailbox.messages.labelled(label), model.0.iter().filter(|mail| mail.has(label)).count());
    }
    for known in &model.0 {
        let mail = mailbox.messages.get(&known.id).unwrap();
        assert_eq!((&mail.labels, mail.internal_ms), (&known.labels, known.internal_ms));
        let draft = mailbox.drafts.values().find(|draft| draft.message_id == known.id);
        assert_eq!(mailbox.draft_of(&known.id), draft);
    }
    let message_id = format!("{}@load.test", dice.roll(6));
    let narrow = Narrow {
        labels: LABELS.into_iter().filter(|_| dice.roll(4) == 0).collect(),
        message_id: (dice.roll(3) == 0).then_some(message_id.as_str()),
        since_ms: (dice.roll(2) == 0).then(|| i64::try_from(dice.roll(7)).unwrap()),
        before_ms: (dice.roll(2) == 0).then(|| i64::try_from(dice.roll(7)).unwrap()),
    };
    assert_eq!(ids(mailbox.messages.candidates(&narrow)), model.candidates(&narrow), "{narrow:?}");
    let reply = mime::envelope(
        format!(
            "Subject: Re: {}\r\nReferences: <{}@load.test> <{}@load.test>\r\n\r\nx",
            dice.roll(3),
            dice.roll(6),
            dice.roll(6)
        )
        .as_bytes(),
    );
    assert_eq!(mailbox.thread_for_incoming(&reply).as_deref(), model.thread_for_incoming(&reply));
}

fn step(mailbox: &mut Mailbox, model: &mut Model, dice: &mut Dice, number: usize) {
    let known = (!model.0.is_empty()).then(|| dice.roll(model.0.len()));
    match (dice.roll(10), known) {
        (0..=4, _) | (_, None) => {
            let threads: Vec<String> = model.0.iter().map(|mail| mail.thread_id.clone()).collect();
            let mail = mail(dice, format!("{:04x}", number * 7_919 % 65_521), &threads);
            model.0.push(mail.clone());
            mailbox.add(mail, 0);
        }
        (5..=6, Some(at)) => {
            let gone = model.0.swap_remove(at);
            assert_eq!(mailbox.remove(&gone.id, 0).unwrap().id, gone.id);
            mailbox.drafts.remove_of(&gone.id);
        }
        (7, Some(at)) => {
            let message_id = model.0[at].id.clone();
            mailbox.drafts.remove_of(&message_id);
            let id = format!("r{}", dice.roll(8));
            mailbox.drafts.insert(id.clone(), Draft { id, message_id });
        }
        (_, Some(at)) => {
            let mut some = || -> Vec<String> {
                LABELS.iter().filter(|_| dice.roll(3) == 0).map(|label| (*label).to_owned()).collect()
            };
            let (add, remove) = (some(), some());
            let mail = &mut model.0[at];
            mail.labels.retain(|label| !remove.contains(label) || add.contains(label));
            mail.labels.extend(add.iter().cloned());
            mailbox.relabel(&mail.id, &add, &remove, 0).unwrap();
        }
    }
}

#[test]
fn indexes_answer_as_a_walk_through_all_messages_does() {
    for seed in 1..=6 {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let kept = Kept { records: 50, age_ms: 1_000 };
        let (mut mailbox, mut model) = (Mailbox::new("a@load.test".into(), 1_000, kept), Model::default());
        for number in 0..100 {
            step(&mut mailbox, &mut model, &mut dice, number);
            agree(&mailbox, &model, &mut dice);
        }
        let mails: Vec<Mail> = mailbox.newest_first().into_iter().cloned().collect();
        let drafts: Vec<Draft> = mailbox.drafts.values().cloned().collect();
        let records: Vec<Record> = mailbox.history.since(0).cloned().collect();
        assert_eq!(records.len(), 50);
        mailbox.restore(mails, drafts, records.clone());
        agree(&mailbox, &model, &mut dice);
        assert_eq!(mailbox.history.since(0).cloned().collect::<Vec<_>>(), records);
    }
}

#[test]
fn history_is_kept_by_count_and_by_age() {
    let kept = Kept { records: 3, age_ms: 100 };
    let mut mailbox = Mailbox::new("a@load.test".into(), 1_000, kept);
    let add = |mailbox: &mut Mailbox, id: &str, now_ms| {
        mailbox.add(Mail::new(id.into(), None, BTreeSet::new(), 0, b"x".to_vec()), now_ms);
        mailbox.history.newest
    };
    let first = add(&mut mailbox, "1", 0);
    let second = add(&mut mailbox, "2", 50);
    assert_eq!(mailbox.history.floor, 1_000);
    mailbox.history.expire(100);
    assert_eq!(mailbox.history.floor, 1_000, "not older than the limit");
    mailbox.history.expire(101);
    assert_eq!(mailbox.history.floor, first);
    assert_eq!(mailbox.history.since(first).map(|record| record.id).collect::<Vec<_>>(), [second]);
    add(&mut mailbox, "3", 120);
    add(&mut mailbox, "4", 130);
    assert_eq!(mailbox.history.floor, first);
    add(&mut mailbox, "5", 140);
    assert_eq!(mailbox.history.floor, second, "one too many");
    mailbox.history.expire(10_000);
    assert_eq!(mailbox.history.floor, mailbox.history.newest);
}
