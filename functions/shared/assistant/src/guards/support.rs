//! Every sentence of a reply rests on one of the cited passages: at least half of its content words, of short ones two
//! thirds, stand there by stem or by concept. One passage has to bear it, so that citing everything bears nothing more. Greetings, thanks and offers of further help state nothing and need no support. Effect: a draft.

use super::case::Case;
use super::lexical::{Vocabulary, content, most};
use super::{Finding, draft};
use crate::extractive::phrases;
use crate::knowledge::Term;
use crate::language;
use crate::text::{fold, sentences, words};

pub fn judge(case: &Case<'_>) -> Finding {
    if case.passages.is_empty() {
        return draft("no passage is cited for the reply");
    }
    let language = language::detect(&case.reply);
    let passages = Vocabulary::of_each(language, &case.passages);
    let all: Vec<&str> = sentences(&case.reply).into_iter().flat_map(statements).collect();
    let last = all.len().saturating_sub(2);
    let unsupported = all.iter().enumerate().any(|(at, sentence)| {
        if phrases::is_framing(sentence)
            || phrases::is_framing(&format!("{sentence}."))
            || (at == 0 || at >= last) && is_greeting(sentence)
        {
            return false;
        }
        let mut said = content(language, sentence);
        said.retain(|term| !is_courtesy(term));
        let found = most(&passages, &said);
        // Of a few words one may be met by chance.
        if said.len() <= 4 { found * 3 < said.len() * 2 } else { found * 2 < said.len() }
    });
    if unsupported { draft("a sentence of the reply is not borne by the cited passages") } else { None }
}

/// A sentence further cut at line ends, colons and full stops before a small letter, so that nothing rides along. A number's
/// stop and an abbreviation make no statement of its own: they have no content words.
fn statements(sentence: &str) -> impl Iterator<Item = &str> {
    sentence.split(['\n', ';', '|']).flat_map(|line| line.split(". ")).flat_map(|line| line.split(": ")).map(str::trim)
}

/// A short first or last line that greets or signs.
fn is_greeting(line: &str) -> bool {
    const BEGIN: &str = "dear hello hi good hey hallo liebe lieber guten sehr bonjour bonsoir cher chere madame monsieur hola buenos buenas estimad buongiorno \
                         gentile salve caro cara ciao ola bom boa prezad beste geachte goede dzien szanown witam hej hei moi kedves buna stimat \
                         merhaba здравствуйте добрый best kind warm regards yours sincerely cheers mit viele freundliche herzliche cordialement bien \
                         salutations saludos atentamente cordiales un cordiali saluti distinti atenciosamente cumprimentos com met vriendelijke groet \
                         pozdrawiam pozdrawiamy med venlig vanlig hilsen halsningar";
    let folded = fold(line);
    let all: Vec<&str> = words(&folded).collect();
    all.len() <= 5 && all.first().is_some_and(|first| BEGIN.split_whitespace().any(|begin| first.starts_with(begin)))
}

/// Words of manners, which state nothing about the matter. By their beginnings, folded.
fn is_courtesy(term: &Term) -> bool {
    const WORDS: &str = "help question contact happy glad thank messag mail email reply repli unclear anything further feel hope inform know let assist \
                         team please regard welcome sorry apolog understand accord simply answer detail \
                         helf hilf frag kontakt gern dank nachricht antwort unklar offen weiter hoff wissen bitte gruss willkommen leid entschuldig \
                         verstand meld einfach \
                         aid contact merci courriel repond eclairc point hesit savoir equip suffit reste \
                         ayud pregunt duda gracia mensaj correo respond saber gusto consult \
                         aiut domand contatt grazi messaggi rispond chiar saper piacer dubb \
                         pergunt duvida obrigad mensag equipa prazer \
                         vraag vragen bedankt bericht beantwoord onduidelijk graag weten gewoon \
                         pomoc pomog pyta kontakt dziek wiadom odpowied niejasn zespol chetnie prosi";
    WORDS.split_whitespace().any(|word| term.word.starts_with(word) && term.word.len() <= word.len() + 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_are_short_and_begin_like_one() {
        for text in ["Dear Ms Lovelace,", "Best regards", "Sehr geehrte Frau Ada,", "Cordialement"] {
            assert!(is_greeting(text), "{text}");
        }
        assert!(!is_greeting("Dear customer, send your card number to us today"));
        assert!(!is_greeting("Returns are free"));
    }
}
