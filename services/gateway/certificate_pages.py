"""Certificates at their addresses, for everybody: a page for people, where the QR code leads, the PDF and the JSON."""

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from html import escape
from pathlib import Path
from string import Template
from typing import Any, cast

import msgspec
from aiohttp import web
from strawberry.utils.str_converters import to_camel_case

from services.gateway.certificates import LACKING, Entry, Fact, Record
from services.gateway.context import Context, House
from services.gateway.programmes import Programme
from services.gateway.projects import Project
from services.gateway.proofs import SERIES, Proof, proof_of
from services.gateway.retirements import public_retirement_of
from services.runtime import telemetry
from services.runtime.postgres import OUTAGES

KEPT_MAX = 128
WAITING_MAX = 32

_NAME = re.compile(r"([A-Z]{3}-[0-9]{4}-[0-9]{8,12})(\.pdf|\.json)?", re.ASCII)
_PAGE = Template(Path(__file__).with_name("certificate.html").read_text(encoding="utf-8"))
_TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F), LACKING)
"""Characters that turn the writing around, with which a name could pretend to be another: shown, not obeyed."""
_HEADERS = {
    "Cache-Control": "public, no-cache",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

log = telemetry.logger("certificates")


class Press:
    """Draws one certificate after the other, beside the event loop, and keeps the latest."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "certificates")
        self._kept: OrderedDict[tuple[Record | Proof, str], asyncio.Future[bytes]] = OrderedDict()

    async def pdf(self, record: Record | Proof, url: str) -> bytes:
        """The certificate, drawn once for all who ask at the same time; HTTP 503 if too many are waiting."""
        key = (record, url)
        if key not in self._kept:
            if sum(not one.done() for one in self._kept.values()) >= WAITING_MAX:
                raise web.HTTPServiceUnavailable(
                    text="Too many certificates are being drawn.", headers={"Retry-After": "5"}
                )
            loop = asyncio.get_running_loop()
            self._kept[key] = loop.run_in_executor(self._thread, _drawn, record, url)
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        try:
            return await asyncio.shield(self._kept[key])
        except Exception:
            self._kept.pop(key, None)
            raise

    async def close(self, _: web.Application) -> None:
        """What waits is not drawn any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _drawn(record: Record | Proof, url: str) -> bytes:
    """Imports late: what draws takes longer to load than all else, and a gateway that draws nothing is spared it."""
    from services.gateway.certificate_drawing import drawn, legible

    _, lacking = legible(record)
    if lacking:
        codes = [f"U+{ord(char):04X}" for char in lacking]
        log.warning("characters_lacking", certificate=record.content.number, characters=codes)
    return drawn(record, url)


def add_certificate_routes(app: web.Application, house: House, public_url: str) -> None:
    """Adds ``/certificates/<number>`` with its PDF and its JSON; the QR code leads to the public URL."""
    press = Press()

    async def certificate(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        form = Path(name).suffix
        record = await _found(Context(house, request["request_id"]), name)
        if record is None:
            return _missing(name, form)
        url = f"{public_url}/certificates/{record.content.number}"
        match form:
            case ".pdf":
                return _answer(request, await press.pdf(record, url), "application/pdf", name)
            case ".json":
                return _answer(request, as_json(record, url), "application/json", name)
            case _:
                return _answer(request, as_page(record), "text/html")

    app.router.add_get("/certificates/{name}", certificate)
    app.on_cleanup.append(press.close)


async def _found(context: Context, name: str) -> Record | Proof | None:
    """The record that this address names; HTTP 503 while it cannot be read."""
    number = _NAME.fullmatch(name)
    try:
        if number is None:
            return None
        read = proof_of if name.startswith(SERIES) else read_record
        return await read(context, number[1])
    except OUTAGES as fault:
        raise web.HTTPServiceUnavailable(
            text="The public record cannot be read just now.", headers={"Retry-After": "5"}
        ) from fault


async def read_record(context: Context, number: str) -> Record | None:
    """The public record with this number, and what its project and its programme are called."""
    found = await public_retirement_of(context, number)
    if found is None:
        return None
    project, programme = await asyncio.gather(
        context.loaders.one(Project, "projects_by_code", "code", found.project),
        context.loaders.one(Programme, "programmes_by_code", "code", found.programme),
    )
    names = {
        "project_name": project.name if project else "",
        "province": project.province if project else "",
        "programme_name": programme.name if programme else found.programme,
    }
    return msgspec.convert(vars(found) | names, Record)


def as_json(record: Record | Proof, url: str) -> bytes:
    """The record for programs, named as in GraphQL."""
    links = {"url": url, "pdfUrl": f"{url}.pdf"}
    words = {"title": record.content.kind.title, **record.words}
    return msgspec.json.encode(_camel(asdict(record)) | words | links)


def _camel(value: object) -> Any:
    if isinstance(value, tuple):
        return [_camel(one) for one in cast(tuple[object, ...], value)]
    if isinstance(value, Mapping):
        return {
            to_camel_case(key): _camel(one)
            for key, one in cast(Mapping[str, object], value).items()
        }
    return value


def as_page(record: Record | Proof) -> bytes:
    """The record for people."""
    content = record.content
    kind = content.kind
    shown = [_fact(fact) for fact in content.facts]
    if content.holder:
        shown.insert(0, _fact(content.holder, "wide"))
    return _PAGE.substitute(
        number=content.number,
        title_zh=kind.title.zh,
        title_en=kind.title.en,
        statement_zh=kind.statement.zh,
        statement_en=kind.statement.en,
        tonnes=f"{content.tonnes:,}",
        facts="".join(shown),
        entries_label=f"{kind.entries.zh} {kind.entries.en}",
        entries="\n".join(_row(one) for one in content.entries),
        hash_label=f"{kind.hashed.zh} {kind.hashed.en}",
        sha256=escape(content.sha256),
    ).encode()


def _row(entry: Entry) -> str:
    text = escape(entry.text)
    cell = f'<a href="{escape(entry.path)}">{text}</a>' if entry.path else text
    return f"<tr><td>{cell}<td>{entry.tonnes:,}"


def _fact(fact: Fact, look: str = "") -> str:
    """Names stand apart, so that their direction of writing changes nothing around them."""
    label = f"{fact.label.zh} {fact.label.en}"
    value, note = (escape(text.translate(_TURNING)) for text in (fact.value, fact.note))
    below = f"<small><bdi>{note}</bdi></small>" if note else ""
    return f'<div class="{look}"><dt>{label}<dd><bdi>{value}</bdi>{below}</div>'


def _answer(
    request: web.Request, body: bytes, content_type: str, file: str | None = None
) -> web.Response:
    """The body, or nothing for who has it already."""
    etag = hashlib.sha256(body).hexdigest()
    known = request.if_none_match or ()
    is_known = any(one.value in (etag, "*") for one in known)
    response = web.Response(headers=_HEADERS, status=304 if is_known else 200)
    response.etag = etag
    if not is_known:
        response.body = body
        response.content_type = content_type
        response.charset = None if content_type == "application/pdf" else "utf-8"
        if file is not None:
            response.headers["Content-Disposition"] = f'inline; filename="{file}"'
    return response


def _missing(name: str, form: str) -> web.Response:
    """HTTP 404, in the form that was asked for."""
    number = name[:40].removesuffix(form)
    if form == ".json":
        message = f"There is no certificate {number}."
        body = msgspec.json.encode(
            {"errors": [{"message": message, "extensions": {"code": "NOT_FOUND"}}]}
        )
        return web.Response(
            body=body, status=404, content_type="application/json", headers=_HEADERS
        )
    text = (
        '<!doctype html><html lang="zh"><meta charset="utf-8"><title>404</title>'
        f"<p>没有编号为 <bdi>{escape(number)}</bdi> 的证书。"
        f'<p lang="en">There is no certificate <bdi>{escape(number)}</bdi>.'
    )
    return web.Response(text=text, status=404, content_type="text/html", headers=_HEADERS)
