"""A bucket's listing is read page by page, and nothing that XML can do to a reader is done to this one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from answering_guest import AnsweringGuest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.feed import FetchFailed, Version
from ingest.feeds.bucket import list_bucket, parse_page

BUCKET = "https://bucket.example.org/cams/"


def listing(*keys: str, truncated: bool = False, more: str = "") -> bytes:
    contents = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-03-12T07:5{place}:00.000Z</LastModified>"
        f"<ETag>&quot;{place}&quot;</ETag><Size>7</Size><Owner><ID>Key</ID></Owner></Contents>"
        for place, key in enumerate(keys)
    )
    flag = f"<IsTruncated>{str(truncated).lower()}</IsTruncated>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>cams</Name><Prefix></Prefix><Marker></Marker><MaxKeys>2</MaxKeys>{flag}{more}{contents}"
        "</ListBucketResult>"
    ).encode()


def test_a_listing_goes_on_after_its_last_key_until_it_is_whole() -> None:
    guest = AnsweringGuest(
        {
            BUCKET: listing("a.mp4", "b&amp;c d.mp4", truncated=True),
            f"{BUCKET}?marker=b%26c+d.mp4": listing(
                "d.mp4", "e.mp4", truncated=True, more="<NextMarker>x</NextMarker>"
            ),
            f"{BUCKET}?marker=x": listing("y.mp4"),
        }
    )
    found = list_bucket(guest, BUCKET, most_pages=3)
    assert list(found) == ["a.mp4", "b&c d.mp4", "d.mp4", "e.mp4", "y.mp4"]
    assert found["b&c d.mp4"] == Version('"1"', datetime(2026, 3, 12, 7, 51, tzinfo=UTC))


def test_half_a_listing_is_none() -> None:
    """A page that fails, pages without end, and pages that go back are failures: a camera is not taken for gone."""
    first = listing("a", "b", truncated=True)
    for second in (FetchFailed("no answer"), first, listing("c", truncated=True), listing(truncated=True)):
        guest = AnsweringGuest({BUCKET: first, f"{BUCKET}?marker=b": second, f"{BUCKET}?marker=c": listing("d")})
        with pytest.raises(FetchFailed):
            list_bucket(guest, BUCKET, most_pages=2)


BILLION_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    "<ListBucketResult><Contents><Key>&b;</Key></Contents></ListBucketResult>"
)
READS_A_FILE = (
    '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><ListBucketResult><Contents><Key>&f;</Key></Contents>'
    "</ListBucketResult>"
)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no element found"),
        (b"<html><body>sorry</body></html>", "a document of kind 'html'"),
        (b"<Error><Code>AccessDenied</Code></Error>", "a document of kind 'Error'"),
        (listing("a")[:-30], "no element found|unclosed token"),
        (b'{"cameras": []}', "syntax error|not well-formed"),
        (BILLION_LAUGHS.encode(), "declares a document type"),
        (READS_A_FILE.encode(), "declares a document type"),
        (b"<ListBucketResult><Contents><Key>&later;</Key></Contents></ListBucketResult>", "undefined entity"),
        (b'<?xml version="1.0" encoding="no-such"?><ListBucketResult/>\xff', "not well-formed|junk"),
        (b"\xff\xfe<\x00", "cannot be read"),
    ],
)
def test_what_is_no_listing_is_refused_in_words(content: bytes, says: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        parse_page(content, BUCKET)
    assert re.search(says, caught.value.message)
    assert BUCKET in caught.value.message
    assert caught.value.remedy


def test_an_object_without_a_time_or_an_etag_is_left_out_and_fields_are_cut(caplog: pytest.LogCaptureFixture) -> None:
    odd = (
        "<Contents><Key>none</Key><LastModified>yesterday</LastModified></Contents>"
        "<Contents><Key>local</Key><LastModified>2026-03-12T08:00:00</LastModified><ETag>e</ETag></Contents>"
        "<Contents><LastModified>2026-03-12T08:00:00Z</LastModified></Contents>"
        f"<Contents><Key>{'k' * 5000}</Key><ETag>e</ETag></Contents>"
    )
    page = parse_page(listing("a", more=odd), BUCKET)
    assert page.objects["local"] == Version("e", None), "a time without an offset is no time"
    assert [len(key) for key in page.objects] == [5, 1024, 1]
    assert "1 objects have no time that can be read, as none" in caplog.text


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, 1200), at=st.integers(0, 900), junk=st.binary(max_size=12))
def test_a_damaged_listing_is_read_or_refused_and_nothing_else(cut: int, at: int, junk: bytes) -> None:
    whole = listing("a.mp4", "b.mp4", "c.mp4", truncated=True)
    try:
        page = parse_page((whole[:at] + junk + whole[at:])[:cut], BUCKET)
    except FetchFailed:
        return
    assert all(isinstance(version, Version) for version in page.objects.values())


def test_the_real_listing_is_a_page_of_a_thousand_keys(shared_data: Path) -> None:
    page = parse_page((shared_data / "geo" / "jamcams_bucket_listing.xml").read_bytes(), BUCKET)
    assert len(page.objects) == 1000
    assert page.next_marker == "00001.06603.mp4"
    assert page.objects["00001.00001.mp4"] == Version(
        '"fbbc1ab43142d292edaf3461baa054aa"', datetime(2024, 2, 12, 0, 50, 19, tzinfo=UTC)
    )


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-02-30T00:00:00Z"])
def test_a_time_that_is_none_is_left_out_and_harms_no_other(written: str) -> None:
    page = listing("a.mp4", "b.mp4").replace(b"2026-03-12T07:50:00.000Z", written.encode())
    found = parse_page(page, "the bucket").objects
    assert found["a.mp4"] == Version('"0"', None)
    assert found["b.mp4"].modified is not None


def test_an_etag_that_is_too_long_to_be_kept_is_none() -> None:
    page = listing("a.mp4").replace(b"&quot;0&quot;", b"a" * 201)
    assert parse_page(page, "the bucket").objects["a.mp4"] == Version(None, datetime(2026, 3, 12, 7, 50, tzinfo=UTC))


def test_a_bucket_with_a_key_in_its_address_is_gone_through_and_not_shown() -> None:
    address = f"{BUCKET}?key=CANARY"
    guest = AnsweringGuest({address: listing("a", truncated=True), f"{address}&marker=a": listing("b", truncated=True)})
    with pytest.raises(FetchFailed, match="more than 2 pages") as failure:
        list_bucket(guest, address, most_pages=2)
    assert "CANARY" not in str(failure.value)
