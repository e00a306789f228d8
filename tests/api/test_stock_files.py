"""Files of a whole shop, as spreadsheets and people write them."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError

from api.problems import Problem
from api.stock_files import read_catalogue, read_stock
from api.stock_schemas import MOST_LINES
from dispatch.records import Article

CSV = "text/csv"


def refused(text: str | bytes, code: str = "stock_file_refused") -> list[dict[str, Any]]:
    """Return the errors told of a file."""
    body = text if isinstance(text, bytes) else text.encode()
    read = read_stock if code == "stock_file_refused" else read_catalogue
    with pytest.raises(Problem) as problem:
        read(CSV, body)
    assert problem.value.code == code
    assert problem.value.detail.endswith(".")
    extra = problem.value.extra
    assert extra["errors_total"] >= len(extra["errors"])
    errors: list[dict[str, Any]] = extra["errors"]
    assert extra["pointer"] == errors[0]["pointer"]
    return errors


@pytest.mark.parametrize(
    "text",
    [
        "sku,on_hand\nmilk,3\nbread,0\n",
        "sku,on_hand\nmilk,3\nbread,0",
        "on_hand;sku\r\n3;milk\r\n0;bread\r\n",
        "sku\ton_hand\nmilk\t3\nbread\t0\n",
        '\ufeffSKU,On_Hand\n milk , 3 \n\n,\n"bread","0"\n',
        "sku,on_hand\rmilk,3\rbread,0\r",
        "sku,on_hand,safety_stock,shelf\nmilk,3,,\nbread,000,,\n",
    ],
)
def test_a_file_is_read_as_spreadsheets_write_it(text: str) -> None:
    found = read_stock("text/csv; charset=UTF-8; header=present", text.encode())
    assert found.on_hand == {"milk": 3, "bread": 0}
    assert (found.safety_stock, found.shelves, found.is_csv) == ({}, {}, True)


def test_shelf_and_safety_stock_are_taken_where_they_are_said() -> None:
    text = 'shelf,sku,safety_stock,on_hand\n"A03, left",milk,2,3\n,bread,,4\n'
    found = read_stock(CSV, text.encode())
    assert found.on_hand == {"milk": 3, "bread": 4}
    assert found.safety_stock == {"milk": 2}
    assert found.shelves == {"milk": "A03, left"}


def test_every_broken_line_is_named_with_its_column() -> None:
    text = 'sku,on_hand\nmilk,3\nbread,x\n\n"two\nlines",1\n,4\neggs,-1\nmilk,5\nham,1,2\n'
    found = [(e["line"], e["column"], e["pointer"]) for e in refused(text)]
    assert found == [
        (3, "on_hand", "/items/1/on_hand"),
        (5, "sku", "/items/2/sku"),
        (7, "sku", "/items/3/sku"),
        (8, "on_hand", "/items/4/on_hand"),
        (9, "sku", "/items/5/sku"),
        (10, None, "/items/6"),
    ]
    told = [e["detail"] for e in refused(text)]
    assert told[0] == "is 'x'; give a whole number from 0 to 1000000"
    assert told[4] == "milk is on line 2 already; say one thing of it"
    assert told[5] == "has 3 cells, the header 2"


@pytest.mark.parametrize("count", ["1.5", "1e3", "1 000", "+1", "\uff11", "1000001", "9" * 400, ""])
def test_a_count_is_a_plain_whole_number(count: str) -> None:
    (error,) = refused(f"sku,on_hand\nmilk,{count}\n")
    assert (error["line"], error["column"]) == (2, "on_hand")


@pytest.mark.parametrize("sku", ["two words", "m\x00lk", "mölk", "x" * 65, '"a\tb"'])
def test_an_sku_is_one_printable_word(sku: str) -> None:
    (error,) = refused(f"sku,on_hand\n{sku},1\n")
    assert (error["line"], error["column"]) == (2, "sku")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "the file is empty"),
        ("\n\n", 1, "the file is empty"),
        ("sku,on_hand\n", 1, "has a header and no line after it"),
        ("sku,onhand\nmilk,1\n", 1, "'onhand' is no column; there are sku, on_hand"),
        ("milk,1\n", 1, "'milk' is no column"),
        ("sku\nmilk\n", 1, "on_hand is missing from the header"),
        ("sku,on_hand,sku\nmilk,1,milk\n", 1, "sku is there twice"),
        ('sku,on_hand\nmilk,1\n"bread,2\neggs,3\n', 3, "is not CSV"),
        (b"sku,on_hand\nmilk,1\nm\xe4mmi,1\n", 3, "is not UTF-8"),
        ("sku,on_hand\nmilk,1\n".encode("utf-16"), 1, "is not UTF-8"),
    ],
)
def test_a_file_that_is_none_says_so(text: str | bytes, line: int, words: str) -> None:
    errors = refused(text)
    assert errors[0]["line"] == line
    assert any(words in error["detail"] for error in errors), errors


def test_the_first_hundred_errors_are_told_and_all_are_counted() -> None:
    lines = "".join(f"sku-{number},many\n" for number in range(250))
    with pytest.raises(Problem) as problem:
        read_stock(CSV, f"sku,on_hand\n{lines}".encode())
    assert len(problem.value.extra["errors"]) == 100
    assert problem.value.extra["errors_total"] == 250
    assert "249 more problems" in problem.value.detail


def test_as_many_lines_as_a_file_may_have_are_taken_and_no_more() -> None:
    lines = "".join(f"{number},1\n" for number in range(MOST_LINES))
    assert len(read_stock(CSV, f"sku,on_hand\n{lines}".encode()).on_hand) == MOST_LINES
    (error,) = refused(f"sku,on_hand\n{lines}one-more,1\n")
    assert (error["line"], error["detail"]) == (
        MOST_LINES + 2,
        "is beyond 200000 lines; send several files",
    )


def test_a_catalogue_is_read_with_what_it_says() -> None:
    text = (
        "sku,name,weight_g,price_cents,chilled,age_limit,barcode,shelf\n"
        'milk,"Milk, 1 l",1030,129,YES,,6408430011667,C01\n'
        "wine,Viini,1250,1290,0,18,,\n"
    )
    found = read_catalogue(CSV, text.encode())
    assert found.articles == (
        Article("milk", "Milk, 1 l", 1030, 129, chilled=True, barcode="6408430011667", shelf="C01"),
        Article("wine", "Viini", 1250, 1290, age_limit=18),
    )
    assert found.lines == (2, 3)


def test_a_catalogue_names_what_it_cannot_mean() -> None:
    text = "sku,chilled,age_limit,barcode,name\na,maybe,0,1,A\nb,no,120,a b," + "x" * 121 + "\n"
    found = [(e["line"], e["column"]) for e in refused(text, "catalogue_file_refused")]
    assert found == [(2, "chilled"), (3, "age_limit"), (3, "barcode"), (3, "name")]


def test_json_says_the_same_and_points_at_what_is_wrong() -> None:
    body = b'{"items": [{"sku": "milk", "on_hand": 3, "shelf": "A1", "safety_stock": 0}]}'
    for content_type in ("application/json", "application/problem+json", ""):
        found = read_stock(content_type, body)
        assert (found.on_hand, found.shelves, found.safety_stock, found.is_csv) == (
            {"milk": 3},
            {"milk": "A1"},
            {"milk": 0},
            False,
        )
    with pytest.raises(RequestValidationError) as wrong:
        read_stock("", b'{"items": [{"sku": "milk", "on_hand": "3"}, {"sku": "a b"}], "x": 1}')
    places = {".".join(str(part) for part in item["loc"]) for item in wrong.value.errors()}
    assert places == {
        "body.items.0.on_hand",
        "body.items.1.sku",
        "body.items.1.on_hand",
        "body.x",
    }


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("application/json", b"{", "malformed_body"),
        ("application/json", b"[" * 100_000, "malformed_body"),
        (
            "application/json",
            b'{"items": [{"sku": "a", "on_hand": ' + b"9" * 5000,
            "malformed_body",
        ),
        ("application/xml", b"<stock/>", "invalid_request"),
        ("text/csv; charset=windows-1252", b"sku,on_hand\na,1\n", "invalid_request"),
    ],
)
def test_a_body_of_another_kind_is_refused(content_type: str, body: bytes, code: str) -> None:
    with pytest.raises(Problem) as problem:
        read_stock(content_type, body)
    assert problem.value.code == code
