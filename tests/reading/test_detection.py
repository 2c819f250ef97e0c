"""How a CSV file is recognised: delimiter, encoding, header row; and refused where two readings are plausible."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from importer.errors import FileRefused, SetupError
from reading.whole import Whole

Read = Callable[..., Whole]


@pytest.mark.parametrize(
    ("content", "delimiter", "headers"),
    [
        ("a,b\n1,2\n", ",", ("a", "b")),
        ("a;b\n1,5;2,5\n", ";", ("a", "b")),
        ("a\tb\n1\t2\n", "\t", ("a", "b")),
        ("a|b\n1|2\n", "|", ("a", "b")),
        ("name\nSmith\nAnna\n", None, ("name",)),
        ("a,b\n", ",", ("a", "b")),
        ("a;b;\n1;2;\n", ";", ("a", "b", "")),
        ('"a,x";b\n"1,2";3\n', ";", ("a,x", "b")),
    ],
    ids=["comma", "semicolon", "tab", "pipe", "one column", "header only", "trailing delimiter", "quoted delimiter"],
)
def test_the_delimiter_is_told_from_regular_rows(
    read: Read, content: str, delimiter: str | None, headers: tuple[str, ...]
) -> None:
    found = read(content)
    assert found.dialect.delimiter == delimiter
    assert found.headers == headers
    assert not found.unreadable


def test_two_plausible_delimiters_are_refused_with_both_readings(read: Read) -> None:
    with pytest.raises(FileRefused, match=r"comma: 2 columns.*semicolon: 2 columns") as refused:
        read("a,b;c\n1,2;3\n")
    assert "--delimiter" in (refused.value.hint or "")


def test_known_names_settle_the_delimiter(read: Read) -> None:
    assert read("name\nSmith, John\n", known_headers={"name"}).rows == {2: ("Smith, John",)}
    found = read("Name;Group,x\n1;2,3\n", known_headers={"name"})
    assert found.headers == ("Name", "Group,x")


@pytest.mark.parametrize(
    ("content", "row"),
    [
        ("Customers of today\n\na,b,c\n1,2,3\n", 3),
        ("Report;;;\na;b;c;d\n1;2;3;4\n", 2),
        ("\n\na,b\n1,2\n", 3),
    ],
    ids=["title and empty line", "title padded with delimiters", "empty lines"],
)
def test_lines_above_the_header_are_skipped_but_counted(read: Read, content: str, row: int) -> None:
    found = read(content)
    assert found.dialect.header_row == row
    assert list(found.rows) == [row + 1]


def test_known_names_find_the_header_below_a_table_like_preamble(read: Read) -> None:
    content = "Run by,Anna\nCustomer Account,Name\n1,2\n"
    assert read(content).headers == ("Run by", "Anna")
    assert read(content, known_headers={"customer_account", "name"}).headers == ("Customer Account", "Name")


def test_two_rows_that_could_be_the_header_are_refused(read: Read) -> None:
    with pytest.raises(FileRefused, match="Row 2 and row 3"):
        read("x,y,z\nname,city,1\ncity,group,2\n", known_headers={"name", "city", "group"})


def test_a_given_header_row_is_taken(read: Read) -> None:
    assert read("a,b\nc,d\n1,2\n", header_row=2).headers == ("c", "d")


@pytest.mark.parametrize("row", [7, 2])
def test_a_header_row_without_text_is_refused(read: Read, row: int) -> None:
    with pytest.raises(FileRefused, match=f"Row {row}"):
        read("a,b\n\n1,2\n", header_row=row)


@pytest.mark.parametrize(
    "options",
    [
        {"delimiter": ";;"},
        {"delimiter": "a"},
        {"quote": "é"},
        {"encoding": "nonsense"},
        {"header_row": 0},
        {"escape": '"'},
    ],
    ids=str,
)
def test_senseless_options_are_wrong_usage(read: Read, options: dict[str, object]) -> None:
    with pytest.raises(SetupError):
        read("a,b\n1,2\n", **options)


WORDS = "name,city\nMüller,Köln\nAndré,Orléans\nBjörk,Malmö\n"


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32-le"),
        ("cp1252", "windows-1252"),
        ("mac_roman", "mac-roman"),
    ],
)
def test_the_encoding_is_told_from_the_bytes(read: Read, codec: str, name: str) -> None:
    found = read(WORDS.encode(codec))
    assert found.dialect.encoding == name
    assert found.headers == ("name", "city")
    assert found.rows[2] == ("Müller", "Köln")


@pytest.mark.parametrize(("codec", "name"), [("cp949", "cp949"), ("cp932", "shift-jis")])
def test_east_asian_encodings(read: Read, codec: str, name: str) -> None:
    text = {"cp949": "이름,도시\n홍길동,서울\n김철수,부산\n", "cp932": "名前,都市\nすずき,東京\nたなか,大阪\n"}[codec]
    found = read(text.encode(codec))
    assert found.dialect.encoding == name
    assert found.headers == tuple(text.split("\n")[0].split(","))


@pytest.mark.parametrize("codec", ["cp1251", "iso-8859-7"])
def test_other_scripts_in_one_byte_are_refused_with_readings(read: Read, codec: str) -> None:
    text = {"cp1251": "имя,город\nИван,Москва\n", "iso-8859-7": "όνομα,πόλη\nΓιώργος,Αθήνα\n"}[codec]
    with pytest.raises(FileRefused, match="windows-1252") as refused:
        read(text.encode(codec))
    assert "--encoding" in (refused.value.hint or "")
    assert read(text.encode(codec), encoding=codec).headers == tuple(text.split("\n")[0].split(","))


CENTRAL = {
    "Czech": "jméno,město\nDvořák,Plzeň\nNovák,Brno\nKučera,České Budějovice\n",
    "Polish": "nazwa,miasto\nKrajńska Góra,Kraków\nPoznań,Toruń\n",
    "Hungarian": "név,város\nErdős,Győr\nKovács Jenő,Pécs\n",
    "Croatian": "ime,grad\nKovačić,Sisak\nHorvat,Čakovec\n",
    "Romanian": "nume,loc\nBrăila,Bacău\nIonescu,Buzău\n",
}
WESTERN = {
    "French": "nom,ville\nHélène,Genève\nMichèle,Mézières\nà Paris,Barrière\n",
    "French with more": "nom,ville\nFrançois,Bâle\nLefêvre,Août\nZoë,Liège\n",
    "Spanish": "nombre,ciudad\nMuñoz,León\nGómez,Logroño\nPeña,La Coruña\n",
    "Portuguese": "nome,cidade\nJoão,São Paulo\nSimões,Guimarães\n",
    "Danish": "navn,by\nSøren Møller,Ærø\nJørgensen,Aarhus\nRasmus Bjørn,Frederikshavn\n",
    "Swedish": "namn,ort\nMårten,Skåne\nÅsa Lindgren,Luleå\n",
    "Italian": "nome,luogo\nNiccolò,Cantù\nCaffè Nero,Forlì\nCittà,Viganò\n",
    "German": "Name,Ort\nMüller,Köln\nGroß,Düsseldorf\n",
    "many": "name,city\nMüller,København\nMuñoz,Besançon\nAndré,Malmö\nJoão,Genève\n",
}


@pytest.mark.parametrize("language", CENTRAL)
def test_central_european_names_are_not_taken_for_western_ones(read: Read, language: str) -> None:
    with pytest.raises(FileRefused, match=r"windows-1252.*windows-1250"):
        read(CENTRAL[language].encode("cp1250"))
    assert not read(CENTRAL[language].encode("cp1250"), encoding="windows-1250").unreadable


@pytest.mark.parametrize("language", WESTERN)
def test_western_names_are_read_without_a_question(read: Read, language: str) -> None:
    found = read(WESTERN[language].encode("cp1252"))
    assert found.dialect.encoding == "windows-1252"
    assert [",".join(cells) for cells in found.rows.values()] == WESTERN[language].splitlines()[1:]


def test_a_mark_that_contradicts_the_given_encoding_is_refused(read: Read) -> None:
    with pytest.raises(FileRefused, match="byte order mark"):
        read(WORDS.encode("utf-8-sig"), encoding="windows-1252")


def test_bytes_that_do_not_decode_cost_their_row_only(read: Read) -> None:
    found = read("a,b\nMüller,1\nAndré,2\n".encode() + b"K\xf6ln,3\nx,4\n")
    assert found.codes == {4: "undecodable_text"}
    assert found.unreadable[0].text == "K\\xf6ln,3"
    assert list(found.rows) == [2, 3, 5]


def test_undefined_bytes_of_windows_1252_cost_their_row_only(read: Read) -> None:
    found = read(b"a,b\nx\x81,1\n\xfc,2\n", encoding="windows-1252")
    assert found.codes == {2: "undecodable_text"}
    assert found.rows == {3: ("ü", "2")}


def test_a_backslash_escapes_only_when_it_is_declared(read: Read) -> None:
    content = 'a,b\n"say \\"hi\\"",1\nx\\,y,2\n'
    assert read(content, delimiter=",", escape="\\").rows == {2: ('say "hi"', "1"), 3: ("x,y", "2")}
    assert read(content, delimiter=",").codes == {2: "bad_quoting", 3: "row_too_long"}


def test_quotes_are_plain_text_when_there_are_none(read: Read) -> None:
    assert read('a,b\n5" pipe,1\n', quote="").rows == {2: ('5" pipe', "1")}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("1", "row_too_short"),
        ("1,2,3", "row_too_long"),
        ('1,x"y', "bad_quoting"),
        ('"1"x,2', "bad_quoting"),
        ("a,b", "repeated_header"),
        ("1,\0", "control_character"),
    ],
)
def test_a_bad_row_is_named_and_its_neighbours_stay(read: Read, line: str, code: str) -> None:
    found = read(f"a,b\n0,0\n\n{line}\n\n9,9\n")
    assert found.codes == {4: code}
    assert found.unreadable[0].text == line
    assert found.rows == {2: ("0", "0"), 6: ("9", "9")}


def test_a_quoted_newline_starts_no_new_row(read: Read) -> None:
    assert list(read('a,b\n"x\ny\nz",1\n2,3\n').rows) == [2, 3]


def test_text_below_a_blank_header_is_a_row_too_long(read: Read) -> None:
    found = read("a,b,\n1,2,\n3,4,x\n")
    assert found.rows == {2: ("1", "2", "")}
    assert found.codes == {3: "row_too_long"}


def test_an_unclosed_quote_that_would_swallow_the_file_is_refused(read: Read) -> None:
    with pytest.raises(FileRefused, match="opens in row 3"):
        read('a,b\n1,2\n"3,4\n5\n6,7\n')


def test_an_unclosed_quote_is_contained_if_all_lines_after_it_are_right(read: Read) -> None:
    found = read('a,b\n1,2\n"3,4\n5,6\n')
    assert found.codes == {3: "bad_quoting"}
    assert found.rows == {2: ("1", "2"), 4: ("5", "6")}


def test_batches_have_the_size_that_was_asked_for(file: Callable[..., object]) -> None:
    from importer.reading import ReadOptions, open_source

    path = file("a,b\n" + "".join(f"{number},x\n" if number % 5 else "bad\n" for number in range(97)))
    with open_source(path, ReadOptions()) as source:  # type: ignore[arg-type]
        sizes = [len(batch.rows) + len(batch.unreadable) for batch in source.batches(10)]
        assert source.progress == 1.0
    assert sizes == [10] * 9 + [7]
