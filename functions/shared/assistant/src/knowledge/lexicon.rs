//! What words mean at a service desk: which of them speak of the same thing (`parcel`, `delivery`, `arrive`), and which
//! carry no subject (`please`, `wondering`). General vocabulary of customers, not of any one knowledge base.
//!
//! An entry is the beginning of a folded word; `=word` is the whole word. In languages that compound, an entry of five
//! letters or more also counts inside a word (`Versandkosten`).

use std::collections::HashMap;
use std::sync::LazyLock;

/// Concept, then words by language.
type Row = (&'static str, &'static [(&'static str, &'static str)]);

pub const CONCEPTS: &[Row] = &[
    (
        "ship",
        &[
            ("en", "ship deliver dispatch parcel =package =packages postage courier arriv freight"),
            (
                "de",
                "liefer versand versend verschick paket sendung zustell porto fracht ankomm ankunft =kommt =geliefert",
            ),
            ("fr", "livr expedi envoi =envoyez =envoyer colis acheminement =port"),
            ("es", "envi entreg paquete repart =llega =llegar =llegan"),
            ("it", "sped consegn pacco pacchi recapit =arriva"),
            ("pt", "envi entreg encomend expedi =frete =portes =chega"),
            ("nl", "lever verzend verzond bezorg pakket pakje =verstuurd"),
            ("sv", "leverans leverer frakt skicka paket"),
            ("da", "lever fragt forsend pakke =sende =sender"),
            ("no", "lever frakt forsend pakke sending =sender"),
            ("fi", "toimit lahet paketti paketin kuljet"),
            ("hu", "szallit kiszallit kuldem csomag hazhoz"),
            ("ro", "livr expedi colet transport"),
            ("ru", "достав посыл отправ привез"),
            ("tr", "kargo teslim gonder paket"),
            ("pl", "wysyl dostaw przesyl paczk"),
        ],
    ),
    (
        "return",
        &[
            ("en", "return =back"),
            ("de", "ruckgabe zuruck retour rucksend rucknahme widerruf ruckgabefrist zuruckgeben zuruckschick"),
            ("fr", "retour retract renvo rendre =repris =reprenez"),
            ("es", "devol devuel retorn"),
            ("it", "=reso =resi restitu recess"),
            ("pt", "devol retorn"),
            ("nl", "retour terug herroep"),
            ("sv", "retur angerratt tillbaka bytesratt"),
            ("da", "retur fortryd tilbage"),
            ("no", "retur angre tilbake"),
            ("fi", "palaut"),
            ("hu", "visszakuld visszaru vissza elallas"),
            ("ro", "retur inapoi"),
            ("ru", "возвра верну"),
            ("tr", "iade geri"),
            ("pl", "zwrot zwroc zwraca odesl"),
        ],
    ),
    (
        "refund",
        &[
            ("en", "refund reimburs =money"),
            ("de", "erstatt ruckzahl =geld"),
            ("fr", "rembours"),
            ("es", "reembols =dinero"),
            ("it", "rimbors"),
            ("pt", "reembols"),
            ("nl", "terugbetal =geld"),
            ("sv", "aterbetal pengar"),
            ("da", "refunder penge tilbagebetal"),
            ("no", "refunder penger tilbakebetal"),
            ("fi", "hyvity rahat"),
            ("hu", "visszaterit"),
            ("ro", "ramburs"),
            ("ru", "деньги"),
            ("tr", "para"),
            ("pl", "pieniadz"),
        ],
    ),
    (
        "cost",
        &[
            ("en", "cost price prices pricing priced fee =fees charg expens =rate =rates tariff =free quot"),
            ("de", "kosten kostet preis gebuhr kostenlos gratis kostenfrei tarif teuer"),
            ("fr", "cout prix tarif frais gratuit =cher offert"),
            ("es", "cuest cost preci tarifa gratis gratuit gasto =vale =cobran"),
            ("it", "cost prezz tariff gratis gratuit"),
            ("pt", "cust preco tarifa gratis gratuit taxa"),
            ("nl", "kosten =kost prijs prijzen tarief gratis"),
            ("sv", "kostar kostnad =pris priser avgift gratis fraktfri"),
            ("da", "koster =pris priser gebyr gratis omkostning"),
            ("no", "koster =pris priser gebyr gratis kostnad"),
            ("fi", "maksaa hinta hinnat hinno ilmai kustann maksut toimitusmaks"),
            ("hu", "kerul =ara arak =ar dij koltseg ingyen"),
            ("ro", "cost pret tarif gratuit taxa"),
            ("ru", "стои цен бесплат тариф плат"),
            ("tr", "ucret fiyat bedava masraf"),
            ("pl", "koszt cen= =cena =ceny oplat bezplat darmow"),
        ],
    ),
    (
        "pay",
        &[
            ("en", "pay paid payment paypal card =cards"),
            ("de", "zahl bezahl paypal kreditkart uberweis"),
            ("fr", "pay paiement paypal =carte =cartes reglement virement"),
            ("es", "pag tarjeta paypal transferencia"),
            ("it", "pag carta paypal bonifico"),
            ("pt", "pag cartao paypal transferencia"),
            ("nl", "betal paypal creditcard ideal="),
            ("sv", "betal kort= swish"),
            ("da", "betal =kort mobilepay"),
            ("no", "betal =kort vipps"),
            ("fi", "maksutav maksaminen"),
            ("hu", "fizet kartya utalas"),
            ("ro", "plat card="),
            ("ru", "оплат карт"),
            ("tr", "odeme kredi"),
            ("pl", "platn zaplac karta"),
        ],
    ),
    (
        "open",
        &[
            ("en", "=open opens opening =hours =closed =close closes closing"),
            ("de", "geoffnet sprechstund sprechzeit offnung geschlossen =offen =offnet =zu schliess"),
            ("fr", "ouvert ouvre horaire ferme fermet"),
            ("es", "abr abiert apertura horario cierr cerrad"),
            ("it", "apert =apre =aprite orari chius chiude"),
            ("pt", "abert abre horario fech"),
            ("nl", "geopend =open opening gesloten openingstijden"),
            ("sv", "oppettid =oppet =oppna oppnar stang"),
            ("da", "abning =abent =aben lukke"),
            ("no", "apning =apent =apen stengt stenger"),
            ("fi", "auki avoinna aukiolo sulje"),
            ("hu", "nyitva nyit zarva"),
            ("ro", "deschis program inchis"),
            ("ru", "открыт работае часы закрыт график"),
            ("tr", "acik calisma kapali saatleri"),
            ("pl", "otwart godzin zamkni"),
        ],
    ),
    (
        "weekday",
        &[
            ("en", "monday tuesday wednesday thursday friday saturday sunday weekend weekday"),
            ("de", "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag wochenende"),
            ("fr", "lundi mardi mercredi jeudi vendredi samedi dimanche =week"),
            ("es", "lunes martes miercoles jueves viernes sabado domingo"),
            ("it", "lunedi martedi mercoledi giovedi venerdi sabato domenica"),
            ("pt", "segunda terca quarta quinta sexta sabado domingo"),
            ("nl", "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag weekend"),
            ("sv", "mandag tisdag onsdag torsdag fredag lordag sondag helg"),
            ("da", "mandag tirsdag onsdag torsdag fredag lordag sondag weekend"),
            ("no", "mandag tirsdag onsdag torsdag fredag lordag sondag helg"),
            ("fi", "maanantai tiistai keskiviikko torstai perjantai lauantai sunnuntai"),
            ("hu", "hetfo kedd szerda csutortok pentek szombat vasarnap"),
            ("ro", "luni marti miercuri joi vineri sambata duminica"),
            ("ru", "понедельник вторник сред четверг пятниц суббот воскресен выходн"),
            ("tr", "pazartesi =sali carsamba persembe =cuma cumartesi =pazar"),
            ("pl", "poniedzial wtor srod czwart piat sobot niedziel"),
        ],
    ),
    (
        "warranty",
        &[
            ("en", "warrant guarant"),
            ("de", "garantie gewahrleist"),
            ("fr", "garanti"),
            ("es", "garanti"),
            ("it", "garanzi"),
            ("pt", "garanti"),
            ("nl", "garantie"),
            ("sv", "garanti reklamationsratt"),
            ("da", "garanti reklamationsret"),
            ("no", "garanti reklamasjonsrett"),
            ("fi", "takuu"),
            ("hu", "garancia jotall"),
            ("ro", "garanti"),
            ("ru", "гарант"),
            ("tr", "garanti"),
            ("pl", "gwaranc rekojm"),
        ],
    ),
    (
        "defect",
        &[
            ("en", "defect broken =break =breaks =broke fault malfunction fails"),
            ("de", "defekt kaputt mangel schaden"),
            ("fr", "defaut defectu panne cass"),
            ("es", "defect =roto =rota averi estrope"),
            ("it", "difett rott guast"),
            ("pt", "defeit avari estrag"),
            ("nl", "defect kapot"),
            ("sv", "defekt trasig"),
            ("da", "defekt =gar"),
            ("no", "defekt odelagt"),
            ("fi", "rikki viall"),
            ("hu", "hiba elromlik"),
            ("ro", "defect stric"),
            ("ru", "слома брак дефект"),
            ("tr", "bozu ariza"),
            ("pl", "zepsu uszkodz wad"),
        ],
    ),
    (
        "track",
        &[
            ("en", "track trace =whereabouts =status"),
            ("de", "sendungsverfolg tracking nachverfolg verfolg =status"),
            ("fr", "suivi suivre =statut"),
            ("es", "seguimiento rastre localiz"),
            ("it", "tracci tracking monitor"),
            ("pt", "rastre seguimento acompanh"),
            ("nl", "volgen trackingcode track"),
            ("sv", "spara sparning"),
            ("da", "spore sporing"),
            ("no", "spore sporing"),
            ("fi", "seuranta seurata"),
            ("hu", "nyomkovet"),
            ("ro", "urmari"),
            ("ru", "отследить отслежив"),
            ("tr", "takip"),
            ("pl", "sledz"),
        ],
    ),
    (
        "order",
        &[
            ("en", "order purchas bought =buy =buying"),
            ("de", "bestell kauf einkauf auftrag"),
            ("fr", "command achat achet"),
            ("es", "pedid pedir compr"),
            ("it", "ordin acquist compr"),
            ("pt", "encomendar pedid compr"),
            ("nl", "bestel koop aankoop gekocht"),
            ("sv", "bestall =kop kopa kopt order"),
            ("da", "bestil =kob kobt ordre"),
            ("no", "bestill =kjop kjopt ordre"),
            ("fi", "tilau tilata osto"),
            ("hu", "rendel vasar"),
            ("ro", "comand cumpar"),
            ("ru", "заказ покуп купи"),
            ("tr", "siparis satin"),
            ("pl", "zamow zakup kup"),
        ],
    ),
    (
        "discount",
        &[
            ("en", "discount coupon voucher =sale promo"),
            ("de", "rabatt gutschein ermassig nachlass aktionscode"),
            ("fr", "remise reduction rabais promo"),
            ("es", "descuent cupon rebaj promocion"),
            ("it", "scont coupon buono"),
            ("pt", "descont cupom cupao"),
            ("nl", "korting kortingscode"),
            ("sv", "rabatt"),
            ("da", "rabat"),
            ("no", "rabatt"),
            ("fi", "alennus alennuk"),
            ("hu", "kedvezmeny kupon"),
            ("ro", "reducer discount"),
            ("ru", "скидк купон промокод"),
            ("tr", "indirim kupon"),
            ("pl", "rabat znizk"),
        ],
    ),
    (
        "invoice",
        &[
            ("en", "invoice receipt =vat"),
            ("de", "rechnung quittung beleg kassenbon mehrwertsteuer"),
            ("fr", "factur =recu =tva"),
            ("es", "factur =iva recibo"),
            ("it", "fattur =iva scontrino"),
            ("pt", "fatur recibo =iva"),
            ("nl", "factuur facturen =btw bonnetje"),
            ("sv", "faktura kvitto"),
            ("da", "faktura kvittering"),
            ("no", "faktura kvittering"),
            ("fi", "lasku= kuitti"),
            ("hu", "szamla"),
            ("ro", "factur"),
            ("ru", "счет чек"),
            ("tr", "fatura"),
            ("pl", "faktur paragon"),
        ],
    ),
    (
        "phone",
        &[
            ("en", "phone telephone =call =ring hotline"),
            ("de", "telefon anruf hotline"),
            ("fr", "telephon appel joindre"),
            ("es", "telefon llamar"),
            ("it", "telefon chiamar"),
            ("pt", "telefon ligar"),
            ("nl", "telefoon bellen"),
            ("sv", "telefon ringa"),
            ("da", "telefon ringe"),
            ("no", "telefon ringe"),
            ("fi", "puhelin soittaa"),
            ("hu", "telefon hivni"),
            ("ro", "telefon suna"),
            ("ru", "телефон позвон"),
            ("tr", "telefon ara="),
            ("pl", "telefon dzwoni"),
        ],
    ),
    (
        "place",
        &[
            ("en", "address locat directions situated"),
            ("de", "adresse anschrift standort anfahrt befind"),
            ("fr", "adresse situe trouve"),
            ("es", "direccion ubica"),
            ("it", "indirizzo situat"),
            ("pt", "endereco morada localiza"),
            ("nl", "adres gevestigd"),
            ("sv", "adress ligger"),
            ("da", "adresse ligger"),
            ("no", "adresse ligger"),
            ("fi", "osoite sijait"),
            ("hu", "=cim cime"),
            ("ro", "adresa"),
            ("ru", "адрес находит"),
            ("tr", "adres"),
            ("pl", "adres"),
        ],
    ),
    (
        "cancel",
        &[
            ("en", "cancel terminat"),
            ("de", "kundig storn"),
            ("fr", "annul resili"),
            ("es", "cancel anul baja="),
            ("it", "annull disd cancell"),
            ("pt", "cancel anul"),
            ("nl", "opzeg annul"),
            ("sv", "avbest"),
            ("da", "opsig annull"),
            ("no", "avbest oppsig"),
            ("fi", "peruu irtisan"),
            ("hu", "lemond torol"),
            ("ro", "anul"),
            ("ru", "отмен расторг"),
            ("tr", "iptal"),
            ("pl", "anul rezygn wypowied"),
        ],
    ),
    (
        "abroad",
        &[
            ("en", "abroad international worldwide overseas =countries foreign"),
            ("de", "ausland international weltweit =lander"),
            ("fr", "etranger international =pays"),
            ("es", "extranjero internacional =paises"),
            ("it", "estero internazional =paesi"),
            ("pt", "exterior estrangeiro internaciona =paises"),
            ("nl", "buitenland internationa wereldwijd"),
            ("sv", "utomlands utlandet internatio"),
            ("da", "udland internatio"),
            ("no", "utland internatio"),
            ("fi", "ulkomai"),
            ("hu", "kulfold"),
            ("ro", "strainatate international"),
            ("ru", "границ международ"),
            ("tr", "yurt uluslararasi"),
            ("pl", "zagranic miedzynarod"),
        ],
    ),
];

