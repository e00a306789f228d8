"""The catalogue: what the zone's articles are."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request

from api import stock_views
from api.bootstrap import Service, of_request
from api.cursors import cursor_after, page_of, read_cursor
from api.problems import Problem
from api.rights import Ruled, Scope, needs
from api.schemas import Sku
from api.shapes import stores
from api.shapes.declaring import answers
from api.stock_files import CATALOGUE_COLUMNS, CatalogueFile, at_line, read_catalogue
from api.stock_schemas import ArticleIn, file_schema
from dispatch.commands import SetCatalogue
from dispatch.errors import InvalidValueError, UnknownIdError
from dispatch.events import CatalogueSet

router = APIRouter(prefix="/v1/catalogue", tags=["stock"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]

_MOST_ROWS: Final = 5000
_ARTICLE: Final = re.compile(r"articles\.([0-9]+)\.(\w+)")


@router.put(
    "",
    summary="Say what articles are, in bulk",
    openapi_extra=file_schema(ArticleIn, "articles", CATALOGUE_COLUMNS),
)
@needs(Scope.STOCK_WRITE)
@answers(stores.CatalogueTaken)
async def put_catalogue(request: Request, service: Here) -> stores.CatalogueTaken:
    """Take articles as JSON or CSV, all of them or none; those not named stay as they are."""
    live = service.live
    content_type, body = request.headers.get("content-type", ""), await request.body()
    found = await asyncio.to_thread(read_catalogue, content_type, body)

    def job() -> stores.CatalogueTaken:
        try:
            recorded = live.handle(SetCatalogue(found.articles))
        except InvalidValueError as error:
            raise _placed(error, found) from error
        changed = sum(
            len(entry.event.articles) for entry in recorded if isinstance(entry.event, CatalogueSet)
        )
        known = len(live.engine.state.catalogue)
        return {"articles": len(found.articles), "changed": changed, "known": known}

    return await live.run(job)


def _placed(error: InvalidValueError, found: CatalogueFile) -> Problem | InvalidValueError:
    """Return the problem with the place in the file that an error is about."""
    place = _ARTICLE.fullmatch(error.field)
    if place is None:
        return error
    return at_line(int(place[1]), found, f"{error.problem}.", place[2])


@router.get("", summary="Articles, by SKU")
@needs(Scope.STOCK_READ, narrowed=True)
@answers(stores.ArticlePage)
async def list_catalogue(
    service: Here,
    limit: Annotated[int, Query(ge=1, le=_MOST_ROWS)] = 1000,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> stores.ArticlePage:
    """Return a page of articles; `next` is the cursor of the following page, null on the last."""
    after = read_cursor(cursor)
    known = await service.live.run(lambda: service.live.engine.state.catalogue)

    def page() -> stores.ArticlePage:
        skus, last = page_of(known, after, limit)
        return {
            "data": [stock_views.article(known[sku]) for sku in skus],
            "next": cursor_after(last),
        }

    # Whoever reads it all lets the engine go on meanwhile: a state never changes.
    return await asyncio.to_thread(page)


@router.get("/{sku:path}", summary="One article")
@needs(Scope.STOCK_READ, narrowed=True)
@answers(stores.Article)
async def get_article(sku: Annotated[Sku, Path()], service: Here) -> stores.Article:
    """Return what is known of an article."""
    live = service.live

    def job() -> stores.Article:
        found = live.engine.state.catalogue.get(sku)
        if found is None:
            raise UnknownIdError(f"the catalogue has no article {sku}")
        return stock_views.article(found)

    return await live.run(job)
