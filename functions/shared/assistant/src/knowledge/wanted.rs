//! The kind of fact that a question asks for, and whether a passage states one of that kind.

use crate::text::{fold, is_hangul, is_unspaced, words};

/// The kind of fact that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Amount,
    Duration,
    Moment,
}

const CURRENCIES: &str = "€ $ £ ¥ ￥ ₽ ₺ eur usd chf gbp sek dkk nok pln huf ron try kr zl ft lei руб tl 円 元 원 euro pound dollar franc frank cent";
const FREE: &str = "free gratis gratuit kostenlos kostenfrei unentgeltlich bezplat darmow ingyen бесплат ucretsiz ilmai ilmain offert 無料 免费 무료";
const TIME_UNITS: &str = "day days hour week month year minute tag tage tagen stund woche monat jahr werktag arbeitstag minut jour heure semaine mois an ans annee dia dias hora semana mes meses ano anos giorn ora ore settiman mese mesi ann dag dagen uur week weken maand jaar timm veck manad ar arbetsdag hverdag time uge uke maned paiva viik kuukau vuo tunti tun nap het honap ev ora zi zile luni saptaman день дня дней час недел месяц год лет gun hafta ay yil saat dni dzien tygod miesi godzin rok lat 日 天 週 周 年 月 時間 小时 일 년 개월";
/// Words that are numbers and articles as well.
const ONE: &str = "one ein eine einem einen un une uno una een en ett et jeden jedna jedno";
const NUMERALS: &str = "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen eighteen twenty thirty forty fifty sixty ninety hundred \
    zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn funfzehn achtzehn zwanzig vierundzwanzig dreissig vierzig funfzig sechzig neunzig hundert \
    deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt trente quarante cinquante soixante cent \
    dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince veinte treinta cuarenta cincuenta sesenta noventa cien \
    due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici venti trenta quaranta cinquanta sessanta novanta cento \
    dois duas quatro sete oito dez doze treze quatorze vinte trinta quarenta cinquenta sessenta cem \
    twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien twintig dertig veertig vijftig zestig negentig honderd \
    dwa dwie trzy cztery piec szesc siedem osiem dziewiec dziesiec jedenascie dwanascie czternascie pietnascie dwadziescia trzydziesci szescdziesiat sto \
    tva fyra fem sex sju atta nio tio elva tolv fjorton tjugo trettio to fire seks syv otte ni ti elleve tyve tredive atte tjue tretti \
    kaksi kolme nelja viisi kuusi seitseman kymmenen";

/// The fact that was asked for is of a kind that the passage can state: an amount with its currency, a number with a
/// unit of time.
pub fn holds(wanted: Option<Wanted>, passage: &str) -> bool {
    let folded = fold(passage);
    let digit = folded.chars().any(is_digit);
    match wanted {
        None => true,
        Some(Wanted::Amount) => {
            digit && FREE.split(' ').chain(CURRENCIES.split(' ')).any(|mark| stands(&folded, mark))
                || FREE.split(' ').any(|mark| stands(&folded, mark))
        }
        Some(Wanted::Duration) => states_duration(&folded),
        Some(Wanted::Moment) => digit || words(&folded).any(is_numeral),
    }
}

fn is_digit(c: char) -> bool {
    c.is_numeric() || "一二三四五六七八九十百千".contains(c)
}

fn is_numeral(word: &str) -> bool {
    NUMERALS.split_ascii_whitespace().any(|numeral| numeral == word)
}

fn stands(folded: &str, mark: &str) -> bool {
    if mark.chars().all(|c| c.is_ascii_alphabetic()) {
        words(folded).any(|word| word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(mark))
    } else {
        folded.contains(mark)
    }
}