/// Words that ask or frame and have no subject of their own, beside the general stop words.
pub const FILLERS: &[(&str, &str)] = &[
    (
        "en",
        "please thank thanks hello hi hey dear sir madam team greetings regards kind best cheers would could can may might shall wonder wondering wonders know tell let say ask asking question questions query help need needs want wants like possible possibly information info informations details about regarding concerning get got take takes taking took long much many often quick quickly fast soon early late latest time times day days week weeks year years currently actually really just also still already anyway offer offers offered offering provide provides accept accepts allow allowed able use used using make makes do does done go goes going come comes give gives given item items thing things product products something anything someone shop store company website site online customer customers happen happens exactly today tomorrow yesterday usually normally generally there quick happy interested planning plan thinking considering due per kindly advise explain clarify confirm hope well day morning afternoon evening good nice great include includes included new old send sent sending receive received receiving got long total altogether work works working per however find looking look hear soon forward mail email mine via sort kind type types way ways wait waiting longer period end goods stuff month months hour hours minute amount expect big chance else per keep live last lasts valid apply applies policy if else whether until since bring reach",
    ),
    (
        "de",
        "bitte danke hallo guten tag morgen abend geehrte damen herren liebe lieber gruss grusse grussen freundlichen freundliche viele beste team frage fragen anfrage wissen sagen mitteilen informieren information informationen info moglich eigentlich gerne gern mochte mochten konnte konnten kann konnen wurde wurden darf durfen soll sollte brauche brauchen lange lang viel wieviel schnell bald oft zeit tag tage tagen woche wochen monat monate jahr jahre gibt geben bieten bietet angeboten nehmen nimmt dauert dauern dauer machen macht gehen geht kommt kommen artikel ware waren produkt produkte sache sachen etwas laden geschaft firma website online kunde kunden heute gestern morgen genau bezuglich wegen betreffend auskunft helfen hilfe interesse interessiere vorab voraus vielen herzlichen schon noch auch mal denn etwa ungefahr insgesamt bekommen bekomme erhalten erhalte senden schicken sende schicke uber eure euch ihnen ihr euer wann welche welcher welches wer wo wie was warum bis wohin spat fruh tun passiert hoch gilt gelten gultig funktioniert ablauft lauft braucht gefallt gefallen passt moglichkeit hallochen sei waren wird ob innerhalb betragt mich dass fur bei beim ihren ihre eure unser akzeptieren erlaubt erreichen erreiche mitbringen",
    ),
    (
        "fr",
        "bonjour bonsoir merci cordialement madame monsieur salut svp plait question questions savoir dire demander demande information informations renseignement renseignements renseigner aide aider possible pourriez pouvez peut peux puis pouvoir voudrais aimerais souhaite souhaiterais besoin combien quand comment quel quelle quels quelles pourquoi temps jour jours semaine semaines mois an ans annee annees long longtemps delai faut prend prendre faire fait fais aller va avoir article articles produit produits chose quelque magasin boutique societe entreprise site ligne client clients propos concernant sujet avance beaucoup bien encore deja aussi proposez propose offrez acceptez recevoir recois recu donner donne vite rapidement tot heure heures est-ce dois doit existe voulais compte elle elles il ils on cela ca vos votre sont dure durer valable fonctionne passe jusqu jusque peuvent si cette cet ces plait convient etes suis avant apres politique accepte acceptes acceptee acceptees autorise autorises autorisee autorisees permis joignable",
    ),
    (
        "es",
        "hola buenos buenas dias tardes gracias saludos estimado estimada estimados senor senora favor pregunta preguntas consulta saber decir decirme preguntar informacion informar ayuda ayudar posible puedo puede pueden podria podrian podeis quiero quisiera gustaria necesito cuanto cuanta cuantos cuantas cuando como donde cual cuales que tiempo dia semana semanas mes meses ano anos largo tarda tardan tardar plazo toma hacer hace hago tener tienen tiene teneis hay articulo articulos producto productos cosa algo tienda empresa sitio web linea cliente clientes sobre respecto antemano mucho muchas muy todavia ya tambien ofrecen ofrece aceptan acepta recibir recibo dar rapido pronto hora horas debo dura duran valido funciona sirve si vuestra vuestro su sus politica gusta hasta usted ustedes podemos aceptados permitido permite permiten llevar",
    ),
    (
        "it",
        "ciao buongiorno buonasera salve grazie saluti cordiali gentile gentili signore signora favore domanda domande sapere dire chiedere informazione informazioni aiuto aiutare possibile posso puo potete potrei potreste vorrei desidero bisogno quanto quanta quanti quante quando come dove quale quali tempo giorno giorni settimana settimane mese mesi anno anni lungo ci vuole serve fare fate avere avete articolo articoli prodotto prodotti cosa qualcosa negozio azienda sito online cliente clienti riguardo circa anticipo molto ancora gia anche offrite accettate ricevere dare veloce presto ora ore devo dura durano valido funziona se vostra vostro vostre vostri fino piace politica accettati ammessi permesso portare",
    ),
    (
        "pt",
        "ola bom boa dia tarde noite obrigado obrigada cumprimentos atenciosamente caro cara senhor senhora favor pergunta perguntas duvida saber dizer perguntar informacao informacoes ajuda ajudar possivel posso pode podem poderia gostaria quero queria preciso quanto quanta quantos quantas quando como onde qual quais tempo dias semana semanas mes meses ano anos longo demora leva fazer faz fazem ter tem ha artigo artigos produto produtos coisa algo loja empresa site online cliente clientes sobre respeito muito ainda ja tambem oferecem aceitam receber dar rapido breve hora horas devo voces dura valido funciona se vossa vosso seu sua ate politica gosto",
    ),
    (
        "nl",
        "hallo goedendag beste bedankt dank groet groeten vriendelijke vraag vragen weten zeggen informatie info hulp helpen mogelijk kan kunnen kunt zou wil willen graag nodig hoeveel hoe lang wanneer waar welke wat waarom tijd dag dagen week weken maand maanden jaar jaren duurt duren doen doe gaan gaat heeft hebben artikel artikelen product producten iets winkel bedrijf website online klant klanten over betreft alvast veel nog ook al bieden accepteren krijgen ontvangen snel moet mag jullie geldt geldig werkt als uw beleid bevalt tot",
    ),
    (
        "sv",
        "hej tack halsningar vanliga fraga fragor undrar veta saga information hjalp hjalpa mojligt kan kunna skulle vill garna behover hur mycket lange nar var vilka vilken tid dag dagar vecka veckor manad ar tar ta gora gor finns har produkt produkter vara varor nagot butik foretag kund erbjuder snabbt",
    ),
    (
        "da",
        "hej tak hilsen venlig sporgsmal ved vide sige information hjaelp muligt kan kunne ville vil gerne brug hvor meget mange laenge hvornar hvilke hvad tid dag dage uge uger maned ar tager tage gore findes har produkt produkter vare varer noget butik firma kunde tilbyder hurtigt",
    ),
    (
        "no",
        "hei takk hilsen vennlig sporsmal lurer vite si informasjon hjelp mulig kan kunne ville vil gjerne trenger hvor mye mange lenge nar hvilke hva tid dag dager uke uker maned ar tar ta gjore finnes har produkt produkter vare varer noe butikk firma kunde tilbyr raskt",
    ),
    (
        "fi",
        "hei moi kiitos terveisin kysymys kysymyksia tietaa tietoa apua auttaa mahdollista voinko voitteko voi voiko haluaisin haluan tarvitsen kuinka paljon kauan milloin mika mitka aika paiva paivaa viikko viikkoa kuukausi vuosi kestaa tehda onko tuote tuotteet tuotteen jotain kauppa yritys asiakas nopeasti saanko teilla teidan",
    ),
    (
        "hu",
        "jo napot kivanok koszonom udvozlettel kerdes kerdesem tudni szeretnem szeretnek kerem segitseg lehetseges lehet tudok tudnak kell mennyi mennyibe mikor hol melyik mi ido nap napot napon het honap ev mennyi tart van termek termekek valami uzlet bolt ceg ugyfel gyorsan meddig hany",
    ),
    (
        "ro",
        "buna ziua salut multumesc respect intrebare intrebari stiu spune informatii ajutor posibil pot puteti poate as dori vreau nevoie cat cata cate cand unde care timp zi zile saptamana saptamani luna luni an ani dureaza face aveti produs produse ceva magazin firma client repede",
    ),
    (
        "ru",
        "здравствуйте добрый день привет спасибо пожалуйста уважением вопрос вопросы узнать знать сказать скажите подскажите информация помочь помощь можно могу можете ли хотел хотела хочу нужно нужен сколько когда где какой какая какие каким время день дня дней неделя недели месяц год занимает делать сделать есть товар товары магазин компания клиент быстро долго",
    ),
    (
        "tr",
        "merhaba iyi gunler tesekkurler tesekkur lutfen soru sorum bilgi bilmek ogrenmek yardim mumkun miyim misiniz musunuz istiyorum gerekiyor kadar ne zaman nerede hangi nasil kac gun hafta ay yil suruyor surer surede urun urunler bir sey magaza firma musteri hizli yapiyor var alabilir",
    ),
    (
        "pl",
        "dzien dobry witam dziekuje pozdrawiam pytanie prosze wiedziec informacje pomoc mozliwe moge mozna czy chcialbym chcialabym potrzebuje ile kiedy gdzie jaki jakie jaka jak dlugo czas dni tydzien miesiac rok trwa zrobic jest produkt produkty cos sklep firma klient szybko panstwo macie",
    ),
];

