//! Words that are numbers, names of months, units of time and marks of money, by language.

use crate::text::fold;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// From zero up, by language; a space parts the numbers, a slash the forms of one. They count only before what they
/// count, since `one` is an article as well.
const NUMERALS: &[(&str, &str)] = &[
    (
        "en",
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty",
    ),
    (
        "de",
        "null ein/eine/einem/einen/einer/eines zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn funfzehn sechzehn siebzehn achtzehn neunzehn zwanzig",
    ),
    (
        "fr",
        "zero un/une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf vingt",
    ),
    (
        "es",
        "cero un/una/uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete dieciocho diecinueve veinte",
    ),
    (
        "it",
        "zero un/una/uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove venti",
    ),
    (
        "pt",
        "zero um/uma dois/duas tres quatro cinco seis sete oito nove dez onze doze treze catorze/quatorze quinze dezasseis/dezesseis dezassete/dezessete dezoito dezanove/dezenove vinte",
    ),
    (
        "nl",
        "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien twintig",
    ),
    (
        "pl",
        "zero jeden/jedna/jednego dwa/dwie/dwoch trzy/trzech cztery/czterech piec/pieciu szesc/szesciu siedem/siedmiu osiem/osmiu dziewiec/dziewieciu dziesiec/dziesieciu jedenascie/jedenastu dwanascie/dwunastu trzynascie/trzynastu czternascie/czternastu pietnascie/pietnastu szesnascie/szesnastu siedemnascie/siedemnastu osiemnascie/osiemnastu dziewietnascie/dziewietnastu dwadziescia/dwudziestu",
    ),
    (
        "sv",
        "noll en/ett tva tre fyra fem sex sju atta nio tio elva tolv tretton fjorton femton sexton sjutton arton nitton tjugo",
    ),
    (
        "da",
        "nul en/et to tre fire fem seks syv otte ni ti elleve tolv tretten fjorten femten seksten sytten atten nitten tyve",
    ),
    (
        "no",
        "null en/ett/et to tre fire fem seks sju/syv atte ni ti elleve tolv tretten fjorten femten seksten sytten atten nitten tjue",
    ),
];

const TENS: &[(&str, &str)] = &[
    ("en", "thirty forty fifty sixty seventy eighty ninety hundred"),
    ("de", "dreissig vierzig funfzig sechzig siebzig achtzig neunzig hundert"),
    ("fr", "trente quarante cinquante soixante soixante-dix quatre-vingts quatre-vingt-dix cent"),
    ("es", "treinta cuarenta cincuenta sesenta setenta ochenta noventa cien"),
    ("it", "trenta quaranta cinquanta sessanta settanta ottanta novanta cento"),
    ("pt", "trinta quarenta cinquenta sessenta setenta oitenta noventa cem"),
    ("nl", "dertig veertig vijftig zestig zeventig tachtig negentig honderd"),
    (
        "pl",
        "trzydziesci/trzydziestu czterdziesci/czterdziestu piecdziesiat/piecdziesieciu szescdziesiat siedemdziesiat osiemdziesiat dziewiecdziesiat sto",
    ),
    ("sv", "trettio fyrtio femtio sextio sjuttio attio nittio hundra"),
    ("da", "tredive fyrre halvtreds tres halvfjerds firs halvfems hundrede"),
    ("no", "tretti forti femti seksti sytti atti nitti hundre"),
];

/// The value of a folded word in a language.
pub fn numeral(language: &str, word: &str) -> Option<u32> {
    let find = |table: &[(&str, &str)]| {
        let (_, row) = table.iter().find(|(of, _)| *of == language)?;
        (0_u32..).zip(row.split(' ')).find(|(_, forms)| forms.split('/').any(|form| form == word)).map(|(at, _)| at)
    };
    find(NUMERALS).or_else(|| find(TENS).map(|at| 30 + at * 10))
}