fn states_duration(folded: &str) -> bool {
    if folded.chars().any(|c| is_unspaced(c) || is_hangul(c)) {
        let unit =
            |rest: &str| TIME_UNITS.split(' ').filter(|unit| !unit.is_ascii()).any(|unit| rest.starts_with(unit));
        return folded.char_indices().any(|(at, c)| is_digit(c) && unit(folded[at + c.len_utf8()..].trim_start()));
    }
    let all: Vec<&str> = words(folded).flat_map(|word| word.split('-')).collect();
    let unit = |word: &&str| {
        TIME_UNITS.split(' ').any(|unit| {
            if unit.chars().count() <= 3 {
                *word == unit
            } else {
                word.starts_with(unit) || (unit.chars().count() > 3 && word.ends_with(unit))
            }
        })
    };
    all.iter().enumerate().any(|(at, word)| {
        let one = ONE.split(' ').any(|numeral| numeral == *word);
        let number = word.starts_with(|c: char| c.is_ascii_digit()) || one || is_numeral(word);
        number && all[at..].iter().skip(1).take(4).any(unit)
    })
}

const ASKED: &[(&str, Wanted, &[&str])] = &[
    ("en", Wanted::Amount, &["how much", "what does it cost", "price", "what do you charge", "what are the costs"]),
    (
        "en",
        Wanted::Duration,
        &[
            "how long",
            "how many days",
            "how many weeks",
            "how many months",
            "how fast",
            "how quickly",
            "how soon",
            "how many years",
        ],
    ),
    ("en", Wanted::Moment, &["what time", "what are your opening", "opening hours", "when do you", "when are you"]),
    ("de", Wanted::Amount, &["wie viel kost", "was kost", "wieviel kost", "wie teuer", "preis", "wie hoch sind"]),
    (
        "de",
        Wanted::Duration,
        &["wie lange", "wie viele tage", "wie schnell", "wie viel zeit", "wieviel zeit", "wie viele wochen"],
    ),
    ("de", Wanted::Moment, &["um wie viel uhr", "wann haben sie", "wann offn", "offnungszeiten"]),
    (
        "fr",
        Wanted::Amount,
        &["combien cout", "quel est le prix", "quels sont les tarifs", "a quel prix", "combien ca cout"],
    ),
    (
        "fr",
        Wanted::Duration,
        &["combien de temps", "combien de jours", "quel delai", "quels sont les delais", "sous combien"],
    ),
    ("fr", Wanted::Moment, &["a quelle heure", "quels sont vos horaires", "horaires"]),
    ("es", Wanted::Amount, &["cuanto cuest", "cuanto val", "que precio", "cual es el precio", "cuanto sale"]),
    ("es", Wanted::Duration, &["cuanto tard", "cuanto tiempo", "cuantos dias", "que plazo", "en cuanto"]),
    ("es", Wanted::Moment, &["a que hora", "que horario", "horario"]),
    ("it", Wanted::Amount, &["quanto cost", "qual e il prezzo"]),
    ("it", Wanted::Duration, &["quanto tempo", "quanti giorni"]),
    ("it", Wanted::Moment, &["a che ora", "orari"]),
    ("pt", Wanted::Amount, &["quanto cust", "qual e o preco", "qual o preco"]),
    ("pt", Wanted::Duration, &["quanto tempo", "quantos dias", "qual o prazo"]),
    ("pt", Wanted::Moment, &["a que horas", "horario"]),
    ("nl", Wanted::Amount, &["wat kost", "hoeveel kost", "welke prijs", "wat is de prijs"]),
    ("nl", Wanted::Duration, &["hoe lang", "hoelang", "hoeveel dagen", "hoe snel"]),
    ("nl", Wanted::Moment, &["hoe laat", "openingstijden"]),
    ("sv", Wanted::Amount, &["vad kost", "hur mycket kost"]),
    ("sv", Wanted::Duration, &["hur lang tid", "hur lange", "hur manga dagar"]),
    ("da", Wanted::Amount, &["hvad kost", "hvor meget kost"]),
    ("da", Wanted::Duration, &["hvor lang tid", "hvor laenge", "hvor mange dage"]),
    ("no", Wanted::Amount, &["hva kost", "hvor mye kost"]),
    ("no", Wanted::Duration, &["hvor lang tid", "hvor lenge", "hvor mange dager"]),
    ("fi", Wanted::Amount, &["paljonko maks", "mita maks", "kuinka paljon maks"]),
    ("fi", Wanted::Duration, &["kuinka kauan", "kauanko", "kuinka monta paivaa"]),
    ("hu", Wanted::Amount, &["mennyibe"]),
    ("hu", Wanted::Duration, &["mennyi ideig", "mennyi ido", "hany nap", "meddig tart"]),
    ("ro", Wanted::Amount, &["cat cost", "ce pret"]),
    ("ro", Wanted::Duration, &["cat dureaza", "cat timp", "cate zile"]),
    ("ru", Wanted::Amount, &["сколько сто", "какая цена", "какова цена"]),
    ("ru", Wanted::Duration, &["сколько времени", "как долго", "сколько дней"]),
    ("tr", Wanted::Amount, &["kac para", "ucreti ne kadar", "fiyati ne kadar"]),
    ("tr", Wanted::Duration, &["ne kadar sur", "kac gun"]),
    ("pl", Wanted::Amount, &["ile kosztuje", "jaka jest cena"]),
    ("pl", Wanted::Duration, &["jak dlugo", "ile dni", "ile trwa"]),
    ("ja", Wanted::Amount, &["いくら"]),
    ("zh", Wanted::Amount, &["多少钱", "多少錢"]),
    ("ko", Wanted::Amount, &["얼마인"]),
];

