"""The PDF itself: tagged, marked, self-contained, and silent about anybody in its metadata."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import document_samples as samples
import pytest
from pypdf import PdfReader

from app.documents import titles
from app.documents.content.base import Content
from app.documents.content.minutes import guest_extract
from app.documents.errors import DocumentNotMade
from app.documents.models import MARKING, Kind
from app.documents.render import page, to_pdf

MADE = datetime(2026, 7, 8, 9, 0, tzinfo=UTC)
ALL: list[tuple[str, Content]] = [
    (Kind.AGENDA, samples.agenda()),
    (Kind.ATTENDANCE, samples.attendance()),
    (Kind.MINUTES, samples.minutes()),
    (Kind.MINUTES_EXTRACT, guest_extract(samples.minutes(), {"AMB-2026-0001"})),
    (Kind.ACTION_PLAN, samples.action_plan()),
    (Kind.ISWC_FORM, samples.iswc()),
]
each = pytest.mark.parametrize(("kind", "content"), ALL, ids=[kind for kind, _ in ALL])
each_kind = pytest.mark.parametrize("kind", [kind for kind, _ in ALL])


def draw(kind: str, content: Content, version: int = 3) -> bytes:
    html = page(content, title=titles.of(kind), marking=MARKING, version=version, made_at=MADE)
    return to_pdf(html)[0]


@cache
def drawn(kind: str) -> bytes:
    """One of the samples, for those who only read it."""
    return draw(kind, dict(ALL)[kind])


def read(pdf: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(pdf))


@each
def test_every_page_carries_marking_number_holder_version_and_page_number(kind: str, content: Content) -> None:
    pages = read(drawn(kind)).pages
    for number, one in enumerate(pages, start=1):
        text = " ".join(one.extract_text().split())
        assert text.count(MARKING) >= 2
        assert f"{content.header.subject} {content.header.number}" in text
        assert f"Copy holder: {content.header.copy_holder}" in text
        assert "Version 3" in text
        assert f"Page {number} of {len(pages)}" in text
        assert "Do not forward" in text
        assert "Made 8 July 2026 at 10am" in text


@each_kind
def test_it_is_tagged_and_says_its_language_and_title(kind: str) -> None:
    reader = read(drawn(kind))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] is True or root["/MarkInfo"]["/Marked"].value is True
    assert root["/Lang"] == "en-GB"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert "/StructTreeRoot" in root
    xmp = root["/Metadata"].get_object().get_data().decode()
    assert "pdfuaid" in xmp
    assert reader.metadata is not None
    assert reader.metadata.title == titles.of(kind)


@each_kind
def test_tables_have_headers_and_headings_have_levels(kind: str) -> None:
    roles = list(_roles(read(drawn(kind)).trailer["/Root"]["/StructTreeRoot"]))
    assert roles.count("/H1") == 1
    tables = roles.count("/Table")
    assert tables >= 1
    assert roles.count("/TH") > tables
    if kind != Kind.ACTION_PLAN:
        assert roles.count("/H2") >= 2


@each_kind
def test_metadata_names_nobody(kind: str) -> None:
    reader = read(drawn(kind))
    metadata = str(reader.metadata) + reader.trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    for name in ("Quillfeather", "Oxenstierna", "Nandakumar", "Blethyn", "Strand", "Okafor"):
        assert name not in metadata
    assert reader.metadata is not None
    assert reader.metadata.author is None
    assert reader.attachments == {}


@each_kind
def test_fonts_are_embedded_and_free(kind: str) -> None:
    fonts = [font for one in read(drawn(kind)).pages for font in one["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        descendant = font.get_object()["/DescendantFonts"][0].get_object()
        assert "Liberation" in descendant["/BaseFont"]
        assert "/FontFile2" in descendant["/FontDescriptor"].get_object()


_written: list[str] = []
_watching = False


def _watch(event: str, args: tuple[object, ...]) -> None:
    if _watching and event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        _written.append(str(args[0]))
    if _watching and event in {"tempfile.mkstemp", "tempfile.mkdtemp", "socket.connect", "os.mkdir"}:
        _written.append(f"{event} {args}")


@each
def test_nothing_is_written_to_disk_and_nobody_is_called(kind: str, content: Content) -> None:
    global _watching
    if _watch not in _hooked:
        sys.addaudithook(_watch)
        _hooked.append(_watch)
    draw(kind, content)  # imports and templates are loaded by now
    _written.clear()
    _watching = True
    try:
        draw(kind, content)
    finally:
        _watching = False
    assert _written == []


_hooked: list[object] = []


@pytest.mark.parametrize(
    "html",
    [
        '<img src="file:///etc/passwd" alt="x">',
        '<img src="http://127.0.0.1:9/x.png" alt="x">',
        '<style>@import url("https://example.org/x.css");</style>',
        '<p style="background:url(file:///etc/hostname)">x</p>',
        '<link rel="stylesheet" href="http://127.0.0.1:9/x.css">',
    ],
)
def test_an_address_is_never_fetched(html: str) -> None:
    with pytest.raises(DocumentNotMade, match="outside"):
        to_pdf(f'<html lang="en"><title>x</title><body>{html}</body></html>')


def test_what_was_typed_is_text_and_never_markup() -> None:
    evil = '<img src="http://127.0.0.1:9/x"><script>x</script>"\' } body{display:none}'
    sample = samples.iswc()
    changed = replace(sample, details=evil, header=replace(sample.header, copy_holder=evil))
    text = " ".join("".join(p.extract_text() for p in read(draw(Kind.ISWC_FORM, changed)).pages).split())
    assert "<script>x</script>" in text
    assert "Signatures" in text


def test_empty_content_says_so_and_still_draws() -> None:
    agenda = replace(
        samples.agenda(0), brought_forward=(), disclosure_results=(), no_returns=(), reminders=(), research_due=""
    )
    text = "".join(p.extract_text() for p in read(draw(Kind.AGENDA, agenda)).pages)
    assert "No case is listed" in text
    assert "No action is brought forward" in text
    sheet = replace(samples.attendance(), rows=(), rulings=(), read_at=None, read_by="")
    assert "has not been read yet" in "".join(p.extract_text() for p in read(draw(Kind.ATTENDANCE, sheet)).pages)
    draft = replace(samples.minutes(), approved_at=None)
    assert "not yet approved" in read(draw(Kind.MINUTES, draft)).pages[0].extract_text()


def test_an_adjourned_case_shows_why_and_no_plan() -> None:
    minutes = samples.minutes(1)
    case = replace(minutes.cases[0], adjourned_reason="The advocate could not come.", risk_summary="", actions=())
    text = "".join(p.extract_text() for p in read(draw(Kind.MINUTES, replace(minutes, cases=(case,)))).pages)
    assert "The advocate could not come." in text
    assert "Actions agreed" not in text


def test_a_long_meeting_draws() -> None:
    pdf, pages = to_pdf(page(samples.minutes(12), title="MARAC minutes", marking=MARKING, version=1, made_at=MADE))
    assert pages >= 24
    assert len(pdf) < 2_000_000


def _roles(node: object) -> Iterator[str]:
    node = getattr(node, "get_object", lambda: node)()
    if isinstance(node, list):
        for child in node:
            yield from _roles(child)
    elif isinstance(node, dict):
        if "/S" in node:
            yield str(node["/S"])
        if "/K" in node:
            yield from _roles(node["/K"])


LONG = " ".join(f"w{n}x" for n in range(2500))


def _long() -> list[tuple[str, Content]]:
    form, minutes, agenda = samples.iswc(), samples.minutes(1), samples.agenda(1)
    case = minutes.cases[0]
    found: list[tuple[str, Content]] = [
        (name, replace(form, **{name: LONG})) for name in ("why_not_notified", "client_address", "details")
    ]
    found += [
        (name, replace(minutes, cases=(replace(case, **{name: LONG}),)))
        for name in ("how_victim_updated", "risk_summary", "dvds_reason")
    ]
    found.append(("signature", replace(form, signatures=(replace(form.signatures[0], reason=LONG),))))
    found.append(
        ("outcome", replace(minutes, cases=(replace(case, actions=(replace(case.actions[0], outcome=LONG),)),)))
    )
    found.append(("venue", replace(agenda, meeting=replace(agenda.meeting, venue=LONG))))
    return found


@pytest.mark.parametrize(("name", "content"), _long(), ids=[name for name, _ in _long()])
def test_text_longer_than_a_page_is_printed_to_its_last_word(name: str, content: Content) -> None:
    pages = read(draw(Kind.MINUTES, content)).pages
    words = set(" ".join(page.extract_text() for page in pages).split())
    assert [n for n in range(2500) if f"w{n}x" not in words] == []