const MONTHS: &[&str] = &[
    "january januar janvier enero gennaio janeiro januari stycznia styczen",
    "february februar fevrier febrero febbraio fevereiro februari lutego luty",
    "march marz mars marzo marco maart marca marzec",
    "april avril abril aprile kwietnia kwiecien",
    "may mai mayo maggio maio mei maja maj",
    "june juni juin junio giugno junho czerwca czerwiec",
    "july juli juillet julio luglio julho lipca lipiec",
    "august aout agosto augustus augusti sierpnia sierpien",
    "september septembre septiembre settembre setembro wrzesnia wrzesien",
    "october oktober octobre octubre ottobre outubro pazdziernika pazdziernik",
    "november novembre noviembre novembro listopada listopad",
    "december dezember decembre diciembre dicembre dezembro grudnia grudzien",
];

/// 1 to 12 for a folded word that names a month, in any language.
pub fn month(word: &str) -> Option<u32> {
    (1_u32..).zip(MONTHS).find(|(_, names)| names.split(' ').any(|name| name == word)).map(|(at, _)| at)
}

const UNITS: &[(Unit, &str, &str)] = &[
    (Unit::Minute, "minut", "min mins 分 분"),
    (Unit::Hour, "hour stunde heure godzin timma", "h hora horas ora ore uur uren timmar timer hrs std 時 小"),
    (
        Unit::Day,
        "arbeitstag werktag arbetsdag werkdag weekdag",
        "day days tag tage tagen jour jours dia dias giorno giorni dag dagen dagar dage dager dni dzien dnia дня дней день 日 天 일",
    ),
    (
        Unit::Week,
        "woche semaine semana settiman tygod",
        "week weeks weken tydzien vecka veckor uge uger uke uker 週 周 주",
    ),
    (Unit::Month, "month monat miesi", "mois mes meses mese mesi maand maanden manad manader maned maneder 月 월"),
    (
        Unit::Year,
        "jahre annee",
        "year years jahr an ans ano anos anno anni jaar jaren rok roku lat lata ar лет год 年 년",
    ),
];

/// The unit of time that a folded word names.
pub fn unit(word: &str) -> Option<Unit> {
    let names = |starts: &str, whole: &str| {
        whole.split(' ').any(|name| name == word) || starts.split(' ').any(|start| word.starts_with(start))
    };
    UNITS.iter().find(|(_, starts, whole)| names(starts, whole)).map(|(unit, _, _)| *unit)
}

/// A folded word that names a currency.
pub fn is_currency(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "eur",
        "euro",
        "euros",
        "usd",
        "dollar",
        "dollars",
        "gbp",
        "pound",
        "pounds",
        "chf",
        "franken",
        "francs",
        "sek",
        "dkk",
        "nok",
        "kronor",
        "kroner",
        "pln",
        "zl",
        "zloty",
        "zlotych",
        "huf",
        "ft",
        "ron",
        "lei",
        "czk",
        "kc",
        "try",
        "tl",
        "jpy",
        "yen",
        "cent",
        "cents",
        "pence",
        "dolares",
        "dolar",
        "dolari",
        "sterlin",
        "円",
        "元",
        "원",
        "руб",
        "рублей",
    ];
    WORDS.contains(&word)
}

pub fn is_currency_sign(c: char) -> bool {
    matches!(c, '€' | '$' | '£' | '¥' | '￥' | '₽' | '₺' | '円' | '元' | '원' | '₹')
}

/// A folded word that means percent, or its first word (`per cento`).
pub fn is_percent(word: &str, next: &str) -> bool {
    matches!(word, "percent" | "prozent" | "procent" | "pct")
        || matches!((word, next), ("per", "cent" | "cento") | ("pour", "cent") | ("por", "ciento" | "cento"))
}

/// The last letters of an ordinal (`3rd`, `1er`).
pub fn is_ordinal_end(letters: &str) -> bool {
    matches!(fold(letters).as_str(), "st" | "nd" | "rd" | "th" | "er" | "e" | "eme" | "o" | "a" | "de" | "ste")
}

/// The ASCII digit of a decimal digit: full-width and Arabic ones are read as well.
pub fn digit(c: char) -> Option<char> {
    let value = match c {
        '0'..='9' => return Some(c),
        '\u{ff10}'..='\u{ff19}' => u32::from(c) - 0xff10,
        '\u{660}'..='\u{669}' => u32::from(c) - 0x660,
        '\u{6f0}'..='\u{6f9}' => u32::from(c) - 0x6f0,
        _ => return None,
    };
    char::from_digit(value, 10)
}