/// Beginnings of the names of countries and regions. Whether something holds for one of them can only be told by a
/// passage that names it.
pub const REGIONS: &[&str] = &[
    "norw",
    "noruega",
    "schweiz",
    "switzerl",
    "suisse",
    "suiza",
    "svizzer",
    "zwitserl",
    "austria",
    "osterreich",
    "autriche",
    "germany",
    "deutschland",
    "allemagne",
    "alemania",
    "germania",
    "duitsland",
    "france",
    "frankreich",
    "francia",
    "frankrijk",
    "spain",
    "spanien",
    "espagne",
    "espana",
    "spagna",
    "spanje",
    "italy",
    "italie",
    "italia",
    "belgi",
    "luxemb",
    "luxembourg",
    "netherl",
    "niederland",
    "pays-bas",
    "holland",
    "denmark",
    "danemark",
    "dinamarca",
    "sweden",
    "schwed",
    "suede",
    "suecia",
    "finnland",
    "finland",
    "finlande",
    "finlandia",
    "poland",
    "polen",
    "pologne",
    "polonia",
    "portugal",
    "greece",
    "griechenland",
    "grece",
    "grecia",
    "ireland",
    "irland",
    "irlanda",
    "britain",
    "england",
    "anglet",
    "inglat",
    "scotl",
    "schottl",
    "wales",
    "iceland",
    "island",
    "islande",
    "turkey",
    "turkei",
    "turquie",
    "turquia",
    "russia",
    "russland",
    "ukrain",
    "canada",
    "kanada",
    "mexic",
    "mexiko",
    "brazil",
    "brasil",
    "argentin",
    "chile",
    "colombia",
    "peru",
    "australia",
    "australien",
    "zealand",
    "neuseeland",
    "japan",
    "japon",
    "china",
    "chine",
    "korea",
    "india",
    "indien",
    "inde",
    "israel",
    "egypt",
    "agypt",
    "egypte",
    "egipto",
    "africa",
    "afrika",
    "afrique",
    "asia",
    "asien",
    "america",
    "amerika",
    "amerique",
    "usa",
    "hungary",
    "ungarn",
    "hongrie",
    "hungria",
    "romania",
    "rumanien",
    "roumanie",
    "czech",
    "tschech",
    "tcheque",
    "slovak",
    "slowak",
    "sloven",
    "slowen",
    "croat",
    "kroat",
    "croatie",
    "croacia",
    "malta",
    "cyprus",
    "zypern",
    "estonia",
    "estland",
    "latvia",
    "lettland",
    "lithuania",
    "litauen",
    "corsica",
    "korsika",
    "corse",
    "mallorca",
    "canari",
    "kanar",
    "baleares",
    "sicil",
    "maroc",
    "morocc",
    "marokko",
    "marruecos",
    "tunisi",
    "alger",
    "dubai",
    "singap",
    "taiwan",
    "thailand",
    "vietnam",
];

