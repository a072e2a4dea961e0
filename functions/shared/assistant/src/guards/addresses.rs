//! Every mail address of a reply, and every `@name`, stands in the cited passages, in the settings, or is the mailbox's
//! own. The customer's own address is none of these: who wrote under it is only a claim. Effect: a person.

use super::case::Case;
use super::plain::unmasked;
use super::{Finding, person};

pub fn judge(case: &Case<'_>) -> Finding {
    let found = addresses(&case.reply);
    if found.is_empty() {
        return None;
    }
    let known: Vec<String> = addresses(&case.sources).into_iter().chain(addresses(&case.owner)).collect();
    let own = |address: &String| case.own.iter().any(|own| own.canonical() == *address);
    if found.iter().all(|address| known.contains(address) || own(address)) {
        return None;
    }
    person("a mail address of the reply stands neither in the cited passages nor in the settings")
}

/// In lower case.
fn addresses(text: &str) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    for form in [text.to_owned(), unmasked(text)] {
        let parts: Vec<&str> = form.split('@').collect();
        for pair in parts.windows(2) {
            let in_local = |c: char| c.is_alphanumeric() || "._%+-'!#$&*=?^`{|}~".contains(c);
            let local = pair[0].rsplit(|c| !in_local(c)).next().unwrap_or("");
            let domain = pair[1].split(|c: char| !(c.is_alphanumeric() || ".-_".contains(c))).next().unwrap_or("");
            let domain = domain.trim_end_matches(['.', '-', '_']);
            let address = format!("{}@{domain}", local.trim_start_matches(['\'', '`', '*', '{', '.'])).to_lowercase();
            if !domain.is_empty() && !out.contains(&address) {
                out.push(address);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_any_dress() {
        for text in [
            "Pay@Evil.test",
            "<pay@evil.test>",
            "mailto:pay@evil.test",
            "pay(at)evil.test",
            "pay [at] evil [dot] test",
            "pay＠evil.test",
            "pay&commat;evil.test",
            "pay%40evil.test",
            "to pay@evil.test.",
        ] {
            assert!(addresses(text).contains(&"pay@evil.test".to_owned()), "{text}: {:?}", addresses(text));
        }
        assert_eq!(addresses("follow @shop on the net"), ["@shop"]);
        assert_eq!(addresses("6 @ 2 EUR and nothing else at all"), Vec::<String>::from(["6@2".to_owned()]));
    }
}
