"""Real headless Chromium: a desk's and a phone's page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from browsing import DESK, PHONE, Watched
from playwright.sync_api import Browser, expect, sync_playwright

LOOK_MS = 20_000
expect.set_options(timeout=LOOK_MS)
FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        sentence = "No Chromium on this machine (Debian: apt-get install chromium)."
        if os.environ.get("CI"):
            pytest.fail(f"{sentence} CI must look at the pages.")
        pytest.skip(sentence)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def desk(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page(viewport=DESK)
    page.set_default_timeout(LOOK_MS)
    yield Watched(page)
    page.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page(viewport=PHONE, has_touch=True)
    page.set_default_timeout(LOOK_MS)
    yield Watched(page)
    page.close()