/// Languages whose words are joined without a space.
pub fn compounds(language: &str) -> bool {
    matches!(language, "de" | "nl" | "sv" | "da" | "no" | "fi" | "hu")
}

/// One entry of [`CONCEPTS`], read.
struct Entry {
    text: &'static str,
    whole: bool,
    inside: bool,
    concept: &'static str,
}

static BY_LANGUAGE: LazyLock<HashMap<&'static str, Vec<Entry>>> = LazyLock::new(|| {
    let mut out: HashMap<&'static str, Vec<Entry>> = HashMap::new();
    for (concept, by_language) in CONCEPTS {
        for (language, list) in *by_language {
            out.entry(language).or_default().extend(list.split(' ').map(|entry| {
                let text = entry.trim_matches('=');
                let whole = text != entry;
                let inside = !whole && compounds(language) && text.chars().count() >= 5;
                Entry { text, whole, inside, concept }
            }));
        }
    }
    out
});

/// The concepts a folded word speaks of.
pub fn concepts(language: &str, word: &str) -> Vec<&'static str> {
    let mut out = Vec::new();
    for entry in BY_LANGUAGE.get(language).into_iter().flatten() {
        let speaks = if entry.whole {
            word == entry.text
        } else {
            word.starts_with(entry.text) || (entry.inside && word.contains(entry.text))
        };
        if speaks && !out.contains(&entry.concept) {
            out.push(entry.concept);
        }
    }
    out
}

pub fn is_region(word: &str) -> bool {
    REGIONS.iter().any(|region| word.starts_with(region))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(language: &str, word: &str) -> Vec<&'static str> {
        concepts(language, word)
    }

    #[test]
    fn words_share_a_concept_across_languages_and_compounds() {
        assert_eq!(of("en", "delivery"), ["ship"]);
        assert_eq!(of("de", "versandkosten"), ["ship", "cost"]);
        assert_eq!(of("fr", "livraison"), ["ship"]);
        assert_eq!(of("de", "hoffen"), Vec::<&str>::new());
        assert_eq!(of("xx", "delivery"), Vec::<&str>::new());
    }

    #[test]
    fn entries_are_folded_and_not_empty() {
        for (_, by_language) in CONCEPTS {
            for (_, list) in *by_language {
                for entry in list.split(' ') {
                    assert!(!entry.trim_matches('=').is_empty());
                    assert_eq!(crate::text::fold(entry), entry);
                }
            }
        }
        for (_, list) in FILLERS {
            assert_eq!(crate::text::fold(list), *list);
        }
    }
}