/// Further ways of asking for an amount or a time.
const ASKED_ALSO: &[(&str, Wanted, &[&str])] = &[
    ("en", Wanted::Amount, &["what is the cost", "what is the charge", "what do i pay", "what is the fee"]),
    (
        "de",
        Wanted::Amount,
        &["was zahle", "wie viel zahl", "wieviel zahl", "wie viel verlang", "was verlang", "was berechn"],
    ),
    (
        "fr",
        Wanted::Amount,
        &["quel montant", "quels frais", "combien me", "combien faut il payer", "quel cout", "quel est le tarif"],
    ),
    ("fr", Wanted::Moment, &["a quelles heures", "jusqu'a quelle heure"]),
    ("es", Wanted::Amount, &["cuanto pag", "cuanto cobr", "que importe", "que coste"]),
    ("it", Wanted::Amount, &["quanto pag", "quanto vien", "che prezzo", "che costo"]),
    ("pt", Wanted::Amount, &["que valor", "quanto pag", "que preco", "qual o custo", "quanto cobr"]),
    ("nl", Wanted::Amount, &["hoeveel betaal", "wat betaal", "wat zijn de kosten", "hoeveel bedra"]),
    ("pl", Wanted::Amount, &["ile zaplac", "ile doplac", "ile plac", "jaki koszt", "jaki jest koszt", "ile wynos"]),
    ("pl", Wanted::Duration, &["po ilu dniach", "w ile dni", "ile czasu", "ile czekac"]),
];

pub fn wanted(language: &str, text: &str) -> Option<Wanted> {
    let folded = fold(text);
    ASKED
        .iter()
        .chain(ASKED_ALSO)
        .find(|(of, _, asked)| *of == language && asked.iter().any(|asked| folded.contains(asked)))
        .map(|(_, wanted, _)| *wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_in_words_too() {
        for stated in ["It lasts eleven hours.", "Die Reparatur dauert zwölf Werktage.", "Le délai est de huit jours."]
        {
            assert!(holds(Some(Wanted::Duration), stated), "{stated}");
        }
        assert!(holds(Some(Wanted::Moment), "We open at nine."));
        assert!(!holds(Some(Wanted::Duration), "The battery lasts long."));
        assert!(!holds(Some(Wanted::Moment), "We open one door after the other."));
    }
}
