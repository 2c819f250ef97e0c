"""Parts that names and addresses of invented customers are made of, by country.

Companies and streets are made up; towns and their post codes are real, phone numbers lie in ranges kept for fiction
where a country has one, bank accounts carry the check digits 00 that no real one has.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """How customers of one country are called and where they live. `{}` takes a number."""

    country: str
    currency: str
    language: str
    names: tuple[str, ...]
    first: tuple[str, ...]
    second: tuple[str, ...]
    legal: tuple[str, ...]
    streets: tuple[str, ...]
    towns: tuple[tuple[str, str], ...]
    phone: str


USA = Region(
    country="USA",
    currency="USD",
    language="en-us",
    names=("{first} {second} {legal}", "{first} {second}, {legal}", "{first} & Daughters {second} {legal}"),
    first=(
        *("Tumblegate", "Cedarquill", "Harborwick", "Maplefen", "Copperloom", "Quailbrook", "Prairieknot", "Larkstone"),
        *("Willowmere", "Juniperhall", "Foxglen", "Orchardlea", "Bramblecove", "Silverspan", "Otterford", "Pinehollow"),
    ),
    second=("Tools", "Paper", "Bakery", "Freight", "Garden Supply", "Glass", "Print", "Lighting", "Packaging"),
    legal=("Inc.", "LLC", "Co.", "Corp."),
    streets=("{} Mill Road", "{} Lantern Street", "{} Old Depot Avenue", "{} Heron Drive, Suite 4"),
    towns=(("Duluth", "55802"), ("Spokane", "99201"), ("Toledo", "43604-1107"), ("Tucson", "85701")),
    phone="+1 555 555 01{:02d}",
)

KOREA = Region(
    country="KOR",
    currency="KRW",
    language="ko",
    names=("주식회사 {first}{second}", "{first}{second}(주)", "{first} {second}"),
    first=("한빛결", "새솔들", "푸른여울", "다온터", "은하마루", "별내음", "솔바람길", "너른들녘", "고운가람"),
    second=("전자", "식품", "건설", "무역", "물산", "정밀", "제지", "인쇄", "유통"),
    legal=("",),
    streets=("버드나무로 {}", "느티길 {}", "새터로 {}번길 7", "달빛대로 {}"),
    towns=(("서울", "04524"), ("부산", "48058"), ("대구", "41911"), ("광주", "61945"), ("전주", "54999")),
    phone="+82 2 555 01{:02d}",
)

FRANCE = Region(
    country="FRA",
    currency="EUR",
    language="fr",
    names=("{first} {second} {legal}", "{legal} {first} {second}"),
    first=(
        *("Boulangerie", "Menuiserie", "Imprimerie", "Librairie", "Maçonnerie", "Pâtisserie", "Quincaillerie"),
        *("Fromagerie", "Serrurerie", "Verrerie", "Épicerie", "Tôlerie", "Pépinière", "Brûlerie"),
    ),
    second=(
        *("du Pré Gelé", "des Trois Tilleuls", "de l’Étang Noir", "Garançon-Noël", "du Chêne Creux"),
        *("Dufrêlon", "aux Œillets", "du Hérisson", "Thévenaud Frères", "de Saint-Hélion", "La Belle Marée"),
    ),
    legal=("SARL", "SAS", "EURL", "& Fils"),
    streets=("{} rue des Églantiers", "{} bis, allée du Château d’Eau", "{} quai de l’Île", "{} impasse Bel-Été"),
    towns=(("Nîmes", "30000"), ("Besançon", "25000"), ("Saint-Étienne", "42000"), ("Angoulême", "16000")),
    phone="+33 1 99 00 00 {:02d}",
)

ITALY = Region(
    country="ITA",
    currency="EUR",
    language="it",
    names=("{first} {second} {legal}",),
    first=(
        *("Officina", "Panificio", "Tipografia", "Cantina", "Falegnameria", "Vetreria", "Ceramiche", "Pasticceria"),
        *("Caffè", "Lavanderia", "Ferramenta"),
    ),
    second=(
        *("della Città Vecchia", "San Niccolò in Valle", "dell'Olmo", "Belpassò", "Tre Ulivi", "Fiordaliso"),
        *("Rocca d'Alba", "Quattro Venti", "Santa Perpetuità"),
    ),
    legal=("S.r.l.", "S.p.A.", "S.n.c.", "S.a.s."),
    streets=("Via dei Lecci {}", "Piazza della Libertà {}", "Viale Più Bello {}/A", "Corso Giosuè {}"),
    towns=(("Forlì", "47121"), ("Cantù", "22063"), ("Viterbo", "01100"), ("Nardò", "73048"), ("Rovereto", "38068")),
    phone="+39 0461 5550{:02d}",
)

NETHERLANDS = Region(
    country="NLD",
    currency="EUR",
    language="nl",
    names=("{first} {second} {legal}", "{second} {first} {legal}"),
    first=("Bakkerij", "Drukkerij", "Houthandel", "Kwekerij", "Fietsenhandel", "Zeilmakerij", "IJssalon", "Brouwerij"),
    second=(
        *("De Gouden Wilg", "’t Hoefijzer", "Van der Zandhoeve", "Groene Kreek", "De Zeven Eiken", "Ruiterskwartier"),
        *("Coöperatie Ons Erf", "De Reünie", "Noorderlicht & Zn.", "Vlietzicht"),
    ),
    legal=("B.V.", "V.O.F.", "N.V."),
    streets=("Wilgenkade {}", "Oude Sluisweg {}", "Hoefslag {}-hs", "Zeeuwse Dijk {}"),
    towns=(("Delft", "2611 AB"), ("Zwolle", "8011 CD"), ("’s-Hertogenbosch", "5211 EK"), ("Goes", "4461 GH")),
    phone="+31 20 555 01{:02d}",
)

SWEDEN = Region(
    country="SWE",
    currency="SEK",
    language="sv",
    names=("{first} {second} {legal}", "{second} i {first} {legal}"),
    first=(
        *("Ängsholma", "Björkhyttan", "Råstensvik", "Östanåsen", "Kvarnbäcka", "Näsudden", "Höglunda", "Tallmåla"),
        *("Lövfors", "Gråvik", "Åsbrink", "Väderskär"),
    ),
    second=("Snickeri", "Bageri", "Måleri", "Rörteknik", "Tryckeri", "Trädgård", "Åkeri", "Plåtslageri", "Mejeri"),
    legal=("AB", "HB", "Ekonomisk förening"),
    streets=("Björkstigen {}", "Älvgatan {} B", "Norra Åvägen {}", "Smedjebacken {}"),
    towns=(("Göteborg", "411 08"), ("Malmö", "211 20"), ("Umeå", "903 26"), ("Västerås", "722 11")),
    phone="+46 8 465 004 {:02d}",
)

ALPHA_2 = {"USA": "US", "KOR": "KR", "FRA": "FR", "ITA": "IT", "NLD": "NL", "SWE": "SE"}

COMPANIES: dict[str, tuple[tuple[Region, int], ...]] = {
    "usmf": ((USA, 780), (KOREA, 320)),
    "frrt": ((FRANCE, 560), (ITALY, 350), (NETHERLANDS, 290)),
    "semf": ((SWEDEN, 640),),
}
"""How many customers of which country each legal entity has."""
